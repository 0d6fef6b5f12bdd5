"""The detector bank: every live call, one step per 20 ms of wall time."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amd import features, schedule
from amd.activity import VoiceActivity, exported_process
from amd.judge import GREETING_BEFORE_BEEP_S, Judge
from amd.known_prompts import WINDOW, KnownPrompts, follow_contours, load_library
from amd.levels import measure
from amd.model import Believer, load_model
from amd.moment import Moment
from amd.policy import ROWS, SILENCE_TICKS, Policy
from amd.prior import with_odds
from amd.speech import follow_speech
from amd.state import HISTORY_SAMPLES, NEVER, SOUNDS, TICK_S, Record, begin_phase, empty_slots
from amd.tones.fourier import BINS, power_spectra
from amd.tones.listener import Tone, ToneFinding
from amd.tones.runs import GOES_ON, NOTHING, follow_tones
from amd.tones.spectrum import find_peaks
from amd.verdict import AmdSettings, CallClass, Verdict
from amd.voice import BANDS, describe
from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ

_VAD_WARM_UP_TICKS = 25
_SPECTRA_AT_ONCE = 256  # so many fit the second cache
# Known recordings are looked for in so many calls a tick, in the rest of them a tick later: hundreds of calls that
# begin to speak in the same 20 ms would hold up all others. 2,000 calls that come and go every 6 s want 21 a tick.
# Only beyond this many does what is said of one call depend on the others, and then only by the 20 ms.
LOOKS_PER_TICK = 48
_TONE_FIELDS = (
    "tone_low_hz",
    "tone_high_hz",
    "tone_ticks",
    "tone_start",
    "tone_spread_hz",
    "tone_db",
    "tone_peak_db",
    "tone_lull_db",
    "gap_db",
)
Observer = Callable[[NDArray[np.int64], NDArray[np.float32]], None]


class AmdBank:
    """Listens to up to `capacity` calls at once (an `amd.verdict.DetectorBank`)."""

    def __init__(
        self,
        capacity: int,
        model: Believer | None = None,
        observer: Observer | None = None,
        known: KnownPrompts | None = None,
    ) -> None:
        """Reserve memory for `capacity` slots, about 5 kB each.

        model: who turns features into P(person), the shipped one by default. observer: sees the slots (n,) and
        features (n, `features.COUNT`) of every evaluation; training uses it. known: recordings to recognise, the
        shipped ones by default.
        """
        self.capacity = capacity
        self._model = model if model is not None else load_model()
        self._observer = observer
        self._known = known if known is not None else load_library()
        self._odds = np.zeros(capacity, dtype=np.float32)
        self._contour = np.zeros((capacity, WINDOW, BANDS), dtype=np.int8)
        self._state = empty_slots(capacity)
        self._tone_fields = self._state[list(_TONE_FIELDS)]  # a view
        self._history = np.zeros((capacity, HISTORY_SAMPLES), dtype=np.int16)
        self._power = np.empty((min(capacity, _SPECTRA_AT_ONCE), BINS), dtype=np.float32)
        self._bands = np.zeros((capacity, BANDS), dtype=np.float32)
        self._human = np.full((capacity, ROWS, SILENCE_TICKS), 2.0, dtype=np.float32)
        self._machine = np.full((capacity, 2), -1.0, dtype=np.float32)
        self._judges: list[Judge | None] = [None] * capacity
        self._looks: deque[tuple[int, int]] = deque()  # slots in which to look for known recordings, ticks heard
        self._voices = VoiceActivity(capacity, exported_process())

    def open(self, slot: int, settings: AmdSettings, *, answered: bool) -> None:
        """Start listening on a slot; `answered` False means early media. Raises IndexError beyond the capacity."""
        if not 0 <= slot < self.capacity:
            raise IndexError(f"slot {slot} is outside this bank of {self.capacity}: make the bank as large as the taps")
        begin_phase(self._state, slot, answered=answered)
        self._history[slot] = 0
        self._bands[slot] = 0.0
        self._odds[slot] = settings.person_odds if answered else 0.0
        self._contour[slot] = 0
        policy = Policy.of(settings, self._model.curve)
        judge = Judge(settings, policy)
        self._human[slot], self._machine[slot] = judge.limits
        self._judges[slot] = judge
        self._voices.begin(slot)

    def answered(self, slot: int, person_odds: float = 0.0) -> None:
        """The call was answered now: deadlines count from here; person_odds: what signalling says of who answered."""
        judge = self._judges[slot]
        if judge is not None and not self._state["answered"][slot]:
            begin_phase(self._state, slot, answered=True, floor_db=float(self._state["floor_db"][slot]))
            self._odds[slot] = person_odds
            judge.begin_answered_phase()
            self._human[slot], self._machine[slot] = judge.limits

    def silence_s(self, slot: int) -> float:
        """For how long nobody has spoken on a slot, seconds; since the phase began when nobody has yet."""
        record = self._state[slot]
        ticks = record["tick"] if record["first_speech"] < 0 else record["silence_run"]
        return float(ticks) * TICK_S

    def close(self, slot: int) -> None:
        """Stop listening. Closing a slot that is not open does nothing."""
        self._state["open"][slot] = False
        self._judges[slot] = None
        self._voices.end(slot)

    def step(
        self, slots: NDArray[np.int64], frames: NDArray[np.int16], present: NDArray[np.bool_]
    ) -> list[tuple[int, Verdict]]:
        """Hear one frame of each slot: (n,), (n, 160), (n,); return new verdicts as (slot, verdict)."""
        count = len(slots)
        if count == 0:
            return []
        active = np.zeros(count, dtype=np.bool_)
        measure(slots, frames, present, self._state, self._history, active)
        events, sounds = self._listen(slots, active)
        speech = self._voice_activity(slots, frames, active)
        follow_speech(slots, active, speech, sounds, self._state)
        evaluated = self._believe(slots)
        verdicts = self._judge(slots, evaluated, events)
        return verdicts + self._recognise(slots, active)

    @property
    def bytes_per_slot(self) -> int:
        """Memory that grows with the capacity, without the judges and voice activity detectors of open slots."""
        arrays = (self._state, self._history, self._bands, self._contour, self._human, self._machine)
        return sum(array.nbytes for array in arrays) // max(1, self.capacity)

    def record(self, slot: int) -> Record:
        """Everything remembered of a slot (see `amd.state`), for training and tests; a view that goes on changing."""
        return self._state[slot]

    def contour(self, slot: int) -> NDArray[np.int8]:
        """The shape (150, 14) of the first speech of a slot (see `amd.known_prompts`)."""
        shape: NDArray[np.int8] = self._contour[slot]
        return shape

    def peek(self, slot: int) -> dict[str, float]:
        """What the bank thinks of a slot now (levels in dBFS, P(person)), for traces and plots."""
        record = self._state[slot]
        return {
            "level_db": float(record["level_db"]),
            "floor_db": float(record["floor_db"]),
            "voiced": float(record["voiced"]),
            "tone_hz": float(record["tone_low_hz"]) if record["in_tone"] else 0.0,
            "probability": float(record["probability"]),
        }

    def _listen(
        self, slots: NDArray[np.int64], active: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
        count = len(slots)
        tonal = np.zeros(count, dtype=np.bool_)
        low_hz = np.zeros(count, dtype=np.float32)
        high_hz = np.zeros(count, dtype=np.float32)
        sounds = np.zeros((count, SOUNDS), dtype=np.float32)
        rows = np.flatnonzero(active)
        for start in range(0, len(rows), _SPECTRA_AT_ONCE):
            some = rows[start : start + _SPECTRA_AT_ONCE]
            power = power_spectra(self._history, slots[some], self._power)
            find_peaks(power, some, tonal, low_hz, high_hz)
            describe(slots, some, power, self._history, self._state, self._bands, sounds)
        events = np.zeros(count, dtype=np.int8)
        follow_tones(slots, tonal, low_hz, high_hz, self._state, events)
        return events, sounds

    def _voice_activity(
        self, slots: NDArray[np.int64], frames: NDArray[np.int16], active: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        speech = np.zeros(len(slots), dtype=np.bool_)
        warming = self._state["tick"][slots] < _VAD_WARM_UP_TICKS
        self._voices.hear(slots, active | warming, frames, speech)
        speech &= active
        return speech

    def _believe(self, slots: NDArray[np.int64]) -> NDArray[np.bool_]:
        due = np.zeros(len(slots), dtype=np.bool_)
        schedule.due_for_model(slots, self._state, due)
        asked = slots[due]
        if len(asked):
            rows = np.empty((len(asked), features.COUNT), dtype=np.float32)
            features.extract(asked, self._state, rows)
            by_sound = self._model.probability(rows)
            self._state["by_sound"][asked] = by_sound
            self._state["probability"][asked] = with_odds(by_sound, self._odds[asked])
            if self._observer is not None:
                self._observer(asked, rows)
        return due

    def _judge(
        self, slots: NDArray[np.int64], evaluated: NDArray[np.bool_], events: NDArray[np.int8]
    ) -> list[tuple[int, Verdict]]:
        wanted = np.zeros(len(slots), dtype=np.bool_)
        schedule.wants_judge(slots, evaluated, events, self._state, self._human, self._machine, wanted)
        rows = np.flatnonzero(wanted)
        if not len(rows):
            return []
        known_music = self._model.music
        moments = Moment.several(self._state, slots[rows], evaluated[rows].tolist())
        verdicts: list[tuple[int, Verdict]] = []
        for slot, event, moment in zip(slots[rows].tolist(), events[rows].tolist(), moments, strict=True):
            judge = self._judges[slot]
            if judge is None:
                continue
            finding = self._hear_tone(slot, judge, event, moment)
            if known_music is not None and judge.asks_for_music(moment):
                music = known_music.probability(self._state[slot])
                moment = replace(moment, music=music) if music else moment
            verdict = judge.consider(moment, finding)
            self._note(slot, judge, verdict)
            if verdict is not None:
                verdicts.append((slot, verdict))
        return verdicts

    def _recognise(self, slots: NDArray[np.int64], active: NDArray[np.bool_]) -> list[tuple[int, Verdict]]:
        due = np.zeros(len(slots), dtype=np.int64)
        follow_contours(slots, active, self._state, self._bands, self._contour, due)
        wanting = np.flatnonzero(due)
        self._looks.extend(zip(slots[wanting].tolist(), due[wanting].tolist(), strict=True))
        verdicts: list[tuple[int, Verdict]] = []
        for _ in range(min(len(self._looks), LOOKS_PER_TICK)):
            slot, heard = self._looks.popleft()
            judge = self._judges[slot]
            if judge is None or self._heard_ticks(slot) < heard:
                continue  # closed, answered or another talker since it was put off
            match = self._known.find(self._contour[slot], heard)
            if match is None:
                continue
            verdict = judge.recognised(Moment.of(self._state[slot], evaluated=False), match)
            if verdict is not None:
                self._note(slot, judge, verdict)
                verdicts.append((slot, verdict))
        return verdicts

    def _heard_ticks(self, slot: int) -> int:
        record = self._state[slot]
        return int(record["tick"] - record["first_speech"]) + 1 if record["first_speech"] >= 0 else 0

    def _note(self, slot: int, judge: Judge, verdict: Verdict | None) -> None:
        """Remember when the judge wants to look again."""
        state = self._state  # a field of all records is written three times as quickly as a record's field
        state["look_at"][slot] = min(round(judge.look_at_s / TICK_S), NEVER)
        state["wake_at_voice"][slot] = min(round(judge.wake_at_voice_s / TICK_S), NEVER)
        state["model_rests"][slot] = judge.model_rests
        if verdict is not None:
            if verdict.call_class is not CallClass.UNKNOWN:
                state["voice_known"][slot] = state["voice_total"][slot]
            self._human[slot], self._machine[slot] = judge.limits

    def _hear_tone(self, slot: int, judge: Judge, event: int, moment: Moment) -> ToneFinding | None:
        if event == NOTHING and not judge.tones.tones:
            return None
        record = self._state[slot]
        judge.tones.after_speech = moment.voice_s >= GREETING_BEFORE_BEEP_S
        if event == NOTHING:
            return judge.tones.quiet(moment.now_s) if record["tone_ticks"] == 0 else None
        tone = _tone_of(self._tone_fields[slot].item())
        if event == GOES_ON:
            return judge.tones.going_on(tone)
        record["tone_ticks"] = 0
        record["in_tone"] = False
        record["tone_gap"] = 0
        return judge.tones.ended(tone)


def _tone_of(values: tuple[Any, ...]) -> Tone:
    """The tone of a record, from its `_TONE_FIELDS`."""
    low_hz, high_hz, ticks, start, spread_hz, level_db, peak_db, lull_db, gap_db = values
    start_s = (start - 1) * TICK_S
    return Tone(
        low_hz,
        high_hz if high_hz - low_hz >= 20 else low_hz,
        start_s,
        start_s + ticks * TICK_S,
        spread_hz,
        fell_db=peak_db - level_db,
        over_before_db=peak_db - lull_db,
        over_after_db=peak_db - gap_db,
    )


def warm_up() -> None:
    """Compile the inner loops (seconds on the first run ever, then read from the disk): call it before the first call.

    Without it the first live tick would stand still for as long.
    """
    bank = AmdBank(2)
    bank.open(0, AmdSettings(), answered=True)
    time_s = np.arange(FRAME_SAMPLES * 80) / SAMPLE_RATE_HZ
    tune = sum(np.sin(2 * np.pi * 140 * k * time_s + k) for k in range(1, 20)) * (time_s < 1.0)
    frames = np.asarray(tune * 1500, dtype=np.int16).reshape(-1, FRAME_SAMPLES)
    for frame in frames:
        bank.step(np.zeros(1, dtype=np.int64), frame[None], np.ones(1, dtype=np.bool_))
