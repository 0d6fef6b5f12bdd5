"""Is this frame a tone? The one or two peaks of a spectrum that hold its energy."""

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.state import HISTORY_SAMPLES
from amd.sums import total_of
from media.frames import SAMPLE_RATE_HZ

BIN_HZ = SAMPLE_RATE_HZ / HISTORY_SAMPLES
SINGLE_SHARE = 0.88
PAIR_SHARE = 0.90
BEEP_PAIR_SHARE = 0.96


@compiled
def find_peaks(
    power: NDArray[np.float32],
    rows: NDArray[np.int64],
    tonal: NDArray[np.bool_],
    low_hz: NDArray[np.float32],
    high_hz: NDArray[np.float32],
) -> None:
    """Judge each spectrum (m, 257); write to `rows` of the (n,) outputs whether it is a tone, and of what."""
    first, last = 12, 232  # 190 to 3,600 Hz: mains hum below, nothing above
    for j in range(power.shape[0]):
        spectrum = power[j]
        total = np.float32(1e-12) + total_of(spectrum, first, last)
        peak = first
        for k in range(first, last):
            if spectrum[k] > spectrum[peak]:
                peak = k
        share = np.float32(0.0)
        for k in range(peak - 3, peak + 4):
            share += spectrum[k]
        share /= total
        i = rows[j]
        tonal[i] = False
        if share < 0.25 or peak > 150 or peak < 21:  # call progress and beeps lie over 330 Hz, hums under
            continue
        second = -1
        for k in range(first, last):
            if abs(k - peak) > 3 and (second < 0 or spectrum[k] > spectrum[second]):
                second = k
        pair = np.float32(0.0)
        for k in range(second - 3, second + 4):
            if abs(k - peak) > 3:
                pair += spectrum[k]
        pair /= total
        frequency = _refine(spectrum, peak)
        if share >= SINGLE_SHARE:
            tonal[i] = True
            low_hz[i] = frequency
            high_hz[i] = frequency
        elif pair > 0.1 and second >= 21 and share + pair >= _pair_share(max(peak, second)):
            other = _refine(spectrum, second)
            tonal[i] = True
            low_hz[i] = min(frequency, other)
            high_hz[i] = max(frequency, other)


@compiled
def _pair_share(highest: int) -> float:
    """How much of the energy two peaks must hold: vowels have two strong harmonics over the band of progress tones."""
    return PAIR_SHARE if highest <= 44 else BEEP_PAIR_SHARE


@compiled
def _refine(spectrum: NDArray[np.float32], peak: int) -> float:
    """The frequency in Hz between the bins, from a parabola through the logarithm of three bins."""
    left = np.log(spectrum[peak - 1] + 1e-20)
    middle = np.log(spectrum[peak] + 1e-20)
    right = np.log(spectrum[peak + 1] + 1e-20)
    bend = left - 2.0 * middle + right
    shift = 0.0 if bend >= -1e-9 else 0.5 * (left - right) / bend
    return float((peak + shift) * BIN_HZ)
