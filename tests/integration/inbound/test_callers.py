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

from dialer.inbound.events import CallOver, CallQueued, TalkBegan
from media.softphone.messages import EventKind
from server.demo.network import Network
from tests.integration.inbound.phone_line import DID, MENU_HZ, MUSIC_HZ, ONE_HZ, QUEUE_DID, furnish
from tests.support.inbound_caller import InboundCaller, Keys, tone
from tests.support.live_house import LiveHouse, live_house
from tests.support.until import until

pytestmark = pytest.mark.asterisk


@asynccontextmanager
async def node(network: Network, agents: int = 0) -> AsyncIterator[LiveHouse]:
    with tempfile.TemporaryDirectory(prefix="timbre-line-") as name:
        folder = Path(name)
        settings = await asyncio.to_thread(furnish, folder)
        async with live_house(network, agents, extra_toml=settings) as live:
            await until(lambda: live.house.inbound.flows.has("tonos"), 20.0)
            yield live


def rms(sound: NDArray[np.int16]) -> float:
    return float(np.sqrt((sound.astype(float) ** 2).mean())) if len(sound) else 0.0


def load_both(path: Path) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
    samples, _ = soundfile.read(path, dtype="int16")
    return samples[:, 0], samples[:, 1]


def sip(live: LiveHouse) -> tuple[str, int]:
    return "127.0.0.1", live.folder.settings.asterisk.sip_port


async def test_given_a_menu_when_keys_come_in_any_way_then_the_prompt_stops_and_the_branch_is_heard(
    inbound_network: Network,
) -> None:
    async with node(inbound_network) as live:
        for how in Keys:
            async with InboundCaller(sip(live), DID, keys=how) as caller:
                await caller.hears_tone(MENU_HZ)
                await asyncio.sleep(1.0)
                pressed_s = await caller.press("1")
                heard_s = await caller.hears_tone(ONE_HZ, since_s=pressed_s)
                print(how, "key to next prompt ms", round((heard_s - pressed_s) * 1000))
                assert heard_s - pressed_s < 0.5, how
                await caller.ended()
        await until(lambda: len(live.of(CallOver)) == 3)
        assert live.troubles() == []


async def test_given_one_agent_when_two_people_call_then_music_a_true_place_and_voices_both_ways(
    inbound_network: Network,
) -> None:
    voice = tone(700.0, 2.0)
    async with node(inbound_network, agents=1) as live:
        (agent,) = live.folder.agents
        async with InboundCaller(sip(live), QUEUE_DID, speak=voice) as first:
            await until(lambda: bool(live.of(TalkBegan)))
            heard = await live.fleet.wait(agent, EventKind.FIRST_AUDIO)
            await asyncio.sleep(1.0)
            assert rms(first.audio(heard.at_monotonic_s)) > 200, "the caller does not hear the agent"
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
                await asyncio.sleep(1.0)
                assert rms(second.audio(again.at_monotonic_s)) > 200
        await until(lambda: len(live.of(CallOver)) == 2)
        calls = await live.house.stores.calls.list(0.0)
        steps = [[step.node for step in await live.house.stores.calls.steps(call.call_id)] for call in calls]
        assert steps == [[], ["menu", "cola"]]
        assert [call.ended_how for call in calls] == ["talked", "talked"]
        talks = [talk for call in calls for talk in await live.house.stores.calls.talks(call.call_id)]
        await live.house.inbound.recorder.close()
        for talk in talks:
            left, right = load_both(live.folder.settings.recordings_dir / talk.recording)
            assert rms(left) > 200 and rms(right) > 200
        await live.nobody_busy()
        assert await live.leaks() == [] and live.troubles() == []
