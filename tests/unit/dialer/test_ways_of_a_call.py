"""Every way one call can go, on virtual time: the outcome, what the callee heard, and that nothing is left behind."""

from dataclasses import replace
from typing import cast

import pytest

from agents.agent import AgentError, AgentState
from amd.verdict import CallClass
from campaigns.campaign import AmdPolicy, DialMode
from campaigns.lead import LeadChange, LeadState
from campaigns.outcome import Outcome
from dialer.engine import EngineError
from dialer.events import AttemptMoved, Doubted, Trouble
from dialer.pacing.plan import PacingEvent, Plan, Snapshot
from media.taps import TapTick
from telephony.sim.far_end import Answer, FarEnd, HangUp, Progress, Ring, Say
from telephony.sim.scripted_amd import ScriptedBank
from tests.support.virtual import virtual
from tests.unit.dialer.house import CAMPAIGN, LEAVING_MESSAGES, House

PLAIN = {
    "person": (FarEnd.person(), Outcome.BRIDGED),
    "person who hangs up": (FarEnd.person_who_hangs_up(after_s=0.05, greeting=0.3), Outcome.CUSTOMER_HUNG_UP),
    "voicemail": (FarEnd.voicemail(), Outcome.MACHINE),
    "busy": (FarEnd.busy(), Outcome.BUSY),
    "congestion": (FarEnd.refused(503), Outcome.CONGESTION),
    "unallocated": (FarEnd.refused(404), Outcome.UNALLOCATED),
    "declined": (FarEnd.refused(603), Outcome.REJECTED),
    "no answer": (FarEnd.no_answer(), Outcome.NO_ANSWER),
    "refused while it rang, cause not told": (FarEnd((Ring(0.2), HangUp(2.0, q850=0))), Outcome.NO_ANSWER),
    "ended at once, cause not told": (FarEnd((HangUp(0.2, q850=0),)), Outcome.FAILED),
    # A special information tone without a kind: the network's cause comes after its announcement, and knows more.
    "announcement, then unallocated": (FarEnd.announcement(), Outcome.UNALLOCATED),
    "announcement, then congestion": (FarEnd.announcement(9.0, 503), Outcome.CONGESTION),
    "announcement, then no reason": (FarEnd.announcement(4.0, 480), Outcome.ANNOUNCEMENT),
    "announcement without end": (FarEnd.announcement(90.0), Outcome.ANNOUNCEMENT),
    "announcement that is answered": (
        FarEnd((Progress(0.5), Say(0.1, 4.0), Answer(0.1), Say(0.1, 30.0), HangUp(0.2)), CallClass.SIT),
        Outcome.ANNOUNCEMENT,
    ),
    "silence": (FarEnd.silent(), Outcome.SILENCE),
    "fax": (FarEnd((Ring(0.2), Answer(2.0), Say(0.2, 3.0)), CallClass.FAX), Outcome.FAX),
    "ringback with music": (
        FarEnd((Progress(0.5), Say(0.1, 2.0), Answer(3.0), Say(0.2, 1.0), HangUp(20.0)), None),
        Outcome.BRIDGED,
    ),
    "screening": (FarEnd((Ring(0.2), Answer(2.0), Say(0.2, 3.0)), CallClass.SCREENING), Outcome.SCREENING),
}


@pytest.mark.parametrize("kind", PLAIN)
@virtual
async def test_given_a_far_end_when_dialled_then_its_outcome_is_stored_and_nothing_is_left(kind: str) -> None:
    far_end, outcome = PLAIN[kind]
    house = await House().open()
    assert await house.dial([far_end]) == [outcome]
    (attempt,) = await house.attempts()
    assert attempt.outcome is outcome
    assert await house.leaks() == []
    assert house.listening.open_count == 0
    assert house.desk.conversations == {}


@virtual
async def test_given_an_announcement_without_end_when_the_network_says_nothing_then_the_call_is_ended_soon() -> None:
    house = await House().open()
    await house.dial([FarEnd.announcement(90.0)])
    record = house.exchange.record((await house.attempts())[0].channel_id)
    assert record.ended_s is not None and record.early_media_s is not None and record.ended_by == "us"
    assert 12.0 <= record.ended_s - record.early_media_s < 20.0


@virtual
async def test_given_leave_message_when_a_voicemail_beeps_then_it_hears_the_message_after_the_beep() -> None:
    house = await House(LEAVING_MESSAGES).open()
    assert await house.dial([FarEnd.voicemail()]) == [Outcome.MESSAGE_LEFT]
    record = house.exchange.record((await house.attempts())[0].channel_id)
    (heard,) = record.heard
    assert heard.source == "sound:voicemail"
    assert heard.from_s - (record.answered_s or 0.0) >= (record.far_end.beep_end_s or 0.0)


@virtual
async def test_given_a_machine_taken_for_a_person_when_it_goes_on_then_the_agent_is_told_and_nobody_is_hung_up_on() -> (
    None
):
    house = await House().open()
    cast(ScriptedBank, house.listening.bank).machine_as_human = 1.0
    assert await house.dial([FarEnd.voicemail()]) == [Outcome.BRIDGED]
    doubts = [event for event in house.events if isinstance(event, Doubted)]
    (connected,) = house.connected()
    assert [doubt.verdict.call_class for doubt in doubts] == [CallClass.MACHINE, CallClass.BEEP]
    assert {doubt.agent_id for doubt in doubts} == {connected.agent_id}
    assert 0.9 <= doubts[0].at_s - connected.at_s <= 1.2
    assert doubts[1].verdict.tone_end_s is not None, "a message would be kept from here on"
    assert house.wire.times("stop_tap") != []
    assert await house.leaks() == []


@virtual
async def test_given_a_person_when_nothing_speaks_against_it_then_nobody_listens_to_the_conversation_any_more() -> None:
    house = await House().open()
    assert await house.dial([FarEnd.person(talk_s=60)]) == [Outcome.BRIDGED]
    (connected,), (closed_s,) = house.connected(), house.wire.times("stop_tap")
    assert closed_s - connected.bridged_at_s <= 3.0
    assert not [event for event in house.events if isinstance(event, Doubted)]


@virtual
async def test_given_a_talk_that_cannot_be_overheard_then_it_goes_on_and_its_tap_is_gone() -> None:
    house = await House().open()
    house.wire.refused.add("overhear")
    assert await house.dial([FarEnd.person(talk_s=20)]) == [Outcome.BRIDGED]
    assert "listened to" in " ".join(event.words for event in house.events if isinstance(event, Trouble))
    assert await house.leaks() == []


@pytest.mark.parametrize("after_beep_s", [0.3, 1.5])
@virtual
async def test_given_a_person_who_picks_up_during_the_message_then_it_stops_and_an_agent_takes_over(
    after_beep_s: float,
) -> None:
    house = await House(LEAVING_MESSAGES).open()
    machine = FarEnd.voicemail()
    picks_up_s = (machine.beep_end_s or 0.0) + after_beep_s
    far_end = replace(machine, picks_up_s=picks_up_s)
    assert await house.dial([far_end]) == [Outcome.BRIDGED]
    record = house.exchange.record((await house.attempts())[0].channel_id)
    message = next(heard for heard in record.heard if heard.source == "sound:voicemail")
    assert message.until_s - (record.answered_s or 0.0) <= picks_up_s + 0.2
    assert await house.leaks() == []


@virtual
async def test_given_lines_that_echo_then_a_message_is_said_to_its_end_unheard() -> None:
    house = await House(replace(LEAVING_MESSAGES, amd=replace(LEAVING_MESSAGES.amd, heard_while_speaking=False))).open()
    assert await house.dial([FarEnd.voicemail()]) == [Outcome.MESSAGE_LEFT]
    assert house.wire.times("overhear") == []


@virtual
async def test_given_silence_when_somebody_speaks_into_our_words_then_they_stop_and_an_agent_takes_the_call() -> None:
    house = await House().open()
    silence_s = house.campaign.amd.silence_s
    steps = (*FarEnd.silent().steps, HangUp(40.0))
    far_end = replace(FarEnd.silent(), steps=steps, picks_up_s=silence_s + 0.6)
    assert await house.dial([far_end]) == [Outcome.BRIDGED]
    record = house.exchange.record((await house.attempts())[0].channel_id)
    (message,) = (heard for heard in record.heard if heard.source == "sound:safe-harbour")
    assert message.until_s - (record.answered_s or 0.0) <= silence_s + 0.8
    assert await house.leaks() == []


@virtual
async def test_given_no_agent_when_a_person_answers_then_the_message_is_heard_in_time_and_it_counts_as_abandoned() -> (
    None
):
    house = await House(law=AlwaysOne()).open()
    assert await house.dial([FarEnd.person(greeting=0.8)], agents=0) == [Outcome.ABANDONED]
    record = house.exchange.record((await house.attempts())[0].channel_id)
    greeting_end_s = (record.answered_s or 0.0) + 0.3 + 0.8
    (heard,) = record.heard
    assert heard.source == "sound:safe-harbour"
    assert heard.from_s - greeting_end_s <= 2.0 + 1.6  # the scripted detector says "person" late, and counts from there
    assert house.engine.runs == {} or house.engine.runs["c1"].tally.abandoned == 1


@virtual
async def test_given_an_agent_busy_when_it_becomes_free_in_time_then_the_waiting_person_gets_it() -> None:
    house = await House(law=AlwaysOne(2)).open()
    quick = replace(CAMPAIGN, wrap_up=replace(CAMPAIGN.wrap_up, max_s=0.0))
    house.campaign = quick
    far_ends = [FarEnd.person(ring_s=1.0, talk_s=1.5), FarEnd.person(ring_s=1.0, talk_s=5.0)]
    assert await house.dial(far_ends) == [Outcome.BRIDGED, Outcome.BRIDGED]
    assert sorted(event.agent_was_free for event in house.connected()) == [False, True]


@virtual
async def test_given_the_agents_leg_breaks_in_a_conversation_when_it_comes_back_then_the_conversation_goes_on() -> None:
    house = await House().open()
    await house.fill([FarEnd.person(talk_s=60)])
    async with house.engine:
        await house.staffed(1)
        await house.engine.start(house.campaign)
        await house.until(lambda: house.connected())
        leg = next(iter(house.desk._legs.values()))[0].channel_id
        house.exchange.far_end_hangs_up(leg)
        await house.until(lambda: house.ended())
    assert list(house.ended().values()) == [Outcome.BRIDGED]
    sources = {heard.source for heard in house.exchange.record((await house.attempts())[0].channel_id).heard}
    assert "sound:agent-lost" not in sources


@virtual
async def test_given_the_agents_leg_never_comes_back_then_the_customer_is_told() -> None:
    house = await House().open()
    await house.fill([FarEnd.person(talk_s=60)])
    async with house.engine:
        await house.staffed(1)
        await house.engine.start(house.campaign)
        await house.until(lambda: house.connected())
        house.exchange.network.put("agent00", FarEnd.refused(404))
        house.exchange.far_end_hangs_up(next(iter(house.desk._legs.values()))[0].channel_id)
        await house.until(lambda: house.ended())
    record = house.exchange.record((await house.attempts())[0].channel_id)
    assert record.heard[-1].source == "sound:agent-lost"


@virtual
async def test_given_an_agents_bridge_is_gone_when_a_person_comes_then_another_agent_gets_it_and_the_bridge_heals() -> (
    None
):
    house = await House().open()
    await house.fill([FarEnd.person(talk_s=20)])
    async with house.engine:
        await house.staffed(2)
        broken = min(house.desk.pool.seats(), key=lambda seat: seat.since_s).profile.agent_id
        await house.exchange.destroy_bridge(house.desk.bridge_of(broken))
        await house.engine.start(house.campaign)
        await house.until(lambda: house.connected())
        assert house.connected()[0].agent_id != broken
        await house.until(lambda: house.desk.pool.seat(broken).leg_up)
        state = await house.exchange.snapshot()
        assert house.desk.bridge_of(broken) in {bridge.bridge_id for bridge in state.bridges}


@virtual
async def test_given_an_agent_signs_out_and_in_at_once_then_the_new_leg_has_its_bridge() -> None:
    house = await House().open()
    house.exchange.faults.answer_after_s = 0.1
    async with house.engine:
        await house.staffed(1)
        house.desk.sign_out("agent00")
        await house.staff.sign_in("agent00")
        await house.until(lambda: house.desk.pool.seat("agent00").leg_up)
        state = await house.exchange.snapshot()
        assert [bridge.channel_ids for bridge in state.bridges] == [(house.desk._legs["agent00"][0].channel_id,)]


@virtual
async def test_given_a_manual_call_that_nobody_answers_then_the_agent_is_free_again() -> None:
    house = await House(replace(CAMPAIGN, mode=DialMode.MANUAL), law=AlwaysOne(0)).open()
    leads = await house.fill([FarEnd.no_answer(), FarEnd.person(talk_s=5)])
    async with house.engine:
        await house.staffed(1)
        await house.engine.start(house.campaign)
        assert await house.engine.place("c1", leads[0].lead_id, "agent00")
        assert house.desk.pool.seat("agent00").state is AgentState.RESERVED
        with pytest.raises(AgentError, match="finish that first"):
            await house.engine.place("c1", leads[1].lead_id, "agent00")
        await house.until(lambda: house.ended())
        assert house.desk.pool.seat("agent00").state is AgentState.IDLE
        assert await house.engine.place("c1", leads[1].lead_id, "agent00")
        await house.until(lambda: len(house.ended()) == 2)
    assert house.ended() == {"lead-0000": Outcome.NO_ANSWER, "lead-0001": Outcome.BRIDGED}
    assert house.connected()[0].agent_id == "agent00"


@virtual
async def test_given_a_lead_in_an_attempt_when_placed_again_then_nothing_is_dialled_and_the_agent_stays_free() -> None:
    house = await House(law=AlwaysOne(0)).open()
    leads = await house.fill([FarEnd.person()])
    async with house.engine:
        await house.staffed(2)
        await house.engine.start(house.campaign)
        assert await house.engine.place("c1", leads[0].lead_id, "agent00")
        assert not await house.engine.place("c1", leads[0].lead_id, "agent01")
        assert house.desk.pool.seat("agent01").state is AgentState.IDLE
        with pytest.raises(EngineError, match="no lead"):
            await house.engine.place("c1", "nobody", "agent01")
        house.cable.busy = True
        with pytest.raises(Exception, match="busy"):
            await house.engine.place("c1", leads[0].lead_id, "agent01")
        house.cable.busy = False
        assert house.desk.pool.seat("agent01").state is AgentState.IDLE


@virtual
async def test_given_a_rule_says_no_then_nothing_is_dialled_and_the_lead_waits() -> None:
    house = await House().open()
    leads = await house.fill([FarEnd.person()])
    house.gate.refused[leads[0].lead_id] = LeadChange(leads[0].lead_id, LeadState.CLOSED, last_outcome="refused")
    async with house.engine:
        await house.staffed(1)
        await house.engine.start(house.campaign)
        await house.until(lambda: any("a rule says no" in trouble for trouble in house.troubles()))
    assert await house.attempts() == []
    assert (await house.leads.get(leads[0].lead_id) or leads[0]).state is LeadState.CLOSED
    assert leads[0].phone not in " ".join(house.troubles())


@virtual
async def test_given_a_campaign_is_stopped_then_ringing_is_taken_back_and_conversations_end_in_their_own_time() -> None:
    house = await House(law=AlwaysOne(2)).open()
    await house.fill([FarEnd.person(ring_s=1, talk_s=100), FarEnd.no_answer()])
    async with house.engine:
        await house.staffed(1)
        run = await house.engine.start(house.campaign)
        await house.until(lambda: house.connected())
        await house.engine.stop("c1")
        assert house.ended() == {"lead-0001": Outcome.GIVEN_UP}
        assert run.idle is False
        await house.until(lambda: run.idle)
        await house.until(lambda: "c1" not in house.engine.runs)
        assert house.ended()["lead-0000"] is Outcome.BRIDGED
        assert house.agent_states() in ({AgentState.WRAP_UP: 1}, {AgentState.IDLE: 1})


@virtual
async def test_given_a_paused_campaign_then_nothing_new_is_placed_until_it_goes_on() -> None:
    house = await House(law=AlwaysOne(1)).open()
    await house.fill([FarEnd.busy(), FarEnd.busy()])
    async with house.engine:
        await house.engine.start(house.campaign)
        await house.until(lambda: house.wire.times("originate"))
        house.engine.pause("c1")
        placed = len(house.wire.times("originate"))
        await house.until(lambda: len(house.ended()) == placed)
        assert len(house.wire.times("originate")) == placed
        await house.engine.start(house.campaign)
        await house.until(lambda: len(house.ended()) == 2)


@virtual
async def test_given_a_trunk_that_refuses_then_attempts_fail_with_words_and_the_lead_comes_again() -> None:
    house = await House(law=AlwaysOne(1)).open()
    leads = await house.fill([FarEnd.person()])
    house.exchange.faults.refused.add("carrier")
    async with house.engine:
        await house.engine.start(house.campaign)
        await house.until(lambda: house.ended())
    assert list(house.ended().values()) == [Outcome.FAILED]
    moves = [event.move for event in house.events if isinstance(event, AttemptMoved)]
    assert "the trunk refused the call" in str(moves[-1].detail)
    assert house.troubles() == []  # the trunk's health is told once, not with every call
    assert (await house.leads.get(leads[0].lead_id) or leads[0]).state is LeadState.RETRY


@virtual
async def test_given_taps_that_cannot_be_opened_then_people_get_an_agent_all_the_same() -> None:
    house = await House().open()
    house.wire.refused.add("start_tap")
    assert await house.dial([FarEnd.person()]) == [Outcome.BRIDGED]
    assert any("could not be listened to" in trouble for trouble in house.troubles())


@virtual
async def test_given_no_detector_then_people_get_an_agent_at_once() -> None:
    house = await House(replace(CAMPAIGN, amd=AmdPolicy(enabled=False))).open()
    assert await house.dial([FarEnd.person()]) == [Outcome.BRIDGED]
    assert house.wire.times("start_tap") == []


@virtual
async def test_given_a_detector_that_stumbles_then_calls_go_to_agents_and_it_is_reported() -> None:
    house = await House().open()
    real, stumbles = house.taps.read_tick, iter([True] * 3)

    def read_tick() -> TapTick:
        if next(stumbles, False):
            raise ValueError("a broken ring")
        return real()

    house.taps.read_tick = read_tick  # type: ignore[method-assign]
    assert await house.dial([FarEnd.person()]) == [Outcome.BRIDGED]
    assert any("listening: stumbled" in trouble for trouble in house.troubles())


@virtual
async def test_given_a_pacing_law_that_stumbles_then_calls_that_are_up_are_not_touched() -> None:
    law = AlwaysOne(1)
    house = await House(law=law).open()
    await house.fill([FarEnd.person(talk_s=10)])
    async with house.engine:
        await house.staffed(1)
        await house.engine.start(house.campaign)
        await house.until(lambda: house.wire.times("originate"))
        law.broken = True
        await house.until(lambda: house.ended())
    assert list(house.ended().values()) == [Outcome.BRIDGED]
    assert any("stumbled and goes on" in trouble for trouble in house.troubles())


class AlwaysOne:
    """A law that keeps `wanted` calls in flight, whoever is there."""

    name = "always"

    def __init__(self, wanted: int = 1) -> None:
        self.wanted = wanted
        self.broken = False

    def plan(self, snapshot: Snapshot) -> Plan:
        return Plan(max(0, self.wanted - len(snapshot.flights) - snapshot.calls_up))

    def observe(self, event: PacingEvent) -> None:
        if self.broken:
            raise ZeroDivisionError("a broken law")
