"""Callbacks that keep their place, agents shared with the dialer, direct lines, restarts; on virtual time."""

import asyncio
from dataclasses import replace

import pytest

from agents.agent import AgentState
from agents.pool import WaitingCall
from agents.queue import QueueSettings
from campaigns.calling_window import CallingWindow, parse_span
from dialer.inbound.events import CallOver, TalkBegan, WaitEnded
from dialer.inbound.room import RoomEnd, TalkRoom
from dialer.inbound.routes import Route
from dialer.pacing.plan import AgentActivity
from storage.calls import CallbackState, QueueCallback
from telephony.sim.far_end import FarEnd, HangUp, UntilHeard
from tests.support.virtual import virtual
from tests.unit.inbound.inbound_house import DID, SALES, InboundHouse


@virtual
async def test_given_a_callback_between_two_callers_when_an_agent_is_free_then_it_is_called_in_its_place() -> None:
    house = await InboundHouse().open()
    phone = "+34600999888"
    house.exchange.network.put(phone, FarEnd.person(ring_s=3.0, talk_s=20.0))
    await house.start(agents=1)
    busy = house.call(UntilHeard(patience_s=1e6), HangUp(60.0))
    await asyncio.sleep(1.0)
    before = house.call(UntilHeard(patience_s=1e6), HangUp(10.0))
    await asyncio.sleep(1.0)
    promise = QueueCallback("r1", "c1", phone, "sales", house.clock.now_s(), None, "es")
    assert await house.promises.add_callback(promise) and not await house.promises.add_callback(promise)
    keeping = asyncio.create_task(house.callbacks.run())
    await asyncio.sleep(1.0)
    after = house.call(UntilHeard(patience_s=1e6), HangUp(10.0))
    await asyncio.sleep(1.0)
    figures = house.hall.queues["sales"].figures(house.clock.monotonic_s())
    assert (figures.waiting, figures.callbacks_waiting) == (2, 1)
    await house.until(lambda: len(house.of(CallOver)) == 4, 300.0)
    talks = [event.call_id for event in house.of(TalkBegan)]  # type: ignore[attr-defined]
    channels = {call.call_id: call.channel_id for call in await house.stored()}
    assert [channels[call_id] for call_id in talks] == [busy, before, channels[talks[2]], after]
    assert channels[talks[2]].endswith("-cbck")
    await asyncio.sleep(1.0)
    assert [each.request_id for each in await house.promises.callbacks(CallbackState.DONE)] == ["r1"]
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    assert await house.base.leaks() == [] and house.troubles() == []
    await house.stop()


@virtual
async def test_given_a_callback_nobody_answers_then_the_agent_is_free_again_and_it_is_tried_later() -> None:
    house = await InboundHouse().open()
    house.exchange.network.put("+34600999888", FarEnd.no_answer())
    await house.start(agents=1)
    await house.promises.add_callback(QueueCallback("r1", "c1", "+34600999888", "sales", 0.0, None, "es"))
    keeping = asyncio.create_task(house.callbacks.run())
    await asyncio.sleep(45.0)
    assert house.base.agent_states() == {AgentState.IDLE: 1}
    (promise,) = await house.promises.callbacks(CallbackState.PENDING)
    assert promise.attempts == 1 and promise.due_at_s > house.clock.now_s()
    await asyncio.sleep(2000.0)
    assert [each.attempts for each in await house.promises.callbacks(CallbackState.FAILED)] == [3]
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await house.stop()


@virtual
async def test_given_a_callback_at_a_time_of_ones_own_when_it_comes_then_it_is_rung_and_not_before() -> None:
    house = await InboundHouse().open()
    house.exchange.network.put("+34600999888", FarEnd.person(ring_s=3.0, talk_s=20.0))
    await house.start(agents=1)
    at_s = house.clock.now_s() + 3600.0
    promise = QueueCallback("r1", "c1", "+34600999888", "sales", house.clock.now_s(), at_s, "es", due_at_s=at_s)
    await house.promises.add_callback(promise)
    keeping = asyncio.create_task(house.callbacks.run())
    await asyncio.sleep(3590.0)
    assert house.exchange.records == [] or not any(r.channel_id.endswith("-cbck") for r in house.exchange.records)
    await house.until(lambda: house.of(TalkBegan), 60.0)
    (talk,) = house.of(TalkBegan)
    assert 0.0 <= talk.at_s - at_s < 40.0
    await house.until(lambda: house.of(CallOver))
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await house.stop()


@virtual
async def test_given_somebody_called_back_who_talks_when_the_node_dies_then_they_talk_on_and_are_not_rung_again() -> (
    None
):
    house = await InboundHouse().open()
    house.exchange.network.put("+34600999888", FarEnd.person(ring_s=3.0, talk_s=60.0))
    await house.start(agents=1)
    await house.promises.add_callback(QueueCallback("r1", "c1", "+34600999888", "sales", 0.0, None, "es"))
    keeping = asyncio.create_task(house.callbacks.run())
    await house.until(lambda: house.of(TalkBegan))
    await asyncio.sleep(10.0)
    await house.base.kill()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    after = await InboundHouse().open(house.exchange, house.base.database)
    await after.start(agents=0)
    keeping = asyncio.create_task(after.callbacks.run())
    await after.until(lambda: len(after.of(CallOver)) == 1, 120.0)
    await asyncio.sleep(60.0)
    (call,) = await after.stored()
    assert (call.ended_how, call.channel_id[-5:]) == ("talked", "-cbck") and call.talk_s > 45.0
    rung = [record for record in after.exchange.records if record.channel_id.endswith("-cbck")]
    assert len(rung) == 1 and rung[0].ended_by == "far end"
    (promise,) = await after.promises.callbacks(CallbackState.DONE)
    assert promise.attempts == 1 and await after.base.leaks() == []
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    await after.stop()


@virtual
async def test_given_blended_agents_when_callers_wait_then_the_dialer_counts_on_nobody_they_will_take() -> None:
    house = await InboundHouse(queues=(replace(SALES, keep_free=1),)).open()
    await house.start(agents=3)
    run = await house.base.engine.start(house.base.campaign)

    def counted() -> list[AgentActivity]:
        return sorted(view.activity for view in run.snapshot().agents)

    assert counted().count(AgentActivity.IDLE) == 2, "one agent is kept free for callers"
    for _ in range(4):
        house.call(UntilHeard(patience_s=1e6), HangUp(60.0))
    await asyncio.sleep(2.0)
    assert counted() == [AgentActivity.PAUSED, AgentActivity.TALKING, AgentActivity.TALKING]
    await house.base.engine.stop("c1")
    await house.stop()


@virtual
async def test_given_an_agent_and_both_waiting_when_free_then_the_person_the_dialer_called_goes_first() -> None:
    house = await InboundHouse().open()
    await house.start(agents=1)
    house.call(UntilHeard(patience_s=1e6), HangUp(20.0))
    await asyncio.sleep(1.0)
    house.call(UntilHeard(patience_s=1e6), HangUp(20.0))
    await asyncio.sleep(15.0)
    called = asyncio.create_task(house.desk.wait_for_agent(WaitingCall("out", "c1", house.clock.monotonic_s())))
    await house.until(called.done, 60.0)
    assert len(house.of(TalkBegan)) == 1
    house.desk.release(called.result(), "out")
    await house.until(lambda: len(house.of(TalkBegan)) == 2)
    await house.stop()


@virtual
async def test_given_a_closed_queue_with_overflow_when_somebody_calls_then_the_other_queue_serves() -> None:
    closed = CallingWindow((parse_span("mon 00:00-00:01"),))
    first = QueueSettings("day", hours=closed, overflow_to="sales")
    house = await InboundHouse(queues=(first, SALES), routes=(Route(DID, queue="day"),)).open()
    await house.start(agents=1)
    house.call(UntilHeard(patience_s=30.0), HangUp(5.0))
    await house.until(lambda: house.of(CallOver))
    assert [(event.queue, event.how) for event in house.of(WaitEnded)] == [("sales", "answered")]  # type: ignore[attr-defined]
    await house.stop()


@virtual
async def test_given_a_direct_extension_when_its_agent_talks_already_then_the_caller_is_told() -> None:
    house = await InboundHouse(extensions={"201": "agent00"}).open()
    await house.start(agents=1)
    first = house.call(UntilHeard(patience_s=30.0), HangUp(30.0), did="201")
    await house.until(lambda: house.of(TalkBegan))
    second = house.call(did="201")
    await house.until(lambda: house.of(CallOver))
    assert [part.source for part in house.exchange.record(second).heard] == ["sound:unavailable-es"]
    await house.until(lambda: len(house.of(CallOver)) == 2)
    assert any(part.source.endswith("-legc") for part in house.exchange.record(first).heard)
    await house.stop()


@virtual
async def test_given_a_talk_that_just_began_when_the_node_dies_before_a_line_is_written_then_its_recording_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = await InboundHouse().open()
    await house.start(agents=1)
    with monkeypatch.context() as patch:
        patch.setattr(TalkRoom, "run", _nothing)  # in the bridge, and that is the last thing it does
        house.call(UntilHeard(patience_s=1e6), HangUp(60.0))
        await house.until(lambda: house.recorder.begun_on)
        await asyncio.sleep(1.0)
        await house.base.kill()
    (talk_id,) = house.recorder.begun_on.values()
    after = await InboundHouse().open(house.exchange, house.base.database)
    after.recorder.begun_on = house.recorder.begun_on
    await after.start(agents=0)
    await after.until(lambda: after.of(CallOver), 120.0)
    (call,) = await after.stored()
    (talk,) = await after.store.talks(call.call_id)
    assert (call.ended_how, talk.talk_id) == ("talked", talk_id)
    assert after.recorder.started == after.recorder.finished == [talk_id] and after.recorder.discarded == []
    await after.stop()


async def _nothing(room: TalkRoom, agent_id: str, talk_id: str, *, adopted: bool = False) -> RoomEnd:
    await asyncio.sleep(1e6)
    raise AssertionError("the node was killed")


@virtual
async def test_given_an_agent_whose_bridge_is_gone_when_somebody_calls_then_what_was_begun_for_it_is_not_kept() -> None:
    house = await InboundHouse().open()
    await house.start(agents=1)
    await house.exchange.destroy_bridge(house.desk.bridge_of("agent00"))
    house.call(UntilHeard(patience_s=1e6), HangUp(20.0))
    await house.until(lambda: house.of(CallOver), 120.0)
    (call,) = await house.stored()
    (talk,) = await house.store.talks(call.call_id)
    assert call.ended_how == "talked" and house.recorder.started == [talk.talk_id]
    assert house.recorder.discarded and talk.talk_id not in house.recorder.discarded
    await house.stop()


@virtual
async def test_given_a_caller_in_the_queue_when_the_node_dies_then_the_next_one_keeps_the_place() -> None:
    house = await InboundHouse().open()
    await house.start(agents=1)
    talking = house.call(UntilHeard(patience_s=1e6), HangUp(100.0))
    await asyncio.sleep(1.0)
    waiting = house.call(UntilHeard(patience_s=1e6), HangUp(20.0))
    await asyncio.sleep(30.0)
    await house.base.kill()
    after = await InboundHouse().open(house.exchange, house.base.database)
    await asyncio.sleep(2.0)
    await after.start(agents=0)
    heard = after.exchange.record(waiting).heard
    await after.until(lambda: "sound:interrupted-es" in {part.source for part in heard}, 30.0)
    await asyncio.sleep(4.0)
    assert after.desk.pool.seat("agent00").state is AgentState.TALKING
    assert after.hall.queues["sales"].figures(after.clock.monotonic_s()).longest_s > 30.0
    later = after.call(UntilHeard(patience_s=1e6), HangUp(20.0))
    await after.until(lambda: len(after.of(CallOver)) == 3, 300.0)
    talks = [call.call_id for call in await after.stored()]
    assert [event.call_id for event in after.of(TalkBegan)] == talks  # type: ignore[attr-defined]
    assert {call.ended_how for call in await after.stored()} == {"talked"}
    assert after.exchange.record(later).ended_by == after.exchange.record(talking).ended_by == "far end"
    await asyncio.sleep(3.0)
    assert await after.base.leaks() == []
    await after.stop()
