"""Calls from outside on virtual time: arrivals, queues, talks, transfers."""

import asyncio

from agents.agent import AgentState
from dialer.inbound.events import AgentOffered, CallOver, TalkBegan, TalkOver, WaitEnded
from dialer.inbound.orders import Act, Target, TargetOf
from storage.calls import CallStage
from telephony.sim.far_end import FarEnd, HangUp, Press, UntilHeard
from tests.support.virtual import virtual
from tests.unit.inbound.inbound_house import DID, SALES, InboundHouse


@virtual
async def test_given_a_free_agent_when_somebody_calls_then_they_talk_and_all_of_it_is_written_down() -> None:
    house = await InboundHouse().open()
    await house.start(agents=1)
    channel_id = house.call(UntilHeard(patience_s=30.0), HangUp(40.0))
    await house.until(lambda: house.of(CallOver))
    record = house.exchange.record(channel_id)
    heard = {part.source: part for part in record.heard}
    (talk,) = house.of(TalkOver)
    (call,) = await house.stored()
    assert any(source.endswith("-legc") for source in heard)
    assert 39.0 < talk.talk_s < 41.0 and talk.how == "caller"  # type: ignore[attr-defined]
    assert call.stage is CallStage.ENDED and call.ended_how == "talked" and call.agent_id == "agent00"
    assert [wait.ended_how for wait in await house.store.waits(0, 1e12)] == ["answered"]
    (stored_talk,) = await house.store.talks(call.call_id)
    assert stored_talk.recording and house.recorder.finished == [stored_talk.talk_id]
    assert house.recorder.in_bridge == [False] and house.recorder.discarded == []  # recorded from before the bridge on
    await asyncio.sleep(3.0)
    assert house.base.agent_states() == {AgentState.IDLE: 1}
    assert await house.base.leaks() == [] and house.troubles() == []
    await house.stop()


@virtual
async def test_given_nobody_free_when_somebody_calls_then_music_and_true_places_until_an_agent_comes() -> None:
    house = await InboundHouse().open()
    await house.start(agents=1)
    calls = [house.call(UntilHeard(patience_s=1e6), HangUp(30.0)) for _ in range(3)]
    await asyncio.sleep(5.0)
    queue = house.hall.queues["sales"]
    assert len(queue) == 2
    assert [record for record in calls[1:] if not house.exchange.hears(record, "sound:music")] == []
    await house.until(lambda: len(house.of(CallOver)) == 3, 300.0)
    waits = [round(event.waited_s) for event in house.of(WaitEnded)]  # type: ignore[attr-defined]
    assert waits[0] == 0 and 30 <= waits[1] <= 34 and 62 <= waits[2] <= 68
    assert house.hall.queues["sales"].figures(house.clock.monotonic_s()).answered == 3
    await house.stop()


@virtual
async def test_given_nobody_signed_in_when_somebody_calls_then_they_are_told_before_the_end() -> None:
    house = await InboundHouse().open()
    await house.start(agents=0)
    await asyncio.sleep(11.0)
    channel_id = house.call()
    await house.until(lambda: house.of(CallOver))
    assert [part.source for part in house.exchange.record(channel_id).heard] == ["sound:unavailable-es"]
    (call,) = await house.stored()
    assert call.ended_how == "told"
    await house.stop()


@virtual
async def test_given_a_caller_who_hangs_up_in_the_queue_then_abandoned_and_nobody_is_held() -> None:
    house = await InboundHouse().open()
    await house.start(agents=1)
    house.call(UntilHeard(patience_s=1e6), HangUp(60.0))
    await asyncio.sleep(1.0)
    house.call(HangUp(25.0))
    await house.until(lambda: len(house.of(CallOver)) == 2)
    figures = house.hall.queues["sales"].figures(house.clock.monotonic_s())
    assert (figures.answered, figures.abandoned, figures.abandonment, figures.service_level) == (1, 1, 0.5, 0.5)
    await asyncio.sleep(3.0)
    assert house.base.agent_states() == {AgentState.IDLE: 1}
    await house.stop()


async def _talking(house: InboundHouse, agents: int = 2) -> str:
    await house.start(agents)
    channel_id = house.call(UntilHeard(patience_s=1e6), HangUp(600.0))
    await house.until(lambda: house.of(TalkBegan))
    await asyncio.sleep(1.0)
    return channel_id


@virtual
async def test_given_a_talk_when_the_agent_consults_and_conferences_and_leaves_then_the_other_has_the_caller() -> None:
    house = await InboundHouse().open()
    channel_id = await _talking(house)
    first = house.of(TalkBegan)[0].agent_id  # type: ignore[attr-defined]
    second = ({"agent00", "agent01"} - {first}).pop()
    legs = {
        name: house.reception.calls and house.base.desk.pool.seat(name).profile.agent_key + "-legc"
        for name in (first, second)
    }
    await house.reception.order(first, Act.CONSULT, Target(TargetOf.AGENT, second))
    await asyncio.sleep(0.5)
    assert house.exchange.hears(channel_id, "sound:music") and not house.exchange.hears(channel_id, legs[first])
    assert house.exchange.hears(legs[first], legs[second])
    await house.reception.order(first, Act.CONFERENCE)
    await asyncio.sleep(0.5)
    for ear, mouths in ((channel_id, list(legs.values())), (legs[first], [channel_id, legs[second]])):
        assert all(house.exchange.hears(ear, mouth) for mouth in mouths)
    house.desk.end_conversation(first)
    await asyncio.sleep(0.5)
    assert house.exchange.hears(channel_id, legs[second]) and not house.exchange.hears(channel_id, legs[first])
    house.exchange.far_end_hangs_up(channel_id)
    await house.until(lambda: house.of(CallOver))
    await asyncio.sleep(3.0)
    assert house.base.agent_states() == {AgentState.IDLE: 2}
    assert await house.base.leaks() == [] and house.troubles() == []
    await house.stop()


@virtual
async def test_given_a_consultation_when_the_agent_goes_back_then_the_caller_is_with_the_first_agent_again() -> None:
    house = await InboundHouse().open()
    channel_id = await _talking(house)
    first = house.of(TalkBegan)[0].agent_id  # type: ignore[attr-defined]
    second = ({"agent00", "agent01"} - {first}).pop()
    leg = house.desk.pool.seat(first).profile.agent_key + "-legc"
    await house.reception.order(first, Act.CONSULT, Target(TargetOf.AGENT, second))
    await house.reception.order(first, Act.BACK)
    await asyncio.sleep(3.0)
    assert house.exchange.hears(channel_id, leg)
    assert house.desk.pool.seat(second).state is AgentState.IDLE
    await house.reception.order(first, Act.CONSULT, Target(TargetOf.AGENT, second))
    await house.reception.order(first, Act.COMPLETE)
    await asyncio.sleep(3.0)
    assert house.desk.pool.seat(first).state is AgentState.IDLE
    assert house.exchange.hears(channel_id, house.desk.pool.seat(second).profile.agent_key + "-legc")
    await house.stop()


@virtual
async def test_given_a_talk_when_sent_to_another_agent_then_that_one_talks_and_the_first_wraps_up() -> None:
    house = await InboundHouse().open()
    channel_id = await _talking(house)
    first = house.of(TalkBegan)[0].agent_id  # type: ignore[attr-defined]
    second = ({"agent00", "agent01"} - {first}).pop()
    await house.reception.order(first, Act.TRANSFER, Target(TargetOf.AGENT, second))
    await asyncio.sleep(3.0)
    assert house.exchange.hears(channel_id, house.desk.pool.seat(second).profile.agent_key + "-legc")
    assert house.desk.pool.seat(first).state is AgentState.IDLE
    offered = [event.agent_id for event in house.of(AgentOffered)]  # type: ignore[attr-defined]
    assert offered == [first, second]
    await house.stop()


@virtual
async def test_given_a_talk_when_consulting_and_completing_with_a_number_then_both_go_on_without_the_agent() -> None:
    house = await InboundHouse().open()
    house.exchange.network.put("+34911222333", FarEnd.person(ring_s=2.0, talk_s=20.0))
    channel_id = await _talking(house, agents=1)
    await house.reception.order("agent00", Act.CONSULT, Target(TargetOf.NUMBER, "+34911222333"))
    await asyncio.sleep(4.5)
    assert house.exchange.hears(channel_id, "sound:music")
    await house.reception.order("agent00", Act.COMPLETE)
    await asyncio.sleep(1.0)
    outside = next(record.channel_id for record in house.exchange.records if record.channel_id.endswith("-xfer"))
    assert house.exchange.hears(channel_id, outside) and house.exchange.hears(outside, channel_id)
    assert house.desk.pool.seat("agent00").state is AgentState.WRAP_UP
    await house.until(lambda: house.of(CallOver))
    assert await house.base.leaks() == []
    await house.stop()


@virtual
async def test_given_keys_typed_ahead_when_a_flow_asks_then_they_are_taken_and_a_prompt_is_not_begun() -> None:
    from ivr.line import KeyRequest, KeysEnd, Played

    seen: list[object] = []

    async def flow(line) -> str:  # type: ignore[no-untyped-def]
        seen.append(await line.play(("sound:long",)))
        seen.append(await line.play(("sound:next",)))
        keys = await line.keys(KeyRequest(4, 5.0, 2.0))
        seen.append((keys.digits.reveal(), keys.ended))
        keys = await line.keys(KeyRequest(4, 5.0, 2.0))
        seen.append((keys.digits.reveal(), keys.ended))
        return "goodbye"

    from dialer.inbound.routes import Route

    house = InboundHouse(routes=(Route(DID, flow="f"),))
    house.flows.scripts["f"] = flow
    await house.open()
    await house.start(agents=0)
    channel_id = house.call(Press(0.5, "12#4", 0.3))
    await house.until(lambda: house.of(CallOver))
    assert seen == [Played.INTERRUPTED, Played.INTERRUPTED, ("12", KeysEnd.TERMINATOR), ("4", KeysEnd.TIMEOUT)]
    heard = house.exchange.record(channel_id).heard
    assert [part.source for part in heard] == ["sound:long"] and heard[0].until_s - heard[0].from_s < 0.6
    await house.stop()


def test_given_the_queue_settings_then_sales_is_below_people_the_dialer_called() -> None:
    assert SALES.pool_priority < 0
