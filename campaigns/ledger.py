"""The abandonment ledger: abandoned / answered by people, per rule, the way each regulator counts.

Pure and incremental: feed it every ended attempt, oldest first; memory is one bucket a minute of the period.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from campaigns.outcome import Outcome
from campaigns.rule_pack import AnyRule, RatioPeriod, RatioRule

_BUCKET_S = 60
_TAKEN_FOR_MACHINES = frozenset({Outcome.MACHINE, Outcome.MESSAGE_LEFT})


@dataclass(frozen=True, slots=True)
class Share:
    """Counts of one period. abandoned and people may hold fractions: estimated false positives are not whole."""

    abandoned: float = 0.0
    people: float = 0.0

    @property
    def ratio(self) -> float:
        """Abandoned / people; 0 when nobody answered."""
        return self.abandoned / self.people if self.people else 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one rule stands: its cap and what its period holds."""

    rule_id: str
    cap: float
    share: Share


# A debt from earlier in a rule's period is paid back over at least so many people.
_PAID_BACK_OVER = 100.0


def cap_to_go(cap: float, standings: Iterable[Standing]) -> tuple[float, str]:
    """The share that may still be abandoned, at most `cap`, and the rule that lowered it ("" when none did).

    A period with more abandoned people than its cap allows is in debt; the debt is paid back over the next hundred
    people, or half as many as the period holds if that is more: the cap meanwhile is lower by as much. Never under 0.
    """
    lowest, rule_id = cap, ""
    for standing in standings:
        share = standing.share
        debt = max(0.0, share.abandoned - standing.cap * share.people)
        left = max(0.0, standing.cap - debt / max(_PAID_BACK_OVER, 0.5 * share.people))
        if left < lowest:
            lowest, rule_id = left, standing.rule_id
    return lowest, rule_id


@dataclass(slots=True)
class _Bucket:
    start_s: float
    people: int = 0
    abandoned: int = 0
    machines: int = 0


class RatioCounter:
    """Counts for one ratio rule of one campaign.

    false_positive_share: which part of the verdicts "machine" were people (measured or assumed, 0 to 1); such calls
    are added to abandoned and to people when the rule wants them counted. time_zone: whose days and months count.
    """

    def __init__(self, rule: RatioRule, false_positive_share: float = 0.0, time_zone: str = "UTC") -> None:
        if not 0.0 <= false_positive_share <= 1.0:
            raise ValueError(f"false_positive_share is {false_positive_share}: give a share from 0 to 1")
        self.rule = rule
        self._false_positive_share = false_positive_share if rule.count_false_positives else 0.0
        self._zone = ZoneInfo(time_zone)
        self._buckets: deque[_Bucket] = deque()
        self._total = _Bucket(0.0)

    def count(self, outcome: Outcome, at_s: float) -> None:
        """Add one ended attempt; at_s never much before the one counted last (minutes are kept in order)."""
        start_s = at_s // _BUCKET_S * _BUCKET_S
        if not self._buckets or self._buckets[-1].start_s < start_s:
            self._buckets.append(_Bucket(start_s))
        for bucket in (self._buckets[-1], self._total):
            bucket.people += outcome.answered_by_person
            bucket.abandoned += outcome is Outcome.ABANDONED
            bucket.machines += outcome in _TAKEN_FOR_MACHINES

    def share(self, now_s: float) -> Share:
        """The counts of the period that `now_s` lies in (rolling: to the minute); forgets what is older."""
        since_s = self._period_start_s(now_s)
        while self._buckets and self._buckets[0].start_s + _BUCKET_S <= since_s:
            gone = self._buckets.popleft()
            self._total.people -= gone.people
            self._total.abandoned -= gone.abandoned
            self._total.machines -= gone.machines
        mistaken = self._false_positive_share * self._total.machines
        return Share(self._total.abandoned + mistaken, self._total.people + mistaken)

    def over_cap(self, now_s: float) -> bool:
        """Whether the share has reached the rule's cap, so that nobody else may be put at risk."""
        share = self.share(now_s)
        return share.abandoned > 0 and share.ratio >= self.rule.cap

    def _period_start_s(self, now_s: float) -> float:
        if self.rule.period is RatioPeriod.ROLLING:
            return now_s - self.rule.period_s
        midnight = datetime.fromtimestamp(now_s, self._zone).replace(hour=0, minute=0, second=0, microsecond=0)
        day = 1 if self.rule.period is RatioPeriod.CALENDAR_MONTH else midnight.day
        return midnight.replace(day=day).timestamp()


class Ledger:
    """All ratio rules of one campaign at once."""

    def __init__(self, rules: Iterable[AnyRule], false_positive_share: float = 0.0, time_zone: str = "UTC") -> None:
        ratios = [rule for rule in rules if isinstance(rule, RatioRule)]
        self._counters = [RatioCounter(rule, false_positive_share, time_zone) for rule in ratios]

    def count(self, outcome: Outcome, at_s: float) -> None:
        """Add one ended attempt to every rule."""
        for counter in self._counters:
            counter.count(outcome, at_s)

    def shares(self, now_s: float) -> dict[str, Share]:
        """Where each rule stands, by rule id."""
        return {counter.rule.rule_id: counter.share(now_s) for counter in self._counters}

    def standings(self, now_s: float) -> tuple["Standing", ...]:
        """Where each rule stands, with its cap."""
        return tuple(
            Standing(counter.rule.rule_id, counter.rule.cap, counter.share(now_s)) for counter in self._counters
        )

    def over_cap(self, now_s: float) -> frozenset[str]:
        """Ids of the rules whose cap is reached: what `campaigns.compliance.Facts` wants."""
        return frozenset(counter.rule.rule_id for counter in self._counters if counter.over_cap(now_s))
