"""How loud audio is, where it starts, and whether one recording holds another. 0 dBFS: RMS of 32768 (full scale)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ

SILENT_DBFS = -50.0
"""Louder than this is sound: G.711 idle noise lies near -66, a soft voice near -40."""
_FLOOR_DBFS = -100.0


def dbfs(samples: NDArray[np.int16]) -> float:
    """The RMS level of samples ((n,) int16); -100 for digital silence and for nothing at all."""
    if not samples.size:
        return _FLOOR_DBFS
    rms = float(np.sqrt(np.mean(np.square(samples.astype(np.float64)))))
    return max(_FLOOR_DBFS, 20 * float(np.log10(max(rms, 1e-3) / 32768)))


def frame_dbfs(samples: NDArray[np.int16]) -> NDArray[np.float64]:
    """The RMS level of each whole 20 ms frame: (n // 160,) float64."""
    count = len(samples) // FRAME_SAMPLES
    frames = samples[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES).astype(np.float64)
    rms = np.sqrt(np.mean(np.square(frames), axis=1))
    return np.asarray(np.maximum(_FLOOR_DBFS, 20 * np.log10(np.maximum(rms, 1e-3) / 32768)), np.float64)


def active_dbfs(samples: NDArray[np.int16], threshold_dbfs: float = SILENT_DBFS) -> float:
    """The RMS level of the frames that are not silent: pauses do not make a voice softer."""
    loud = np.repeat(frame_dbfs(samples) > threshold_dbfs, FRAME_SAMPLES)
    return dbfs(samples[: len(loud)][loud])


def first_sound_s(samples: NDArray[np.int16], threshold_dbfs: float = SILENT_DBFS) -> float | None:
    """Where the first frame louder than the threshold starts, in seconds; None when all is silent."""
    loud = np.flatnonzero(frame_dbfs(samples) > threshold_dbfs)
    return float(loud[0] * FRAME_SAMPLES / SAMPLE_RATE_HZ) if loud.size else None


def normalised(samples: NDArray[np.int16], level_dbfs: float = -20.0) -> NDArray[np.int16]:
    """The same audio with its active level at `level_dbfs`, less where peaks would clip."""
    peak = float(np.max(np.abs(samples.astype(np.float64)), initial=1.0))
    gain = min(10 ** ((level_dbfs - active_dbfs(samples)) / 20), 32000 / peak)
    return np.round(samples.astype(np.float64) * gain).astype(np.int16)


def strongest_hz(samples: NDArray[np.int16]) -> float:
    """The frequency of the strongest spectral peak, to a fraction of a hertz for half a second or more of a tone."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 8 * len(samples)))
    return float(np.argmax(spectrum[1:]) + 1) * SAMPLE_RATE_HZ / (8 * len(samples))


@dataclass(frozen=True, slots=True)
class Match:
    """Where one piece of audio lies in another. similarity: 0..1, normalised correlation (above 0.6 it is there)."""

    offset_s: float
    similarity: float


def find(piece: NDArray[np.int16], recording: NDArray[np.int16]) -> Match:
    """The best place of `piece` ((m,) int16, m >= 1) in `recording` ((n,) int16), by normalised cross-correlation.

    Proves that a recording holds a certain voice: coding and level do not matter, other voices score below 0.3.
    """
    size = len(piece)
    if size == 0 or len(recording) < size:
        return Match(0.0, 0.0)
    wanted, heard = piece.astype(np.float64), recording.astype(np.float64)
    length = 1 << (len(heard) + size - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, length) * np.conj(np.fft.rfft(wanted, length)), length)
    energy = np.concatenate(([0.0], np.cumsum(heard**2)))
    local = np.sqrt(np.maximum(energy[size:] - energy[:-size], 1.0) * max(float(np.sum(wanted**2)), 1.0))
    score = product[: len(local)] / local
    best = int(np.argmax(score))
    return Match(best / SAMPLE_RATE_HZ, float(np.clip(score[best], 0.0, 1.0)))
