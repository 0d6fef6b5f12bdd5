"""`media.taps.TapAudio` fed by the simulated exchange: frames are cut out of the voices when they are read."""

from dataclasses import dataclass

import numpy as np

from amd.verdict import CallClass
from campaigns.clock import Clock
from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ
from media.taps import TapsExhausted, TapTick
from telephony.sim.leg import SimLeg


@dataclass(slots=True)
class _Tap:
    slot: int
    leg: SimLeg | None = None
    last_leg: SimLeg | None = None
    cursor: int = 0  # next sample to read, 8000 a second of monotonic time


class SimTaps:
    """Taps with a fixed number of slots. A frame can be read 20 ms after it began, never earlier."""

    def __init__(self, clock: Clock, slots: int = 512) -> None:
        """Have `slots` places."""
        self._clock = clock
        self._free = list(range(slots - 1, -1, -1))
        self._taps: dict[str, _Tap] = {}
        self._by_slot: dict[int, _Tap] = {}
        self._slots = np.zeros(slots, np.int64)
        self._frames = np.zeros((slots, FRAME_SAMPLES), np.int16)
        self._present = np.zeros(slots, np.bool_)

    def open(self, tap_id: str) -> int:
        """Expect a tap."""
        if tap_id in self._taps:
            raise ValueError(f"tap {tap_id} is open already")
        if not self._free:
            raise TapsExhausted(f"all {len(self._slots)} tap slots are in use")
        tap = self._taps[tap_id] = _Tap(self._free.pop())
        self._by_slot[tap.slot] = tap
        return tap.slot

    def close(self, tap_id: str) -> None:
        """Forget a tap."""
        tap = self._taps.pop(tap_id, None)
        if tap is not None:
            del self._by_slot[tap.slot]
            self._free.append(tap.slot)

    def read_tick(self) -> TapTick:
        """One frame of every open tap, in the order they were opened."""
        now = int(self._clock.monotonic_s() * SAMPLE_RATE_HZ + 1e-3)
        count = 0
        for tap in self._taps.values():
            self._slots[count] = tap.slot
            self._present[count] = self._read(tap, now, count)
            count += 1
        return TapTick(self._slots[:count], self._frames[:count], self._present[:count])

    def truth(self, slot: int) -> CallClass | None:
        """What is really at the far end that this slot listens to, or listened to last: for scripted detectors."""
        leg = self._leg_of(slot)
        return leg.far_end.truth if leg else None

    def has_heard(self, slot: int) -> bool:
        """Whether somebody was ever connected to this slot since it was opened."""
        return self._leg_of(slot) is not None

    def beep_end_s(self, slot: int) -> float | None:
        """When (monotonic) the beep of the voicemail on this slot ends; None: no voicemail, or not answered yet."""
        leg = self._leg_of(slot)
        if leg is None or leg.record.answered_s is None or leg.far_end.beep_end_s is None:
            return None
        return leg.record.answered_s + leg.far_end.beep_end_s

    def picks_up_s(self, slot: int) -> float | None:
        """When (monotonic) a person is heard in the stead of the voicemail on this slot; None: never."""
        leg = self._leg_of(slot)
        if leg is None or leg.record.answered_s is None or leg.far_end.picks_up_s is None:
            return None
        return leg.record.answered_s + leg.far_end.picks_up_s

    def is_open(self, tap_id: str) -> bool:
        """Whether a tap with this id is expected."""
        return tap_id in self._taps

    @property
    def open_count(self) -> int:
        """How many taps are open: 0 when nobody leaks."""
        return len(self._taps)

    def connect(self, tap_id: str, leg: SimLeg | None) -> None:
        """Hear `leg` on the tap from now on; None: nobody. For the exchange."""
        tap = self._taps.get(tap_id)
        if tap is not None and tap.leg is not leg:
            tap.leg = leg
            tap.last_leg = leg or tap.last_leg
            tap.cursor = round(self._clock.monotonic_s() * SAMPLE_RATE_HZ)

    def _leg_of(self, slot: int) -> SimLeg | None:
        tap = self._by_slot.get(slot)
        return (tap.leg or tap.last_leg) if tap else None

    def _read(self, tap: _Tap, now: int, row: int) -> bool:
        if tap.leg is None or tap.cursor + FRAME_SAMPLES > now:
            self._frames[row] = 0
            return False
        present = tap.leg.voice.frame(tap.cursor, self._frames[row])
        tap.cursor += FRAME_SAMPLES
        return present
