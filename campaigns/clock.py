"""How the house reads time. Nothing below `server` ever asks the operating system what time it is."""

from typing import Protocol


class Clock(Protocol):
    """A source of time: the machine's in production, a virtual one in tests and simulations."""

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC: for rows, calling windows and anything a person reads."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never jump: for durations, deadlines and latencies."""
        ...
