"""What lies between a node and the world, so that a test can cut it, slow it down and look at what goes through."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from storage.errors import StorageBusy
from storage.sql.database import Database
from telephony.errors import RequestRejected
from telephony.sim.exchange import SimExchange
from telephony.sim.virtual_time import VirtualClock

_REQUESTS = frozenset(
    {
        "originate", "answer", "hang_up", "create_bridge", "destroy_bridge", "add_to_bridge", "remove_from_bridge",
        "start_tap", "overhear", "stop_tap", "play", "stop_playback", "start_recording", "stop_recording", "snapshot",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """One request of a node. at_s is monotonic."""

    at_s: float
    request: str
    args: tuple[Any, ...]


class Wire:
    """`CallControl` of one node: everything goes to the exchange, unless `dead`, or named in `refused`."""

    def __init__(self, exchange: SimExchange, clock: VirtualClock) -> None:
        self.dead = False
        self.refused: set[str] = set()
        self.asked: list[Asked] = []
        self.on_asked: Callable[[Asked], None] = lambda asked: None
        self._exchange = exchange
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._exchange, name)
        return self._request(name, real) if name in _REQUESTS else real

    def _request(self, name: str, real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def ask(*args: Any) -> Any:
            if self.dead:
                await asyncio.Future()
            asked = Asked(self._clock.monotonic_s(), name, args)
            self.asked.append(asked)
            self.on_asked(asked)
            if name in self.refused:
                raise RequestRejected(500, "refused by the test", name)
            return await real(*args)

        return ask

    def times(self, request: str) -> list[float]:
        return [asked.at_s for asked in self.asked if asked.request == request]


class Cable:
    """`Database` of one node: slow, failing or dead when told so."""

    def __init__(self, database: Database) -> None:
        self.dead = False
        self.busy = False
        self.slow_s = 0.0
        self._database = database
        self._submitted: set[asyncio.Future[Any]] = set()

    async def _wait(self) -> None:
        if self.dead:
            await asyncio.Future()
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        if self.busy:
            raise StorageBusy("busy by the test")

    async def write(self, job: Any, *, urgent: bool = False) -> Any:
        await self._wait()
        return await self._database.write(partial(self._unless_dead, job), urgent=urgent)

    def _unless_dead(self, job: Any, tx: Any) -> Any:
        """What waits for company when its node is killed is never written."""
        if self.dead:
            raise StorageBusy("killed by the test")
        return job(tx)

    def submit(self, job: Any, *, urgent: bool = False) -> asyncio.Future[Any]:
        future = asyncio.ensure_future(self.write(job, urgent=urgent))
        self._submitted.add(future)
        future.add_done_callback(self._submitted.discard)
        return future

    async def read(self, job: Any) -> Any:
        await self._wait()
        return await self._database.read(job)

    async def aside(self, work: Any) -> Any:
        return await self._database.aside(work)
