"""AMD listens on: a mailbox that was put through is told to the agent; whoever picks up silences the message."""

import asyncio
from dataclasses import dataclass
from typing import TypeVar

import pytest
import uvloop

from amd.verdict import CallClass
from campaigns.attempt import Attempt
from campaigns.outcome import Outcome
from dialer.events import Doubted, PersonConnected
from media import levels, soundfiles
from media.builtin_prompts import FOLDER
from server.demo.behaviours import Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from server.demo.truth import CallTruth
from tests.support.live_house import LiveHouse, campaign_text, live_house
from tests.support.until import until

E = TypeVar("E", Doubted, PersonConnected)
pytestmark = pytest.mark.asterisk

_SAFE_FOR_PEOPLE = 500.0  # so careful with people that a mailbox which pauses after its first sentence is put through


@dataclass(frozen=True)
class Calls:
    """What became of a mailbox taken for a person, and of messages that somebody picked up during."""

    mailbox: Attempt
    connected: PersonConnected
    doubts: list[Doubted]
    on_the_screen: str
    picked_up: list[tuple[Attempt, CallTruth]]
    leaks: list[str]
    troubles: list[str]


@pytest.fixture(scope="module")
def calls(telephone_network: Network) -> Calls:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_dial(telephone_network))


async def _dial(network: Network) -> Calls:
    mailbox = DemoNumber.of(Behaviour.VOICEMAIL, variant=6, stay=2, serial=60)
    picked_up = [DemoNumber.of(Behaviour.VOICEMAIL_PICKED_UP, variant=each, stay=5, serial=61) for each in (0, 1)]
    async with live_house(network, 3) as live:
        await live.campaign(campaign_text("careful", cost_ratio=_SAFE_FOR_PEOPLE), [mailbox])
        await live.campaign(campaign_text("message", on_machine="leave_message"), picked_up)
        await until(lambda: any(isinstance(event, Doubted) for event in live.events), 40.0)
        on_the_screen = next(iter(live.house.desk.conversations.values())).doubt
        (ended,) = await live.dialled("careful", 1)
        messages = await live.dialled("message", len(picked_up))
        return Calls(
            ended,
            _told(live, PersonConnected, ended)[0],
            _told(live, Doubted, ended),
            on_the_screen,
            [(attempt, await live.truth_of(attempt)) for attempt in messages],
            await live.leaks(),
            live.troubles(),
        )


def _told(live: LiveHouse, kind: type[E], attempt: Attempt) -> list[E]:
    return [event for event in live.events if isinstance(event, kind) and event.attempt_id == attempt.attempt_id]


def test_given_a_mailbox_that_was_put_through_then_its_agent_is_told_soon_and_when_a_message_would_be_kept(
    calls: Calls,
) -> None:
    assert calls.mailbox.outcome is Outcome.BRIDGED, "nobody is hung up on by a later verdict"
    assert [doubt.verdict.call_class for doubt in calls.doubts] == [CallClass.MACHINE, CallClass.BEEP]
    assert {doubt.agent_id for doubt in calls.doubts} == {calls.connected.agent_id}
    assert calls.doubts[0].at_s - calls.connected.at_s < 3.0
    assert calls.on_the_screen == "machine"


def test_given_somebody_who_picks_up_during_the_message_then_it_stops_and_an_agent_gets_the_call(calls: Calls) -> None:
    message = soundfiles.load(FOLDER / "es" / "voicemail_message.flac")
    for attempt, truth in calls.picked_up:
        assert attempt.outcome is Outcome.BRIDGED
        assert truth.heard and truth.recorded_from_s and truth.beep_end_s
        heard = soundfiles.load(truth.heard)[max(0, round((truth.beep_end_s - truth.recorded_from_s) * 8000)) :]
        assert levels.find(message[:8000], heard).similarity > 0.6, "the message began"
        assert levels.find(message[-16000:-8000], heard).similarity < 0.5, "nobody is talked over to the end"


def test_given_all_of_that_then_nothing_is_left_behind(calls: Calls) -> None:
    assert calls.leaks == []
    assert calls.troubles == []
