"""The recorded voices that ship with the demo (`voices/NOTICE.md` lists their sources), at 8 kHz, mono."""

from pathlib import Path

import numpy as np

from media import soundfiles
from media.frames import SAMPLE_RATE_HZ
from server.demo.behaviours import PERSON_VOICES
from server.demo.synthesis import Sound, from_pcm

VOICES_DIR = Path(__file__).parent / "voices"
_SPEECH_BELOW_PEAK_DB = 28.0
_WINDOW = SAMPLE_RATE_HZ // 100


def agent_voice_files() -> tuple[Path, ...]:
    """What agent robots say, 6 to 16 s each, to be looped: no voice among them is a callee's."""
    return tuple(sorted(VOICES_DIR.glob("agent-*.flac")))


def words(voice: int) -> list[Sound]:
    """Single words (0.2 to 0.8 s) of one speaker. voice: 0 to PERSON_VOICES - 1."""
    return [from_pcm(soundfiles.load(path)) for path in sorted(VOICES_DIR.glob(f"word-{voice % PERSON_VOICES}-*.flac"))]


def sentence(voice: int) -> tuple[Sound, Sound]:
    """One speaker's first phrase (1 to 2.5 s) and how it goes on (2.5 to 4 s). voice: 0 to PERSON_VOICES - 1."""
    stem = f"sentence-{voice % PERSON_VOICES}"
    greeting, talk = (soundfiles.load(VOICES_DIR / f"{stem}-{part}.flac") for part in ("greeting", "talk"))
    return from_pcm(greeting), from_pcm(talk)


def speech_span_s(sound: Sound) -> tuple[float, float]:
    """Where a quiet recording starts and stops to be loud, to 10 ms: within 28 dB of its loudest 10 ms."""
    windows = sound[: len(sound) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    level_db = 10 * np.log10(np.mean(windows**2, axis=1) + 1e-12)
    loud = np.flatnonzero(level_db > level_db.max() - _SPEECH_BELOW_PEAK_DB)
    return float(loud[0]) / 100, float(loud[-1] + 1) / 100
