"""What both sides of a conversation really heard: the recordings of the network, the robots and the node."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from campaigns.attempt import Attempt
from campaigns.outcome import Outcome
from dialer.events import PersonConnected
from media import levels, soundfiles
from media.frames import SAMPLE_RATE_HZ
from media.softphone.messages import EventKind
from server.demo.truth import CallTruth
from tests.support.live_house import LiveHouse

_PIECE_S = 0.4
_SURE = 0.8
_SOONEST_S = 0.03
Audio = NDArray[np.int16]


@dataclass(frozen=True)
class Talk:
    """One conversation. Similarities as in `media.levels.Match`: above 0.6 the voice is there.

    verdict_to_audio_ms: from the verdict to the callee's first sound (line noise) out of the agent's phone.
    callee_heard_dbfs, agent_heard_dbfs: the loudest 0.4 s: silence is a side that was not heard at all, a voice that is
    loud and not alike was torn by a machine that had no time for it.
    """

    attempt_id: str
    agent_id: str
    callee_heard_agent: float
    agent_heard_callee: float
    recorded_callee: float
    recorded_agent: float
    verdict_to_audio_ms: float | None
    agent_was_free: bool
    lasted_s: float
    callee_heard_dbfs: float
    agent_heard_dbfs: float


async def talks_of(live: LiveHouse, attempts: Sequence[Attempt]) -> list[Talk]:
    """Every bridged attempt as a Talk. Ends the robots: their recordings are whole only then."""
    latencies = {event.attempt_id: latency_ms(live, event) for event in live.of(PersonConnected)}
    bridged = [attempt for attempt in attempts if attempt.outcome is Outcome.BRIDGED]
    truths = {attempt.attempt_id: await live.truth_of(attempt) for attempt in bridged}
    await live.house.recorder.close()
    await live.robots_off()
    return [
        _talk(live, event, truths[event.attempt_id], latencies[event.attempt_id])
        for event in live.of(PersonConnected)
        if event.attempt_id in truths
    ]


def latency_ms(live: LiveHouse, event: PersonConnected) -> float | None:
    """Verdict to first sound at the agent's phone; None when nothing came within three seconds."""
    for heard in live.fleet.events(event.agent_id, EventKind.FIRST_AUDIO):
        late_s = heard.at_monotonic_s - event.verdict_at_s
        if -_SOONEST_S < late_s < 3.0:
            return late_s * 1000
    return None


def _talk(live: LiveHouse, event: PersonConnected, truth: CallTruth, late_ms: float | None) -> Talk:
    assert truth.heard and truth.said and truth.recorded_from_s and event.agent_id
    said, voice = soundfiles.load(truth.said), _twice(live.folder.voice_of(event.agent_id))
    heard_by_callee = _from(soundfiles.load(truth.heard), event.at_s - truth.recorded_from_s)
    up_s = live.fleet.events(event.agent_id, EventKind.UP)[0].at_monotonic_s
    lasted_s = truth.ended_s - event.at_s
    begins_s = event.bridged_at_s - up_s
    heard_by_agent = _from(soundfiles.load(live.folder.path / f"{event.agent_id}-heard.wav"), begins_s, lasted_s)
    recording, _ = soundfile.read(live.folder.settings.recordings_dir / f"{event.attempt_id}.flac", dtype="int16")
    return Talk(
        event.attempt_id,
        event.agent_id,
        similarity(heard_by_callee, voice),
        similarity(heard_by_agent, said),
        similarity(recording[:, 0], said),
        similarity(recording[:, 1], voice),
        late_ms,
        event.agent_was_free,
        lasted_s,
        _loudest_dbfs(heard_by_callee),
        _loudest_dbfs(heard_by_agent),
    )


def similarity(heard: Audio, voice: Audio, pieces: int = 8) -> float:
    """How surely `voice` is in what was `heard`: by its loudest pieces, of which a lost frame may spoil some."""
    best = 0.0
    for block in _loudest_first(heard)[:pieces]:
        best = max(best, levels.find(block, voice).similarity)
        if best > _SURE:
            break
    return best


def _loudest_first(heard: Audio) -> list[Audio]:
    size = round(_PIECE_S * SAMPLE_RATE_HZ)
    blocks = [heard[at : at + size] for at in range(0, max(1, len(heard) - size), size // 2)]
    return sorted(blocks, key=levels.dbfs, reverse=True)


def _loudest_dbfs(heard: Audio) -> float:
    return round(levels.dbfs(_loudest_first(heard)[0]), 1)


def _from(audio: Audio, begin_s: float, length_s: float | None = None) -> Audio:
    begin = max(0, round(begin_s * SAMPLE_RATE_HZ))
    return audio[begin : None if length_s is None else begin + round(length_s * SAMPLE_RATE_HZ)]


def _twice(path: Path) -> Audio:
    """A voice as a robot repeats it: a piece may span its end and its beginning."""
    return np.tile(soundfiles.load(path), 2)
