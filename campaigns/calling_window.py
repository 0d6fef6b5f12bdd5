"""When a person may be called: windows by weekday and holiday, in the callee's own time, safe across clock changes.

A moment is inside a window when the wall clock of *every* zone the callee may be in stands inside it: a number that
fits several zones (a mobile, a ported number) is judged by the strictest of them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import holidays

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(
    r"(?P<first>[a-z]{3,})(?:\s*-\s*(?P<last>[a-z]{3,}))?\s+"
    r"(?P<start>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})"
)
_DAY_S = 86_400
_HORIZON_DAYS = 40


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the local day. weekdays: 0 is Monday; start_s, end_s: wall-clock seconds since local midnight."""

    weekdays: frozenset[int]
    start_s: int
    end_s: int

    def holds(self, local: datetime) -> bool:
        """Whether a local wall-clock moment is inside; the end itself is outside."""
        of_day_s = local.hour * 3600 + local.minute * 60 + local.second
        return local.weekday() in self.weekdays and self.start_s <= of_day_s < self.end_s


@dataclass(frozen=True, slots=True)
class CallingWindow:
    """All spans of a week, and whose public holidays are closed ("" means that holidays are days like others).

    holiday_country is ISO 3166 alpha-2, holiday_region the subdivision code that the `holidays` package uses.
    """

    spans: tuple[Span, ...]
    holiday_country: str = ""
    holiday_region: str = ""

    def is_open(self, at_s: float, zone: str) -> bool:
        """Whether calling is allowed at `at_s` (seconds since 1970, UTC) for somebody who lives in `zone`."""
        # the same second is asked for by every lead of a tick
        return _is_open(self, int(at_s // 1), zone)

    def next_open_s(self, at_s: float, zone: str) -> float | None:
        """The first moment at or after `at_s` that is inside for `zone`; None when there is none within 40 days."""
        if self.is_open(at_s, zone):
            return at_s
        today = datetime.fromtimestamp(at_s, ZoneInfo(zone)).date()
        for ahead in range(_HORIZON_DAYS + 1):
            starts = self._starts(today + timedelta(days=ahead), zone)
            later = [start_s for start_s in starts if start_s > at_s and self.is_open(start_s, zone)]
            if later:
                return min(later)
        return None

    def _starts(self, day: date, zone: str) -> list[float]:
        return [_instant(day, span.start_s, zone) for span in self.spans if day.weekday() in span.weekdays]

    def _closed_on(self, day: date) -> bool:
        return bool(self.holiday_country) and is_holiday(day, self.holiday_country, self.holiday_region)


@lru_cache(maxsize=4096)
def _is_open(window: CallingWindow, second: int, zone: str) -> bool:
    local = _local(second, zone)
    return not window._closed_on(local.date()) and any(span.holds(local) for span in window.spans)


ALWAYS = CallingWindow((Span(frozenset(range(7)), 0, _DAY_S),))


def open_everywhere(windows: Iterable[CallingWindow], at_s: float, zones: Iterable[str]) -> bool:
    """Whether every window is open in every zone at `at_s`."""
    zones = tuple(zones)
    return all(window.is_open(at_s, zone) for window in windows for zone in zones)


def next_open_everywhere_s(windows: Iterable[CallingWindow], at_s: float, zones: Iterable[str]) -> float | None:
    """The first moment at or after `at_s` when every window is open in every zone; None when 40 days hold none."""
    pairs = [(window, zone) for zone in zones for window in windows]
    moment_s, horizon_s = at_s, at_s + _HORIZON_DAYS * _DAY_S
    while moment_s <= horizon_s:
        latest_s = moment_s
        for window, zone in pairs:
            opens_s = window.next_open_s(moment_s, zone)
            if opens_s is None:
                return None
            latest_s = max(latest_s, opens_s)
        if latest_s == moment_s:
            return moment_s
        moment_s = latest_s
    return None


@lru_cache(maxsize=1024)
def window_of(texts: tuple[str, ...], holiday_country: str = "", holiday_region: str = "") -> CallingWindow:
    """The window of spans written as texts; made once. Raises ValueError when a text is no span."""
    return CallingWindow(tuple(parse_span(text) for text in texts), holiday_country, holiday_region)


@lru_cache(maxsize=1024)
def parse_span(text: str) -> Span:
    """Read "mon-fri 09:00-21:00" or "daily 08:00-21:00" (every day). Raises ValueError that says how to write it."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f'{text!r} is no calling window: write it like "mon-fri 09:00-21:00" or "daily 08:00-21:00"')
    start_s, end_s = _of_day_s(match["start"]), _of_day_s(match["end"])
    if end_s <= start_s:
        raise ValueError(f"{text!r} ends before it starts: a window past midnight is written as two windows")
    return Span(_weekdays(match["first"], match["last"]), start_s, end_s)


def is_zone(name: str) -> bool:
    """Whether `name` is an IANA time zone of a place, such as Europe/Madrid."""
    return name in _zone_names()


@lru_cache(maxsize=65_536)
def is_holiday(day: date, country: str, region: str = "") -> bool:
    """Whether `day` is a public holiday there. Raises ValueError for a country or region nobody knows."""
    return day in _calendar(country, region)


def knows_holidays_of(country: str, region: str = "") -> bool:
    """Whether public holidays of this country (and subdivision) are known."""
    regions = holidays.list_supported_countries().get(country)
    return regions is not None and (not region or region in regions)


@lru_cache(maxsize=256)
def _calendar(country: str, region: str) -> holidays.HolidayBase:
    if not knows_holidays_of(country, region):
        raise ValueError(f"no holiday calendar for country {country!r}, region {region!r}")
    return holidays.country_holidays(country, subdiv=region or None)


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=256)
def _local(at_s: float, zone: str) -> datetime:
    """Wall-clock time; several windows ask about the same moment."""
    return datetime.fromtimestamp(at_s, ZoneInfo(zone))


def _instant(day: date, of_day_s: int, zone: str) -> float:
    wall = datetime(day.year, day.month, day.day) + timedelta(seconds=of_day_s)
    # A wall time that a clock change skips maps to a moment after the jump: never earlier than allowed.
    return wall.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC).timestamp()


def _of_day_s(text: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    if hours > 24 or minutes > 59 or (hours == 24 and minutes):
        raise ValueError(f"{text!r} is not a time of day: use 00:00 to 24:00")
    return hours * 3600 + minutes * 60


def _weekdays(first: str, last: str | None) -> frozenset[int]:
    if first == "daily" and last is None:
        return frozenset(range(7))
    start, end = _weekday(first), _weekday(last or first)
    return frozenset(day % 7 for day in range(start, end + 1 if end >= start else end + 8))


def _weekday(word: str) -> int:
    if word not in _DAYS:
        raise ValueError(f"{word!r} is not a weekday: use {', '.join(_DAYS)} or daily")
    return _DAYS.index(word)
