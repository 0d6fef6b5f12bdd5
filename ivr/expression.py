"""The small language of conditions and values: `balance > 0 and known(name)`. A parser of its own, never eval.

Words: numbers (12, 3.5), texts ('abc' or "abc"), true, false, none, variables, + - * / (numbers; + also joins texts),
== != < <= > >=, and or not, brackets, and the functions of `ivr.functions`. No attributes, no indexing, no powers, no
loops: an expression ends, and touches nothing but the values given to it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Any

from ivr.functions import FUNCTIONS, ExpressionFailed, Moment
from ivr.secret import Secret
from ivr.values import Value

LONGEST = 400
DEEPEST = 24
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d{1,18}(?:\.\d{1,9})?)|(?P<text>'[^']*'|\"[^\"]*\")|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>==|!=|<=|>=|[-+*/<>(),]))"
)
_LITERALS: dict[str, Value] = {"true": True, "false": False, "none": None}
_LEVELS: tuple[tuple[str, ...], ...] = (("or",), ("and",), ("==", "!=", "<", "<=", ">", ">="), ("+", "-"), ("*", "/"))
_COMPARISONS = 2
Held = Value | Secret


class ExpressionError(ValueError):
    """The text is no expression; the message says how to mend it."""


@dataclass(frozen=True, slots=True)
class _Constant:
    value: Value


@dataclass(frozen=True, slots=True)
class _Name:
    name: str


@dataclass(frozen=True, slots=True)
class _Sign:
    """An operator with one or two operands."""

    sign: str
    operands: tuple["_Tree", ...]


@dataclass(frozen=True, slots=True)
class _Call:
    function: str
    arguments: tuple["_Tree", ...]


_Tree = _Constant | _Name | _Sign | _Call


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression. `text` is as written."""

    text: str
    tree: _Tree

    def names(self) -> frozenset[str]:
        """The variables it reads."""
        return frozenset(name for name, _ in _names(self.tree, False))

    def open_names(self) -> frozenset[str]:
        """The variables that the result tells: not those that stand only in known(), len(), last4()."""
        return frozenset(name for name, covered in _names(self.tree, False) if not covered)

    def is_name(self) -> str | None:
        """The variable's name when the expression is nothing else."""
        return self.tree.name if isinstance(self.tree, _Name) else None

    def value(self, variables: Mapping[str, Held], moment: Moment) -> Held:
        """Work it out. A sensitive value comes out only of its bare name. Raises ExpressionFailed."""
        try:
            return _work_out(self.tree, variables, moment)
        except DecimalException:
            raise ExpressionFailed(f"{self.text!r} divides by zero or leaves the range of numbers") from None

    def is_true(self, variables: Mapping[str, Held], moment: Moment) -> bool:
        """Work out a condition: none, false, 0 and "" are false. Raises ExpressionFailed."""
        return _truth(self.value(variables, moment))


def parse_expression(text: str) -> Expression:
    """Parse. Raises ExpressionError."""
    if len(text) > LONGEST:
        raise ExpressionError(f"longer than {LONGEST} characters: use several `set` nodes")
    parser = _Parser(list(_tokens(text)))
    tree = parser.level(0, 0)
    if parser.left:
        raise ExpressionError(f"{text!r}: {parser.left[0][1]!r} is too much here")
    return Expression(text, tree)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise ExpressionError(f"{text!r}: {text[at:].strip()[:10]!r} is not understood{_hint(text[at:].strip())}")
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()


def _hint(rest: str) -> str:
    hints = {"=": " (compare with ==)", "&": " (write and)", "|": " (write or)", "!": " (write not)", ".": "", "[": ""}
    return hints.get(rest[:1], "")


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.left = tokens

    def take(self, *wanted: str) -> str | None:
        if self.left and self.left[0][0] in {"sign", "name"} and self.left[0][1] in wanted:
            return self.left.pop(0)[1]
        return None

    def level(self, level: int, depth: int) -> _Tree:
        if depth > DEEPEST:
            raise ExpressionError(f"brackets deeper than {DEEPEST}: use several `set` nodes")
        if level == len(_LEVELS):
            return self.one(depth)
        if level == _COMPARISONS and self.take("not"):
            return _Sign("not", (self.level(level, depth + 1),))
        tree = self.level(level + 1, depth)
        while sign := self.take(*_LEVELS[level]):
            tree = _Sign(sign, (tree, self.level(level + 1, depth)))
            if level == _COMPARISONS and self.left and self.left[0][1] in _LEVELS[level]:
                raise ExpressionError("compare two values at a time: a < b and b < c")
        return tree

    def one(self, depth: int) -> _Tree:
        if self.take("-"):
            return _Sign("minus", (self.one(depth + 1),)) if depth < DEEPEST else self.level(0, depth + 1)
        if self.take("("):
            tree = self.level(0, depth + 1)
            self.expect(")")
            return tree
        if not self.left:
            raise ExpressionError("something is missing at the end")
        kind, text = self.left.pop(0)
        if kind == "number":
            return _Constant(Decimal(text))
        if kind == "text":
            return _Constant(text[1:-1])
        if kind == "name":
            return self.named(text, depth)
        raise ExpressionError(f"{text!r} cannot stand here")

    def named(self, name: str, depth: int) -> _Tree:
        if name in _LITERALS:
            return _Constant(_LITERALS[name])
        if name in {"and", "or", "not"}:
            raise ExpressionError(f"{name!r} cannot stand here")
        if not self.take("("):
            return _Name(name)
        arguments: list[_Tree] = []
        if not self.take(")"):
            arguments.append(self.level(0, depth + 1))
            while self.take(","):
                arguments.append(self.level(0, depth + 1))
            self.expect(")")
        function = FUNCTIONS.get(name)
        if function is None:
            raise ExpressionError(f"there is no function {name!r}: use {', '.join(sorted(FUNCTIONS))}")
        if not function.least <= len(arguments) <= function.most:
            raise ExpressionError(f"{name}() takes {function.usage}")
        return _Call(name, tuple(arguments))

    def expect(self, sign: str) -> None:
        if not self.take(sign):
            hint = " (inside { } of YAML an expression with a comma wants quotes)" if not self.left else ""
            raise ExpressionError(f"{sign!r} is missing{hint}")


def _names(tree: _Tree, covered: bool) -> Iterator[tuple[str, bool]]:
    match tree:
        case _Name(name):
            yield name, covered
        case _Sign(_, operands):
            for each in operands:
                yield from _names(each, covered)
        case _Call(function, arguments):
            for each in arguments:
                yield from _names(each, covered or FUNCTIONS[function].covers)
        case _Constant():
            pass


def _work_out(tree: _Tree, variables: Mapping[str, Held], moment: Moment) -> Held:
    match tree:
        case _Constant(value):
            return value
        case _Name(name):
            if name not in variables:
                raise ExpressionFailed(f"there is no variable {name!r}")
            return variables[name]
        case _Call(function, arguments):
            return FUNCTIONS[function].call([_work_out(each, variables, moment) for each in arguments], moment)
        case _Sign("and", (left, right)):
            return _truth(_work_out(left, variables, moment)) and _truth(_work_out(right, variables, moment))
        case _Sign("or", (left, right)):
            return _truth(_work_out(left, variables, moment)) or _truth(_work_out(right, variables, moment))
        case _Sign(sign, operands):
            return _operate(sign, [_open(_work_out(each, variables, moment)) for each in operands])


def _open(value: Held) -> Value:
    if isinstance(value, Secret):
        raise ExpressionFailed("a sensitive variable stands alone, or in known(), len(), last4()")
    return value


def _truth(value: Held) -> bool:
    return bool(value)


def _operate(sign: str, values: list[Value]) -> Value:
    if sign == "not":
        return not _truth(values[0])
    if sign == "minus":
        return -_number(values[0], "-")
    left, right = values
    if sign in _LEVELS[_COMPARISONS]:
        return _compare(sign, left, right)
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return (left + right)[:LONGEST]
    return _CALCULATE[sign](_number(left, sign), _number(right, sign))


def _number(value: Value, sign: str) -> Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    raise ExpressionFailed(f"{sign!r} wants numbers, not {_kind(value)}")


def _compare(sign: str, left: Value, right: Value) -> bool:
    if sign in {"==", "!="}:
        if {type(left), type(right)} & {str} and {type(left), type(right)} & {Decimal, int}:
            raise ExpressionFailed(f"{sign!r} compares a text with a number: quote both or none")
        return (left == right) is (sign == "==")
    try:
        return bool(_COMPARE[sign](left, right))
    except TypeError:
        raise ExpressionFailed(f"{sign!r} cannot compare {_kind(left)} with {_kind(right)}") from None


def _kind(value: Value) -> str:
    return "nothing (the variable is not set yet)" if value is None else f"a {type(value).__name__}"


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_CALCULATE: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}
