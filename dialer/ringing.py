"""What a call's signalling says of who answers: how long it rang, and what was heard before the answer.

No rule of thumb holds everywhere. A voicemail takes a call after the time its carrier set, often to half a second, and
a phone that is off after none; people answer whenever they like. Which times these are is a matter of the carrier and
of the kind of number, so it is learnt from a centre's own calls, of which somebody or something else knew who answered.
It says nothing until there are enough of both, little until they differ by more than chance, and never much.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field

from amd.prior import MOST_ODDS

# Seconds of ringing; narrow where carriers let a voicemail answer.
EDGES_S = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 25.0, 28.0, 32.0, 40.0, 60.0)
LEAST_CALLS = 50  # people, and as many machines, before anything is said of a route
_BELIEF = 20.0  # calls' worth of belief that people and machines do not differ
_SURE = 1.645  # standard errors that are given away: what is left is so with 95 % on its side
_KINDS = {"rang": len(EDGES_S) + 2, "early": 6}  # how many values each may have
_PREFIX = 4  # "+346": country and kind of number
Route = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known at the answer. rang_for_s: None when no ringing was signalled.

    early: what was heard before the answer: "" nothing, "sound" that AMD had no word for, or the class it gave.
    """

    trunk: str
    phone: str
    rang_for_s: float | None
    early: str = ""

    @property
    def routes(self) -> tuple[Route, Route, Route]:
        """From the closest to the widest: numbers of a kind over a trunk, over all trunks, all calls."""
        prefix = self.phone[:_PREFIX]
        return (self.trunk, prefix), (prefix,), ()

    @property
    def values(self) -> dict[str, str]:
        """What each kind of signal was, in words."""
        return {"rang": _rang(self.rang_for_s), "early": self.early or "nothing"}


@dataclass(frozen=True, slots=True)
class Hint:
    """odds: log-odds of a person, -1.5 to 1.5; why: what they were counted from, empty when nothing is known."""

    odds: float = 0.0
    why: str = ""


@dataclass(slots=True)
class _Counts:
    people: int = 0
    machines: int = 0
    of: dict[tuple[str, str], list[int]] = field(default_factory=dict)


class RingTimes:
    """Counts of who answered after which signals. `take` calls of which it is known, ask `hint` of one that is not."""

    def __init__(self, calls: Iterable[tuple[Signals, bool]] = ()) -> None:
        """Begin with calls whose answerer is known: signals, and whether it was a person."""
        self._routes: dict[Route, _Counts] = {}
        for signals, person in calls:
            self.take(signals, person=person)

    def take(self, signals: Signals, *, person: bool) -> None:
        """Count a call."""
        for route in signals.routes:
            counts = self._routes.setdefault(route, _Counts())
            counts.people += person
            counts.machines += not person
            for signal in signals.values.items():
                counts.of.setdefault(signal, [0, 0])[not person] += 1

    def table(self) -> list[tuple[Route, str, str, int, int, float]]:
        """What is known: route, kind of signal, value, people and machines who had it, log-odds of a person.

        Routes with too few calls say 0. The widest come first.
        """
        rows = []
        for route, counts in sorted(self._routes.items(), key=lambda item: (len(item[0]), item[0])):
            enough = min(counts.people, counts.machines) >= LEAST_CALLS
            for kind, value in sorted(counts.of, key=_by_size):
                people, machines = counts.of[kind, value]
                odds = log_ratio(people, counts.people, machines, counts.machines, _KINDS[kind])
                rows.append((route, kind, value, people, machines, odds if enough else 0.0))
        return rows

    def hint(self, signals: Signals) -> Hint:
        """What the closest route with enough calls says."""
        for route in signals.routes:
            counts = self._routes.get(route)
            if counts and min(counts.people, counts.machines) >= LEAST_CALLS:
                return _hint(route, counts, signals)
        return Hint()


def _by_size(signal: tuple[str, str]) -> tuple[str, float, str]:
    kind, value = signal
    digits = value.removeprefix("over ").partition("-")[0].partition(" ")[0]
    return kind, float(digits) + value.startswith("over ") if digits.isdigit() else -1.0, value


def _hint(route: Route, counts: _Counts, signals: Signals) -> Hint:
    odds, why = 0.0, []
    for kind, value in signals.values.items():
        people, machines = counts.of.get((kind, value), (0, 0))
        found = log_ratio(people, counts.people, machines, counts.machines, _KINDS[kind])
        odds += found
        if found:
            why.append(f"{kind} {value}: {people} of {counts.people} people, {machines} of {counts.machines} machines")
    where = ", ".join(part for part in route if part) or "all calls"
    return Hint(min(max(odds, -MOST_ODDS), MOST_ODDS), f"{where}: {'; '.join(why)}" if why else "")


def log_ratio(people: int, of_people: int, machines: int, of_machines: int, values: int) -> float:
    """How much likelier a value is of a person than of a machine: the end of its 90 % interval that is nearer to 0.

    people of of_people, machines of of_machines had the value, which is one of so many. Natural logarithm.
    """
    person, machine = people + _BELIEF / values, machines + _BELIEF / values
    ratio = math.log(person / (of_people + _BELIEF)) - math.log(machine / (of_machines + _BELIEF))
    doubt = _SURE * math.sqrt(1.0 / person + 1.0 / machine)
    return math.copysign(max(abs(ratio) - doubt, 0.0), ratio)


def _rang(rang_for_s: float | None) -> str:
    if rang_for_s is None:
        return "not signalled"
    at = bisect_right(EDGES_S, rang_for_s)
    if at == len(EDGES_S):
        return f"over {EDGES_S[-1]:.0f} s"
    return f"{EDGES_S[at - 1] if at else 0.0:.0f}-{EDGES_S[at]:.0f} s"
