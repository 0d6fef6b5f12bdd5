"""Any value as words: one entry for all kinds."""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum

from media.speech import calendar, english, money, spanish, symbols
from media.speech.tongue import NotSpeakable, Tongue, Words


class Kind(StrEnum):
    """How a value is said."""

    NUMBER = "number"
    ORDINAL = "ordinal"
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    PHONE = "phone"
    DIGITS = "digits"
    LETTERS = "letters"


Speakable = str | int | Decimal | date | time | datetime


@dataclass(frozen=True, slots=True)
class Manner:
    """How values are said. currency: ISO 4217; today: dates near it are relative; clock_hours: 12 or 24.

    form: of a Spanish number or ordinal before a noun (veintiún pedidos, veintiuna llamadas, primer, primera).
    """

    currency: str = ""
    today: date | None = None
    clock_hours: int = 12
    exact: bool = False
    form: spanish.Form = spanish.Form.ALONE


def words(kind: Kind, value: Speakable, tongue: Tongue, manner: Manner | None = None) -> Words:
    """The value in words. Text is read as the kind wants it ("12.50", "2026-11-22", "15:30"). Raises NotSpeakable."""
    how = manner or Manner()
    match kind:
        case Kind.NUMBER:
            return number(_decimal(kind, value), tongue, how.form)
        case Kind.ORDINAL:
            return ordinal(int(_decimal(kind, value)), tongue, how.form)
        case Kind.MONEY:
            return money.amount(_decimal(kind, value), how.currency, tongue)
        case Kind.DATE:
            return calendar.day(_date(value), tongue, how.today)
        case Kind.TIME:
            return calendar.clock(_time(value), tongue, how.clock_hours)
        case Kind.DURATION:
            return calendar.duration(round(_decimal(kind, value)), tongue, how.exact)
        case Kind.PHONE:
            return symbols.phone(str(value), tongue)
        case Kind.DIGITS:
            return symbols.digits(str(value), tongue)
        case Kind.LETTERS:
            return symbols.letters(str(value), tongue)


def number(value: Decimal, tongue: Tongue, form: spanish.Form = spanish.Form.ALONE) -> Words:
    """A number, with its fraction when it has one: two digits as a number in Spanish, else digit by digit.

    form: of a whole number in Spanish; before a fraction it stands alone.
    """
    sign, _, fraction = f"{value:f}".partition(".")
    fraction = fraction.rstrip("0")
    minus = ("menos" if tongue.language == "es" else "minus",) if value < 0 else ()
    whole = abs(int(sign))
    ending = spanish.Form.ALONE if fraction else form
    spoken = spanish.cardinal(whole, ending) if tongue.language == "es" else english.cardinal(whole, tongue.british)
    if not fraction:
        return (*minus, *spoken)
    return (*minus, *spoken, tongue.decimal_word, *_fraction(fraction, tongue))


def _fraction(fraction: str, tongue: Tongue) -> Words:
    if tongue.language == "es" and len(fraction) == 2 and fraction[0] != "0":
        return spanish.cardinal(int(fraction))
    return tuple(symbols.digit(character, tongue) for character in fraction)


def ordinal(value: int, tongue: Tongue, form: spanish.Form = spanish.Form.ALONE) -> Words:
    """First, second..."""
    return spanish.ordinal(value, form) if tongue.language == "es" else english.ordinal(value, tongue.british)


def _decimal(kind: Kind, value: Speakable) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise NotSpeakable(f"{kind}: needs a number, not a {type(value).__name__}")
    try:
        result = Decimal(value)
    except ArithmeticError:
        raise NotSpeakable(f"{kind}: needs a number such as 1234 or 12.50") from None
    if not result.is_finite() or result.adjusted() > 17:
        raise NotSpeakable(f"{kind}: needs a finite number of up to 18 digits")
    return result


def _date(value: Speakable) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(str(value)).date()
    except ValueError:
        raise NotSpeakable("a date is written like 2026-11-22") from None


def _time(value: Speakable) -> time:
    if isinstance(value, datetime):
        return value.time()
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(str(value)) if isinstance(value, str) and "T" not in value else _moment(value)
    except ValueError:
        raise NotSpeakable("a time is written like 15:30") from None


def _moment(value: Speakable) -> time:
    return datetime.fromisoformat(str(value)).time()
