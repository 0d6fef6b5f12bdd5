"""Who answers while every agent talks, voicemail that gets a message, call screening: heard by the called side."""

import asyncio
from dataclasses import dataclass

import pytest
import uvloop

from campaigns.attempt import Attempt
from campaigns.outcome import Outcome
from media import levels, soundfiles
from media.builtin_prompts import FOLDER
from server.demo.behaviours import Behaviour, codes_of
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from server.demo.truth import CallTruth
from tests.support.live_house import LiveHouse, campaign_text, live_house

pytestmark = pytest.mark.asterisk

LIMIT_S = 2.0  # 16 CFR 310.4(b)(4)(iii): two seconds after the end of the greeting
_MEASURED_TO_S = 0.05  # the network's times are true to 20 ms, an offset in a recording to a frame


@dataclass(frozen=True)
class Calls:
    """What became of two campaigns that ran at once with one agent."""

    people: list[tuple[Attempt, CallTruth]]
    machines: list[tuple[Attempt, CallTruth]]
    screened: list[tuple[Attempt, CallTruth]]
    leaks: list[str]
    troubles: list[str]


@pytest.fixture(scope="module")
def calls(telephone_network: Network) -> Calls:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_dial(telephone_network))


async def _dial(network: Network) -> Calls:
    people = [DemoNumber.of(Behaviour.PERSON_SHORT_WORD, variant=each, stay=5, serial=40) for each in range(6)]
    voicemails = [
        DemoNumber.of(Behaviour.VOICEMAIL, variant=each, stay=4, serial=41)
        for each in range(len(codes_of(Behaviour.VOICEMAIL)))
    ]
    screened = [DemoNumber.of(Behaviour.SCREENING_CONNECTS, variant=each, stay=4, serial=42) for each in (0, 1)]
    async with live_house(network, 1) as live:
        await live.campaign(campaign_text("voicemail", on_machine="leave_message"), voicemails)
        await live.dialling("voicemail", len(voicemails))
        await live.campaign(campaign_text("people"), people)
        await live.dialled("people", len(people))
        await live.dialled("voicemail", len(voicemails))
        await live.campaign(campaign_text("screened"), screened)
        await live.dialled("screened", len(screened))
        await live.nothing_left()
        return Calls(
            await _both_sides(live, "people"),
            await _both_sides(live, "voicemail"),
            await _both_sides(live, "screened"),
            await live.leaks(),
            live.troubles(),
        )


async def _both_sides(live: LiveHouse, campaign_id: str) -> list[tuple[Attempt, CallTruth]]:
    attempts = await live.house.stores.attempts.list(campaign_id, 100)
    return [(attempt, await live.truth_of(attempt)) for attempt in attempts]


def _heard_at_s(truth: CallTruth, prompt: str) -> float:
    """When the called side heard a Spanish prompt begin, seconds since 1970; fails when it did not."""
    assert truth.heard and truth.recorded_from_s
    wanted = soundfiles.load(FOLDER / "es" / f"{prompt}.flac")
    begin = round((levels.first_sound_s(wanted) or 0.0) * 8000)
    found = levels.find(wanted[begin : begin + 8000], soundfiles.load(truth.heard))
    assert found.similarity > 0.6, f"{truth.number}: {prompt} was not heard ({found})"
    return truth.recorded_from_s + found.offset_s


def test_given_no_agent_free_then_people_hear_the_message_within_two_seconds_of_their_greeting(calls: Calls) -> None:
    outcomes = [attempt.outcome for attempt, _ in calls.people]
    assert outcomes.count(Outcome.BRIDGED) == 1, "the only agent talks with the first"
    abandoned = [truth for attempt, truth in calls.people if attempt.outcome is Outcome.ABANDONED]
    assert len(abandoned) == len(calls.people) - 1
    for truth in abandoned:
        assert truth.greeting_end_s is not None
        after_s = _heard_at_s(truth, "safe_harbour") - truth.greeting_end_s
        assert 0.0 < after_s <= LIMIT_S + _MEASURED_TO_S


def test_given_voicemail_and_leave_message_then_the_message_is_heard_after_the_beep(calls: Calls) -> None:
    left = [truth for attempt, truth in calls.machines if attempt.outcome is Outcome.MESSAGE_LEFT]
    assert len(left) == len(calls.machines), [(attempt.outcome, truth.number) for attempt, truth in calls.machines]
    for truth in left:
        assert truth.beep_end_s is not None, truth.number
        after_s = _heard_at_s(truth, "voicemail_message") - truth.beep_end_s
        assert -_MEASURED_TO_S <= after_s < 2.0, (truth.number, after_s)


def test_given_call_screening_then_the_assistant_hears_who_calls_and_the_outcome_is_right(calls: Calls) -> None:
    for attempt, truth in calls.screened:
        assert attempt.outcome in DemoNumber.parse(attempt.phone).far_end.rule.outcomes
        if attempt.outcome is not Outcome.MACHINE:
            assert _heard_at_s(truth, "safe_harbour") > (truth.greeting_start_s or 0.0)


def test_given_all_of_that_then_nothing_is_left_behind(calls: Calls) -> None:
    assert calls.leaks == []
    assert calls.troubles == []
