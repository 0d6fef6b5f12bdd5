"""A phone on a real Asterisk hears a phrase: whole, in order, at one level, without a gap."""

import asyncio
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ivr.port import SayAs, Spoken
from ivr.speech import FlowSpeech
from media import soundfiles
from media.levels import Match, active_dbfs, find
from media.prompts import PromptLibrary
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind, RobotSpec
from media.speech.cache import SpeechCache
from media.speech.espeak import Espeak
from media.speech.joining import longest_silence_s
from media.speech.speaker import Speaker
from media.tones import silence
from server.clock import SystemClock
from telephony.asterisk.settings import AgentEndpoint
from tests.integration.media.ari import APP, connected
from tests.support.servers import AsteriskFactory

EDGE = 6400
"""0.8 s."""
SYNTHESISED = [Spoken(SayAs.TEXT, "Debe"), Spoken(SayAs.MONEY, "21.50", "MXN", private=True)]
RECORDED = [Spoken(SayAs.DATE, date(2026, 11, 1))]


def edge(piece: NDArray[np.int16], heard: NDArray[np.int16]) -> Match:
    """Where a beginning or an end is heard: by all of it, or by the half that no frame is missing from."""
    half = len(piece) // 2
    later = find(piece[half:], heard)
    tries = [
        find(piece, heard),
        find(piece[:half], heard),
        Match(max(0.0, later.offset_s - half / 8000), later.similarity),
    ]
    return next((match for match in tries if match.similarity > 0.95), max(tries, key=lambda match: match.similarity))


@pytest.mark.asterisk
async def test_given_a_call_when_phrases_are_played_then_the_caller_hears_them_whole_without_a_gap(
    asterisk_instance: AsteriskFactory, tmp_path: Path
) -> None:
    instance = asterisk_instance.make(agents=(AgentEndpoint("robot1", "s3cret-of-robot1"),), stasis_app=APP)
    await instance.start()
    folder = instance.settings.directory / "speech"
    cache = SpeechCache(folder, SystemClock())
    library = PromptLibrary([], tmp_path / "prompts")
    speech = FlowSpeech(Speaker(library, Espeak(), cache, instance.installation.sounds_dir))
    media = [
        *await speech.render([Spoken(SayAs.PROMPT, "please_hold")], "es-MX"),
        *await speech.render(SYNTHESISED, "es-MX"),
        *await speech.render(RECORDED, "es-MX"),
    ]
    pieces = [soundfiles.load(Path(uri.removeprefix("sound:") + ".wav")) for uri in media]
    soundfiles.save(tmp_path / "mute.wav", silence(1.0))
    spec = RobotSpec(
        "robot1",
        registrar=f"127.0.0.1:{instance.settings.sip_port}",
        secret="s3cret-of-robot1",
        voice_file=str(tmp_path / "mute.wav"),
        record_file=str(tmp_path / "heard.wav"),
    )
    async with connected(instance) as ari, RobotFleet([spec]) as fleet:
        await fleet.wait("robot1", EventKind.REGISTERED)
        await ari.post("channels", channelId="leg1", endpoint="PJSIP/robot1", app=APP)
        await ari.event("StasisStart", "leg1")
        await fleet.wait("robot1", EventKind.UP)
        await ari.post("channels/leg1/play/said", media=",".join(media))
        await ari.event("PlaybackFinished", "said", 30)
        await asyncio.sleep(0.3)  # the phone's jitter buffer plays out
        await ari.delete("channels/leg1")
        await fleet.wait("robot1", EventKind.DOWN)
    heard = soundfiles.load(tmp_path / "heard.wav")
    # Beginnings and ends on their own: a frame that a busy machine loses in between shifts all that follows it.
    starts = [edge(piece[:EDGE], heard) for piece in pieces]
    ends = [edge(piece[-EDGE:], heard) for piece in pieces]
    assert min(match.similarity for match in (*starts, *ends)) > 0.8, (starts, ends)
    ends_s = [match.offset_s + EDGE / 8000 for match in ends]
    gaps_s = [later.offset_s - end_s for later, end_s in zip(starts[1:], ends_s[:-1], strict=True)]
    # A lost frame shortens a beginning or an end by 20 ms, one that is late lengthens it.
    assert all(-0.06 <= gap_s <= 0.2 for gap_s in gaps_s), gaps_s
    said = heard[int(starts[0].offset_s * 8000) : int(ends_s[-1] * 8000)]
    print(
        f"gaps between media: {[round(gap_s * 1000) for gap_s in gaps_s]} ms, longest silence {longest_silence_s(said)}"
    )
    assert longest_silence_s(said) <= 1.0
    parts = [(int(start.offset_s * 8000), int(end_s * 8000)) for start, end_s in zip(starts, ends_s, strict=True)]
    levels = [active_dbfs(heard[start:end]) for start, end in parts]
    assert max(levels) - min(levels) < 1.0, levels
