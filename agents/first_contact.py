"""First-contact resolution: who was served and did not have to call again.

A *contact* is a call from a known number that was answered by somebody or contained (the menu served the caller to its
good-bye), when the same number was not served on the same line within the days before it. It is *resolved* when the
same number does not call the same line again, for whatever reason, within the same days. A call of which that is not
yet known counts neither way: a period ends so many days ago (`closed_window`). Callers without a number are counted
apart: nobody can tell whether they called again.
"""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf, nextafter
from typing import Final

DAY_S: Final = 86_400.0
PERIOD_DAYS: Final = 30.0
"""How long a period is when no beginning is given."""


@dataclass(frozen=True, slots=True)
class LineCall:
    """A call from outside that is over. caller "": anonymous. served: answered by somebody, or contained."""

    line: str
    caller: str
    began_s: float
    ended_s: float
    served: bool


@dataclass(frozen=True, slots=True)
class FirstContacts:
    """One line's count ("" for all lines). anonymous: served callers without a number, who are no contacts."""

    line: str = ""
    contacts: int = 0
    came_back: int = 0
    anonymous: int = 0

    @property
    def resolution(self) -> float | None:
        """The share of contacts who did not come back; None without contacts: a figure would be invented."""
        return 1.0 - self.came_back / self.contacts if self.contacts else None


def total(lines: Iterable[FirstContacts]) -> FirstContacts:
    """All lines together."""
    each = list(lines)
    return FirstContacts(
        "", sum(one.contacts for one in each), sum(one.came_back for one in each), sum(one.anonymous for one in each)
    )


def closed_window(now_s: float, within_s: float, since_s: float = 0.0, until_s: float = 0.0) -> tuple[float, float]:
    """The part [since, until) of a period whose callers have had their `within_s` to call again.

    since_s 0: 30 days before the end; until_s 0: as late as can be. Seconds since 1970.
    """
    until_s = min(until_s or now_s, now_s - within_s)
    return since_s or until_s - PERIOD_DAYS * DAY_S, until_s


def first_contacts(
    calls: Iterable[LineCall], since_s: float, until_s: float, within_s: float
) -> dict[str, FirstContacts]:
    """Count the calls that began in [since_s, until_s), line by line; `calls` holds those around it too.

    The definition: storage counts in SQL and is held against this.
    """
    histories: dict[tuple[str, str], list[LineCall]] = {}
    for call in sorted(calls, key=lambda call: call.began_s):
        histories.setdefault((call.line, call.caller), []).append(call)
    lines: dict[str, FirstContacts] = {}
    for (line, caller), history in histories.items():
        began = [call.began_s for call in history]
        served = [call.began_s for call in history if call.served]
        for call in history:
            if not call.served or not since_s <= call.began_s < until_s:
                continue
            counted = lines.get(line, FirstContacts(line))
            if not caller:
                found = FirstContacts(line, counted.contacts, counted.came_back, counted.anonymous + 1)
            elif _any_in(served, nextafter(call.began_s - within_s, inf), call.began_s):
                continue
            else:
                after_s = max(call.ended_s, nextafter(call.began_s, inf))
                again = _any_in(began, after_s, call.began_s + within_s)
                found = FirstContacts(line, counted.contacts + 1, counted.came_back + int(again), counted.anonymous)
            lines[line] = found
    return lines


def _any_in(moments: list[float], from_s: float, before_s: float) -> bool:
    """Whether one of the sorted moments lies in [from_s, before_s)."""
    at = bisect_left(moments, from_s)
    return at < len(moments) and moments[at] < before_s
