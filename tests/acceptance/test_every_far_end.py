"""One campaign over every far end of the network at once: what SQL says, and what both sides heard."""

import asyncio
import itertools
import random
from dataclasses import dataclass

import numpy as np
import pytest
import uvloop

from agents.agent import AgentState
from amd.kept import KeptCall
from campaigns.attempt import TRANSITIONS, Attempt, AttemptState, Move
from campaigns.outcome import Outcome
from server.demo.behaviours import FAR_ENDS, Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from tests.support.live_house import LiveHouse, campaign_text, live_house
from tests.support.live_talk import Talk, talks_of
from tests.support.until import until

pytestmark = pytest.mark.asterisk

AGENTS = 14
_STAY = {Behaviour.NO_AUDIO: 4}
_PEOPLE_STAY = 2
_KEEPING = '\n[amd.collect]\nenabled = true\nlegal_basis = "nobody is real in the simulated network"\n'


@dataclass(frozen=True)
class Called:
    """One number and what became of it."""

    number: DemoNumber
    attempt: Attempt
    moves: list[Move]
    verdicts: list[str]


@dataclass(frozen=True)
class Campaign:
    """The campaign when it was over."""

    called: list[Called]
    talks: list[Talk]
    troubles: list[str]
    leaks: list[str]
    kept: dict[str, KeptCall]
    taps_open: int
    agent_states: set[AgentState]


@pytest.fixture(scope="module")
def campaign(telephone_network: Network) -> Campaign:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_dial_everybody(telephone_network))


async def _dial_everybody(network: Network) -> Campaign:
    numbers = [
        DemoNumber(far_end, stay=_STAY.get(far_end.behaviour, _PEOPLE_STAY if far_end.rule.is_person else 1))
        for far_end in FAR_ENDS.values()
    ]
    random.Random(5).shuffle(numbers)  # people in a row would need one agent each
    async with live_house(network, AGENTS, extra_toml=_KEEPING) as live:
        await live.campaign(campaign_text("everybody", calls_per_s=3, wrap_up_s=1), numbers)
        attempts = await live.dialled("everybody", len(numbers), 90.0)
        await live.nobody_busy()
        leaks, states = await live.leaks(), {seat.state for seat in live.house.desk.pool.seats()}
        judged = {attempt.attempt_id for attempt in attempts if live.verdicts(attempt.attempt_id)}
        folder = live.house.keeper.kept
        await until(lambda: judged <= {path.stem for path in folder.folder.glob("*.json")})
        kept = {call.call_id: call for call in folder.all()}
        return Campaign(
            [await _called(live, attempt) for attempt in attempts],
            await talks_of(live, attempts),
            live.troubles(),
            leaks,
            kept,
            live.house.engine.services.listening.open_count,
            states,
        )


async def _called(live: LiveHouse, attempt: Attempt) -> Called:
    moves = await live.house.stores.attempts.moves(attempt.attempt_id)
    return Called(DemoNumber.parse(attempt.phone), attempt, moves, live.verdicts(attempt.attempt_id))


def test_given_every_far_end_then_each_attempt_ends_in_an_outcome_that_is_right(campaign: Campaign) -> None:
    assert {called.number.far_end.code for called in campaign.called} == set(FAR_ENDS)
    wrong = [
        f"{called.number.far_end.behaviour} ({called.number.far_end.code}): {called.attempt.outcome}, {called.verdicts}"
        for called in campaign.called
        if called.attempt.outcome not in called.number.far_end.rule.outcomes
    ]
    assert wrong == []


def test_given_every_far_end_then_the_attempts_moves_are_a_legal_way_to_one_end(campaign: Campaign) -> None:
    for called in campaign.called:
        states = [AttemptState.PLANNED, *(move.target for move in called.moves)]
        steps = list(itertools.pairwise(states))
        assert [move.source for move in called.moves] == states[:-1]
        assert all(after in TRANSITIONS[before] for before, after in steps), steps
        assert states.count(AttemptState.ENDED) == 1 and states[-1] is AttemptState.ENDED
        assert called.attempt.state is AttemptState.ENDED
        assert sorted(move.at_s for move in called.moves) == [move.at_s for move in called.moves]


def test_given_every_far_end_then_nothing_is_left_behind(campaign: Campaign) -> None:
    assert campaign.leaks == []
    assert campaign.taps_open == 0
    assert campaign.agent_states == {AgentState.IDLE}
    assert campaign.troubles == []


def test_given_enough_agents_then_every_person_who_stays_is_put_through(campaign: Campaign) -> None:
    stay = [called for called in campaign.called if called.number.far_end.rule.is_person and _stays(called)]
    not_connected = [
        (called.number.far_end.code, called.attempt.outcome, called.verdicts)
        for called in stay
        if any(said.startswith(("human", "unknown")) for said in called.verdicts)
        and called.attempt.outcome is not Outcome.BRIDGED
    ]
    assert len(stay) >= 27
    assert not_connected == []


def _stays(called: Called) -> bool:
    return called.number.far_end.behaviour is not Behaviour.PERSON_HANGS_UP_AT_ONCE


def _long_enough(talks: list[Talk]) -> list[Talk]:
    """Those with people who stay: an agent pauses for up to 2.4 s, and some hang up within a second."""
    return [talk for talk in talks if talk.lasted_s > 2.8]


def test_given_conversations_then_both_sides_hear_each_other(campaign: Campaign) -> None:
    talks = _long_enough(campaign.talks)
    assert len(talks) >= 22
    print("least sure:", *sorted(min(talk.callee_heard_agent, talk.agent_heard_callee) for talk in talks)[:5])
    mute = [talk for talk in talks if min(talk.callee_heard_agent, talk.agent_heard_callee) < 0.6]
    assert mute == []


def test_given_conversations_then_the_recordings_hold_both_sides(campaign: Campaign) -> None:
    half = [talk for talk in _long_enough(campaign.talks) if min(talk.recorded_callee, talk.recorded_agent) < 0.6]
    assert half == []


def test_given_a_verdict_then_the_agent_hears_the_callee_at_once(campaign: Campaign) -> None:
    never = [talk.attempt_id for talk in campaign.talks if talk.verdict_to_audio_ms is None]
    assert len(campaign.talks) >= 24
    late_ms = np.array([talk.verdict_to_audio_ms for talk in campaign.talks if talk.verdict_to_audio_ms is not None])
    p10_ms, p50_ms, p95_ms = np.percentile(late_ms, [10, 50, 95])
    print(f"verdict to first sound at the agent: {len(late_ms)}, p10 {p10_ms:.1f} p50 {p50_ms:.1f} p95 {p95_ms:.1f} ms")
    assert never == []
    # benchmarks/load/connect_latency.py holds p95 to 60 ms on a machine that does nothing else. Other work only adds:
    # what is slow by itself is slow for the quickest tenth as well (at a load of 15 the median was 115 ms).
    assert p10_ms <= 60.0 and p50_ms <= 100.0


_EARLY = (Behaviour.SIT_EARLY, Behaviour.ANNOUNCEMENT_EARLY, Behaviour.UNAVAILABLE_EARLY)


def test_given_a_voice_or_tones_before_the_answer_then_the_end_tells_what_was_heard(campaign: Campaign) -> None:
    early = [called for called in campaign.called if called.number.far_end.behaviour in _EARLY]
    told = {called.number.far_end.code: dict(called.moves[-1].detail) for called in early}
    heard = {code: detail.get("early_verdict", detail.get("verdict")) for code, detail in told.items()}
    assert heard == {50: "sit", 51: "sit", 52: "machine", 53: "machine", 57: "machine", 58: "machine"}


def test_given_a_machine_then_its_verdict_carries_how_long_it_rang(campaign: Campaign) -> None:
    machines = [called for called in campaign.called if called.attempt.outcome is Outcome.MACHINE]
    rang_s = [dict(called.moves[-1].detail)["amd_rang_for_s"] for called in machines]
    assert rang_s and all(isinstance(value, float) and 0.1 <= value <= 20.0 for value in rang_s)


def test_given_a_centre_that_keeps_calls_then_each_call_that_was_judged_is_kept(campaign: Campaign) -> None:
    judged = {called.attempt.attempt_id: called for called in campaign.called if called.verdicts}
    assert judged.keys() <= campaign.kept.keys()
    for attempt_id, called in judged.items():
        kept = campaign.kept[attempt_id]
        assert f"{kept.said[0].call_class}: {kept.said[0].cause}" == called.verdicts[0]
        assert (kept.trunk, kept.outcome) == ("network", called.attempt.outcome)
        assert called.attempt.phone[-6:] not in str(kept)
