"""What Asterisk's MixMonitor writes becomes a finished stereo recording: left what the channel said."""

import asyncio
from pathlib import Path

import pytest
import soundfile

from media import soundfiles
from media.levels import strongest_hz
from media.recordings import RecordingLabel, RecordingStore
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind, RobotSpec
from media.tones import tone
from telephony.asterisk.settings import AgentEndpoint
from tests.integration.media.ari import APP, connected
from tests.support.servers import AsteriskFactory

LABEL = RecordingLabel("01jd0000000000000000000000", "spring", "+34 6** *** *12", 1_790_000_000.0)
DIALPLAN = f"""
[recorded]
exten => s,1,MixMonitor({LABEL.attempt_id}.raw,D)
 same => n,PlayTones(700)
 same => n,Wait(2)
 same => n,Hangup()
"""


@pytest.mark.asterisk
async def test_given_a_recorded_call_then_each_side_is_on_its_channel(
    asterisk_instance: AsteriskFactory, tmp_path: Path
) -> None:
    agent = AgentEndpoint("robot1", "s3cret")
    instance = asterisk_instance.make(agents=(agent,), extra_dialplan=DIALPLAN, stasis_app=APP)
    await instance.start()
    soundfiles.save(tmp_path / "voice.wav", tone((1000,), 8.0, fade_s=0))
    spec = RobotSpec(
        "robot1", f"127.0.0.1:{instance.settings.sip_port}", agent.secret, voice_file=str(tmp_path / "voice.wav")
    )
    store = RecordingStore(instance.settings.spool_dir / "monitor", min_free_bytes=0)
    base = store.start(LABEL)
    async with connected(instance) as ari, RobotFleet([spec]) as fleet:
        await fleet.wait("robot1", EventKind.REGISTERED)
        await ari.post("channels", channelId="leg1", endpoint="PJSIP/robot1", context="recorded", extension="s")
        await fleet.wait("robot1", EventKind.DOWN)
    await instance.stop()
    recording = await store.finish(base)
    assert recording is not None
    assert recording.duration_s == pytest.approx(2, abs=0.3)
    audio, rate_hz = await asyncio.to_thread(soundfile.read, recording.path, dtype="int16")
    assert (rate_hz, audio.shape[1]) == (8000, 2)
    assert strongest_hz(audio[4000:12000, 0]) == pytest.approx(1000, abs=1)
    assert strongest_hz(audio[4000:12000, 1]) == pytest.approx(700, abs=1)
    assert recording.left_dbfs > -30 < recording.right_dbfs
