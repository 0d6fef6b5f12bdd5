"""The variables of a flow: declared with a type, sensitive ones wrapped from the first digit on."""

from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from ivr.expression import Held
from ivr.fields import Formula, Part
from ivr.port import SayAs
from ivr.secret import Secret
from ivr.values import Value

_LONGEST_TEXT = 500


class Kind(StrEnum):
    """What a variable holds."""

    TEXT = "text"
    DIGITS = "digits"  # spoken one by one; leading zeros count
    PHONE = "phone"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    TIME = "time"  # of day
    MOMENT = "moment"  # date and time
    FLAG = "flag"  # true or false


SPOKEN_AS: dict[Kind, SayAs] = {
    Kind.TEXT: SayAs.TEXT,
    Kind.DIGITS: SayAs.DIGITS,
    Kind.PHONE: SayAs.PHONE,
    Kind.NUMBER: SayAs.NUMBER,
    Kind.MONEY: SayAs.MONEY,
    Kind.DATE: SayAs.DATE,
    Kind.TIME: SayAs.TIME,
    Kind.MOMENT: SayAs.TIME,
}


class Variable(Part):
    """A variable. sensitive: masked everywhere, spoken and sent nowhere but to look-ups.

    from_call: the call brings it (a campaign's lead, a transferring agent); start: its value otherwise.
    """

    type: Kind = Kind.TEXT
    sensitive: bool = False
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    start: Formula | None = None
    from_call: bool = False
    note: str = ""


class WrongValue(ValueError):
    """A value does not fit a variable's type. The message holds no value."""


def fit(variable: Variable, value: Held) -> Held:
    """The value as the variable holds it. Raises WrongValue. A sensitive value fits only a sensitive variable."""
    if isinstance(value, Secret):
        if not variable.sensitive:
            raise WrongValue("a sensitive value was put into a variable that is not declared sensitive")
        return value
    if value is None:
        return None
    if variable.sensitive:
        return Secret(_text(value))
    return _fit_plain(variable.type, value)


def _fit_plain(kind: Kind, value: Value) -> Value:
    match kind:
        case Kind.TEXT:
            return _text(value)
        case Kind.DIGITS | Kind.PHONE:
            return _digits(_text(value))
        case Kind.NUMBER | Kind.MONEY:
            return _number(value)
        case Kind.DATE:
            return _date(value)
        case Kind.TIME:
            return _time(value)
        case Kind.MOMENT:
            return _moment(value)
        case Kind.FLAG:
            return _flag(value)


def _text(value: Value) -> str:
    text = value.isoformat() if isinstance(value, date | time) else str(value)
    if len(text) > _LONGEST_TEXT:
        raise WrongValue(f"a text longer than {_LONGEST_TEXT} characters")
    return text


def _digits(text: str) -> str:
    kept = text.replace(" ", "").replace("-", "")
    if not (kept.isascii() and kept.removeprefix("+").isdigit()):
        raise WrongValue("digits were wanted")
    return kept


def _number(value: Value) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise WrongValue("a number was wanted")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise WrongValue("a number was wanted") from None
    if not number.is_finite() or abs(number) > Decimal("1e15"):
        raise WrongValue("a number within 15 digits was wanted")
    return number


def _date(value: Value) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise WrongValue("a date such as 2026-03-31 was wanted") from None


def _time(value: Value) -> time:
    if isinstance(value, datetime):
        return value.time()
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        raise WrongValue("a time such as 17:30 was wanted") from None


def _moment(value: Value) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise WrongValue("a moment such as 2026-03-31T17:30 was wanted") from None


def _flag(value: Value) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in {"true", "1", "yes", "si", "sí"}:
        return True
    if word in {"false", "0", "no", ""}:
        return False
    raise WrongValue("true or false was wanted")
