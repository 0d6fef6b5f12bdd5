"""The inner loops over all live calls: levels and noise floor, tone runs, speech timing."""

import math

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.state import Slots

QUIET_DB = -96.0
ACTIVE_OVER_FLOOR_DB = 6.0
SPEECH_OVER_FLOOR_DB = 9.0
SPEECH_UNDER_PEAK_DB = 16.0
SPEECH_MIN_DB = -58.0
BURST_GAP_TICKS = 11  # 220 ms: shorter gaps lie between words, not between utterances
WORD_GAP_TICKS = 3
TONE_CONFIRM_TICKS = 5
TONE_GAP_TICKS = 3


@compiled
def measure(
    slots: NDArray[np.int64],
    frames: NDArray[np.int16],
    present: NDArray[np.bool_],
    state: Slots,
    history: NDArray[np.float32],
    active: NDArray[np.bool_],
) -> None:
    """Take one frame of each slot: level, noise floor, and 64 ms of history (float, full scale 1).

    `active` (n,) is set where the frame stands out of the line noise. A frame that did not come, or is all zeros,
    is silence and teaches nothing about the line.
    """
    width = history.shape[1]
    for i in range(slots.shape[0]):
        slot = slots[i]
        active[i] = False
        if not state[slot].open:
            continue
        record = state[slot]
        for k in range(width - 160):
            history[slot, k] = history[slot, k + 160]
        energy = 0.0
        if present[i]:
            for k in range(160):
                sample = np.float32(frames[i, k]) / np.float32(32768.0)
                history[slot, width - 160 + k] = sample
                energy += float(sample * sample)
        else:
            for k in range(160):
                history[slot, width - 160 + k] = np.float32(0.0)
        record.tick += 1
        if energy <= 0.0:
            record.level_db = QUIET_DB
            continue
        level_db = 10.0 * math.log10(energy / 160.0 + 1e-12)
        record.level_db = level_db
        if record.heard == 0:
            record.floor_db = min(max(level_db, -72.0), -48.0)
        record.heard += 1
        if level_db < record.floor_db:
            record.floor_db += 0.25 * (level_db - record.floor_db)
        else:
            rate_db = 0.01 if record.voiced else 0.06
            record.floor_db += min(rate_db, level_db - record.floor_db)
        record.floor_db = min(max(record.floor_db, -72.0), -34.0)
        active[i] = level_db > record.floor_db + ACTIVE_OVER_FLOOR_DB and level_db > SPEECH_MIN_DB - 4.0


@compiled
def follow_tones(
    slots: NDArray[np.int64],
    tonal: NDArray[np.bool_],
    low_hz: NDArray[np.float32],
    high_hz: NDArray[np.float32],
    state: Slots,
    event: NDArray[np.int8],
) -> None:
    """Join tonal frames into runs. event (n,): 0 nothing, 1 a run goes on (told every 20 ms), 2 a run ended."""
    for i in range(slots.shape[0]):
        event[i] = 0
        record = state[slots[i]]
        if not record.open:
            continue
        near = False
        if tonal[i] and record.tone_ticks > 0:
            allowed_hz = 45.0 if record.tone_low_hz < 520.0 else 28.0
            apart_hz = abs(low_hz[i] - record.tone_low_hz)
            near = apart_hz < allowed_hz
        if tonal[i] and near:
            record.tone_ticks += 1 + record.tone_gap
            record.tone_gap = 0
            record.tone_spread_hz = max(record.tone_spread_hz, apart_hz)
            record.tone_low_hz += (low_hz[i] - record.tone_low_hz) * 0.25
            record.tone_high_hz += (high_hz[i] - record.tone_high_hz) * 0.25
            if record.tone_ticks >= TONE_CONFIRM_TICKS:
                event[i] = 1
                record.tone_seen = record.tick
            continue
        if record.tone_ticks > 0:
            record.tone_gap += 1
            if tonal[i] or record.tone_gap >= TONE_GAP_TICKS:
                if record.tone_ticks >= TONE_CONFIRM_TICKS:
                    event[i] = 2
                else:
                    record.tone_ticks = 0
                    record.tone_gap = 0
        if tonal[i] and record.tone_ticks == 0:
            record.tone_ticks = 1
            record.tone_gap = 0
            record.tone_start = record.tick
            record.tone_low_hz = low_hz[i]
            record.tone_high_hz = high_hz[i]
            record.tone_spread_hz = 0.0
            record.tone_voice = 0


@compiled
def follow_speech(slots: NDArray[np.int64], active: NDArray[np.bool_], speech: NDArray[np.bool_], state: Slots) -> None:
    """Advance the timing of speech: `speech` (n,) is what the voice activity detector said of the frame."""
    for i in range(slots.shape[0]):
        record = state[slots[i]]
        if not record.open:
            continue
        level_db = record.level_db
        in_tone = record.tone_ticks >= TONE_CONFIRM_TICKS
        if in_tone and record.tone_voice > 0:
            record.voice_total = max(0, record.voice_total - record.tone_voice)
            record.tone_voice = 0
            if record.first_speech >= record.tone_start - 2:
                record.first_speech = -1
                record.last_speech = -1
                record.bursts = 0
                record.words = 0
                record.voice_total = 0
                record.burst_voice = 0
                record.longest_burst = 0
        if active[i]:
            record.active_total += 1
        if speech[i] and not in_tone:
            if level_db > record.peak_db:
                record.peak_db += 0.5 * (level_db - record.peak_db)
            else:
                record.peak_db = max(record.peak_db - 0.04, -60.0)
        voiced = (
            speech[i]
            and not in_tone
            and level_db > record.floor_db + SPEECH_OVER_FLOOR_DB
            and level_db > record.peak_db - SPEECH_UNDER_PEAK_DB
            and level_db > SPEECH_MIN_DB
        )
        record.voiced = voiced
        if not voiced:
            record.voiced_run = 0
            record.silence_run += 1
            continue
        if record.first_speech < 0:
            record.first_speech = record.tick
        if record.silence_run >= BURST_GAP_TICKS or record.bursts == 0:
            if record.bursts > 0:
                record.longest_pause = max(record.longest_pause, record.silence_run)
            record.bursts += 1
            record.burst_start = record.tick
            record.burst_voice = 0
        if record.silence_run >= WORD_GAP_TICKS or record.words == 0:
            record.words += 1
        record.silence_run = 0
        record.voiced_run += 1
        record.voice_total += 1
        record.burst_voice += 1
        record.tone_voice += 1
        record.last_speech = record.tick
        length = record.tick - record.burst_start + 1
        record.longest_burst = max(record.longest_burst, length)
        if record.bursts == 1:
            record.first_burst = length
