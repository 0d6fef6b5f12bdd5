"""Pieces of speech made fit for each other: one level, no long silence, no click; joined to one recording.

All samples are (n,) int16 at 8 kHz.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ
from media.levels import SILENT_DBFS, frame_dbfs, normalised

Samples = NDArray[np.int16]

LEVEL_DBFS: Final = -20.0
"""Active level of everything that is said: the recorded packs lie between -18.5 (en) and -20.3 (es)."""
QUIET_DBFS: Final = -45.0
"""25 dB below speech: softer than this is silence, at the level above."""
DYNAMICS_DB: Final = 30.0
"""What is that much softer than the loudest 20 ms is no part of a word. Relative, so that a gain changes nothing."""
LEAD_S: Final = 0.04
"""Kept before the first loud frame: the hiss of an s or f is softer than the vowel after it."""
TAIL_S: Final = 0.06
WORD_GAP_S: Final = 0.02
PAUSE_S: Final = 0.18
LONGEST_SILENCE_S: Final = 0.34
"""What is left of a longer pause: of a synthesiser's between clauses, of a fading word before a pause."""
_PASSES: Final = 3
"""A gain changes which frames count as sound, and so the level: after three passes it stays within 0.5 dB."""
_FADE: Final = SAMPLE_RATE_HZ * 5 // 1000


def fitted(samples: Samples) -> Samples:
    """At LEVEL_DBFS, silence before and after cut off, ends faded over 5 ms. Nothing is left of silence."""
    frames = frame_dbfs(samples)
    loudest = float(frames.max(initial=SILENT_DBFS))
    if loudest <= SILENT_DBFS:
        return samples[:0]
    loud = np.flatnonzero(frames > loudest - DYNAMICS_DB)
    start = max(0, int(loud[0]) * FRAME_SAMPLES - int(LEAD_S * SAMPLE_RATE_HZ))
    end = (int(loud[-1]) + 1) * FRAME_SAMPLES + int(TAIL_S * SAMPLE_RATE_HZ)
    made = samples[start:end]
    for _ in range(_PASSES):
        made = normalised(made, LEVEL_DBFS)
    return faded(made)


def faded(samples: Samples) -> Samples:
    """The same with its first and last 5 ms faded, so that silence around it makes no click."""
    length = min(_FADE, len(samples) // 2)
    if not length:
        return samples
    gain = np.ones(len(samples))
    gain[:length] = np.linspace(0.0, 1.0, length)
    gain[-length:] = gain[:length][::-1]
    return np.round(samples * gain).astype(np.int16)


def squeezed(samples: Samples, longest_s: float = LONGEST_SILENCE_S) -> Samples:
    """The same with every inner silence cut to `longest_s`: frames are taken from its middle."""
    quiet = frame_dbfs(samples) <= QUIET_DBFS
    most = int(longest_s * SAMPLE_RATE_HZ) // FRAME_SAMPLES
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    keep = np.ones(len(samples), bool)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if end - start > most:
            first = int(start) + most // 2
            keep[first * FRAME_SAMPLES : (first + int(end - start) - most) * FRAME_SAMPLES] = False
    return samples[keep]


def joined(parts: Sequence[Samples | None]) -> Samples:
    """Fitted parts one after another; None is a pause. No silence is longer than LONGEST_SILENCE_S."""
    word_gap = np.zeros(int(WORD_GAP_S * SAMPLE_RATE_HZ), np.int16)
    pause = np.zeros(int(PAUSE_S * SAMPLE_RATE_HZ), np.int16)
    said: list[Samples] = []
    for part in parts:
        if part is None:
            said.append(pause)
        else:
            said += [part, word_gap]
    return squeezed(np.concatenate(said)) if said else np.zeros(0, np.int16)


def longest_silence_s(samples: Samples) -> float:
    """The longest silence anywhere in it, in seconds, to 20 ms."""
    quiet = frame_dbfs(samples) <= QUIET_DBFS
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    lengths = edges[1::2] - edges[::2]
    return float(lengths.max(initial=0)) * FRAME_SAMPLES / SAMPLE_RATE_HZ
