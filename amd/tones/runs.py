"""Tonal frames joined into runs: one tone of a steady frequency is one run."""

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.state import Record, Slots

CONFIRM_TICKS = 5
CONFIRM_CHORD_TICKS = 9  # two harmonics of a vowel may be all its energy for 0.1 s, hardly ever for longer
GAP_TICKS = 3
TORN_TICKS = 4  # a missing frame stays in the 64 ms of a spectrum for so long
HOLE_TICKS = 5  # of a tone in a row may be missing or torn; with the gap shorter than any pause of a cadence (0.2 s)
NO_SOUND_DB = -95.0
STEADY_HZ = 18.0
PAIRS_BELOW_HZ = 520.0  # close pairs (440+480 Hz) are seen now as one peak, now as two
BEATING_HZ = 45.0
CHORDS_FROM_HZ = 690.0
CHORD_STEADY_HZ = 60.0
TELLING_FROM_HZ = 1700.0
TELLING_FROM_TICKS = 40
TALKER_TICKS = 10
UNDER_TALKER_DB = 18.0
NOTHING, GOES_ON, ENDED = 0, 1, 2


@compiled
def follow_tones(
    slots: NDArray[np.int64],
    tonal: NDArray[np.bool_],
    low_hz: NDArray[np.float32],
    high_hz: NDArray[np.float32],
    state: Slots,
    event: NDArray[np.int8],
) -> None:
    """Join tonal frames into runs. event (n,): NOTHING, GOES_ON (every 40 ms where it may tell something), ENDED."""
    for i in range(slots.shape[0]):
        event[i] = NOTHING
        record = state[slots[i]]
        if not record.open:
            continue
        record.tone_hole = TORN_TICKS if record.level_db <= NO_SOUND_DB else max(0, record.tone_hole - 1)
        apart_hz = abs(low_hz[i] - record.tone_low_hz)
        # A tone behind a talker is background; speech wanders, tones do not.
        sounds = tonal[i] and (record.voice_total < TALKER_TICKS or record.level_db > record.peak_db - UNDER_TALKER_DB)
        # Where one tone follows another, a spectrum holds both: they are no chord.
        if record.tone_ticks > 0 and high_hz[i] > CHORDS_FROM_HZ and low_hz[i] < high_hz[i]:
            sounds = sounds and abs(high_hz[i] - record.tone_high_hz) < CHORD_STEADY_HZ
        allowed_hz = STEADY_HZ if record.tone_low_hz > PAIRS_BELOW_HZ else BEATING_HZ
        if sounds and record.tone_ticks > 0 and apart_hz < allowed_hz:
            record.tone_ticks += 1 + record.tone_gap + record.tone_holes
            record.tone_gap = 0
            _follow_level(record)
            record.tone_holes = 0
            record.tone_spread_hz = max(record.tone_spread_hz, apart_hz)
            record.tone_low_hz += (low_hz[i] - record.tone_low_hz) * 0.25
            record.tone_high_hz += (high_hz[i] - record.tone_high_hz) * 0.25
            chord = record.tone_high_hz > CHORDS_FROM_HZ and record.tone_high_hz - record.tone_low_hz > STEADY_HZ
            record.in_tone = record.tone_ticks >= (CONFIRM_CHORD_TICKS if chord else CONFIRM_TICKS)
            if record.in_tone and record.tone_ticks % 2 == 1 and _may_tell(record):
                event[i] = GOES_ON
            continue
        if record.tone_ticks > 0:
            # Frames that were lost do not end a tone: what is left of it would sound like words.
            if record.tone_hole > 0 and not sounds and record.tone_holes < HOLE_TICKS:
                record.tone_holes += 1
                continue
            record.gap_db = record.level_db if record.tone_gap == 0 else min(record.gap_db, record.level_db)
            record.tone_gap += 1
            if sounds or record.tone_gap >= GAP_TICKS:
                if record.in_tone:
                    event[i] = ENDED
                    record.lull_db = record.gap_db
                else:
                    record.tone_ticks = 0
                    record.tone_gap = 0
        elif not sounds:
            record.lull_db = min(record.lull_db, record.level_db)
        if sounds and record.tone_ticks == 0:
            record.tone_lull_db = record.lull_db
            record.tone_db = record.level_db
            record.tone_peak_db = NO_SOUND_DB
            record.tone_ticks = 1
            record.tone_gap = 0
            record.tone_holes = 0
            record.tone_start = record.tick
            record.tone_low_hz = low_hz[i]
            record.tone_high_hz = high_hz[i]
            record.tone_spread_hz = 0.0
            record.tone_voice = 0


@compiled
def _may_tell(record: Record) -> bool:
    """Whether a tone that still sounds can be sure already: ringing by its length, fax and special information."""
    return bool(record.tone_low_hz > TELLING_FROM_HZ or record.tone_ticks >= TELLING_FROM_TICKS)


@compiled
def _follow_level(record: Record) -> None:
    """The level of a tone that goes on: a mean over about 100 ms, because close pairs beat and a frame may be torn."""
    if record.level_db <= NO_SOUND_DB:
        return
    slow = 0.2 if record.tone_ticks > CONFIRM_TICKS else 0.5
    record.tone_db += slow * (record.level_db - record.tone_db)
    record.tone_peak_db = max(record.tone_peak_db, record.tone_db)
