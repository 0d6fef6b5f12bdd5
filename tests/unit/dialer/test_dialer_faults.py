"""What a call does while the world breaks: the link, the exchange, the database, the hopper."""

from amd.verdict import CallClass
from campaigns.outcome import Outcome
from storage.port import StoredAgent
from telephony.events import InboxOverflowed
from telephony.sim.far_end import Answer, FarEnd, HangUp, Ring, Say, UntilHeard
from telephony.sim.faults import LostAnswer
from telephony.sim.leg import CallRecord
from tests.support.virtual import virtual
from tests.unit.dialer.checks import attempts_are_whole, nothing_is_left
from tests.unit.dialer.house import House
from tests.unit.dialer.test_restart import VirtualPause, running, settled
from tests.unit.dialer.test_ways_of_a_call import AlwaysOne


async def rings(house: House, count: int = 1) -> None:
    await house.until(lambda: sum(record.rang_s is not None for record in _calls(house)) >= count)


def _calls(house: House) -> list[CallRecord]:
    return [record for record in house.exchange.records if record.channel_id.endswith("-call")]


@virtual
async def test_given_a_lost_link_then_nothing_is_originated_from_the_next_second_on_until_it_is_back() -> None:
    house = await House(law=AlwaysOne(3)).open()
    await house.fill([FarEnd.busy(1.0) for _ in range(200)])
    async with house.engine:
        await house.engine.start(house.campaign)
        await house.until(VirtualPause(house.clock, 5))
        lost_s = house.clock.monotonic_s()
        house.exchange.lose_link()
        await house.until(VirtualPause(house.clock, 20))
        back_s = house.clock.monotonic_s()
        house.exchange.restore_link()
        await house.until(VirtualPause(house.clock, 5))
    asked = house.wire.times("originate")
    assert [at_s for at_s in asked if lost_s + 1.0 < at_s < back_s] == []
    assert any(at_s > back_s for at_s in asked)
    assert await attempts_are_whole(house) == []


@virtual
async def test_given_a_conversation_when_the_link_is_lost_then_it_stays_up_and_ends_as_usual() -> None:
    house = await running([FarEnd.person(talk_s=60)])
    await house.until(lambda: house.connected())
    house.exchange.lose_link()
    await house.until(VirtualPause(house.clock, 10))
    house.exchange.restore_link()
    await settled(house)
    assert house.ended() == {"lead-0000": Outcome.BRIDGED}
    assert _calls(house)[0].ended_by == "far end"


@virtual
async def test_given_a_ringing_call_when_the_link_is_lost_and_it_is_answered_meanwhile_then_an_agent_gets_it() -> None:
    patient = FarEnd((Ring(0.2), Answer(3.0), Say(0.2, 0.8), UntilHeard(patience_s=30), HangUp(10.0)))
    house = await running([patient])
    await rings(house)
    house.exchange.lose_link()
    await house.until(VirtualPause(house.clock, 6))
    house.exchange.restore_link()
    await settled(house)
    assert house.ended() == {"lead-0000": Outcome.BRIDGED}
    assert house.wire.times("start_tap") == []


@virtual
async def test_given_a_ringing_call_when_the_link_is_lost_and_it_ends_meanwhile_then_it_is_lost_once() -> None:
    house = await running([FarEnd((Ring(0.2), HangUp(2.0, 17, 486)))])
    await rings(house)
    house.exchange.lose_link()
    await house.until(VirtualPause(house.clock, 6))
    house.exchange.restore_link()
    await settled(house)
    assert house.ended() == {"lead-0000": Outcome.LOST}


@virtual
async def test_given_a_person_with_no_agent_when_the_link_is_lost_in_the_message_then_they_hear_it_again() -> None:
    stays = FarEnd((Ring(0.2), Answer(1.0), Say(0.2, 0.8), HangUp(60)), CallClass.HUMAN)
    house = await running([stays], agents=0)
    await house.until(lambda: house.wire.times("play"))
    await house.until(VirtualPause(house.clock, 0.5))
    house.exchange.lose_link()
    await house.until(VirtualPause(house.clock, 5))
    house.exchange.restore_link()
    await settled(house)
    assert house.ended() == {"lead-0000": Outcome.ABANDONED}
    assert len(house.wire.times("play")) == 2


@virtual
async def test_given_a_person_at_the_verdict_when_the_link_is_lost_then_an_agent_gets_them_when_it_is_back() -> None:
    stays = FarEnd((Ring(0.2), Answer(1.0), Say(0.2, 0.8), UntilHeard(patience_s=60), HangUp(10)), CallClass.HUMAN)
    house = await running([stays])
    await house.until(lambda: house.listening.open_count)
    house.exchange.lose_link()
    await house.until(VirtualPause(house.clock, 5))
    house.exchange.restore_link()
    await settled(house)
    assert house.ended() == {"lead-0000": Outcome.BRIDGED}


@virtual
async def test_given_a_lost_originate_answer_then_the_call_is_followed_if_it_is_there_and_never_placed_again() -> None:
    house = await House(law=AlwaysOne(2)).open()
    await house.fill([FarEnd.person(talk_s=5), FarEnd.person(talk_s=5)])
    async with house.engine:
        await house.staffed(2)
        house.exchange.faults.lost_answers = [LostAnswer.PLACED, LostAnswer.NOT_PLACED]
        await house.engine.start(house.campaign)
        await house.until(lambda: len(house.ended()) == 2)
        await settled(house)
    assert house.ended() == {"lead-0000": Outcome.BRIDGED, "lead-0001": Outcome.LOST}


@virtual
async def test_given_the_exchange_restarts_then_calls_are_lost_agents_come_back_and_dialling_goes_on() -> None:
    house = await House(law=AlwaysOne(3)).open()
    await house.fill(
        [FarEnd.person(ring_s=1, talk_s=100), FarEnd.no_answer(), FarEnd.voicemail(ring_s=2), FarEnd.busy()]
    )
    async with house.engine:
        await house.staffed(2)
        await house.engine.start(house.campaign)
        await house.until(lambda: house.connected())
        house.exchange.restart()
        await house.until(lambda: len(house.ended()) == 4)
        await house.until(lambda: all(seat.leg_up for seat in house.desk.pool.seats()))
        await settled(house)
    assert house.ended()["lead-0000"] is Outcome.BRIDGED
    assert house.ended()["lead-0003"] is Outcome.BUSY


@virtual
async def test_given_a_database_that_is_busy_for_a_while_then_calls_go_on_and_every_outcome_is_written() -> None:
    house = await running([FarEnd.person(talk_s=10), FarEnd.busy(3.0)])
    await house.until(lambda: len(_calls(house)) == 2)
    house.cable.busy = True
    await house.until(lambda: house.connected())
    await house.until(VirtualPause(house.clock, 30))
    assert house.ended() == {}
    house.cable.busy = False
    await settled(house)
    assert house.ended() == {"lead-0000": Outcome.BRIDGED, "lead-0001": Outcome.BUSY}
    told = [trouble for trouble in house.troubles() if trouble.startswith("database")]
    assert any("wait for the database and are not lost" in words for words in told)
    assert any("takes moves of calls again" in words for words in told)
    assert len(told) < 12


@virtual
async def test_given_a_database_that_is_busy_then_nothing_new_is_dialled_and_no_lead_is_lost() -> None:
    house = await House(law=AlwaysOne(2)).open()
    await house.fill([FarEnd.busy(1.0) for _ in range(10)])
    async with house.engine:
        await house.engine.start(house.campaign)
        await house.until(lambda: len(house.ended()) >= 2)
        house.cable.busy = True
        await house.until(VirtualPause(house.clock, 5))
        asked = len(house.wire.times("originate"))
        await house.until(VirtualPause(house.clock, 20))
        assert len(house.wire.times("originate")) == asked
        house.cable.busy = False
        house.hopper.loans.clear()  # their loans expire
        await house.until(lambda: len(house.ended()) == 10)
        await settled(house)


@virtual
async def test_given_a_slow_database_then_people_do_not_wait_for_it() -> None:
    house = await running([FarEnd.person(talk_s=10)])
    await house.until(lambda: _calls(house))
    house.cable.slow_s = 1.5
    await house.until(lambda: house.connected())
    (connected,) = house.connected()
    assert connected.bridged_at_s - connected.verdict_at_s < 0.1
    house.cable.slow_s = 0.0
    await settled(house)


@virtual
async def test_given_the_hopper_is_lost_then_leads_come_from_sql_and_both_turns_are_said_once() -> None:
    house = await House(law=AlwaysOne(2)).open()
    await house.fill([FarEnd.busy(1.0) for _ in range(20)])
    async with house.engine:
        await house.engine.start(house.campaign)
        house.hopper.down = True
        await house.until(lambda: len(house.ended()) >= 5)
        house.hopper.down = False
        house.hopper.queue.clear()
        house.hopper.loans.clear()
        await house.until(lambda: len(house.ended()) == 20)
        await settled(house)
    told = [trouble for trouble in house.troubles() if trouble.startswith("hopper")]
    assert len(told) == 2
    assert "leads come straight from SQL" in told[0]
    assert "the hopper is back" in told[1]


@virtual
async def test_given_more_events_than_a_call_can_take_then_that_call_ends_loudly_and_no_other() -> None:
    house = await running([FarEnd.person(ring_s=3, talk_s=5), FarEnd.person(ring_s=3, talk_s=5)], agents=2)
    await rings(house, 2)
    first = _calls(house)[0].channel_id
    house.exchange.emit(InboxOverflowed(first, house.clock.monotonic_s()))
    await settled(house)
    assert sorted(house.ended().values()) == [Outcome.BRIDGED, Outcome.LOST]
    assert any("more events than the call could take" in trouble for trouble in house.troubles())


@virtual
async def test_given_events_of_a_call_are_lost_then_it_still_ends_and_nothing_is_left() -> None:
    house = await House(law=AlwaysOne(1)).open()
    await house.fill([FarEnd.person(ring_s=3, talk_s=5)])
    async with house.engine:
        await house.engine.start(house.campaign)
        await house.until(lambda: _calls(house))
        house.exchange.faults.muted.add(_calls(house)[0].channel_id)
        await house.until(lambda: house.ended())
        house.exchange.faults.muted.clear()
        await settled(house)
    assert house.ended() == {"lead-0000": Outcome.NO_ANSWER}


@virtual
async def test_given_a_flow_that_breaks_by_a_fault_of_ours_then_recovery_gives_its_attempt_an_outcome() -> None:
    house = await running([FarEnd.person(ring_s=1, talk_s=40)])

    def broken(*args: object) -> None:
        raise KeyError("a bug")

    await rings(house)
    for flow in house.engine.runs["c1"].flows.values():
        flow.tell(broken)
    await house.until(lambda: any("fault of ours" in trouble for trouble in house.troubles()))
    await settled(house)
    assert len(_calls(house)) == 1
    assert await nothing_is_left(house) == []


@virtual
async def test_given_a_phone_that_is_not_registered_then_the_agents_trouble_says_so_until_it_is() -> None:
    house = await House().open()
    await house.agents.put(StoredAgent("ana", "Ana", "PJSIP/ana"))
    async with house.engine:
        await house.staff.sign_in("ana")
        await house.until(lambda: house.desk.leg_trouble("ana"))
        assert house.desk.leg_trouble("ana") == "PJSIP/ana cannot be called: no such phone is registered"
        house.exchange.network.put("ana", FarEnd.agent())
        await house.until(lambda: not house.desk.leg_trouble("ana"))
        assert all(seat.leg_up for seat in house.desk.pool.seats())
