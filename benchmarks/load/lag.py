"""How late the event loop wakes whoever sleeps. A bare timer: the watch costs next to nothing of what it watches."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

_EVERY_S = 0.1


class _Watch:
    """Sets the same timer again and again and notes by how much each one was late."""

    def __init__(self) -> None:
        self.samples: list[float] = []
        self._loop = asyncio.get_running_loop()
        self._set()

    def _set(self) -> None:
        self._due_s = time.monotonic() + _EVERY_S
        self._timer = self._loop.call_later(_EVERY_S, self._rang)

    def _rang(self) -> None:
        self.samples.append(max(0.0, time.monotonic() - self._due_s))
        self._set()

    def end(self) -> None:
        """No more samples."""
        self._timer.cancel()


@asynccontextmanager
async def lag_watch() -> AsyncIterator[list[float]]:
    """Sample the lag (seconds) into the list until the context is left."""
    watch = _Watch()
    try:
        yield watch.samples
    finally:
        watch.end()


def percentiles_ms(samples: list[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, in milliseconds."""
    values = np.array(samples or [0.0]) * 1000
    points = dict(zip(("p50", "p95", "p99"), np.percentile(values, (50, 95, 99)).tolist(), strict=True))
    return {name: round(value, 2) for name, value in (points | {"max": float(values.max())}).items()}
