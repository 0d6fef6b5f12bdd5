"""What the bank remembers of every call: one record per slot, all times counted in ticks of 20 ms."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

TICK_S = 0.02
HISTORY_SAMPLES = 512  # 64 ms at 8 kHz: close tone pairs (440+480 Hz) beat in shorter windows
FULL_SCALE = 1.0 / 32768.0  # of a sample of 16 bits
NEVER = 2**30

SOUNDS = 8
"""How many measures of a voiced frame `amd.voice` takes: flatness, tilt, centroid, flux and so on."""

_CLOCK = [
    ("open", "?"),
    ("answered", "?"),
    ("tick", "i4"),  # since the start of this phase (answer, or start of listening in early media)
    ("look_at", "i4"),  # tick at which the judge wants to look again whatever happens
    ("wake_at_voice", "i4"),  # ticks of speech at which the judge wants to look again
    ("voice_known", "i4"),  # speech up to the last verdict: without more the model has nothing new to say
    ("model_rests", "?"),  # nothing more to learn from the model
    ("probability", "f4"),  # P(person) at the last evaluation, with what signalling says
    ("by_sound", "f4"),  # the same, without
]
_LEVELS = [
    ("level_db", "f4"),
    ("floor_db", "f4"),
    ("offset", "f4"),  # of samples that swing about another value than 0
    ("peak_db", "f4"),  # the talker's recent peak
    ("heard", "i4"),  # frames that really came in this phase
    ("active_total", "i4"),  # ticks well above the floor, speech or not
    ("first_active", "i4"),
    ("all_sounds", "f4", (SOUNDS,)),  # sums over active frames, speech or not
    ("all_squares", "f4", (SOUNDS,)),
    ("stray", "i4"),  # active but not foreground speech, in the current silence
]
_SPEECH = [
    ("voiced", "?"),
    ("silence_run", "i4"),
    ("loose_silence_run", "i4"),  # the same, taking anything within 20 dB of the peak for speech
    ("near_silence_run", "i4"),  # the same, taking only what comes close to the peak for speech
    ("quiet_run", "i4"),  # what decides: quiet by the loose measure, or by the others where it never gets still
    ("still_run", "i4"),  # ticks with nothing over the floor
    ("trail", "i4"),  # faint ticks that followed on the last speech: the end of a sentence
    ("trail_gap", "i4"),  # ticks without such; over the limit the end is over
    ("plain_clock", "i4"),  # silence_run and near_silence_run, set right where it got still
    ("near_clock", "i4"),
    ("near_total", "i4"),
    ("loose_total", "i4"),
    ("last_near", "i4"),
    ("near_pause", "i4"),  # longest pause between speech close to the peak
    ("weak_run", "i4"),  # speech since then that did not come close: a trailing voice, or somebody behind the talker
    ("behind", "i4"),  # speech before a louder talker came
    ("voice_total", "i4"),
    ("first_speech", "i4"),  # tick of the first speech, -1 before it
    ("last_speech", "i4"),
    ("burst_start", "i4"),
    ("bursts", "i4"),
    ("longest_burst", "i4"),
    ("first_burst", "i4"),
    ("longest_pause", "i4"),  # between bursts
    ("last_pause", "i4"),
    ("words", "i4"),  # gaps over 60 ms
    ("word_run", "i4"),
    ("longest_word", "i4"),
    ("sounds", "f4", (SOUNDS,)),  # sums over voiced frames
    ("squares", "f4", (SOUNDS,)),
    ("recent", "f4", (SOUNDS,)),  # running means over about 100 ms of voiced frames
    ("pitched", "i4"),  # voiced frames with a pitch
]
_TONE = [
    ("tone_low_hz", "f4"),
    ("tone_high_hz", "f4"),
    ("tone_ticks", "i4"),
    ("in_tone", "?"),  # it has lasted long enough to be one
    ("tone_gap", "i4"),
    ("tone_hole", "i4"),  # ticks that the spectrum is still torn by frames that did not come
    ("tone_holes", "i4"),  # ticks of holes since the tone was heard last
    ("tone_start", "i4"),
    ("tone_spread_hz", "f4"),
    ("tone_db", "f4"),  # its level, a running mean
    ("tone_peak_db", "f4"),
    ("tone_lull_db", "f4"),  # the quietest moment between the tone before (or the start) and this one
    ("lull_db", "f4"),  # the quietest moment since the last tone, as it is being found
    ("gap_db", "f4"),  # the quietest moment since the tone was heard last
    ("tone_voice", "i4"),  # voiced ticks counted before the run was known to be a tone
]
SLOT = np.dtype(_CLOCK + _LEVELS + _SPEECH + _TONE, align=True)
_MARKS = ("voice_known", "first_active", "first_speech", "last_speech", "last_near", "burst_start", "tone_start")

Slots = NDArray[np.void]
Record = Any  # one element of Slots inside compiled code


def empty_slots(capacity: int) -> Slots:
    """Records for `capacity` calls, all closed."""
    return np.zeros(capacity, dtype=SLOT)


def begin_phase(slots: Slots, slot: int, *, answered: bool, floor_db: float = -60.0) -> None:
    """Forget everything about a call but what was learnt about its line (noise floor)."""
    slots[slot] = np.zeros((), dtype=SLOT)
    record = slots[slot]
    record["open"] = True
    record["answered"] = answered
    record["floor_db"] = floor_db
    record["level_db"] = -96.0
    record["peak_db"] = -60.0
    record["probability"] = record["by_sound"] = 0.5
    record["wake_at_voice"] = NEVER
    for name in _MARKS:
        record[name] = -1
