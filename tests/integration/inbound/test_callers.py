"""Real calls into a node: keys in all three ways, barge-in, queues, agents, audio both ways."""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from agents.agent import AgentState
from dialer.inbound.events import CallOver, CallQueued, TalkBegan
from dialer.inbound.orders import Act, Target, TargetOf
from media.g711 import ulaw_decode
from media.softphone.messages import EventKind
from server.demo.behaviours import Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from storage.calls import Talk
from tests.integration.inbound.phone_line import DID, MENU_HZ, ONE_HZ, QUEUE_DID, SLOW_DID, furnish
from tests.support.inbound_caller import InboundCaller, Keys, tone
from tests.support.line_folder import MUSIC_HZ
from tests.support.live_house import LiveHouse, live_house
from tests.support.slow_voice import TAKES_S
from tests.support.until import until
from tests.support.walk_audio import LONGEST_GAP_S, heard_of, longest_gap
from tests.support.walk_line import Turn

pytestmark = pytest.mark.asterisk


@asynccontextmanager
async def node(network: Network, agents: int = 0) -> AsyncIterator[LiveHouse]:
    with tempfile.TemporaryDirectory(prefix="timbre-line-") as name:
        folder = Path(name)
        settings = await asyncio.to_thread(furnish, folder)
        async with live_house(network, agents, extra_toml=settings) as live:
            await until(lambda: live.house.inbound.flows.has("tonos"), 20.0)
            yield live


async def disposed(live: LiveHouse, talks: list[Talk], code: str) -> bool:
    """Whether every talk has this code."""
    return all(
        each and each.disposition == code for each in [await live.house.stores.calls.talk(t.talk_id) for t in talks]
    )


def rms(sound: NDArray[np.int16]) -> float:
    return float(np.sqrt((sound.astype(float) ** 2).mean())) if len(sound) else 0.0


async def hears_the_agent(caller: InboundCaller) -> None:
    """Wait until the caller's last second is a voice and not the music of the queue."""

    def so() -> bool:
        since_s = time.monotonic() - 1.0
        return rms(caller.audio(since_s)) > 200 and caller.share_of_tone(MUSIC_HZ, since_s) < 0.1

    await until(so, 15.0)


async def in_bridges(live: LiveHouse, *members: int) -> bool:
    """Whether Asterisk's bridges have so many members each."""
    state = await live.house.control.snapshot()
    return sorted(len(bridge.channel_ids) for bridge in state.bridges) == list(members)


def load_both(path: Path) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    samples, _ = soundfile.read(path, dtype="int16")
    return samples[:, 0], samples[:, 1]


def sip(live: LiveHouse) -> tuple[str, int]:
    return "127.0.0.1", live.folder.settings.asterisk.sip_port


async def gap_while_made(live: LiveHouse, number: int) -> tuple[float, float]:
    """A call whose first sentence is long in the making: the longest silence until its end, and when that was."""
    async with InboundCaller(sip(live), SLOW_DID, caller=f"+3460011177{number}") as caller:
        await caller.hears_tone(ONE_HZ, timeout_s=20.0)
        await caller.ended()
    assert caller.answered_s is not None and caller.ended_s is not None
    heard = await asyncio.to_thread(heard_of, list(caller.packets), ulaw_decode)
    gap_s, _ = longest_gap(heard, [Turn(caller.answered_s, False)], caller.ended_s)
    return gap_s, caller.ended_s - caller.answered_s


async def test_given_a_menu_when_keys_come_in_any_way_then_the_prompt_stops_and_the_branch_is_heard(
    inbound_network: Network,
) -> None:
    async with node(inbound_network) as live:
        slow = []
        for how in Keys:
            slow.append(asyncio.create_task(gap_while_made(live, len(slow)), name="the slow voice"))
            async with InboundCaller(sip(live), DID, keys=how) as caller:
                await caller.hears_tone(MENU_HZ)
                pressed_s = await caller.press("1")
                heard_s = await caller.hears_tone(ONE_HZ, since_s=pressed_s)
                print(how, "key to next prompt ms", round((heard_s - pressed_s) * 1000))
                # Some 0.1 s on a quiet machine. The prompt goes on for 8 s: whoever heard its end would be far later.
                assert heard_s - pressed_s < 3.0, how
                await caller.ended()
        gaps_s = [gap_s for gap_s, said_after_s in await asyncio.gather(*slow) if said_after_s > TAKES_S]
        print("longest gaps before a sentence that took", TAKES_S, "s to make:", gaps_s)
        # A machine that stumbles makes one of them longer; without a sound each would be longer than TAKES_S.
        assert len(gaps_s) == len(Keys) and min(gaps_s) <= LONGEST_GAP_S and max(gaps_s) < TAKES_S
        await until(lambda: len(live.of(CallOver)) == 2 * len(Keys))
        assert live.troubles() == []


async def test_given_one_agent_when_two_people_call_then_music_a_true_place_and_voices_both_ways(
    inbound_network: Network,
) -> None:
    voice = tone(700.0, 2.0)
    async with node(inbound_network, agents=1) as live:
        (agent,) = live.folder.agents
        async with InboundCaller(sip(live), QUEUE_DID, speak=voice) as first:
            await until(lambda: bool(live.of(TalkBegan)))
            await live.fleet.wait(agent, EventKind.FIRST_AUDIO)
            await hears_the_agent(first)
            async with InboundCaller(sip(live), DID, speak=voice, caller="+34600111333") as second:
                await second.hears_tone(MENU_HZ)
                await second.press("2")
                await until(lambda: len(live.house.inbound.hall.queues["sales"]) == 1)
                await second.hears_tone(MUSIC_HZ, timeout_s=15.0)
                (queued,) = live.of(CallQueued)[1:]
                assert queued.place == 1
                began_s = time.monotonic()
                live.house.desk.end_conversation(agent)
                await first.ended()
                await until(lambda: len(live.of(TalkBegan)) == 2)
                again = await live.fleet.wait(agent, EventKind.FIRST_AUDIO, 2)
                assert again.at_monotonic_s > began_s
                await hears_the_agent(second)
        await until(lambda: len(live.of(CallOver)) == 2)
        calls = await live.house.stores.calls.list(0.0)
        steps = [[step.node for step in await live.house.stores.calls.steps(call.call_id)] for call in calls]
        assert steps == [[], ["menu", "cola"]]
        assert [call.ended_how for call in calls] == ["talked", "talked"]
        talks = [talk for call in calls for talk in await live.house.stores.calls.talks(call.call_id)]
        await live.house.inbound.recorder.close()
        first_word = live.house.inbound.hall.settings["sales"].dispositions[0]
        await live.nobody_busy()
        await until(lambda: disposed(live, talks, first_word))
        for talk in talks:
            left, right = load_both(live.folder.settings.recordings_dir / talk.recording)
            assert rms(left) > 200 and rms(right) > 200
        await live.nobody_busy()
        assert await live.leaks() == [] and live.troubles() == []


async def test_given_a_talk_when_consulted_conferenced_and_handed_over_then_each_hears_whom_it_should(
    inbound_network: Network,
) -> None:
    async with node(inbound_network, agents=2) as live:
        reception = live.house.inbound.reception
        async with InboundCaller(sip(live), QUEUE_DID, speak=tone(700.0, 2.0)) as caller:
            await until(lambda: bool(live.of(TalkBegan)))
            first = live.of(TalkBegan)[0].agent_id
            second = next(name for name in live.folder.agents if name != first)
            await live.fleet.wait(first, EventKind.FIRST_AUDIO)
            await reception.order(first, Act.CONSULT, Target(TargetOf.AGENT, second))
            await live.fleet.wait(second, EventKind.FIRST_AUDIO)
            await caller.hears_tone(MUSIC_HZ, since_s=time.monotonic())
            await reception.order(first, Act.CONFERENCE)
            await hears_the_agent(caller)
            await until(lambda: in_bridges(live, 0, 3))
            await reception.order(first, Act.COMPLETE)
            await until(lambda: live.house.desk.pool.seat(first).state is not AgentState.TALKING)
            await until(lambda: in_bridges(live, 1, 2))
            live.house.desk.end_conversation(second)
            await caller.ended()
        await until(lambda: bool(live.of(CallOver)))
        await live.nobody_busy()
        (call,) = await live.house.stores.calls.list(0.0)
        talks = await live.house.stores.calls.talks(call.call_id)
        assert [(talk.agent_id, talk.ended_how) for talk in talks] == [(first, "transferred"), (second, "agent")]
        assert await live.leaks() == [] and live.troubles() == []


async def test_given_a_talk_when_sent_to_a_number_outside_then_caller_and_person_hear_each_other(
    inbound_network: Network,
) -> None:
    number = DemoNumber.of(Behaviour.PERSON_SENTENCE, ring=0, stay=2).e164
    async with node(inbound_network, agents=1) as live:
        async with InboundCaller(sip(live), QUEUE_DID, speak=tone(700.0, 2.0)) as caller:
            await until(lambda: bool(live.of(TalkBegan)))
            (agent,) = live.folder.agents
            await live.fleet.wait(agent, EventKind.FIRST_AUDIO)
            await hears_the_agent(caller)  # of a talk of no length there is no recording, and that is told
            await live.house.inbound.reception.order(agent, Act.TRANSFER, Target(TargetOf.NUMBER, number))
            await until(lambda: live.house.desk.pool.seat(agent).state is not AgentState.TALKING)
            await caller.ended()
        await until(lambda: bool(live.of(CallOver)))
        (call,) = await live.house.stores.calls.list(0.0)
        assert call.ended_how == "talked" and call.talk_s > 0
        await until(lambda: live.folder.truth().find(number, call.started_at_s) is not None)
        truth = live.folder.truth().find(number, call.started_at_s)
        assert truth is not None and truth.answered_s is not None and truth.ended_by_callee
        assert await live.leaks() == [] and live.troubles() == []
