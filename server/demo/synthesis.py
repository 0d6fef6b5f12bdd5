"""Sound as numbers that can be mixed: float64 in -1..1 at 8 kHz, mono. Tones come from `media.tones`."""

import numpy as np
from numpy.typing import NDArray

from media.frames import SAMPLE_RATE_HZ

Sound = NDArray[np.float64]

LINE_NOISE_DBFS = -62.0


def from_pcm(samples: NDArray[np.int16]) -> Sound:
    """16 bit samples as a Sound."""
    return samples.astype(np.float64) / 32768.0


def to_pcm(sound: Sound) -> NDArray[np.int16]:
    """A Sound as 16 bit samples, clipped."""
    return np.clip(np.round(sound * 32768.0), -32768, 32767).astype(np.int16)


def samples_of(seconds: float) -> int:
    """Whole samples in a time."""
    return round(seconds * SAMPLE_RATE_HZ)


def silence(seconds: float) -> Sound:
    """Digital silence."""
    return np.zeros(samples_of(seconds))


def line_noise(samples: int, seed: int, level_dbfs: float = LINE_NOISE_DBFS) -> Sound:
    """White noise of an RMS level relative to full scale; the same seed gives the same noise."""
    return np.random.default_rng(seed).normal(0.0, 10 ** (level_dbfs / 20), samples)
