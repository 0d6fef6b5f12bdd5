"""The machine's clock: the only place below which nobody asks the operating system for the time."""

import time


class SystemClock:
    """`campaigns.clock.Clock` on this machine."""

    def now_s(self) -> float:
        """Seconds since 1970-01-01 UTC."""
        return time.time()

    def monotonic_s(self) -> float:
        """Seconds that never jump; shared by all processes of this machine on Linux (CLOCK_MONOTONIC)."""
        return time.monotonic()
