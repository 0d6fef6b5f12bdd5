"""The machine's clock: the only place below which nobody asks the operating system for the time."""

import time


class SystemClock:
    """`campaigns.clock.Clock` on this machine."""

    # The functions themselves: every call asks two dozen times.
    now_s = staticmethod(time.time)
    """Seconds since 1970-01-01 UTC."""

    monotonic_s = staticmethod(time.monotonic)
    """Seconds that never jump; shared by all processes of this machine on Linux (CLOCK_MONOTONIC)."""
