"""A detector that knows the truth: `amd.verdict.DetectorBank` for campaigns without audio, with errors on demand."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from amd.verdict import AmdSettings, CallClass, Verdict
from campaigns.clock import Clock
from telephony.sim.taps import SimTaps

# what can be heard before an answer
_NETWORK = frozenset({CallClass.SIT, CallClass.BUSY, CallClass.RINGBACK, CallClass.MUSIC})
# seconds from answer to the first verdict, uniform (pacing.md, section 4); other classes like machines
_NOBODY_YET = frozenset({CallClass.MACHINE, CallClass.SILENCE})
_SETTLES_AFTER_S = 1.0  # a machine taken for a person goes on talking
_DELAYS_S = {CallClass.HUMAN: (0.6, 1.6), CallClass.MACHINE: (2.0, 4.0)}


@dataclass(slots=True)
class _Ear:
    settings: AmdSettings
    answered: bool
    since_s: float
    due_s: float | None = None  # when the first verdict of this phase is due
    said: CallClass | None = None
    beep_said: bool = False


@dataclass(slots=True)
class ScriptedBank:
    """Says the far end's `truth` after a drawn delay, and `beep` when a voicemail's beep ended.

    human_as_machine, machine_as_human: probabilities of either error. A far end without a truth is `unknown` at the
    deadline; `silence` comes at silence_s.
    """

    taps: SimTaps
    clock: Clock
    rng: random.Random
    human_as_machine: float = 0.0
    machine_as_human: float = 0.0
    delays_s: Mapping[CallClass, tuple[float, float]] = field(default_factory=lambda: _DELAYS_S)
    _ears: dict[int, _Ear] = field(default_factory=dict)

    def open(self, slot: int, settings: AmdSettings, *, answered: bool) -> None:
        """Start listening."""
        self._ears[slot] = _Ear(settings, answered, self.clock.monotonic_s())

    def answered(self, slot: int, person_odds: float = 0.0) -> None:
        """The call was answered now: a new phase with its own first verdict. Whoever knows the truth needs no odds."""
        ear = self._ears.get(slot)
        if ear is not None and not ear.answered:
            self._ears[slot] = _Ear(ear.settings, True, self.clock.monotonic_s())

    def silence_s(self, slot: int) -> float:
        """Nobody speaks while nobody looks at audio."""
        ear = self._ears.get(slot)
        return 0.0 if ear is None else self.clock.monotonic_s() - ear.since_s

    def close(self, slot: int) -> None:
        """Stop listening."""
        self._ears.pop(slot, None)

    def step(
        self, slots: NDArray[np.int64], frames: NDArray[np.int16], present: NDArray[np.bool_]
    ) -> list[tuple[int, Verdict]]:
        """Say what is due; the audio is not looked at."""
        now_s = self.clock.monotonic_s()
        verdicts = []
        for slot in slots.tolist():
            ear = self._ears.get(slot)
            verdict = ear and self._listen(slot, ear, now_s)
            if verdict:
                verdicts.append((slot, verdict))
        return verdicts

    def _listen(self, slot: int, ear: _Ear, now_s: float) -> Verdict | None:
        if ear.due_s is None:
            if not self.taps.has_heard(slot) and now_s < ear.since_s + ear.settings.deadline_s:
                return None
            ear.due_s = ear.since_s + self._delay_s(ear, self.taps.truth(slot))
        if ear.said is None and now_s >= ear.due_s:
            ear.said = self._word(self.taps.truth(slot))
            return self._verdict(ear, ear.said, now_s, settled=False)
        if self._is_put_right(slot, ear, now_s):
            ear.said = CallClass.MACHINE
            return self._verdict(ear, CallClass.MACHINE, now_s, settled=True)
        picks_up_s = self.taps.picks_up_s(slot)
        if ear.said in _NOBODY_YET and picks_up_s is not None and now_s >= picks_up_s:
            ear.said = CallClass.HUMAN
            return self._verdict(ear, CallClass.HUMAN, now_s, settled=True)
        beep_end_s = self.taps.beep_end_s(slot)
        if ear.said is not None and not ear.beep_said and beep_end_s is not None and now_s >= beep_end_s:
            ear.beep_said = True
            return self._verdict(ear, CallClass.BEEP, now_s, settled=True, tone_end_s=beep_end_s - ear.since_s)
        return None

    def _is_put_right(self, slot: int, ear: _Ear, now_s: float) -> bool:
        """Whether a machine that was taken for a person is told for one now."""
        wrong = ear.answered and ear.said is CallClass.HUMAN and self.taps.truth(slot) is CallClass.MACHINE
        return wrong and ear.due_s is not None and now_s >= ear.due_s + _SETTLES_AFTER_S

    def _delay_s(self, ear: _Ear, truth: CallClass | None) -> float:
        if not ear.answered and truth not in _NETWORK:
            return math.inf
        if truth is None or truth is CallClass.UNKNOWN:
            return ear.settings.deadline_s
        if truth is CallClass.SILENCE:
            return ear.settings.silence_s
        return self.rng.uniform(*self.delays_s.get(truth, self.delays_s[CallClass.MACHINE]))

    def _word(self, truth: CallClass | None) -> CallClass:
        if truth is CallClass.HUMAN and self.rng.random() < self.human_as_machine:
            return CallClass.MACHINE
        if truth is CallClass.MACHINE and self.rng.random() < self.machine_as_human:
            return CallClass.HUMAN
        return truth or CallClass.UNKNOWN

    def _verdict(
        self, ear: _Ear, word: CallClass, now_s: float, *, settled: bool, tone_end_s: float | None = None
    ) -> Verdict:
        return Verdict(
            word,
            0.99,
            "scripted",
            now_s - ear.since_s,
            early_media=not ear.answered,
            settled=settled,
            tone_end_s=tone_end_s,
        )
