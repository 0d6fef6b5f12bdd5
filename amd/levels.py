"""Levels: one frame of every call against its own line noise, which is learnt while it is quiet."""

import math

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.state import FULL_SCALE, Record, Slots
from amd.sums import product_of
from media.frames import FRAME_SAMPLES

QUIET_DB = -96.0
ACTIVE_OVER_FLOOR_DB = 6.0
ACTIVE_MIN_DB = -62.0
OFFSET_MIN = 48.0  # a smaller constant in the samples disturbs nothing (A-law's idle value is 8)


@compiled
def measure(
    slots: NDArray[np.int64],
    frames: NDArray[np.int16],
    present: NDArray[np.bool_],
    state: Slots,
    history: NDArray[np.int16],
    active: NDArray[np.bool_],
) -> None:
    """Take one frame of each slot: level, noise floor, and 64 ms of history.

    `active` (n,) is set where the frame stands out of the line noise. A frame that did not come, or is all zeros,
    is silence and teaches nothing about the line.
    """
    kept = history.shape[1] - FRAME_SAMPLES
    fresh = np.empty(FRAME_SAMPLES, dtype=np.float32)
    for i in range(slots.shape[0]):
        slot = slots[i]
        active[i] = False
        record = state[slot]
        if not record.open:
            continue
        past = history[slot]
        for k in range(kept):
            past[k] = past[k + FRAME_SAMPLES]
        newest = past[kept:]
        energy = np.float32(0.0)
        if present[i]:
            frame = frames[i]
            _copy(record, frame, newest)
            for k in range(FRAME_SAMPLES):
                fresh[k] = np.float32(newest[k]) * np.float32(FULL_SCALE)
            energy = product_of(fresh, fresh)
        else:
            newest[:] = 0
        record.tick += 1
        record.level_db = QUIET_DB
        if energy <= 0.0:
            continue
        level_db = 10.0 * math.log10(energy / FRAME_SAMPLES + 1e-12)
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
        active[i] = level_db > record.floor_db + ACTIVE_OVER_FLOOR_DB and level_db > ACTIVE_MIN_DB


@compiled
def _copy(record: Record, frame: NDArray[np.int16], newest: NDArray[np.int16]) -> None:
    """Copy a frame without its constant: a quiet line that idles far from zero would be loud, and hide its pauses.

    Sound swings about its middle many times in 20 ms. Where it stays on one side of it, the middle is elsewhere.
    """
    lowest = highest = frame[0]
    total = 0
    for k in range(FRAME_SAMPLES):
        lowest = min(lowest, frame[k])
        highest = max(highest, frame[k])
        total += frame[k]
        newest[k] = frame[k]
    if lowest == 0 and highest == 0:
        return  # a frame that was lost, and filled
    if lowest > record.offset or highest < record.offset:
        middle = np.float32(total) / FRAME_SAMPLES
        record.offset = middle if abs(middle) >= OFFSET_MIN else np.float32(0.0)
    if record.offset != 0.0:
        offset = round(record.offset)
        for k in range(FRAME_SAMPLES):
            newest[k] = min(max(frame[k] - offset, -32768), 32767)
