"""A node on real Asterisk for walked calls: its reception asks a book of calls which flow and world a number means.

Agents: one who is busy for ever (queues that time out, are full, or are left), four who answer, talk a second, hang up.
"""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dialer.events import DialerEvent, Trouble
from dialer.inbound.events import TalkBegan
from ivr.flow import LoadedFlow
from ivr.line import CallerLine
from ivr.session import Session
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind
from server.demo.network import Network
from server.house import House
from server.run import open_node
from telephony.asterisk import ports
from tests.support.inbound_caller import InboundCaller
from tests.support.line_folder import furnish_line
from tests.support.live_house import LiveFolder, LiveHouse, live_folder
from tests.support.until import until
from tests.support.walk_backend import Backend, backend
from tests.support.walk_line import BUSY, EMPTY, FULL, STAFFED, CallWatch, WatchedLine, WatchedSpeech, world_of
from tests.support.walk_sources import Asks, Lane, lanes_of

_AGENTS = 5
_TALK_S = 1.0
_BUSY_DID, _FULL_DID = "+34910999001", "+34910999002"
_SETTINGS = f"""
[[lines]]
number = "*"
flow = "walked"
[[lines]]
number = "{_BUSY_DID}"
queue = "{BUSY}"
[[lines]]
number = "{_FULL_DID}"
queue = "{FULL}"
[[queues]]
queue_id = "{STAFFED}"
skills = ["walks"]
wrap_up_s = 0.1
[[queues]]
queue_id = "{BUSY}"
skills = ["waits"]
max_wait_s = 86000
[[queues]]
queue_id = "{FULL}"
skills = ["waits"]
max_waiting = 1
max_wait_s = 86000
[[queues]]
queue_id = "{EMPTY}"
skills = ["nobody has this"]
"""


def digits_of(number: str) -> str:
    """A number's digits."""
    return re.sub(r"\D", "", number)


@dataclass(frozen=True, slots=True)
class Late:
    """The event loop came late: when (monotonic seconds), by how much, and how long its own thread computed meanwhile.

    One that computed little was not let run by the machine: load. One that computed all the while was blocked by us.
    """

    at_s: float
    by_s: float
    worked_s: float


@dataclass
class WalkNode:
    """The node. book: what the next call to a number is."""

    house: House
    folder: LiveFolder
    backend: Backend
    lanes: list[Lane]
    book: dict[str, tuple[LoadedFlow, CallWatch]] = field(default_factory=dict)
    events: list[DialerEvent] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)

    @property
    def sip(self) -> tuple[str, int]:
        """Where to call."""
        return "127.0.0.1", self.folder.settings.asterisk.sip_port

    @property
    def loop_late_s(self) -> float:
        """By how much the event loop was late at most."""
        return max((each.by_s for each in self.late), default=0.0)

    def troubles(self) -> list[str]:
        """What the operator was told, but for what the calls' worlds did on purpose."""
        said = [event for event in self.events if isinstance(event, Trouble)]
        return [f"{each.where}: {each.words}" for each in said if not each.words.startswith("flow ")]

    async def listed(self) -> list[str]:
        """Channels and bridges of calls that Asterisk lists now, in order."""
        return sorted(await LiveHouse.listed(self))  # type: ignore[arg-type]

    # `dialer.inbound.services.Flows`

    def has(self, flow: str) -> bool:
        """Any number is called."""
        return bool(flow)

    async def settle(self, flow: str, line: CallerLine, bookmark: str) -> bool:
        """Nothing is left over: the node is not restarted."""
        return False

    async def run(self, flow: str, line: CallerLine, bookmark: str = "") -> str:
        """Walk the call that this number was booked for."""
        number = digits_of(line.facts.called)
        loaded, watch = self.book.pop(number)
        base = self.house.inbound.flows.world
        assert base is not None
        speech = WatchedSpeech(base.speech)
        lane = self.lanes.pop() if self.lanes else None
        if lane:
            lane.given = watch.given
        world = world_of(base, watch, speech, self.backend, lane, number, loaded.flow)
        watched = WatchedLine(line, watch, speech)  # type: ignore[arg-type]
        try:
            return (await Session(loaded, watched, world).run()).exit.value
        finally:
            watch.over.set()
            if lane:
                self.lanes.append(lane)
            await _closed(world.webhooks)


async def _closed(*parts: object) -> None:
    for part in parts:
        await part.__aexit__(None, None, None)  # type: ignore[attr-defined]


@asynccontextmanager
async def walk_node(network: Network, asks: Asks, at_once: int = 30) -> AsyncIterator[WalkNode]:
    """A running node with its agents at work and its busy queue busy. asks: what its settings declare sources for."""
    async with AsyncExitStack() as stack:
        port = ports.free_tcp_port()
        folder, lanes = stack.enter_context(_folder(network, asks, at_once, port))
        house = await stack.enter_async_context(open_node(folder.settings, lambda line: None))
        back = await stack.enter_async_context(backend(house.inbound.clock, port))
        fleet = await stack.enter_async_context(RobotFleet(folder.specs()))
        node = WalkNode(house, folder, back, lanes)
        house.hub.listen(node.events.append)
        house.inbound.reception.flows = node
        await fleet.wait_all(EventKind.REGISTERED)
        await LiveHouse.agents_ready(LiveHouse(folder, house, fleet))
        for number, queue in ((_BUSY_DID, BUSY), (_FULL_DID, FULL)):
            caller = InboundCaller(node.sip, number, caller="+34600999000")
            await stack.enter_async_context(caller)
            await until(lambda queue=queue: _is_held(node, queue), 20.0)  # type: ignore[misc]
        house.hub.listen(_Agents(house, asyncio.get_running_loop()))
        yield node


def _is_held(node: WalkNode, queue: str) -> bool:
    if queue == FULL:
        return node.house.inbound.hall.queues[FULL].full
    return any(isinstance(event, TalkBegan) and event.queue == BUSY for event in node.events)


class _Agents:
    """Those of the staffed queue hang up after a short talk."""

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        self._house = house
        self._loop = loop

    def __call__(self, event: DialerEvent) -> None:
        if isinstance(event, TalkBegan) and event.queue == STAFFED:
            self._loop.call_later(_TALK_S, self._end, event.agent_id)

    def _end(self, agent_id: str) -> None:
        if any(talk.agent_id == agent_id for talk in self._house.desk.conversations.values()):
            self._house.desk.end_conversation(agent_id)


@contextmanager
def _folder(network: Network, asks: Asks, at_once: int, port: int) -> Iterator[tuple[LiveFolder, list[Lane]]]:
    with tempfile.TemporaryDirectory(prefix="timbre-walk-") as name:
        lanes, declared = lanes_of(asks, at_once, Path(name), port)
        with live_folder(network, 0, _furnish(Path(name)) + declared) as folder:
            folder.agents = tuple(f"agent{index:02}" for index in range(_AGENTS))
            yield folder, lanes
            assert not lanes or len(lanes) == at_once, "a call is still in its lane"


def _furnish(folder: Path) -> str:
    settings = furnish_line(folder, {}, ivr=f'plugins = "{folder}/plugins"\n')
    names = [f"agent{index:02}" for index in range(_AGENTS)]
    skills = ["waits", *["walks"] * (_AGENTS - 1)]
    agents = [
        f'[[agents]]\nname = "{name}"\nskills = {{{skill} = 5}}\n' for name, skill in zip(names, skills, strict=True)
    ]
    return settings + _SETTINGS + "".join(agents)
