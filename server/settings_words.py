"""What is wrong with the settings, in words: file and line, or variable; the field; how to mend it; never a secret."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from campaigns.near_words import did_you_mean
from campaigns.toml_lines import line_of, lines_of_keys

_PREFIX = "TIMBRE_"
_NOT_SETTINGS = frozenset({"TIMBRE_CONFIG", "TIMBRE_PYTHON", "TIMBRE_SOFTPHONE_LOG"})
# A problem of a whole table ("ivr.payment") shows the table, and its secrets with it.
_HIDDEN = ("secret", "token", "url", "password", "headers", "ivr")
_PHRASES = {
    "missing": "is missing: write it",
    "int_parsing": "is no whole number",
    "int_type": "is no whole number",
    "float_parsing": "is no number",
    "float_type": "is no number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "string_type": "is no text: write it in double quotes",
}


def problems_in(error: ValidationError, path: Path, model: type[BaseModel]) -> list[str]:
    """Every problem of a validation, one text each. path: the file that was read, which may be missing."""
    lines = lines_of_keys(path.read_text("utf-8")) if path.is_file() else {}
    return [_words(problem, path, lines, model) for problem in error.errors(include_url=False)]


def unknown_variables(environment: Mapping[str, str], model: type[BaseModel]) -> Iterator[str]:
    """TIMBRE_* variables that set nothing: a typing error would be overlooked for ever."""
    for name in sorted(environment):
        field = name.removeprefix(_PREFIX).partition("__")[0].lower()
        if name.startswith(_PREFIX) and name not in _NOT_SETTINGS and field not in model.model_fields:
            known = [f"{_PREFIX}{each.upper()}" for each in model.model_fields]
            yield f"{name}: is no setting{did_you_mean(name.partition('__')[0], known)}"


def _words(problem: Any, path: Path, lines: dict[tuple[str | int, ...], int], model: type[BaseModel]) -> str:
    loc: tuple[str | int, ...] = problem["loc"]
    field = "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
    variable = _PREFIX + "__".join(str(part).upper() for part in loc)
    if variable in os.environ:
        where = variable
    else:
        where = f"{path}:{line_of(lines, loc)}" if loc[:1] and loc[:1] in {key[:1] for key in lines} else str(path)
    if problem["type"] == "extra_forbidden":
        return f"{where}: {field}: is no setting{did_you_mean(str(loc[-1]), _fields_beside(loc, model))}"
    phrase = _PHRASES.get(problem["type"], problem["msg"])
    if problem["type"] == "missing" or any(word in field for word in _HIDDEN):
        return f"{where}: {field}: {phrase}"
    also = "" if any(isinstance(part, int) for part in loc) else f" (set it there or as {variable})"
    return f"{where}: {field}: {problem['input']!r}: {phrase}{also}"


def _fields_beside(loc: Sequence[str | int], model: type[BaseModel]) -> list[str]:
    """The names that may stand where `loc` ends; none where the way there is no plain table."""
    for part in loc[:-1]:
        if isinstance(part, str):
            field = model.model_fields.get(part)
            inner = _model_in(field.annotation) if field else None
            if inner is None:
                return []
            model = inner
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)
