"""The functions of expressions: each is pure, bounded, and says what it takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ivr.checksums import dni_letter
from ivr.secret import Secret
from ivr.values import Value

_LONGEST_SHIFT_DAYS = 36_500


class ExpressionFailed(Exception):
    """An expression has no value now (wrong type, nothing set, division by zero). Holds no caller data."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When an expression is worked out. local: wall clock in the flow's time zone."""

    local: datetime


@dataclass(frozen=True, slots=True)
class Function:
    """A function. covers: its result does not tell its argument, so a sensitive variable may stand in it."""

    usage: str
    least: int
    most: int
    call: Callable[[Sequence[Any], Moment], Value]
    covers: bool = False


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return str(value)
    raise ExpressionFailed("a text was wanted" + (": the variable is sensitive" if isinstance(value, Secret) else ""))


def _number(value: Any) -> Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    raise ExpressionFailed("a number was wanted")


def _whole(value: Any) -> int:
    return int(_number(value).to_integral_value())


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    raise ExpressionFailed("a date was wanted")


def _add_days(arguments: Sequence[Any], _: Moment) -> Value:
    days = _whole(arguments[1])
    if abs(days) > _LONGEST_SHIFT_DAYS:
        raise ExpressionFailed("add_days() goes 100 years at most")
    return _day(arguments[0]) + timedelta(days=days)


def _known(arguments: Sequence[Any], _: Moment) -> Value:
    value = arguments[0]
    return value is not None and not (isinstance(value, str | Secret) and not value)


def _length(arguments: Sequence[Any], _: Moment) -> Value:
    value = arguments[0]
    return Decimal(len(value) if isinstance(value, Secret) else len(_text(value)))


def _last4(arguments: Sequence[Any], _: Moment) -> Value:
    value = arguments[0]
    return value.last_four() if isinstance(value, Secret) else _text(value)[-4:]


def _dni_letter(arguments: Sequence[Any], _: Moment) -> Value:
    text = _text(arguments[0])
    if not (text.isascii() and text.isdigit() and len(text) <= 8):
        raise ExpressionFailed("dni_letter() wants up to 8 digits")
    return dni_letter(text)


def _round(arguments: Sequence[Any], _: Moment) -> Value:
    places = _whole(arguments[1]) if len(arguments) > 1 else 0
    if not 0 <= places <= 6:
        raise ExpressionFailed("round() takes 0 to 6 places")
    return _number(arguments[0]).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


FUNCTIONS: dict[str, Function] = {
    "known": Function("one value: known(name) is true when it is set and not empty", 1, 1, _known, covers=True),
    "len": Function("one text: len(pin)", 1, 1, _length, covers=True),
    "last4": Function("one text: last4(card)", 1, 1, _last4, covers=True),
    "left": Function("a text and a count: left(code, 3)", 2, 2, lambda a, _: _text(a[0])[: max(0, _whole(a[1]))]),
    "right": Function(
        "a text and a count: right(code, 3)",
        2,
        2,
        lambda a, _: _text(a[0])[-_whole(a[1]) :] if _whole(a[1]) > 0 else "",
    ),
    "number": Function("one text of digits: number(choice)", 1, 1, lambda a, _: _to_number(a[0])),
    "text": Function("one number or text: text(amount)", 1, 1, lambda a, _: _text(a[0])),
    "abs": Function("one number: abs(balance)", 1, 1, lambda a, _: abs(_number(a[0]))),
    "round": Function("a number and, if wanted, places: round(amount, 2)", 1, 2, _round),
    "min": Function("two numbers: min(a, b)", 2, 2, lambda a, _: min(_number(a[0]), _number(a[1]))),
    "max": Function("two numbers: max(a, b)", 2, 2, lambda a, _: max(_number(a[0]), _number(a[1]))),
    "today": Function("nothing: today()", 0, 0, lambda _, moment: moment.local.date()),
    "now": Function("nothing: now()", 0, 0, lambda _, moment: moment.local),
    "hour": Function("nothing: hour() is 0 to 23", 0, 0, lambda _, moment: Decimal(moment.local.hour)),
    "weekday": Function("one date: weekday(day) is 1 for Monday", 1, 1, lambda a, _: Decimal(_day(a[0]).isoweekday())),
    "add_days": Function("a date and a number: add_days(today(), 3)", 2, 2, _add_days),
    "days_between": Function(
        "two dates: days_between(today(), due)", 2, 2, lambda a, _: Decimal((_day(a[1]) - _day(a[0])).days)
    ),
    "dni_letter": Function("eight digits: dni_letter(dni)", 1, 1, _dni_letter),
}


def _to_number(value: Any) -> Decimal:
    text = _text(value)
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ExpressionFailed("number() wants up to 18 digits")
    return Decimal(text)
