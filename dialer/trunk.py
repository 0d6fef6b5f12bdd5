"""The way out: how a number becomes a dial string, and how many calls a trunk takes at once and per second."""

from dataclasses import dataclass


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
    """A trunk's live load, shared by every campaign that uses it."""

    def __init__(self, settings: TrunkSettings) -> None:
        """Start empty."""
        self.settings = settings
        self.in_use = 0
        self._next_start_s = 0.0

    @property
    def free(self) -> int:
        """Calls that still fit."""
        return max(0, self.settings.channels - self.in_use)

    def next_start_s(self, now_s: float) -> float:
        """Take the next originate slot and return its time (monotonic): calls are spread, never sent in bursts."""
        start_s = max(now_s, self._next_start_s)
        self._next_start_s = start_s + 1.0 / self.settings.calls_per_s
        return start_s
