"""What is wrong with a scenario, in words: which field, what stands there, and what may stand there instead."""

import difflib
import re
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic_core import ErrorDetails

_UNKNOWN = {"unexpected_keyword_argument", "extra_forbidden"}
_BOUNDS = {
    "greater_than": "more than",
    "greater_than_equal": "at least",
    "less_than": "less than",
    "less_than_equal": "at most",
}
_TYPES = {
    "string_type": 'a text: put it in double quotes, "like this"',
    "float_type": "a number: write it without quotes, such as 2.5",
    "int_type": "a whole number: write it without quotes, such as 3",
    "int_from_float": "a whole number: write it without a fraction",
    "bool_type": "a yes or no: write true or false without quotes",
    "tuple_type": "a list: write [1, 2], or tables as [[name]]",
    "dataclass_type": "a table: write { kind = ... }, or [name] with its fields below",
    "dict_type": "a table: write { name = 1 }",
}


def words_of(detail: ErrorDetails, top: type) -> str:
    """One fault that pydantic found, as words. top: the class of the whole file."""
    kind, context, given = detail["type"], detail.get("ctx", {}), detail["input"]
    shown = short(given)
    if kind in _UNKNOWN:
        there = _fields_at(top, detail["loc"][:-1])
        return f"there is no such field{_did_you_mean(str(detail['loc'][-1]), there)} there are {', '.join(there)}"
    if kind == "enum":
        allowed = re.findall(r"'([^']*)'", str(context["expected"]))
        return f"{shown} is not known{_did_you_mean(str(given), allowed)} use one of {', '.join(allowed)}"
    if kind in _BOUNDS:
        return f"{shown} is out of range: it must be {_BOUNDS[kind]} {float(next(iter(context.values()))):.10g}"
    if kind in _TYPES:
        return f"{shown} is not {_TYPES[kind]}"
    if kind == "missing":
        return "is missing"
    if kind == "too_short":
        return "is empty: name at least one"
    if kind == "value_error":
        return str(context["error"])
    return f"{shown}: {detail['msg'].lower()}"


def short(value: object) -> str:
    """A value to show in a message."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _did_you_mean(word: str, known: list[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ";"


def _fields_at(top: type, loc: tuple[str | int, ...]) -> list[str]:
    """Names of the fields that a file may hold there."""
    kind: Any = top
    for part in loc:
        if isinstance(part, str) and is_dataclass(kind):
            kind = get_type_hints(kind).get(part, kind)
            kind = next((each for each in get_args(kind) if is_dataclass(each)), kind)
    return [each.name for each in fields(kind) if each.name != "folder"] if is_dataclass(kind) else []
