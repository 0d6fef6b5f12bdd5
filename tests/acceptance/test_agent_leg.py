"""An agent's standing leg in a conversation: it breaks and heals, or does not. Calls that agents place themselves."""

import asyncio

import pytest

from agents.agent import AgentState
from campaigns.outcome import Outcome
from dialer.events import ConversationEnded, PersonConnected
from media import levels, soundfiles
from media.builtin_prompts import FOLDER
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind
from server.demo.behaviours import Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from tests.support.live_house import campaign_text, kill_process, live_house
from tests.support.live_talk import similarity
from tests.support.until import until

pytestmark = pytest.mark.asterisk

_STAY_45_S = 8
_HEARD_S = 0.5
"""The first robot must have been heard: what comes next from another stream may be dropped only then."""
_TALK_S = 4.0
"""How long the second robot speaks before its words are looked for in the callee's last three seconds."""


def person(serial: int, stay: int) -> DemoNumber:
    return DemoNumber.of(Behaviour.PERSON_SENTENCE, variant=serial % 8, serial=serial, stay=stay)


async def test_given_a_leg_that_breaks_and_comes_back_then_the_customer_stays_and_hears_the_agent_again(
    telephone_network: Network,
) -> None:
    async with live_house(telephone_network, 1) as live:
        await live.campaign(campaign_text("healed", mode="progressive"), [person(50, _STAY_45_S)])
        await until(lambda: bool(live.of(PersonConnected)), 20.0)
        await asyncio.sleep(_HEARD_S)
        kill_process(live.fleet.pids[0])
        async with RobotFleet(live.folder.specs("again")) as again:
            await again.wait("agent00", EventKind.UP)
            await again.wait("agent00", EventKind.FIRST_AUDIO)
            await asyncio.sleep(_TALK_S)
            before = live.of(ConversationEnded)
            live.house.desk.end_conversation("agent00")
            (attempt,) = await live.dialled("healed", 1)
            truth = await live.truth_of(attempt)
            voice = soundfiles.load(live.folder.voice_file("again"))
    assert before == [] and attempt.outcome is Outcome.BRIDGED
    assert truth.heard and truth.recorded_from_s
    # What the callee heard in its last seconds is the new robot's voice, which the old one never spoke.
    heard = soundfiles.load(truth.heard)
    assert similarity(heard[-3 * 8000 :], voice) > 0.6


async def test_given_an_agent_lost_for_good_then_the_customer_is_told_goodbye(telephone_network: Network) -> None:
    async with live_house(telephone_network, 1) as live:
        await live.campaign(campaign_text("lost", mode="progressive"), [person(51, _STAY_45_S)])
        await until(lambda: bool(live.of(PersonConnected)), 20.0)
        kill_process(live.fleet.pids[0])
        (attempt,) = await live.dialled("lost", 1, 45.0)
        truth = await live.truth_of(attempt)
        leaks = await live.leaks()
    assert attempt.outcome is Outcome.BRIDGED
    assert not truth.ended_by_callee and truth.heard
    goodbye = soundfiles.load(FOLDER / "es" / "goodbye.flac")
    begin = round((levels.first_sound_s(goodbye) or 0.0) * 8000)
    assert levels.find(goodbye[begin : begin + 8000], soundfiles.load(truth.heard)).similarity > 0.6
    assert leaks == []


async def test_given_a_manual_campaign_then_the_agent_calls_without_amd_and_is_connected_at_the_answer(
    telephone_network: Network,
) -> None:
    async with live_house(telephone_network, 1) as live:
        (lead,) = await live.campaign(campaign_text("manual", mode="manual"), [person(52, 2)])
        assert await live.house.engine.place("manual", lead.lead_id, "agent00")
        assert live.house.desk.pool.seat("agent00").state is AgentState.RESERVED
        (attempt,) = await live.dialled("manual", 1)
        await live.nobody_busy()
        truth, connected = await live.truth_of(attempt), live.of(PersonConnected)[0]
        verdicts, troubles = live.verdicts(attempt.attempt_id), live.troubles()
        voice = live.folder.voice_of("agent00")
        assert truth.heard and truth.answered_s
        assert similarity(soundfiles.load(truth.heard), soundfiles.load(voice)) > 0.6
    assert (attempt.outcome, attempt.agent_id) == (Outcome.BRIDGED, "agent00")
    assert verdicts == [] and troubles == []
    assert connected.at_s - truth.answered_s < 0.5


async def test_given_progressive_without_amd_then_every_answer_goes_to_an_agent(telephone_network: Network) -> None:
    numbers = [person(53, 1), DemoNumber.of(Behaviour.VOICEMAIL, stay=1, serial=53)]
    async with live_house(telephone_network, 2) as live:
        await live.campaign(campaign_text("plain", mode="progressive", amd=False), numbers)
        attempts = await live.dialled("plain", len(numbers))
        await live.nobody_busy()
        assert await live.leaks() == []
    assert [attempt.outcome for attempt in attempts] == [Outcome.BRIDGED] * 2
