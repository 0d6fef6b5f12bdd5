"""The way out: how a number becomes a dial string, what a trunk takes at once and per second, which one is tried."""

from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.outcome import Outcome

FAILURES_IN_A_ROW = 5
"""So many calls one after another that never rang and were turned down: that is the trunk, not the numbers."""
FAILURE_WINDOW_S = 60.0
REST_S = 30.0
_TURNED_DOWN = frozenset({Outcome.FAILED, Outcome.REJECTED, Outcome.CONGESTION})
# These end before the network says anything of the trunk, or by our own hand.
_TELLS_NOTHING = frozenset({Outcome.LOST, Outcome.GIVEN_UP, Outcome.REFUSED})


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """One trunk. endpoint: dial string with {number} (E.164 with +) or {digits} (without) in it.

    channels: calls at once; calls_per_s: originate rate the carrier accepts.
    """

    name: str
    endpoint: str = ""
    channels: int = 60
    calls_per_s: float = 10.0

    def dial_string(self, phone: str) -> str:
        """The exchange's dial string for an E.164 number."""
        pattern = self.endpoint or f"PJSIP/{{number}}@{self.name}"
        return pattern.format(number=phone, digits=phone.lstrip("+"))


class Trunk:
    """A trunk's live load and health, shared by every campaign that uses it. All times are monotonic seconds.

    After FAILURES_IN_A_ROW calls turned down within FAILURE_WINDOW_S it rests for REST_S; then one call tries it, and
    only one that the network takes up opens it again.
    """

    def __init__(self, settings: TrunkSettings) -> None:
        """Start empty and well."""
        self.settings = settings
        self.in_use = 0
        self._next_start_s = 0.0
        self._failures_s: list[float] = []
        self._rests_since_s: float | None = None
        self._trying = False

    @property
    def free(self) -> int:
        """Calls that still fit."""
        return max(0, self.settings.channels - self.in_use)

    def usable(self, now_s: float) -> int:
        """Calls that may be placed now: none while it rests, one to try it afterwards."""
        if self._rests_since_s is None:
            return self.free
        return min(self.free, 1) if now_s >= self._rests_since_s + REST_S and not self._trying else 0

    def seize(self) -> None:
        """A call takes a channel; `release` gives it back."""
        self.in_use += 1
        self._trying = self._rests_since_s is not None

    def release(self) -> None:
        """The channel is free."""
        self.in_use -= 1
        self._trying = False

    def ended(self, outcome: Outcome, *, rang: bool, placed_s: float, now_s: float) -> str:
        """Learn from a call of this trunk; words for the operator when that changes its health, else ""."""
        resting = self._rests_since_s is not None
        if outcome in _TELLS_NOTHING or (self._rests_since_s is not None and placed_s < self._rests_since_s):
            return ""
        if rang or outcome not in _TURNED_DOWN:
            return self._well()
        self._failures_s = [at_s for at_s in self._failures_s if now_s - at_s < FAILURE_WINDOW_S] + [now_s]
        if not resting and len(self._failures_s) < FAILURES_IN_A_ROW:
            return ""
        self._rests_since_s = now_s
        if resting:
            return ""
        return (
            f"trunk {self.settings.name} turned down {len(self._failures_s)} calls in a row (the last: {outcome}): it "
            f"is tried again every {REST_S:.0f} s with one call; see its host, port, username and secret in the "
            "settings and what the carrier says"
        )

    def _well(self) -> str:
        """The network took a call up."""
        self._failures_s.clear()
        was, self._rests_since_s = self._rests_since_s, None
        return "" if was is None else f"trunk {self.settings.name} takes calls again"

    def slot_s(self, now_s: float) -> float:
        """When the next originate may go out."""
        return max(now_s, self._next_start_s)

    def next_start_s(self, now_s: float) -> float:
        """Take the next originate slot and return its time (monotonic): calls are spread, never sent in bursts."""
        start_s = self.slot_s(now_s)
        self._next_start_s = start_s + 1.0 / self.settings.calls_per_s
        return start_s


class Route:
    """A campaign's trunks in the order in which they are tried: one that is full or rests is passed over."""

    def __init__(self, trunks: Sequence[Trunk]) -> None:
        """At least one trunk."""
        self.trunks = tuple(trunks)

    def usable(self, now_s: float) -> int:
        """Calls that may be placed now, over all trunks."""
        return sum(trunk.usable(now_s) for trunk in self.trunks)

    def calls_per_s(self, now_s: float) -> float:
        """What the trunks that may be used now accept together; the first one's rate when none may."""
        rates = [trunk.settings.calls_per_s for trunk in self.trunks if trunk.usable(now_s)]
        return sum(rates) or self.trunks[0].settings.calls_per_s

    def pick(self, now_s: float) -> Trunk | None:
        """The first trunk with room; None when every one is full or rests."""
        return next((trunk for trunk in self.trunks if trunk.usable(now_s)), None)

    def next_start(self, now_s: float, within_s: float) -> tuple[Trunk, float]:
        """Take an originate slot: of the first usable trunk that has one within so many seconds."""
        usable = [trunk for trunk in self.trunks if trunk.usable(now_s)] or list(self.trunks[:1])
        soon = (trunk for trunk in usable if trunk.slot_s(now_s) < now_s + within_s)
        trunk = next(soon, usable[0])
        return trunk, trunk.next_start_s(now_s)
