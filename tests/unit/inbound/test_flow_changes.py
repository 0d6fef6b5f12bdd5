"""Flows that change while callers are in them, and what is private, on virtual time."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from typing import cast

from pytest import mark

from campaigns.clock import Clock
from dialer.inbound.events import CallOver
from dialer.inbound.routes import Route
from dialer.inbound.services import Flows
from ivr.given import Given
from ivr.library import FlowLibrary
from ivr.port import World
from ivr.simulate import Walk, simulated_world
from server.flow_world import FlowHouse, FlowNotes
from telephony.sim.far_end import HangUp, Press
from telephony.sim.virtual_time import VirtualClock
from tests.support.until import until
from tests.support.virtual import virtual
from tests.unit.inbound.inbound_house import DID, InboundHouse, ScriptedFlows


def flow_text(one: str) -> str:
    """A menu whose key 1 leads to `one`; the simulated voice says texts as media of the same words."""
    head = "flow: menu\nlanguage: en\nstart: choose\nrescue: {queue: sales}\nnodes:\n"
    choose = f'  choose: {{do: menu, text: Choose., keys: {{"1": {one}}}}}\n'
    return head + choose + f"  {one}: {{do: goodbye, text: This is {one}.}}\n"


async def house_with(folder: Path, text: str) -> tuple[InboundHouse, FlowHouse]:
    (folder / "menu.yaml").write_text(text)
    flows = FlowHouse(FlowLibrary(folder))
    house = InboundHouse(routes=(Route(DID, flow="menu"),), flows=cast(ScriptedFlows, flows))
    await house.open()
    notes = FlowNotes(house.reception, lambda event: None)
    flows.world = world_of(house.clock, notes)
    await flows.reload()
    await house.start(agents=0)
    return house, flows


def world_of(clock: Clock, notes: FlowNotes) -> World:
    world = simulated_world(Given(), Walk(), cast(VirtualClock, clock), random.Random(1))
    return replace(world, events=notes, bookmarks=notes)


async def nodes_of(house: InboundHouse) -> list[list[str]]:
    return [[step.node for step in await house.store.steps(call.call_id)] for call in await house.stored()]


@virtual
async def test_given_a_caller_in_a_menu_when_the_flow_changes_then_that_caller_keeps_the_old_one(
    tmp_path: Path,
) -> None:
    house, flows = await house_with(tmp_path, flow_text("old"))
    house.call(Press(20.0, "1"))
    await asyncio.sleep(2.0)
    await flows.publish("menu", flow_text("new"))
    (tmp_path / "menu.yaml").write_text(flow_text("newer").replace("start: choose", "start: nowhere"))
    assert len((await flows.reload()).refused) == 1
    house.call(Press(8.0, "1"), caller="+34600111333")
    await house.until(lambda: len(house.of(CallOver)) == 2)
    assert await nodes_of(house) == [["choose", "old"], ["choose", "new"]]
    await flows.roll_back("menu")
    house.call(Press(8.0, "1"), caller="+34600111444")
    await house.until(lambda: len(house.of(CallOver)) == 3)
    assert (await nodes_of(house))[2] == ["choose", "old"]
    await house.stop()


@virtual
async def test_given_a_caller_of_before_a_restart_when_the_flow_changed_meanwhile_then_the_old_one_goes_on(
    tmp_path: Path,
) -> None:
    house, flows = await house_with(tmp_path, flow_text("old"))
    house.call(Press(6.0, "1"))
    await asyncio.sleep(2.0)
    house.task.cancel()
    await asyncio.gather(house.task, return_exceptions=True)
    (tmp_path / "menu.yaml").write_text(flow_text("new"))
    again = FlowHouse(FlowLibrary(tmp_path))
    again.world = flows.world
    await again.reload()
    house.reception.flows = cast(Flows, again)
    house.task = asyncio.create_task(house.reception.run())
    await house.until(lambda: house.of(CallOver))
    assert await nodes_of(house) == [["choose", "choose", "old"]]
    await house.stop()


class SlowHooks:
    """Takes its time, as long as the first receiver lives."""

    def __init__(self, late_s: float) -> None:
        self.late_s = late_s
        self.came: list[str] = []
        self.done: list[str] = []

    async def post(self, hook: str, body: bytes, event_id: str) -> None:
        self.came.append(event_id)
        await asyncio.sleep(self.late_s)
        self.done.append(event_id)


TELLS = """
flow: menu
language: en
start: choose
rescue: {queue: sales}
nodes:
  choose: {do: menu, text: Choose., keys: {"1": tell, "2": bye}}
  tell: {do: escalate, event: paid, hook: crm, next: again}
  again: {do: menu, text: Told., keys: {"1": tell, "2": bye}}
  bye: {do: goodbye, text: Bye.}
"""


@virtual
@mark.parametrize("stays", [True, False])
async def test_given_a_webhook_on_its_way_when_the_server_dies_then_it_comes_again_with_the_same_id(
    tmp_path: Path, stays: bool
) -> None:
    house, flows = await house_with(tmp_path, TELLS)
    assert flows.world is not None
    hooks = SlowHooks(9.0)
    flows.world = replace(flows.world, webhooks=hooks)
    # Told once and wholly, then once more: another event, and another id.
    channel_id = house.call(Press(3.0, "1"), Press(15.0, "1"), Press(16.0, "2"))
    await house.until(lambda: len(hooks.came) == 2)
    assert len(hooks.done) == 1 and len(set(hooks.came)) == 2
    house.task.cancel()
    await asyncio.gather(house.task, return_exceptions=True)
    assert len(hooks.done) == 1
    if not stays:
        house.exchange.far_end_hangs_up(channel_id)
        await asyncio.sleep(1.0)
    house.task = asyncio.create_task(house.reception.run())
    await house.until(lambda: len(hooks.done) == 2)
    assert hooks.came[1:] == [hooks.came[1]] * 2 and hooks.done == hooks.came[:2]
    await house.until(lambda: not house.reception.calls)

    async def closed() -> bool:
        return all(call.ended_at_s for call in await house.stored())

    await until(closed)
    ((_, how),) = [(call.call_id, call.ended_how) for call in await house.stored()]
    assert how == ("goodbye" if stays else "lost")
    assert await house.reception.recover() == 0 and len(hooks.came) == 3
    await house.stop()


@virtual
async def test_given_a_recording_that_was_not_ended_when_a_flow_asks_in_private_then_it_ends_before_the_question() -> (
    None
):
    ends: list[float | None] = []

    async def asks(line) -> str:  # type: ignore[no-untyped-def]
        await house.exchange.start_recording(channel_id, "recordings/late")
        async with line.private():
            ends.append(house.exchange.recordings["recordings/late"][2])
        await line.hang_up()
        return "goodbye"

    house = await InboundHouse(routes=(Route(DID, flow="asks"),), flows=ScriptedFlows({"asks": asks})).open()
    await house.start(agents=0)
    channel_id = house.call(HangUp(60.0))
    await house.until(lambda: house.of(CallOver))
    assert len(ends) == 1 and ends[0] is not None
    await house.stop()
