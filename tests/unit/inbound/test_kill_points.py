"""A server that dies at every moment of telling another system: what was told once is told to the end, with its id."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest
from pytest import mark

from dialer.inbound.reception import Reception
from dialer.inbound.routes import Route
from dialer.inbound.services import Flows
from ivr.library import FlowLibrary
from server.flow_world import FlowHouse, FlowNotes
from storage.calls import CallStore
from storage.errors import StorageError
from telephony.sim.far_end import Press, Step
from tests.support.until import until
from tests.support.virtual import virtual
from tests.unit.inbound.inbound_house import DID, InboundHouse, ScriptedFlows
from tests.unit.inbound.test_flow_changes import world_of

TELLS = """
flow: menu
language: en
start: choose
rescue: {queue: sales}
nodes:
  choose: {do: menu, text: Choose., keys: {"1": pays}}
  pays: {do: escalate, event: paid, hook: crm, next: thanks}
  thanks: {do: escalate, event: thanked, hook: crm, next: again}
  again: {do: menu, text: Told., keys: {"1": bye}}
  bye: {do: goodbye, text: Bye.}
"""
# Who is asked again presses again.
_PRESSED_S, _AGAIN_S = 3.0, 8.0
# Nothing more happens to a caller who has been told and listens to the last menu.
_TOLD_S = 8.0
_DOWN_S = 2.0


@dataclass
class Fate:
    """Moments at which a server can die: before each commit, before and after each request to the other system."""

    dies_at: int
    count: int = 0
    dead: asyncio.Event = field(default_factory=asyncio.Event)

    async def moment(self) -> None:
        """The server goes on from here, or never again."""
        self.count += 1
        if self.count == self.dies_at:
            self.dead.set()
        if self.dead.is_set():
            await asyncio.Event().wait()


class MortalStore:
    """A store that takes nothing more from a server that is dead."""

    def __init__(self, inner: CallStore, fate: Fate) -> None:
        self._inner, self._fate = inner, fate

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def asked(*given: Any) -> Any:
            await self._fate.moment()
            return await getattr(self._inner, name)(*given)

        return asked


@dataclass
class Receiver:
    """The other system. came: what reached it; done: what it said yes to."""

    late_s: float
    came: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)

    async def post(self, fate: Fate, event_id: str) -> None:
        await fate.moment()
        self.came.append(event_id)
        await asyncio.sleep(self.late_s)
        await fate.moment()
        self.done.append(event_id)


@dataclass(frozen=True)
class Hooks:
    receiver: Receiver
    fate: Fate

    async def post(self, hook: str, body: bytes, event_id: str) -> None:
        await self.receiver.post(self.fate, event_id)


class Town:
    """One caller, and the servers that live and die meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.receiver = folder, Receiver(0.0)
        (folder / "menu.yaml").write_text(TELLS)
        self.route = Route(DID, flow="menu")

    async def __aenter__(self) -> "Town":
        self.house = await InboundHouse(routes=(self.route,), flows=ScriptedFlows({})).open()
        await self.house.base.engine.__aenter__()
        await self.house.base.engine.recovered.wait()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.house.stop()

    async def begin(self, dies_at: int = 0) -> Fate:
        """A server starts; it dies at a moment, unless that is 0."""
        fate, house = Fate(dies_at), self.house
        flows = FlowHouse(FlowLibrary(self.folder))
        services = replace(house.services, calls=cast(CallStore, MortalStore(house.store, fate)))
        house.reception = Reception(services, cast(Flows, flows), {"*": self.route})
        notes = FlowNotes(house.reception, lambda event: None)
        flows.world = replace(world_of(house.clock, notes), webhooks=Hooks(self.receiver, fate))
        await flows.reload()
        house.task = asyncio.create_task(house.reception.run())
        return fate

    async def dies(self) -> None:
        """What the process did not do before, it never does."""
        writing = [task for task in asyncio.all_tasks() if task.get_name().startswith("journal ")]
        for task in (self.house.task, *writing):
            task.cancel()
        await asyncio.gather(self.house.task, *writing, return_exceptions=True)

    async def ended_how(self) -> str:
        """How the one call ended, when it did."""

        async def known() -> bool:
            return bool(await self.house.stored())

        try:
            await until(known, 1.0)
        except TimeoutError:
            return "lost"  # it rang, nobody had written it down, and the caller did not wait
        await self.house.until(lambda: not self.house.reception.calls)

        async def ended() -> bool:
            await asyncio.sleep(0.5)
            return (await self.house.stored())[-1].ended_at_s is not None

        await until(ended, 60.0)
        return (await self.house.stored())[-1].ended_how


async def one_call(town: Town, deaths: tuple[int, ...], leaves_s: float | None) -> tuple[bool, str]:
    """A caller presses 1; servers die, each at its moment, and another one starts 2 s later.

    leaves_s: how long after the first death the caller hangs up; None: it stays. Whether the last of `deaths` came, and
    how the call ended.
    """
    fate, exchange = await town.begin(deaths[0]), town.house.exchange
    await asyncio.sleep(0.1)
    keys: list[Step] = [Press(_PRESSED_S, "1"), *([Press(_AGAIN_S, "1")] * 5 if leaves_s is None else [])]
    channel_id = town.house.call(*keys)
    died, gone = False, False
    for dies_next in (*deaths[1:], 0):
        if not (died := await dies_within(fate, _PRESSED_S + _TOLD_S)):
            break
        await town.dies()
        if leaves_s is not None and leaves_s < _DOWN_S and not gone:
            exchange.far_end_hangs_up(channel_id)
            gone = True
        await asyncio.sleep(_DOWN_S)
        fate = await town.begin(dies_next)
    if leaves_s is not None and not gone:
        await asyncio.sleep(leaves_s - _DOWN_S if died else 0.0)
        exchange.far_end_hangs_up(channel_id)
    how = await town.ended_how()
    await town.dies()
    return died, how


async def dies_within(fate: Fate, longest_s: float) -> bool:
    """Whether a server dies in a while; afterwards it does not."""
    dead = asyncio.create_task(fate.dead.wait())
    await asyncio.wait({dead}, timeout=longest_s)
    dead.cancel()
    fate.dies_at = 0
    return fate.dead.is_set()


@virtual
@mark.parametrize(
    ("late_s", "leaves_s"),
    [(0.9, None), (0.0, 0.5), (0.9, 0.5), (0.9, 2.3), (0.0, 4.0), (0.9, 4.0)],
    ids=["stays", "leaves-quick", "leaves", "leaves in the excuse", "leaves later-quick", "leaves later"],
)
async def test_given_a_server_that_dies_at_any_moment_when_the_next_starts_then_what_was_told_is_told_to_the_end(
    tmp_path: Path, late_s: float, leaves_s: float | None
) -> None:
    told = []
    async with Town(tmp_path) as town:
        for dies_at in range(2, 100):  # from the moment at which it is to be written down that somebody rings
            town.receiver = receiver = Receiver(late_s)
            died, how = await one_call(town, (dies_at,), leaves_s)
            words = f"died at moment {dies_at}: came {receiver.came}, done {receiver.done}"
            assert how in ({"goodbye"} if leaves_s is None else {"lost", "caller_left"}), words
            assert set(receiver.came) == set(receiver.done), words
            # Both or none: a caller who paid is thanked, whoever hung up and whatever died in between.
            assert len(set(receiver.done)) in ({2} if leaves_s is None else {0, 2}), words
            told.append(len(receiver.came))
            if not died:
                break
    # It did die at many moments, some before anything left the house, some in the middle.
    assert not died and len(told) > 12 and max(told) == 3 and told[-1] == 2


@virtual
@mark.parametrize("leaves_s", [None, 0.5], ids=["stays", "leaves"])
async def test_given_a_server_that_died_while_it_told_when_the_next_dies_too_then_the_third_tells_it_to_the_end(
    tmp_path: Path, leaves_s: float | None
) -> None:
    async with Town(tmp_path) as town:
        first, came = 2, 0
        while not came:  # the moment at which the first request was out and nobody had heard of it
            first, town.receiver = first + 1, Receiver(0.9)
            await one_call(town, (first,), leaves_s)
            came = len(town.receiver.came) == 3
        for dies_at in range(1, 12):  # up to the second request's way
            town.receiver = receiver = Receiver(0.9)
            died, how = await one_call(town, (first, dies_at), leaves_s)
            words = f"died again at moment {dies_at}: {receiver}, {how}"
            assert set(receiver.came) == set(receiver.done) and len(set(receiver.done)) == 2, words
            assert died or dies_at > 5, words


@virtual
async def test_given_a_database_that_stumbles_when_calls_are_taken_back_then_it_is_tried_again(tmp_path: Path) -> None:
    async with Town(tmp_path) as town:
        await town.begin()
        await asyncio.sleep(0.1)
        town.house.call(Press(20.0, "1"))
        await asyncio.sleep(1.0)
        await town.dies()
        await town.begin()
        await town.dies()

        async def steps(call_id: str) -> None:
            raise StorageError("the disk is full")

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(town.house.store, "steps", steps)
            with pytest.raises(StorageError, match="disk is full"):
                await asyncio.wait_for(town.house.reception.recover(), 5.0)
        assert await town.house.reception.recover() == 1
        await town.dies()
