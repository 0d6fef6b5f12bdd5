"""The measured window of a job, told to the process that measures CPU."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from benchmarks.load.lag import lag_watch, percentiles_ms


class Window:
    """`async with window:` waits `seconds` at its end, with the lag of the event loop sampled meanwhile."""

    def __init__(self, say: Callable[[str], None], seconds: float) -> None:
        """Tell `say` when the window begins and ends."""
        self.seconds = seconds
        self.lag_ms: dict[str, float] = {}
        self._say = say

    @asynccontextmanager
    async def measured(self) -> AsyncIterator[None]:
        """Measure from entering for `seconds`."""
        async with lag_watch() as samples:
            self._say("begin")
            yield
            await asyncio.sleep(self.seconds)
            self._say("end")
        self.lag_ms = percentiles_ms(samples)
