"""What the model looks at: one row of numbers per call, drawn from its record at one moment."""

import math

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.state import TICK_S, Slots
from amd.voice import CENTROID, CROSSINGS, FLATNESS, FLUX, LEVEL, PERIODICITY, PITCH, TILT

TIMING = (
    "silence_s",
    "loose_silence_s",
    "span_s",
    "voice_s",
    "bursts",
    "longest_burst_s",
    "first_burst_s",
    "last_burst_s",
    "longest_pause_s",
    "last_pause_s",
    "words",
    "voice_share",
    "words_per_s",
    "longest_word_s",
    "stray_share",
)
ACOUSTIC = (
    "over_floor_db",
    "level_std_db",
    "level_end_db",
    "flatness",
    "flatness_std",
    "tilt",
    "tilt_std",
    "centroid",
    "centroid_std",
    "flux",
    "flux_std",
    "crossings",
    "crossings_std",
    "periodicity",
    "periodicity_std",
    "pitch_std_octaves",
    "pitch_end_octaves",
    "pitched_share",
)
NAMES = TIMING + ACOUSTIC
COUNT = len(NAMES)
_PAIRS = np.array([FLATNESS, TILT, CENTROID, FLUX, CROSSINGS, PERIODICITY], dtype=np.int64)


@compiled
def extract(slots: NDArray[np.int64], state: Slots, out: NDArray[np.float32]) -> None:
    """Fill `out` (n, COUNT). Lead-in time and absolute level are left out: they tell how a test was built."""
    for i in range(slots.shape[0]):
        record = state[slots[i]]
        row = out[i]
        voice = max(1, record.voice_total)
        span = max(1, record.last_speech - record.first_speech + 1)
        row[0] = min(record.silence_run, 150) * TICK_S
        row[1] = min(record.loose_silence_run, 150) * TICK_S
        row[2] = span * TICK_S
        row[3] = record.voice_total * TICK_S
        row[4] = record.bursts
        row[5] = record.longest_burst * TICK_S
        row[6] = record.first_burst * TICK_S
        row[7] = (record.last_speech - record.burst_start + 1) * TICK_S
        row[8] = record.longest_pause * TICK_S
        row[9] = record.last_pause * TICK_S
        row[10] = record.words
        row[11] = voice / span
        row[12] = record.words / (span * TICK_S + 0.3)
        row[13] = record.longest_word * TICK_S
        row[14] = record.stray / max(1.0, float(record.silence_run))
        row[15] = min(max(record.peak_db - record.floor_db, 0.0), 30.0)
        mean_level = record.sounds[LEVEL] / voice
        row[16] = math.sqrt(max(0.0, record.squares[LEVEL] / voice - mean_level * mean_level))
        row[17] = record.recent[LEVEL] - mean_level
        for k in range(6):
            which = _PAIRS[k]
            mean = record.sounds[which] / voice
            row[18 + 2 * k] = mean
            row[19 + 2 * k] = math.sqrt(max(0.0, record.squares[which] / voice - mean * mean))
        pitched = max(1, record.pitched)
        mean = record.sounds[PITCH] / pitched
        row[30] = math.sqrt(max(0.0, record.squares[PITCH] / pitched - mean * mean))
        row[31] = record.recent[PITCH] - mean if record.pitched > 0 else 0.0
        row[32] = record.pitched / voice
