"""What the bank remembers of every call: one record per slot, all times counted in ticks of 20 ms."""

import numpy as np
from numpy.typing import NDArray

HISTORY_SAMPLES = 512  # 64 ms at 8 kHz: close tone pairs (440+480 Hz) beat in shorter windows

SLOT = np.dtype(
    [
        ("open", "?"),
        ("answered", "?"),
        ("tick", "i4"),  # since the start of this phase (answer, or start of listening in early media)
        # levels, dBFS
        ("level_db", "f4"),
        ("floor_db", "f4"),
        ("peak_db", "f4"),
        ("heard", "i4"),  # frames that really came in this phase
        # speech timing
        ("voiced", "?"),
        ("voiced_run", "i4"),
        ("silence_run", "i4"),
        ("voice_total", "i4"),
        ("first_speech", "i4"),  # tick of the first speech, -1 before it
        ("last_speech", "i4"),
        ("burst_start", "i4"),
        ("burst_voice", "i4"),  # voiced ticks in the current burst
        ("bursts", "i4"),
        ("longest_burst", "i4"),
        ("first_burst", "i4"),
        ("longest_pause", "i4"),  # between bursts
        ("words", "i4"),  # gaps over 60 ms
        ("active_total", "i4"),  # ticks well above the floor, speech or not
        # tone run
        ("tone_low_hz", "f4"),
        ("tone_high_hz", "f4"),
        ("tone_ticks", "i4"),
        ("tone_gap", "i4"),
        ("tone_start", "i4"),
        ("tone_spread_hz", "f4"),
        ("tone_voice", "i4"),  # voiced ticks counted before the run was known to be a tone
        ("tone_seen", "i4"),  # tick at which a confirmed tone was last heard, -1 if never
    ],
    align=True,
)

Slots = NDArray[np.void]


def empty_slots(capacity: int) -> Slots:
    """Records for `capacity` calls, all closed."""
    return np.zeros(capacity, dtype=SLOT)


def begin_listening(slots: Slots, slot: int, *, answered: bool) -> None:
    """Forget everything about a slot and start a phase."""
    slots[slot] = np.zeros((), dtype=SLOT)
    slots["open"][slot] = True
    slots["floor_db"][slot] = -60.0
    begin_phase(slots, slot, answered=answered)


def begin_phase(slots: Slots, slot: int, *, answered: bool) -> None:
    """Start counting anew but keep what was learnt about the line (noise floor)."""
    floor_db = slots["floor_db"][slot]
    slots[slot] = np.zeros((), dtype=SLOT)
    slots["open"][slot] = True
    slots["answered"][slot] = answered
    slots["floor_db"][slot] = floor_db
    slots["level_db"][slot] = -96.0
    slots["peak_db"][slot] = -60.0
    for name in ("first_speech", "last_speech", "burst_start", "tone_start", "tone_seen"):
        slots[name][slot] = -1
