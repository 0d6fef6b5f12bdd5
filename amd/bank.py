"""The detector bank: every live call, one step per 20 ms of wall time."""

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from amd import kernels
from amd.judge import Judge, Moment
from amd.state import HISTORY_SAMPLES, begin_listening, begin_phase, empty_slots
from amd.timing_model import TICK_S
from amd.tones.listener import Tone, ToneFinding
from amd.tones.spectrum import find_peaks, power_spectra
from amd.verdict import AmdSettings, Verdict
from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ

VAD_MODE = 2


class AmdBank:
    """Listens to up to `capacity` calls at once (an `amd.verdict.DetectorBank`)."""

    def __init__(self, capacity: int) -> None:
        """Reserve memory for `capacity` slots, about 3 kB each."""
        self.capacity = capacity
        self._state = empty_slots(capacity)
        self._history = np.zeros((capacity, HISTORY_SAMPLES), dtype=np.float32)
        self._judges: list[Judge | None] = [None] * capacity
        self._vads: list[webrtcvad.Vad | None] = [None] * capacity

    def open(self, slot: int, settings: AmdSettings, *, answered: bool) -> None:
        """Start listening on a slot; `answered` False means early media. Raises IndexError beyond the capacity."""
        if not 0 <= slot < self.capacity:
            raise IndexError(f"slot {slot} is outside this bank of {self.capacity}: make the bank as large as the taps")
        begin_listening(self._state, slot, answered=answered)
        self._history[slot] = 0.0
        self._judges[slot] = Judge(settings)
        self._vads[slot] = webrtcvad.Vad(VAD_MODE)

    def answered(self, slot: int) -> None:
        """The call was answered now: deadlines count from here."""
        judge = self._judges[slot]
        if judge is not None and not self._state["answered"][slot]:
            begin_phase(self._state, slot, answered=True)
            judge.begin_answered_phase()

    def close(self, slot: int) -> None:
        """Stop listening. Closing a slot that is not open does nothing."""
        self._state["open"][slot] = False
        self._judges[slot] = None
        self._vads[slot] = None

    def step(
        self, slots: NDArray[np.int64], frames: NDArray[np.int16], present: NDArray[np.bool_]
    ) -> list[tuple[int, Verdict]]:
        """Hear one frame of each slot: (n,), (n, 160), (n,); return new verdicts as (slot, verdict)."""
        count = len(slots)
        if count == 0:
            return []
        active = np.zeros(count, dtype=np.bool_)
        kernels.measure(slots, frames, present, self._state, self._history, active)
        events = self._tones(slots, active)
        speech = self._voice_activity(slots, frames, active)
        kernels.follow_speech(slots, active, speech, self._state)
        return self._judge(slots, events)

    def peek(self, slot: int) -> dict[str, float]:
        """What the bank thinks of a slot now (levels in dBFS, P(human)), for traces and plots."""
        record = self._state[slot]
        judge = self._judges[slot]
        return {
            "level_db": float(record["level_db"]),
            "floor_db": float(record["floor_db"]),
            "voiced": float(record["voiced"]),
            "tone_hz": float(record["tone_low_hz"]) if record["tone_ticks"] >= kernels.TONE_CONFIRM_TICKS else 0.0,
            "probability": judge.probability if judge is not None else 0.5,
        }

    def _tones(self, slots: NDArray[np.int64], active: NDArray[np.bool_]) -> NDArray[np.int8]:
        count = len(slots)
        tonal = np.zeros(count, dtype=np.bool_)
        low_hz = np.zeros(count, dtype=np.float32)
        high_hz = np.zeros(count, dtype=np.float32)
        rows = np.flatnonzero(active)
        if len(rows):
            find_peaks(power_spectra(self._history[slots[rows]]), rows, tonal, low_hz, high_hz)
        events = np.zeros(count, dtype=np.int8)
        kernels.follow_tones(slots, tonal, low_hz, high_hz, self._state, events)
        return events

    def _voice_activity(
        self, slots: NDArray[np.int64], frames: NDArray[np.int16], active: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        speech = np.zeros(len(slots), dtype=np.bool_)
        warming = self._state["tick"][slots] < 25
        for row in np.flatnonzero(active | warming):
            vad = self._vads[slots[row]]
            if vad is not None:
                said = vad.is_speech(frames[row].tobytes(), SAMPLE_RATE_HZ, FRAME_SAMPLES)
                speech[row] = said and active[row]
        return speech

    def _judge(self, slots: NDArray[np.int64], events: NDArray[np.int8]) -> list[tuple[int, Verdict]]:
        verdicts: list[tuple[int, Verdict]] = []
        records = self._state[slots]
        due = records["open"] & ((events > 0) | (records["tick"] % 2 == 0))
        for row in np.flatnonzero(due):
            slot = int(slots[row])
            judge = self._judges[slot]
            if judge is None:
                continue
            finding = self._hear_tone(slot, judge, int(events[row]))
            verdict = judge.consider(Moment.of(self._state[slot]), finding)
            if verdict is not None:
                verdicts.append((slot, verdict))
        return verdicts

    def _hear_tone(self, slot: int, judge: Judge, event: int) -> ToneFinding | None:
        record = self._state[slot]
        now_s = int(record["tick"]) * TICK_S
        if event == 0:
            return judge.tones.quiet(now_s) if record["tone_ticks"] == 0 else None
        ticks = int(record["tone_ticks"])
        start_s = (int(record["tone_start"]) - 1) * TICK_S
        low_hz, high_hz = float(record["tone_low_hz"]), float(record["tone_high_hz"])
        if high_hz - low_hz < 20:
            high_hz = low_hz
        tone = Tone(low_hz, high_hz, start_s, start_s + ticks * TICK_S, float(record["tone_spread_hz"]))
        if event == 1:
            return judge.tones.going_on(tone)
        self._state["tone_ticks"][slot] = 0
        self._state["tone_gap"][slot] = 0
        return judge.tones.ended(tone)
