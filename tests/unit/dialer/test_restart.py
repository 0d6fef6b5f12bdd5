"""kill -9 of the server in the middle of everything, on virtual time: the next start puts it right."""

from dataclasses import replace

import pytest

from agents.agent import AgentState
from campaigns.attempt import Attempt
from campaigns.campaign import AmdPolicy
from campaigns.outcome import Outcome
from dialer.pacing.plan import Tally
from telephony.sim.exchange import SimExchange
from telephony.sim.far_end import Answer, FarEnd, HangUp, Ring, Say
from telephony.sim.virtual_time import VirtualClock
from tests.support.virtual import virtual
from tests.unit.dialer.checks import attempts_are_whole, nothing_is_left
from tests.unit.dialer.house import CAMPAIGN, House
from tests.unit.dialer.test_ways_of_a_call import AlwaysOne


class NotingRecorder:
    """Says it records, and what was asked of it; `in_bridge`: whether the call was in a bridge when its turn came."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.exchange: SimExchange | None = None
        self.in_bridge: list[bool] = []

    def begin(self, attempt: Attempt) -> None:
        assert self.exchange
        self.asked.append("begin")
        bridges = self.exchange._board.infos()
        self.in_bridge.append(any(attempt.channel_id in bridge.channel_ids for bridge in bridges))

    def discard(self, attempt: Attempt) -> None:
        self.asked.append("discard")

    async def start(self, attempt: Attempt) -> str:
        self.asked.append("start")
        return f"/recordings/{attempt.attempt_id}"

    async def finish(self, attempt: Attempt) -> None:
        self.asked.append("finish")


async def recorded(far_end: FarEnd, agents: int = 1) -> tuple[NotingRecorder, House]:
    """One recorded call without AMD, to its end."""
    recorder = NotingRecorder()
    campaign = replace(CAMPAIGN, recording=True, amd=AmdPolicy(enabled=False))
    house = await House(campaign, law=AlwaysOne(), recorder=recorder).open()
    recorder.exchange = house.exchange
    await house.dial([far_end], agents=agents)
    return recorder, house


@virtual
async def test_given_a_person_then_the_recording_is_begun_before_the_bridge_and_kept() -> None:
    recorder, house = await recorded(FarEnd.person(talk_s=10))
    assert list(house.ended().values()) == [Outcome.BRIDGED]
    assert recorder.asked == ["begin", "start", "finish"]
    assert recorder.in_bridge == [False]


@virtual
async def test_given_nobody_free_then_nothing_is_recorded() -> None:
    recorder, house = await recorded(FarEnd.person(), agents=0)
    assert list(house.ended().values()) == [Outcome.ABANDONED]
    assert recorder.asked == ["discard"]


@virtual
async def test_given_an_agent_whose_bridge_is_gone_then_the_recording_goes_on_to_the_next_try() -> None:
    recorder = NotingRecorder()
    campaign = replace(CAMPAIGN, recording=True, amd=AmdPolicy(enabled=False))
    house = await House(campaign, law=AlwaysOne(), recorder=recorder).open()
    recorder.exchange = house.exchange
    await house.fill([FarEnd.person(talk_s=20)])
    async with house.engine:
        await house.staffed(1)
        await house.exchange.destroy_bridge(house.desk.bridge_of("agent00"))
        await house.engine.start(house.campaign)
        await house.until(lambda: house.ended())
    assert list(house.ended().values()) == [Outcome.BRIDGED]
    assert recorder.asked == ["begin", "begin", "start", "finish"]


async def running(far_ends: list[FarEnd], agents: int = 1) -> House:
    """A house that dials all of these at once."""
    house = await House(law=AlwaysOne(len(far_ends))).open()
    await house.fill(far_ends)
    await house.engine.__aenter__()
    await house.staffed(agents)
    await house.engine.start(house.campaign)
    return house


async def settled(house: House) -> None:
    """Wait until every attempt is over, and check that nothing is left."""
    await house.until(lambda: house.engine.recovered.is_set())

    async def over() -> bool:
        return all(attempt.outcome for attempt in await house.attempts())

    for _ in range(1000):
        if await over():
            break
        await house.until(VirtualPause(house.clock, 0.5))
    await house.until(VirtualPause(house.clock, 1.0))
    assert await attempts_are_whole(house) == []
    assert await nothing_is_left(house) == []


class VirtualPause:
    """A condition that holds after a while."""

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        self._clock = clock
        self._until_s = clock.monotonic_s() + seconds

    def __call__(self) -> bool:
        return self._clock.monotonic_s() >= self._until_s


@virtual
async def test_given_a_conversation_when_the_server_is_killed_then_it_goes_on_and_ends_as_one() -> None:
    house = await running([FarEnd.person(talk_s=120)])
    await house.until(lambda: house.connected())
    await house.until(VirtualPause(house.clock, 5))
    await house.kill()
    again = await house.again()
    async with again.engine:
        await again.until(lambda: again.desk.conversations)
        assert again.desk.pool.seat("agent00").state is AgentState.TALKING
        channel = (await again.attempts())[0].channel_id
        assert again.exchange.hears(channel, again.desk._legs["agent00"][0].channel_id)
        await settled(again)
        assert again.ended() == {"lead-0000": Outcome.BRIDGED}
        assert again.desk.pool.seat("agent00").state in (AgentState.WRAP_UP, AgentState.IDLE)
    assert again.exchange.record(channel).ended_by == "far end"


@virtual
async def test_given_a_conversation_that_ended_while_the_server_was_down_then_the_agent_wraps_up() -> None:
    house = await running([FarEnd.person(talk_s=10)])
    await house.until(lambda: house.connected())
    await house.kill()
    await house.until(VirtualPause(house.clock, 20))
    again = await house.again()
    async with again.engine:
        await again.until(lambda: again.engine.recovered.is_set())
        assert again.desk.pool.seat("agent00").state is AgentState.WRAP_UP
        await settled(again)
        assert again.ended() == {"lead-0000": Outcome.BRIDGED}
        await again.until(lambda: again.desk.pool.seat("agent00").state is AgentState.IDLE)


@virtual
async def test_given_an_agent_in_wrap_up_when_the_server_is_killed_then_only_the_rest_of_it_is_left() -> None:
    house = await running([FarEnd.person(talk_s=5)])
    await house.until(lambda: house.agent_states()[AgentState.WRAP_UP])
    await house.until(VirtualPause(house.clock, 1.0))
    await house.kill()
    again = await house.again()
    async with again.engine:
        await again.until(lambda: again.engine.recovered.is_set())
        seat = again.desk.pool.seat("agent00")
        assert seat.state is AgentState.WRAP_UP
        assert seat.wrap_up_until_s is not None
        assert 0 < seat.wrap_up_until_s - again.clock.monotonic_s() < 4.0
        await again.until(lambda: seat.state is AgentState.IDLE)


@virtual
async def test_given_a_ringing_call_when_the_server_is_killed_then_it_is_taken_back() -> None:
    house = await running([FarEnd.no_answer()])
    await house.until(lambda: any(record.rang_s for record in house.exchange.records if record.endpoint.endswith("r")))
    await house.kill()
    again = await house.again()
    async with again.engine:
        await settled(again)
    assert again.ended() == {"lead-0000": Outcome.GIVEN_UP}
    assert any("1 ringing calls are taken back" in trouble for trouble in again.troubles())


@virtual
async def test_given_somebody_who_answered_when_the_server_is_killed_then_they_hear_the_message_and_count() -> None:
    waits = FarEnd((Ring(0.2), Answer(1.0), Say(0.2, 2.0), HangUp(60.0)))
    house = await running([waits])
    await house.until(lambda: any(record.answered_s for record in house.exchange.records[1:]))
    await house.kill()
    again = await house.again()
    async with again.engine:
        await settled(again)
    assert again.ended() == {"lead-0000": Outcome.ABANDONED}
    (heard,) = again.exchange.record((await again.attempts())[0].channel_id).heard
    assert heard.source == "sound:safe-harbour"


@virtual
async def test_given_an_attempt_that_was_only_planned_then_it_is_lost_and_the_lead_comes_again() -> None:
    house = await running([FarEnd.person()])
    house.exchange.lose_link()
    await house.until(lambda: True)
    leads = await house.leads.list("list-1")
    attempt = Attempt("0" * 26, "c1", leads[0].lead_id, leads[0].phone, "node1", house.clock.now_s())
    assert await house.log.plan(attempt)
    await house.kill()
    house.exchange.restore_link()
    again = await house.again()
    async with again.engine:
        await settled(again)
    assert again.ended() == {leads[0].lead_id: Outcome.LOST}


@virtual
async def test_given_recovered_calls_when_the_campaign_starts_then_the_day_so_far_is_counted_too() -> None:
    house = await running([FarEnd.person(talk_s=60)])
    await house.until(lambda: house.connected())
    await house.kill()
    again = await house.again()
    async with again.engine:
        await again.until(lambda: again.desk.conversations)
        run = await again.engine.start(again.campaign, Tally(placed=10, answers=5, people=4, machines=1, abandoned=2))
        assert (run.tally.people, run.tally.abandoned) == (4, 2)
        again.engine.pause("c1")
        assert (await again.engine.start(again.campaign, Tally(people=4))).tally.people == 4
        await settled(again)


@virtual
async def test_given_legs_of_agents_who_are_not_signed_in_then_recovery_removes_them() -> None:
    house = await running([], agents=2)
    await house.kill()
    await SignOut(house)("agent01")
    again = await house.again()
    async with again.engine:
        await again.until(lambda: again.desk.pool.seat("agent00").leg_up)
        await again.until(lambda: len(again.exchange._legs) == 1)
        state = await again.exchange.snapshot()
        assert len(state.bridges) == 1


class SignOut:
    """Writes a sign-out as another process would have."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def __call__(self, agent_id: str) -> None:
        from storage.port import AgentStateChange
        from storage.sql.agents import SqlAgentStore

        at_s = self._house.clock.now_s()
        change = AgentStateChange("signed-out", agent_id, "", AgentState.SIGNED_OUT.value, at_s)
        await SqlAgentStore(self._house.database).record(change)


@virtual
async def test_given_a_campaign_file_that_cannot_be_read_any_more_then_its_calls_are_finished_all_the_same() -> None:
    house = await running([FarEnd.person(talk_s=30), FarEnd.no_answer()])
    await house.until(lambda: house.connected())
    await house.kill()
    again = await house.again()
    again.engine._campaign_of = lambda campaign_id: None
    async with again.engine:
        await settled(again)
    assert again.ended() == {"lead-0000": Outcome.BRIDGED, "lead-0001": Outcome.GIVEN_UP}


@virtual
async def test_given_a_graceful_end_then_ringing_calls_are_taken_back_and_long_conversations_go_to_the_next_start() -> (
    None
):
    house = await running([FarEnd.person(ring_s=1, talk_s=100), FarEnd.no_answer()])
    await house.until(lambda: house.connected())
    await house.engine.__aexit__(None, None, None)
    assert house.ended() == {"lead-0001": Outcome.GIVEN_UP}
    again = await house.again()
    async with again.engine:
        await again.until(lambda: again.desk.conversations)
        await settled(again)
    assert again.ended() == {"lead-0000": Outcome.BRIDGED}


@pytest.mark.parametrize("after_s", [round(0.35 * step, 2) for step in range(1, 25)])
@virtual
async def test_given_a_kill_at_any_moment_then_every_attempt_has_one_outcome_and_one_call(after_s: float) -> None:
    far_ends = [FarEnd.person(ring_s=1 + index % 3, talk_s=3.0) for index in range(4)]
    far_ends += [FarEnd.voicemail(ring_s=2.0), FarEnd.busy(), FarEnd.refused(404), FarEnd.no_answer()]
    house = await running(far_ends, agents=2)
    await house.until(VirtualPause(house.clock, after_s))
    await house.kill()
    again = await house.again()
    async with again.engine:
        await settled(again)
