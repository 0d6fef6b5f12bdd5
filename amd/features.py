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
    "quiet_s",
    "near_silence_s",
    "near_span_s",
    "near_pause_s",
    "near_share",
    "weak_s",
    "loose_share",
    "behind_s",
)
ACOUSTIC = (
    "over_floor_db",
    "level_std_db",
    "level_end_db",
    "flux",
    "periodicity",
    "flatness_std",
    "tilt_std",
    "centroid_std",
    "flux_std",
    "crossings_std",
    "periodicity_std",
    "pitch_std_octaves",
    "pitch_end_octaves",
    "pitched_share",
)
NAMES = TIMING + ACOUSTIC
COUNT = len(NAMES)
# Only how these vary: their means tell a microphone and a line, and so a source of the training data.
_VARYING = np.array([FLATNESS, TILT, CENTROID, FLUX, CROSSINGS, PERIODICITY], dtype=np.int64)


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
        row[15] = min(record.quiet_run, 150) * TICK_S
        row[16] = min(record.near_silence_run, 150) * TICK_S
        near_span = max(1, record.last_near - record.first_speech + 1)
        row[17] = near_span * TICK_S
        row[18] = record.near_pause * TICK_S
        row[19] = record.near_total / voice
        row[20] = record.weak_run * TICK_S
        row[21] = record.loose_total / span
        row[22] = min(record.behind, 100) * TICK_S
        row[23] = min(max(record.peak_db - record.floor_db, 0.0), 30.0)
        mean_level = record.sounds[LEVEL] / voice
        row[24] = math.sqrt(max(0.0, record.squares[LEVEL] / voice - mean_level * mean_level))
        row[25] = record.recent[LEVEL] - mean_level
        row[26] = record.sounds[FLUX] / voice
        row[27] = record.sounds[PERIODICITY] / voice
        for k in range(6):
            which = _VARYING[k]
            mean = record.sounds[which] / voice
            row[28 + k] = math.sqrt(max(0.0, record.squares[which] / voice - mean * mean))
        pitched = max(1, record.pitched)
        mean = record.sounds[PITCH] / pitched
        row[34] = math.sqrt(max(0.0, record.squares[PITCH] / pitched - mean * mean))
        row[35] = record.recent[PITCH] - mean if record.pitched > 0 else 0.0
        row[36] = record.pitched / voice
