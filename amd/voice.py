"""What a frame sounds like: eight numbers per frame that stands out of the noise, for all calls at once."""

import math

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.state import SOUNDS, Slots

FLATNESS, TILT, CENTROID, FLUX, CROSSINGS, PERIODICITY, PITCH, LEVEL = range(SOUNDS)
BANDS = 14
# Edges of the bands in bins of 15.6 Hz: 190 to 3,600 Hz, a third of an octave wide and more.
_EDGES = np.array([12, 17, 22, 28, 35, 43, 52, 63, 76, 91, 109, 131, 158, 190, 230], dtype=np.int64)
_DECIMATED = 80  # 40 ms at 2 kHz
_SHORTEST_LAG, _LONGEST_LAG = 5, 34  # 400 to 59 Hz at 2 kHz


@compiled
def describe(
    slots: NDArray[np.int64],
    rows: NDArray[np.int64],
    power: NDArray[np.float32],
    history: NDArray[np.float32],
    state: Slots,
    bands: NDArray[np.float32],
    sounds: NDArray[np.float32],
) -> None:
    """Fill `sounds` (n, 8) at `rows` from spectra `power` (m, 257); `bands` (capacity, 14) keeps the last log bands."""
    decimated = np.empty(_DECIMATED, dtype=np.float32)
    for j in range(rows.shape[0]):
        i = rows[j]
        slot = slots[i]
        _describe_bands(power[j], bands[slot], sounds[i])
        past = history[slot]
        crossings = 0
        start = past.shape[0] - 160
        for k in range(start, start + 159):
            crossings += (past[k] < 0.0) != (past[k + 1] < 0.0)
        sounds[i, CROSSINGS] = np.float32(crossings / 159.0)
        offset = past.shape[0] - 4 * _DECIMATED
        for k in range(_DECIMATED):
            at = offset + 4 * k
            decimated[k] = past[at] + past[at + 1] + past[at + 2] + past[at + 3]
        _describe_pitch(decimated, sounds[i])
        sounds[i, LEVEL] = state[slot].level_db


@compiled
def _describe_bands(power: NDArray[np.float32], before: NDArray[np.float32], sounds: NDArray[np.float32]) -> None:
    total = np.float32(1e-12)
    weighted = np.float32(0.0)
    mean_log = np.float32(0.0)
    flux = np.float32(0.0)
    low = np.float32(1e-12)
    high = np.float32(1e-12)
    for b in range(BANDS):
        energy = np.float32(1e-12)
        for k in range(_EDGES[b], _EDGES[b + 1]):
            energy += power[k]
        total += energy
        weighted += energy * np.float32(b)
        if b < 7:
            low += energy
        elif b >= 10:
            high += energy
        log_energy = np.float32(math.log(energy))
        mean_log += log_energy
        flux += abs(log_energy - before[b])
        before[b] = log_energy
    sounds[FLATNESS] = mean_log / np.float32(BANDS) - np.float32(math.log(total / BANDS))
    sounds[TILT] = np.float32(math.log(high / low))
    sounds[CENTROID] = weighted / total
    sounds[FLUX] = min(flux / np.float32(BANDS), np.float32(4.0))


@compiled
def _describe_pitch(samples: NDArray[np.float32], sounds: NDArray[np.float32]) -> None:
    """Normalised autocorrelation: its peak (0 to 1) and the pitch there in octaves over 50 Hz."""
    count = samples.shape[0]
    mean = np.float32(0.0)
    for k in range(count):
        mean += samples[k]
    mean /= np.float32(count)
    for k in range(count):
        samples[k] -= mean
    energy = np.float32(1e-9)
    for k in range(count):
        energy += samples[k] * samples[k]
    early = energy  # of all but the last `lag` samples; late: of all but the first
    late = energy
    for lag in range(1, _SHORTEST_LAG):
        early -= samples[count - lag] * samples[count - lag]
        late -= samples[lag - 1] * samples[lag - 1]
    best = np.float32(0.0)
    best_lag = 0
    for lag in range(_SHORTEST_LAG, _LONGEST_LAG + 1):
        early -= samples[count - lag] * samples[count - lag]
        late -= samples[lag - 1] * samples[lag - 1]
        product = np.float32(0.0)
        for k in range(count - lag):
            product += samples[k] * samples[k + lag]
        value = product / np.float32(math.sqrt(max(early * late, np.float32(1e-18))))
        # A small bonus for short lags keeps the peak from jumping to a multiple of the period.
        if value > best * np.float32(1.03):
            best = value
            best_lag = lag
    best = min(best, np.float32(1.0))
    sounds[PERIODICITY] = best
    sounds[PITCH] = np.float32(math.log2(2000.0 / best_lag / 50.0)) if best_lag > 0 else np.float32(0.0)
