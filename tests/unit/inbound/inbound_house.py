"""Calls from outside on virtual time: the dialer's own test house with a reception beside it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from agents.queue import QueueSettings
from dialer.events import DialerEvent
from dialer.inbound.callbacks import Callbacks
from dialer.inbound.hall import QueueHall
from dialer.inbound.reception import Reception
from dialer.inbound.routes import Route, number_key
from dialer.inbound.services import Flows, InboundServices
from dialer.patience import Patience
from ivr.line import CallerLine, Recorded, RecordRequest
from storage.calls import StoredCall
from storage.sql.calls import SqlCallStore, SqlPromiseStore
from storage.sql.database import Database
from telephony.port import CallControl
from telephony.sim.exchange import SimExchange
from telephony.sim.far_end import FarEnd, HangUp, Step
from tests.unit.dialer.house import House

DID = "+34910000001"
SALES = QueueSettings("sales", max_wait_s=600.0, wrap_up_s=2.0, service_level_s=20.0)
Script = Callable[[CallerLine], object]


class Sounds:
    """Names instead of sounds."""

    def music(self, name: str) -> tuple[str, ...]:
        return (f"sound:music{name}",)

    def unavailable(self, language: str) -> tuple[str, ...]:
        return (f"sound:unavailable-{language}",)

    def interrupted(self, language: str) -> tuple[str, ...]:
        return (f"sound:interrupted-{language}",)


class NoTalkRecorder:
    """Notes what would be recorded."""

    def __init__(self, exchange: SimExchange) -> None:
        self.exchange = exchange
        self.begun_on: dict[str, str] = {}  # channel id -> talk id, as the labels on a disk
        self.in_bridge: list[bool] = []  # at every begin
        self.started: list[str] = []
        self.discarded: list[str] = []
        self.finished: list[str] = []

    async def begin(self, talk_id: str, queue: str, caller: str, channel_id: str) -> None:
        self.begun_on[channel_id] = talk_id
        bridges = (await self.exchange.snapshot()).bridges
        self.in_bridge.append(any(channel_id in bridge.channel_ids for bridge in bridges))

    def discard(self, talk_id: str, channel_id: str) -> None:
        self.discarded.append(talk_id)
        self.begun_on.pop(channel_id, None)

    async def begun(self, channel_id: str) -> str:
        return self.begun_on.get(channel_id, "")

    async def start(self, talk_id: str, queue: str, caller: str, channel_id: str) -> str:
        self.started.append(talk_id)
        return f"recordings/{talk_id}"

    async def finish(self, talk_id: str, channel_id: str) -> None:
        self.finished.append(talk_id)


class NoMessages:
    """A message of no sound: silent from the third look on."""

    def __init__(self) -> None:
        self.looks = 0

    async def start(self, message_id: str, channel_id: str) -> None:
        return None

    async def silent_s(self, message_id: str) -> float:
        self.looks += 1
        return 10.0 if self.looks > 2 else 0.0

    async def finish(self, message_id: str, channel_id: str, request: RecordRequest) -> Recorded:
        return Recorded(message_id, 1.0, (f"sound:{message_id}",))


@dataclass
class ScriptedFlows:
    """Flows as Python functions, by name."""

    scripts: dict[str, Callable[..., object]] = field(default_factory=dict)
    nodes: list[tuple[str, str]] = field(default_factory=list)

    def has(self, flow: str) -> bool:
        return flow in self.scripts

    async def run(self, flow: str, line: CallerLine, bookmark: str = "") -> str:
        self.nodes.append((flow, bookmark))
        return cast(str, await self.scripts[flow](line))  # type: ignore[misc]

    async def settle(self, flow: str, line: CallerLine, bookmark: str) -> bool:
        return False


@dataclass
class InboundHouse:
    """A node with queues, agents and a number that people call."""

    queues: tuple[QueueSettings, ...] = (SALES,)
    routes: tuple[Route, ...] = (Route(DID, queue="sales"),)
    flows: ScriptedFlows = field(default_factory=ScriptedFlows)
    extensions: dict[str, str] = field(default_factory=dict)
    base: House = field(default_factory=House)
    on_event: Callable[[DialerEvent], None] = lambda event: None

    async def open(self, exchange: SimExchange | None = None, database: Database | None = None) -> "InboundHouse":
        await self.base.open(exchange, database)
        base = self.base
        self.clock, self.exchange, self.desk, self.events = base.clock, base.exchange, base.desk, base.events
        self.store = SqlCallStore(cast(Database, base.cable))
        self.promises = SqlPromiseStore(cast(Database, base.cable))
        self.recorder = NoTalkRecorder(base.exchange)
        self.hall = QueueHall(self.queues, self.desk.pool, self.clock)
        self.services = InboundServices(
            "node1", cast(CallControl, base.wire), base.services.link, self.clock, base.services.rng, self.desk,
            self.hall, self.store, self.promises, Patience(self.clock, base._take, "calls"), self.recorder,
            NoMessages(), Sounds(),
            lambda: base.trunks["carrier"], self.extensions, self._take,
        )  # fmt: skip
        routes = {number_key(route.did): route for route in self.routes}
        base.services = replace(base.services, held_for_callers=self.hall.claimed)
        base.engine.services = base.services
        self.reception = Reception(self.services, cast(Flows, self.flows), routes)
        self.callbacks = Callbacks(self.services, self.reception)
        return self

    def _take(self, event: DialerEvent) -> None:
        self.base._take(event)
        self.on_event(event)

    async def start(self, agents: int) -> None:
        """Engine, agents, reception."""
        await self.base.engine.__aenter__()
        await self.base.engine.recovered.wait()
        if agents:
            await self.base.staffed(agents)
        self.task = asyncio.create_task(self.reception.run())
        await asyncio.sleep(0.1)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.base.engine.__aexit__(None, None, None)

    def call(self, *then: Step, did: str = DID, caller: str = "+34600111222", patience_s: float = 60.0) -> str:
        """Somebody calls; the channel's id."""
        return self.exchange.call_in(did, caller, FarEnd.caller(patience_s, then))

    def caller_who_talks(self, talk_s: float, patience_s: float = 1e9) -> str:
        return self.call(HangUp(talk_s), patience_s=patience_s)

    def of(self, kind: type[DialerEvent]) -> list[DialerEvent]:
        return [event for event in self.events if isinstance(event, kind)]

    async def stored(self) -> list[StoredCall]:
        return list(await SqlCallStore(self.base.database).list(0.0, 10_000))

    async def until(self, condition: Callable[[], object], timeout_s: float = 600.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.05)

    def troubles(self) -> list[str]:
        return self.base.troubles()


HERE = Path(__file__).parent
