"""How late the event loop wakes whoever sleeps, sampled at the pace of audio frames."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

_EVERY_S = 0.02


@asynccontextmanager
async def lag_watch() -> AsyncIterator[list[float]]:
    """Sample the lag (seconds) into the list until the context is left."""
    samples: list[float] = []

    async def sample() -> None:
        while True:
            due_s = time.monotonic() + _EVERY_S
            await asyncio.sleep(_EVERY_S)
            samples.append(max(0.0, time.monotonic() - due_s))

    task = asyncio.create_task(sample(), name="lag watch")
    try:
        yield samples
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def percentiles_ms(samples: list[float]) -> dict[str, float]:
    """p50, p95, p99 and the largest, in milliseconds."""
    values = np.array(samples or [0.0]) * 1000
    points = dict(zip(("p50", "p95", "p99"), np.percentile(values, (50, 95, 99)).tolist(), strict=True))
    return {name: round(value, 2) for name, value in (points | {"max": float(values.max())}).items()}
