"""kill -9 of the server, of Asterisk and of Redis in the middle of a campaign, and a graceful stop, on real parts."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from media import soundfiles
from media.frames import SAMPLE_RATE_HZ
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind
from server.demo.behaviours import Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from server.run import asterisk_of, redis_of
from tests.support.live_house import LiveProcess, campaign_text, live_folder
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network
from tests.support.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
AGENTS = 3


@pytest.fixture(scope="module")
def network(asterisk_instance: AsteriskFactory) -> Iterator[Network]:
    instance, network = make_network(asterisk_instance)
    asyncio.run(instance.start())
    yield network
    asyncio.run(instance.stop())


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def node(network: Network) -> AsyncIterator[LiveProcess]:
    """A running node with its agents registered, signed in and ready."""
    with live_folder(network, AGENTS) as folder:
        process = LiveProcess(folder)
        try:
            await process.start(90.0)
            async with RobotFleet(folder.specs()) as fleet:
                await fleet.wait_all(EventKind.REGISTERED)
                for agent_id in folder.agents:
                    await process.ask("POST", f"/agents/{agent_id}/sign-in")
                    await process.ask("POST", f"/agents/{agent_id}/ready")
                yield process
        finally:
            await process.end()


async def dial(node: LiveProcess, name: str, numbers: list[DemoNumber]) -> None:
    """Start a campaign over these numbers once every agent is idle with audio."""
    await node.asked_until("/agents", lambda agents: all(a["audio"] and a["state"] == "idle" for a in agents), 40.0)
    await node.ask("PUT", "/campaigns", content=campaign_text(name).encode())
    csv = "phone\n" + "".join(f"{number.e164}\n" for number in numbers)
    await node.ask("POST", f"/lists/{name}/import", content=csv.encode(), params={"region": "ES"})
    await node.ask("POST", f"/campaigns/{name}/start")


def crowd(first_serial: int, talk_stay: int) -> list[DemoNumber]:
    """Three people who talk, and ten others who never answer or are busy."""
    people = [
        DemoNumber.of(Behaviour.PERSON_SHORT_WORD, stay=talk_stay, serial=first_serial + index)
        for index in range(AGENTS)
    ]
    others = [DemoNumber.of(Behaviour.NO_ANSWER, serial=first_serial + index) for index in range(4)]
    others += [DemoNumber.of(Behaviour.BUSY, ring=3, serial=first_serial + index) for index in range(4)]
    return [*people, *others]


def talking(status: Any) -> int:
    return sum(campaign["talking"] for campaign in status["campaigns"])


async def attempts(node: LiveProcess, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await node.ask("GET", f"/campaigns/{name}/attempts", params={"limit": 1000})
    return found


async def all_ended(node: LiveProcess, name: str, timeout_s: float = 45.0) -> list[dict[str, Any]]:
    """Wait until every attempt of the campaign has its outcome; the attempts."""
    path = f"/campaigns/{name}/attempts?limit=1000"
    found: list[dict[str, Any]] = await node.asked_until(
        path, lambda each: bool(each) and all(attempt["outcome"] for attempt in each), timeout_s
    )
    return found


def dialled(node: LiveProcess, numbers: list[DemoNumber]) -> Counter[str]:
    """How often each number was called, as the network counted."""
    wanted = {number.e164 for number in numbers}
    lines = node.folder.network.truth_file.read_text().splitlines()
    return Counter(number for line in lines for number in wanted if number.lstrip("+") in line)


def told(status: Any) -> str:
    return "\n".join(f"{each['where']}: {each['words']}" for each in status["troubles"])


def recorded_for_a_second(recordings: Path) -> list[Path]:
    """Recordings that go on and hold at least a second: two channels of 16 bits."""
    return [path for path in recordings.glob("*.raw") if path.stat().st_size >= 4 * SAMPLE_RATE_HZ]


def loud_share(path: Path, from_s: float, to_s: float) -> float:
    """Which part of the half seconds of a sound file holds speech."""
    samples = soundfiles.load(path)[int(from_s * SAMPLE_RATE_HZ) : int(to_s * SAMPLE_RATE_HZ)]
    step = SAMPLE_RATE_HZ // 2
    pieces = [samples[at : at + step].astype(float) for at in range(0, len(samples) - step, step)]
    assert pieces, f"{path} has nothing from {from_s:.1f} s to {to_s:.1f} s"
    return float(np.mean([np.sqrt(np.mean(piece**2)) > 100 for piece in pieces]))


async def test_given_a_campaign_when_the_server_is_killed_then_talks_go_on_and_nothing_is_dialled_twice(
    node: LiveProcess,
) -> None:
    numbers = crowd(0, talk_stay=9)  # two minutes: however long the next start takes
    await dial(node, "server-killed", numbers)
    await node.asked_until("/status", lambda status: talking(status) == AGENTS)
    in_talk = {attempt["lead_id"] for attempt in await attempts(node, "server-killed") if attempt["state"] == "bridged"}
    recordings = node.folder.settings.recordings_dir
    await until(lambda: len(recorded_for_a_second(recordings)) >= AGENTS, 10.0)
    await node.kill()
    killed_s = time.time()
    await node.start(90.0)
    back_s = time.time()
    await node.asked_until("/status", lambda status: talking(status) == AGENTS)
    for agent_id in node.folder.agents:
        await node.ask("POST", f"/agents/{agent_id}/hang-up")
    ended = await all_ended(node, "server-killed")

    assert all(attempt["outcome"] == "bridged" for attempt in ended if attempt["lead_id"] in in_talk)
    per_lead = Counter(attempt["lead_id"] for attempt in ended)
    assert sum(dialled(node, numbers).values()) <= len(ended), "more calls reached the network than attempts were made"
    assert max(per_lead.values()) <= 2, per_lead
    await until(lambda: all(node.folder.truth().find(number.e164, 0.0) for number in numbers[:AGENTS]))
    index, lasted_s = node.folder.truth(), list[float]()
    for number in numbers[:AGENTS]:
        call = index.find(number.e164, 0.0)
        assert call is not None and call.heard is not None and call.recorded_from_s is not None
        assert call.ended_s > back_s, "the conversation ended with the server"
        lasted_s.append(call.ended_s - killed_s)
        heard_from_s, heard_to_s = killed_s - call.recorded_from_s, call.ended_s - call.recorded_from_s - 0.5
        assert loud_share(call.heard, heard_from_s, heard_to_s) > 0.5, "the callee did not hear the agent any more"
    await until(lambda: len(list(recordings.glob("*.flac"))) >= AGENTS, 10.0)
    lengths = sorted(len(soundfiles.load(path)) / SAMPLE_RATE_HZ for path in recordings.glob("*.flac"))
    since_the_kill = sorted(lasted_s)
    assert all(length_s > lasted for length_s, lasted in zip(lengths[-AGENTS:], since_the_kill, strict=True)), (
        f"the recordings ({lengths} s) do not hold what was said after the kill ({since_the_kill} s)"
    )


async def test_given_a_campaign_when_asterisk_is_killed_then_it_is_started_again_and_dialling_goes_on(
    node: LiveProcess,
) -> None:
    numbers = crowd(20, talk_stay=9)
    await dial(node, "asterisk-killed", numbers)
    await node.asked_until("/status", lambda status: talking(status) == AGENTS)
    asterisk = asterisk_of(node.folder.settings)
    assert asterisk is not None
    await asterisk.kill()
    status = await node.asked_until(
        "/status", lambda status: "Asterisk runs again" in told(status) and status["may_dial"], 40.0
    )
    assert "every call that was up is lost" in told(status)
    ended = await all_ended(node, "asterisk-killed")
    assert sum(dialled(node, numbers).values()) <= len(ended)
    await node.ask("POST", "/campaigns/asterisk-killed/stop")
    again = [DemoNumber.of(Behaviour.PERSON_TWO_WORDS, stay=1, serial=30)]
    await dial(node, "after-asterisk", again)
    assert [attempt["outcome"] for attempt in await all_ended(node, "after-asterisk")] == ["bridged"]


async def test_given_a_campaign_when_redis_is_killed_then_it_says_what_is_lost_and_goes_on(node: LiveProcess) -> None:
    numbers = [DemoNumber.of(Behaviour.BUSY, ring=1, serial=40 + index) for index in range(30)]
    await dial(node, "redis-killed", numbers)
    await node.asked_until("/campaigns/redis-killed/attempts", bool)
    redis = redis_of(node.folder.settings)
    assert redis is not None and redis.pid is not None
    os.kill(redis.pid, signal.SIGKILL)
    status = await node.asked_until(
        "/status", lambda status: "Redis runs again" in told(status) and status["live_store_up"]
    )
    assert "filled again from the database" in told(status)
    path = "/campaigns/redis-killed/attempts?limit=1000"
    ended = await node.asked_until(
        path, lambda each: len({a["lead_id"] for a in each if a["outcome"]}) == len(numbers), 60.0
    )
    assert sum(dialled(node, numbers).values()) <= len(ended)
    await node.ask("POST", "/campaigns/redis-killed/stop")


async def test_given_a_campaign_when_the_server_is_terminated_then_it_ends_clean_and_the_next_start_knows_all(
    node: LiveProcess,
) -> None:
    numbers = crowd(80, talk_stay=9)
    await dial(node, "terminated", numbers)
    await node.asked_until("/status", lambda status: talking(status) == AGENTS)
    asterisk, redis = asterisk_of(node.folder.settings), redis_of(node.folder.settings)
    assert await node.stop() == 0
    assert "Traceback" not in node.log.read_text(errors="replace")
    assert asterisk is not None and asterisk.pid is None
    assert redis is not None and redis.pid is None
    await node.start(90.0)
    ended = await all_ended(node, "terminated")
    assert sum(attempt["outcome"] == "bridged" for attempt in ended) == AGENTS
    assert sum(dialled(node, numbers).values()) <= len(ended)
