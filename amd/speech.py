"""The timing of speech: bursts, words and pauses of the talker in the foreground."""

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.state import SOUNDS, Record, Slots
from amd.voice import LEVEL, PERIODICITY, PITCH

OVER_FLOOR_DB = 9.0
UNDER_PEAK_DB = 13.0  # the foreground talker; anybody fainter is somebody else in the room, or the radio
LOOSE_UNDER_PEAK_DB = 20.0
NEAR_UNDER_PEAK_DB = 7.0  # background speech and music hardly ever come so close
# Lively voices end their sentences 13 dB and more under their peak, 0.2-0.4 s before they are quiet: only the loose
# measure tells how long it really has been quiet, and where somebody talks behind, the others after a delay.
PLAIN_DELAY_TICKS = 8
NEAR_DELAY_TICKS = 14
# On a line where it gets really still after the talker, nobody talks behind, and the others only make a pause look
# longer than it is. There the faint end of a sentence, which follows on it without a gap, is speech as well.
STILL_TICKS = 14
TRAIL_OVER_FLOOR_DB = 7.0
TRAIL_UNDER_PEAK_DB = 40.0
TRAIL_TICKS = 12  # what goes on for longer is the room, or the radio
TRAIL_GAP_TICKS = 1
MIN_DB = -58.0
NEW_TALKER_DB = 10.0  # so much over the peak so far: what was heard before was background
PEAK_UNKNOWN_DB = -60.0
BURST_GAP_TICKS = 11  # 220 ms: shorter gaps lie between words, not between utterances
WORD_GAP_TICKS = 3
PITCHED = 0.55


@compiled
def follow_speech(
    slots: NDArray[np.int64],
    active: NDArray[np.bool_],
    speech: NDArray[np.bool_],
    sounds: NDArray[np.float32],
    state: Slots,
) -> None:
    """Advance the timing by one tick: `speech` (n,) is the detector's word, `sounds` (n, 8) what the frame is like."""
    for i in range(slots.shape[0]):
        record = state[slots[i]]
        if not record.open:
            continue
        if active[i]:
            _remember_all(record, sounds[i])
        if record.in_tone and record.tone_voice > 0:
            _take_back(record)
        level_db = record.level_db
        loud = level_db > record.floor_db + OVER_FLOOR_DB and level_db > MIN_DB
        candidate = speech[i] and loud and not record.in_tone
        if candidate:
            if level_db > record.peak_db + NEW_TALKER_DB and record.voice_total > 10:
                _forget_speech(record)
            _follow_peak(record, level_db)
        under_peak_db = record.peak_db - level_db if candidate else 99.0
        record.loose_silence_run += 1
        if under_peak_db < LOOSE_UNDER_PEAK_DB:
            record.loose_silence_run = 0
            record.loose_total += 1
        record.voiced = under_peak_db < UNDER_PEAK_DB
        _follow_near(record, under_peak_db)
        if record.voiced:
            _extend(record)
            _remember(record, sounds[i])
        else:
            record.silence_run += 1
            record.word_run = 0
            if active[i]:
                record.stray += 1
        _follow_quiet(record, active[i])


@compiled
def _follow_quiet(record: Record, active: bool) -> None:
    """How long it has been quiet: what decides."""
    record.still_run = 0 if active else record.still_run + 1
    _follow_trail(record, active)
    record.plain_clock = 0 if record.silence_run == 0 else record.plain_clock + 1
    record.near_clock = 0 if record.near_silence_run == 0 else record.near_clock + 1
    quiet = record.loose_silence_run - record.trail
    if record.still_run >= STILL_TICKS and record.loose_silence_run >= STILL_TICKS:
        record.plain_clock = min(record.plain_clock, quiet + PLAIN_DELAY_TICKS)
        record.near_clock = min(record.near_clock, quiet + NEAR_DELAY_TICKS)
    behind = max(record.plain_clock - PLAIN_DELAY_TICKS, record.near_clock - NEAR_DELAY_TICKS)
    record.quiet_run = max(quiet, behind)


@compiled
def _follow_trail(record: Record, active: bool) -> None:
    """The faint sounds that follow on speech without a gap; none when they last too long for the end of a sentence."""
    if record.loose_silence_run == 0:
        record.trail = 0
        record.trail_gap = 0
    elif record.trail_gap <= TRAIL_GAP_TICKS:
        over_floor_db, under_peak_db = record.level_db - record.floor_db, record.peak_db - record.level_db
        if not active or over_floor_db < TRAIL_OVER_FLOOR_DB or under_peak_db > TRAIL_UNDER_PEAK_DB:
            record.trail_gap += 1
        elif record.loose_silence_run > TRAIL_TICKS:
            record.trail = 0
            record.trail_gap = TRAIL_GAP_TICKS + 1
        else:
            record.trail = record.loose_silence_run
            record.trail_gap = 0


@compiled
def _follow_peak(record: Record, level_db: float) -> None:
    """The talker's peak: quick to rise but not for a click, slow to fall, and only while somebody speaks."""
    if record.voice_total == 0 and record.peak_db <= PEAK_UNKNOWN_DB:
        record.peak_db = level_db
    elif level_db > record.peak_db:
        record.peak_db += 0.3 * (level_db - record.peak_db)
    else:
        record.peak_db = max(record.peak_db - 0.06, PEAK_UNKNOWN_DB)


@compiled
def _follow_near(record: Record, under_peak_db: float) -> None:
    """The same talker by a stricter measure, which goes quiet although somebody talks on in the background."""
    record.near_silence_run += 1
    if under_peak_db < NEAR_UNDER_PEAK_DB:
        if record.near_total > 0:
            record.near_pause = max(record.near_pause, record.near_silence_run - 1)
        record.near_silence_run = 0
        record.near_total += 1
        record.last_near = record.tick
        record.weak_run = 0
    elif record.voiced:
        record.weak_run += 1


@compiled
def _forget_speech(record: Record) -> None:
    record.behind += record.voice_total
    record.near_total = 0
    record.loose_total = 0
    record.last_near = -1
    record.near_pause = 0
    record.weak_run = 0
    record.first_speech = -1
    record.last_speech = -1
    record.bursts = 0
    record.words = 0
    record.voice_total = 0
    record.longest_burst = 0
    record.first_burst = 0
    record.longest_pause = 0
    record.last_pause = 0
    record.longest_word = 0
    record.word_run = 0
    record.pitched = 0
    for k in range(SOUNDS):
        record.sounds[k] = 0.0
        record.squares[k] = 0.0


@compiled
def _take_back(record: Record) -> None:
    """A run of frames turned out to be a tone: it was no speech."""
    if record.first_speech >= record.tone_start - 2 or record.voice_total <= record.tone_voice:
        _forget_speech(record)
    else:
        record.voice_total -= record.tone_voice
        record.near_total = min(record.near_total, record.voice_total)
    record.tone_voice = 0


@compiled
def _extend(record: Record) -> None:
    if record.first_speech < 0:
        record.first_speech = record.tick
    if record.silence_run >= BURST_GAP_TICKS or record.bursts == 0:
        if record.bursts > 0:
            record.last_pause = record.silence_run
            record.longest_pause = max(record.longest_pause, record.silence_run)
        record.bursts += 1
        record.burst_start = record.tick
    if record.silence_run >= WORD_GAP_TICKS or record.words == 0:
        record.words += 1
    record.silence_run = 0
    record.stray = 0
    record.voice_total += 1
    record.word_run += 1
    record.tone_voice += 1
    record.last_speech = record.tick
    record.longest_word = max(record.longest_word, record.word_run)
    length = record.tick - record.burst_start + 1
    record.longest_burst = max(record.longest_burst, length)
    if record.bursts == 1:
        record.first_burst = length


@compiled
def _remember_all(record: Record, sounds: NDArray[np.float32]) -> None:
    if record.first_active < 0:
        record.first_active = record.tick
    record.active_total += 1
    for k in range(SOUNDS):
        record.all_sounds[k] += sounds[k]
        record.all_squares[k] += sounds[k] * sounds[k]


@compiled
def _remember(record: Record, sounds: NDArray[np.float32]) -> None:
    first = record.voice_total == 1
    pitched = sounds[PERIODICITY] > PITCHED
    for k in range(SOUNDS):
        if k == PITCH and not pitched:
            continue
        value = sounds[k]
        record.sounds[k] += value
        record.squares[k] += value * value
        fresh = first or (k == PITCH and record.pitched == 0)
        record.recent[k] = value if fresh else record.recent[k] + 0.2 * (value - record.recent[k])
    if pitched:
        record.pitched += 1
    if first:
        record.recent[LEVEL] = sounds[LEVEL]
