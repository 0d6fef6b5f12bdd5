"""Robots against a real Asterisk: they register, talk, hear, measure, and never outlive their parent."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from media import levels, soundfiles
from media.builtin_prompts import FOLDER
from media.prompts import PromptLibrary
from media.softphone.fleet import RobotFleet, SoftphoneError
from media.softphone.messages import EventKind, RobotSpec
from media.tones import silence
from telephony.asterisk.settings import AgentEndpoint
from tests.integration.media.ari import APP, connected
from tests.support.servers import AsteriskFactory

PLAYS = 4


@pytest.fixture
def voice_file(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    soundfiles.save(path, soundfiles.load(FOLDER / "es" / "voicemail_message.flac"))
    return path


@pytest.mark.asterisk
async def test_given_a_registered_robot_then_it_hears_is_heard_and_its_stamps_are_true(
    asterisk_instance: AsteriskFactory, tmp_path: Path, voice_file: Path
) -> None:
    instance = asterisk_instance.make(agents=(AgentEndpoint("robot1", "s3cret-of-robot1"),), stasis_app=APP)
    prompts = PromptLibrary([], instance.settings.directory / "prompts")
    heard_file = tmp_path / "heard.wav"
    prompt = soundfiles.load(FOLDER / "en" / "please_hold.flac")
    start = round((levels.first_sound_s(prompt) or 0) * 8000)
    soundfiles.save(tmp_path / "prompt.wav", np.concatenate([prompt[start : start + 6000], silence(0.1)]))
    uri = prompts.uri_of_file(tmp_path / "prompt.wav")
    (instance.settings.directory / "prompts").chmod(0o755)
    await instance.start()
    spec = RobotSpec(
        "robot1",
        registrar=f"127.0.0.1:{instance.settings.sip_port}",
        secret="s3cret-of-robot1",
        voice_file=str(voice_file),
        record_file=str(heard_file),
    )
    delays_ms = []
    async with connected(instance) as ari, RobotFleet([spec]) as fleet:
        await fleet.wait("robot1", EventKind.REGISTERED)
        await ari.post("channels", channelId="leg1", endpoint="PJSIP/robot1", app=APP)
        await ari.event("StasisStart", "leg1")
        await fleet.wait("robot1", EventKind.UP)
        await ari.post("channels/leg1/record", name="said", format="wav")
        await asyncio.sleep(2.5)
        await ari.post("recordings/live/said/stop")
        await ari.event("RecordingFinished", "said")
        for play in range(PLAYS):
            asked_s = time.monotonic()
            await ari.post(f"channels/leg1/play/play{play}", media=uri)
            first = await fleet.wait("robot1", EventKind.FIRST_AUDIO, play + 1)
            delays_ms.append(1000 * (first.at_monotonic_s - asked_s))
            await ari.event("PlaybackFinished", f"play{play}")
            await asyncio.sleep(0.55 + 0.013 * play)
        report = await fleet.report("robot1")
    print("first audio after the request, ms:", np.round(sorted(delays_ms), 1), report)
    assert min(delays_ms) >= 0
    assert min(delays_ms) < 40  # a stamp that is late by itself is late every time; other work delays some
    said = soundfiles.load(instance.settings.spool_dir / "recording" / "said.wav")
    assert levels.find(soundfiles.load(voice_file)[4000:12000], said).similarity > 0.8
    assert levels.find(prompt[start : start + 6000], soundfiles.load(heard_file)).similarity > 0.8
    await instance.stop()


async def test_given_two_robots_when_one_takes_turns_then_they_talk_in_turn(tmp_path: Path, voice_file: Path) -> None:
    short = tmp_path / "short.wav"
    soundfiles.save(short, np.concatenate([soundfiles.load(voice_file)[:8000], silence(3.0)]))
    answer = RobotSpec("answer", voice_file=str(voice_file), turns=True)
    async with RobotFleet([RobotSpec("caller", voice_file=str(short)), answer]) as fleet:
        fleet.call("caller", f"sip:answer@{fleet.address('answer')}")
        await fleet.wait("answer", EventKind.FIRST_AUDIO)
        spoken = await fleet.wait("caller", EventKind.FIRST_AUDIO)
        heard = fleet.events("answer", EventKind.FIRST_AUDIO)[0]
        assert 1.0 < spoken.at_monotonic_s - heard.at_monotonic_s < 3.0, "it waits for the pause"
        fleet.call("caller", "sip:nobody@127.0.0.1")
        error = await fleet.wait("caller", EventKind.ERROR)
        assert "on a call" in error.text
        fleet.hang_up("caller")
        await fleet.wait_all(EventKind.DOWN)
        fleet.call("caller", f"sip:answer@{fleet.address('answer')}")
        await fleet.wait("answer", EventKind.UP, 2)


async def test_given_five_robots_then_two_processes_end_with_the_fleet() -> None:
    async with RobotFleet([RobotSpec(f"r{index}") for index in range(5)]) as fleet:
        pids = fleet.pids
        assert len(pids) == 2
    assert not [pid for pid in pids if is_alive(pid)]


async def test_given_a_wrong_secret_then_the_failure_is_told(asterisk_instance: AsteriskFactory) -> None:
    instance = asterisk_instance.make(agents=(AgentEndpoint("robot1", "right"),))
    await instance.start()
    registrar = f"127.0.0.1:{instance.settings.sip_port}"
    async with RobotFleet([RobotSpec("robot1", registrar=registrar, secret="wrong")]) as fleet:
        failed = await fleet.wait("robot1", EventKind.REGISTRATION_FAILED)
        assert failed.status in (401, 403)
    await instance.stop()


async def test_given_a_killed_worker_then_its_robots_report_it() -> None:
    async with RobotFleet([RobotSpec("robot1")]) as fleet:
        os.kill(fleet.pids[0], signal.SIGKILL)
        error = await fleet.wait("robot1", EventKind.ERROR)
        assert "ended with status -9" in error.text
        with pytest.raises(SoftphoneError, match="robot1: no up"):
            await fleet.wait("robot1", EventKind.UP, timeout_s=0.1)


PARENT = """
import asyncio
from media.softphone.fleet import RobotFleet
from media.softphone.messages import RobotSpec
async def main():
    async with RobotFleet([RobotSpec("robot1")]) as fleet:
        print(fleet.pids[0], flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_given_the_parent_is_killed_then_no_worker_is_left() -> None:
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", PARENT, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    parent.kill()
    await parent.wait()
    async with asyncio.timeout(5):
        while is_alive(pid):  # noqa: ASYNC110 - another process, it tells nobody when it ends
            await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
