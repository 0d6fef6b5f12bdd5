"""Dates, times of day and durations in words."""

from datetime import date, time
from typing import Final

from media.speech import english, spanish
from media.speech.spanish import Form
from media.speech.tongue import PAUSE, NotSpeakable, Tongue, Words

DAYS: Final = {
    "es": "lunes martes miércoles jueves viernes sábado domingo".split(),
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
}
MONTHS: Final = {
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
    "en": "January February March April May June July August September October November December".split(),
}
RELATIVE: Final = {
    "es": {-1: "ayer", 0: "hoy", 1: "mañana"},
    "en": {-1: "yesterday", 0: "today", 1: "tomorrow"},
}
_UNITS: Final = {
    "es": {86400: ("día", "días"), 3600: ("hora", "horas"), 60: ("minuto", "minutos"), 1: ("segundo", "segundos")},
    "en": {86400: ("day", "days"), 3600: ("hour", "hours"), 60: ("minute", "minutes"), 1: ("second", "seconds")},
}


def day(value: date, tongue: Tongue, today: date | None = None) -> Words:
    """A date. With `today`: yesterday, today, tomorrow are named so, and this year's number is left out."""
    if today is not None:
        relative = RELATIVE[tongue.language].get((value - today).days)
        if relative is not None:
            return (relative,)
    weekday, month = DAYS[tongue.language][value.weekday()], MONTHS[tongue.language][value.month - 1]
    with_year = today is None or today.year != value.year
    if tongue.language == "es":
        tail = ("de", *spanish.cardinal(value.year)) if with_year else ()
        return (weekday, *_day_number(value.day, tongue), "de", month, *tail)
    tail = english.year(value.year) if with_year else ()
    if tongue.british:
        return (weekday, "the", *english.ordinal(value.day), "of", month, *tail)
    return (weekday, month, *english.ordinal(value.day), *tail)


def _day_number(number: int, tongue: Tongue) -> Words:
    """America says "primero de enero", Spain mostly "uno de enero"."""
    return ("primero",) if number == 1 and not tongue.spain else spanish.cardinal(number)


def clock(value: time, tongue: Tongue, hours: int = 12) -> Words:
    """A time of day to the minute. hours: 12 or 24. In Spanish with its article: "las tres y media de la tarde"."""
    if hours not in (12, 24):
        raise NotSpeakable(f"a clock has 12 or 24 hours, not {hours}")
    if tongue.language == "en":
        return _english_12(value) if hours == 12 else _english_24(value)
    return _spanish_12(value, tongue) if hours == 12 else _spanish_24(value)


def _spanish_hour(hour: int) -> Words:
    return ("la", "una") if hour == 1 else ("las", *spanish.cardinal(hour, Form.FEMININE))


def _spanish_12(value: time, tongue: Tongue) -> Words:
    hour, minute = value.hour, value.minute
    if tongue.spain and minute > 30 and minute % 5 == 0:
        left = ("cuarto",) if minute == 45 else spanish.cardinal(60 - minute)
        following = (hour + 1) % 24
        return (*_spanish_hour(following % 12 or 12), "menos", *left, *_part_of_day(hour, tongue))
    said = {0: (), 15: ("y", "cuarto"), 30: ("y", "media")}.get(minute, ("y", *spanish.cardinal(minute)))
    return (*_spanish_hour(hour % 12 or 12), *said, *_part_of_day(hour, tongue))


def _part_of_day(hour: int, tongue: Tongue) -> Words:
    if hour == 12:
        return ("del", "mediodía")
    if 1 <= hour < 6:
        return ("de", "la", "madrugada")
    if 6 <= hour < 12:
        return ("de", "la", "mañana")
    return ("de", "la", "tarde") if 12 < hour < (21 if tongue.spain else 19) else ("de", "la", "noche")


def _spanish_24(value: time) -> Words:
    said = (*_spanish_hour(value.hour), "hora" if value.hour == 1 else "horas")
    return (*said, "y", *_counted(value.minute, 60, "es")) if value.minute else said


def _english_12(value: time) -> Words:
    if value.minute == 0 and value.hour in (0, 12):
        return ("midnight",) if value.hour == 0 else ("noon",)
    half = "A.M." if value.hour < 12 else "P.M."
    return (*english.cardinal(value.hour % 12 or 12), *_english_minute(value.minute), half)


def _english_minute(minute: int) -> Words:
    if minute == 0:
        return ()
    return ("oh", *english.cardinal(minute)) if minute < 10 else english.cardinal(minute)


def _english_24(value: time) -> Words:
    hour = ("oh",) * (0 < value.hour < 10)
    return (*hour, *english.cardinal(value.hour), *(_english_minute(value.minute) or ("hundred",)))


def rounded_s(seconds: int) -> int:
    """As people round: to 5 s below a minute, to minutes below an hour, to 5 minutes below a day, else to hours."""
    step = 5 if seconds < 57 else 60 if seconds < 3570 else 300 if seconds < 86250 else 3600
    return max(step, (seconds + step // 2) // step * step) if seconds else 0


def duration(seconds: int, tongue: Tongue, exact: bool = False) -> Words:
    """A length of time, 0 or more; rounded (`rounded_s`) unless exact."""
    if seconds < 0:
        raise NotSpeakable("a duration is 0 s or more")
    rest = seconds if exact else rounded_s(seconds)
    parts: list[Words] = []
    for size in _UNITS["es"]:
        count, rest = divmod(rest, size)
        if count:
            parts.append(_counted(count, size, tongue.language))
    return _listed(parts, "y" if tongue.language == "es" else "and") or _counted(0, 1, tongue.language)


def _counted(count: int, size: int, language: str) -> Words:
    name = _UNITS[language][size][count != 1]
    if language == "en":
        return (*english.cardinal(count), name)
    return (*spanish.cardinal(count, Form.FEMININE if size == 3600 else Form.MASCULINE), name)


def _listed(parts: list[Words], joint: str) -> Words:
    if len(parts) < 2:
        return parts[0] if parts else ()
    said: list[str] = list(parts[0])
    for part in parts[1:-1]:
        said += [PAUSE, *part]
    return (*said, joint, *parts[-1])
