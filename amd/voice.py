"""What a frame sounds like: eight numbers per frame that stands out of the noise, for all calls at once."""

import math

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.state import FULL_SCALE, SOUNDS, Slots
from amd.sums import product_of, total_of
from media.frames import FRAME_SAMPLES

FLATNESS, TILT, CENTROID, FLUX, CROSSINGS, PERIODICITY, PITCH, LEVEL = range(SOUNDS)
BANDS = 14
# Edges of the bands in bins of 15.6 Hz: 190 to 3,600 Hz, a third of an octave wide and more.
_EDGES = np.array([12, 17, 22, 28, 35, 43, 52, 63, 76, 91, 109, 131, 158, 190, 230], dtype=np.int64)
_DECIMATED = 80  # 40 ms at 2 kHz
_SHORTEST_LAG, _LONGEST_LAG = 5, 34  # 400 to 59 Hz at 2 kHz
_LAGS = _LONGEST_LAG - _SHORTEST_LAG + 1


@compiled
def describe(
    slots: NDArray[np.int64],
    rows: NDArray[np.int64],
    power: NDArray[np.float32],
    history: NDArray[np.int16],
    state: Slots,
    bands: NDArray[np.float32],
    sounds: NDArray[np.float32],
) -> None:
    """Fill `sounds` (n, 8) at `rows` from spectra `power` (m, 257); `bands` (capacity, 14) keeps the last log bands."""
    decimated = np.zeros(_DECIMATED + _LONGEST_LAG, dtype=np.float32)  # zeros behind, for every lag
    products = np.empty(_LAGS, dtype=np.float32)
    for j in range(rows.shape[0]):
        i = rows[j]
        slot = slots[i]
        _describe_bands(power[j], bands[slot], sounds[i])
        past = history[slot]
        newest = past[past.shape[0] - FRAME_SAMPLES :]
        crossings = np.int32(0)
        for k in range(FRAME_SAMPLES - 1):
            crossings += np.int32((newest[k] < 0) != (newest[k + 1] < 0))
        sounds[i, CROSSINGS] = np.float32(crossings / 159.0)
        latest = past[past.shape[0] - 4 * _DECIMATED :]
        for k in range(_DECIMATED):
            four = np.int32(latest[4 * k]) + np.int32(latest[4 * k + 1])
            four += np.int32(latest[4 * k + 2]) + np.int32(latest[4 * k + 3])
            decimated[k] = np.float32(four) * np.float32(FULL_SCALE)
        _describe_pitch(decimated, products, sounds[i])
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
        energy = np.float32(1e-12) + total_of(power, _EDGES[b], _EDGES[b + 1])
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
def _multiply_lags(samples: NDArray[np.float32], products: NDArray[np.float32]) -> None:
    """The sum of products of the samples and those each lag later, as eight running sums."""
    for j in range(_LAGS):
        lag = j + _SHORTEST_LAG
        a = b = c = d = e = f = g = h = np.float32(0.0)
        for k in range(0, _DECIMATED, 8):
            a += samples[k] * samples[k + lag]
            b += samples[k + 1] * samples[k + lag + 1]
            c += samples[k + 2] * samples[k + lag + 2]
            d += samples[k + 3] * samples[k + lag + 3]
            e += samples[k + 4] * samples[k + lag + 4]
            f += samples[k + 5] * samples[k + lag + 5]
            g += samples[k + 6] * samples[k + lag + 6]
            h += samples[k + 7] * samples[k + lag + 7]
        products[j] = ((a + b) + (c + d)) + ((e + f) + (g + h))


@compiled
def _describe_pitch(samples: NDArray[np.float32], products: NDArray[np.float32], sounds: NDArray[np.float32]) -> None:
    """Normalised autocorrelation: its peak (0 to 1) and the pitch there in octaves over 50 Hz."""
    count = _DECIMATED
    mean = total_of(samples, 0, count) / np.float32(count)
    for k in range(count):
        samples[k] -= mean
    energy = np.float32(1e-9) + product_of(samples[:count], samples[:count])
    early = energy  # of all but the last `lag` samples; late: of all but the first
    late = energy
    for lag in range(1, _SHORTEST_LAG):
        early -= samples[count - lag] * samples[count - lag]
        late -= samples[lag - 1] * samples[lag - 1]
    best = np.float32(0.0)
    best_lag = 0
    _multiply_lags(samples, products)
    for lag in range(_SHORTEST_LAG, _LONGEST_LAG + 1):
        early -= samples[count - lag] * samples[count - lag]
        late -= samples[lag - 1] * samples[lag - 1]
        value = products[lag - _SHORTEST_LAG] / np.float32(math.sqrt(max(early * late, np.float32(1e-18))))
        # A small bonus for short lags keeps the peak from jumping to a multiple of the period.
        if value > best * np.float32(1.03):
            best = value
            best_lag = lag
    best = min(best, np.float32(1.0))
    sounds[PERIODICITY] = best
    sounds[PITCH] = np.float32(math.log2(2000.0 / best_lag / 50.0)) if best_lag > 0 else np.float32(0.0)
