"""Has AMD's world changed? Today's verdicts of a campaign on a trunk against the same hours of earlier days.

A carrier that begins to answer early, a new announcement, a codec, a list of another country: verdicts shift before
anybody complains. Three things are watched: the mix of classes, how sure the detector is of people, and how long a
verdict on them takes. An alarm needs a difference that matters, and one that chance does not make (z of 4.5: once in
150,000 looks). Days in alarm do not become part of what is usual, until there have been three of them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from amd.verdict import CallClass, Verdict

HOURS_PER_PART = 4  # evenings are not mornings: only the same part of the day is compared
CERTAIN_Z = 4.5
SHARE_MATTERS = 0.08
PROBABILITY_MATTERS = 0.03
LATENCY_MATTERS_S = 0.15
USUAL_AFTER_DAYS = 3
_OVER = 0.5
_LOOK_EVERY = 25
_FORGET_AT = 4000


@dataclass(slots=True)
class Sums:
    """Verdicts summed up: by class, and of people P(person) and seconds after the end of the greeting."""

    classes: dict[str, float] = field(default_factory=dict)
    sure: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])  # count, sum, sum of squares
    latency: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])

    @property
    def total(self) -> float:
        """Verdicts."""
        return sum(self.classes.values())

    def add(self, verdict: Verdict) -> None:
        """Count a first verdict."""
        name = verdict.call_class.value
        self.classes[name] = self.classes.get(name, 0.0) + 1.0
        if verdict.call_class is CallClass.HUMAN:
            _add(self.sure, verdict.probability)
            if verdict.since_speech_end_s is not None:
                _add(self.latency, verdict.since_speech_end_s)

    def fold(self, other: "Sums") -> None:
        """Add another's sums; when there are many, what is old counts for half."""
        if self.total > _FORGET_AT:
            self.classes = {name: count / 2 for name, count in self.classes.items()}
            self.sure = [value / 2 for value in self.sure]
            self.latency = [value / 2 for value in self.latency]
        for name, count in other.classes.items():
            self.classes[name] = self.classes.get(name, 0.0) + count
        self.sure = [a + b for a, b in zip(self.sure, other.sure, strict=True)]
        self.latency = [a + b for a, b in zip(self.latency, other.latency, strict=True)]

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        return {"classes": self.classes, "sure": self.sure, "latency": self.latency}

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Sums":
        """From the file. Raises KeyError, TypeError, ValueError."""
        classes = {CallClass(name).value: float(count) for name, count in data["classes"].items()}
        return Sums(classes, [float(v) for v in data["sure"]], [float(v) for v in data["latency"]])


@dataclass(frozen=True, slots=True)
class Shift:
    """One thing that moved. what: "class machine", "certainty" or "latency"; before, now: share, probability or s."""

    what: str
    before: float
    now: float

    @property
    def words(self) -> str:
        """For the operator."""
        if self.what == "latency":
            return f"verdicts on people come {self.now:.2f} s after the greeting, {self.before:.2f} s before"
        if self.what == "certainty":
            return f"people are told with P {self.now:.2f}, {self.before:.2f} before"
        return (
            f"{self.what.removeprefix('class ')} {100 * self.now:.0f} % of verdicts, {100 * self.before:.0f} % before"
        )


def _add(sums: list[float], value: float) -> None:
    sums[0] += 1.0
    sums[1] += value
    sums[2] += value * value


def shifts(reference: Sums, recent: Sums, doubt: float = 1.0) -> list[Shift]:
    """What moved from the reference to the recent verdicts, the largest first. doubt: less than 1 for smaller moves."""
    found: list[tuple[float, Shift]] = []
    n, m = reference.total, recent.total
    for name in sorted(reference.classes.keys() | recent.classes.keys()):
        before, now = reference.classes.get(name, 0.0) / n, recent.classes.get(name, 0.0) / m
        pooled = (reference.classes.get(name, 0.0) + recent.classes.get(name, 0.0) + 1.0) / (n + m + 2.0)
        z = abs(now - before) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
        if z >= doubt * CERTAIN_Z and abs(now - before) >= doubt * SHARE_MATTERS:
            found.append((z, Shift(f"class {name}", before, now)))
    for what, one, other, matters in (
        ("certainty", reference.sure, recent.sure, PROBABILITY_MATTERS),
        ("latency", reference.latency, recent.latency, LATENCY_MATTERS_S),
    ):
        z, before, now = _means(one, other)
        if z >= doubt * CERTAIN_Z and abs(now - before) >= doubt * matters:
            found.append((z, Shift(what, before, now)))
    return [shift for _, shift in sorted(found, key=lambda pair: -pair[0])]


def _means(one: list[float], other: list[float]) -> tuple[float, float, float]:
    """Welch's z of two means, and the means; 0 with fewer than 30 values on a side."""
    if min(one[0], other[0]) < 30:
        return 0.0, 0.0, 0.0
    means, errors = [], []
    for count, total, squares in (one, other):
        mean = total / count
        means.append(mean)
        errors.append(max(squares / count - mean * mean, 1e-6) / count)
    return abs(means[0] - means[1]) / math.sqrt(sum(errors)), means[0], means[1]


@dataclass(slots=True)
class Watch:
    """One campaign on one trunk in one part of the day: earlier days, today, and what is alarming now."""

    reference: Sums = field(default_factory=Sums)
    today: Sums = field(default_factory=Sums)
    recent: list[Verdict] = field(default_factory=list)
    day: int = 0
    told: tuple[Shift, ...] = ()
    alarmed_days: int = 0


@dataclass(frozen=True, slots=True)
class Drift:
    """What is to be told about one campaign and trunk; no shifts: it is over."""

    campaign_id: str
    trunk: str
    shifts: tuple[Shift, ...]

    @property
    def words(self) -> str:
        """For the operator."""
        where = f"campaign {self.campaign_id}" + (f" on trunk {self.trunk}" if self.trunk else "")
        if not self.shifts:
            return f"{where}: AMD's verdicts are as on earlier days again"
        moved = "; ".join(shift.words for shift in self.shifts[:3])
        return f"{where}: AMD's verdicts moved against the same hours of earlier days: {moved}"


class DriftWatch:
    """Follows first verdicts of answered calls. `take` returns what an operator should hear, once until it is over.

    recent: how many of today's verdicts are compared; reference: how many of earlier days there must be.
    """

    def __init__(self, recent: int = 200, reference: int = 500) -> None:
        """Know nothing yet."""
        self._recent = recent
        self._least = reference
        self._watches: dict[tuple[str, str, int], Watch] = {}

    def take(self, campaign_id: str, trunk: str, verdict: Verdict, now_s: float) -> Drift | None:
        """Count a first verdict said at `now_s` (seconds since 1970, UTC)."""
        day, hour = divmod(int(now_s // 3600), 24)
        watch = self._watches.setdefault((campaign_id, trunk, hour // HOURS_PER_PART), Watch(day=day))
        if watch.day != day:
            self._next_day(watch, day)
        watch.today.add(verdict)
        watch.recent.append(verdict)
        del watch.recent[: -self._recent]
        if len(watch.recent) < self._recent or watch.reference.total < self._least:
            return None
        if int(watch.today.total) % _LOOK_EVERY:
            return None
        recent = Sums()
        for each in watch.recent:
            recent.add(each)
        # An alarm is over when even half as much is not seen: on the border it would come and go.
        found = tuple(shifts(watch.reference, recent, _OVER if watch.told else 1.0))
        news = bool(found) != bool(watch.told)
        watch.told = found
        return Drift(campaign_id, trunk, found) if news else None

    def _next_day(self, watch: Watch, day: int) -> None:
        """A day without alarm becomes part of what is usual; the third one with it is the new usual."""
        watch.alarmed_days = watch.alarmed_days + 1 if watch.told else 0
        if watch.alarmed_days >= USUAL_AFTER_DAYS:
            watch.reference, watch.told, watch.alarmed_days = watch.today, (), 0
        elif not watch.told:
            watch.reference.fold(watch.today)
        watch.today, watch.recent, watch.day = Sums(), [], day

    def alarms(self) -> Iterator[tuple[str, str, Shift]]:
        """(campaign, trunk, shift) of everything alarming now."""
        for (campaign_id, trunk, _), watch in self._watches.items():
            for shift in watch.told:
                yield campaign_id, trunk, shift

    def as_json(self) -> list[dict[str, Any]]:
        """Everything that must outlive a restart."""
        return [
            {
                "campaign": key[0],
                "trunk": key[1],
                "part": key[2],
                "day": watch.day,
                "reference": watch.reference.as_json(),
                "today": watch.today.as_json(),
                "told": [[shift.what, shift.before, shift.now] for shift in watch.told],
                "alarmed_days": watch.alarmed_days,
            }
            for key, watch in self._watches.items()
        ]

    def restore(self, data: list[dict[str, Any]]) -> None:
        """Go on where `as_json` was taken. Raises KeyError, TypeError, ValueError for something else."""
        for each in data:
            key = (str(each["campaign"]), str(each["trunk"]), int(each["part"]))
            sums = (Sums.from_json(each["reference"]), Sums.from_json(each["today"]))
            told = tuple(Shift(str(what), float(before), float(now)) for what, before, now in each["told"])
            self._watches[key] = Watch(*sums, [], int(each["day"]), told, int(each["alarmed_days"]))
