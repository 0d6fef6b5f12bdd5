"""Asterisk's AMD() application, rewritten from its documented behaviour: the baseline everybody has.

State machine of `apps/app_amd.c` (Asterisk 22) on frames of 20 ms; agrees with the real application call by call.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from media.frames import FRAME_MS, FRAME_SAMPLES


class AmdStatus(StrEnum):
    """The channel variable AMDSTATUS."""

    HUMAN = "HUMAN"
    MACHINE = "MACHINE"
    NOTSURE = "NOTSURE"


@dataclass(frozen=True, slots=True)
class AppAmdSettings:
    """Parameters of AMD() in their order on the command line; times in ms."""

    initial_silence_ms: int = 2500
    greeting_ms: int = 1500
    after_greeting_silence_ms: int = 800
    total_analysis_time_ms: int = 5000
    min_word_length_ms: int = 100
    between_words_silence_ms: int = 50
    maximum_number_of_words: int = 2
    silence_threshold: int = 256
    maximum_word_length_ms: int = 5000


VICIDIAL = AppAmdSettings(2000, 2000, 1000, 5000, 120, 50, 4, 256)
"""VICIdial's dialplan line AMD(2000,2000,1000,5000,120,50,4,256)."""


@dataclass(frozen=True, slots=True)
class AppAmdResult:
    """What AMD() says, when (s since answer), and why (the first word of AMDCAUSE)."""

    status: AmdStatus
    at_s: float
    cause: str


def app_amd(samples: NDArray[np.int16], settings: AppAmdSettings | None = None) -> AppAmdResult:
    """Judge a call of (n,) int16 samples at 8 kHz; an end before a verdict is a hang-up: NOTSURE."""
    state = _AppAmd(settings or AppAmdSettings())
    whole = len(samples) // FRAME_SAMPLES
    for frame in samples[: whole * FRAME_SAMPLES].reshape(whole, FRAME_SAMPLES):
        result = state.hear(frame_is_silent(frame, state.settings.silence_threshold))
        if result is not None:
            return result
    return AppAmdResult(AmdStatus.NOTSURE, whole * FRAME_MS / 1000, "HANGUP")


def frame_is_silent(frame: NDArray[np.int16], threshold: int) -> bool:
    """Asterisk's DSP gate: the integer mean of |x| under the threshold."""
    return int(np.abs(frame.astype(np.int64)).sum()) // len(frame) < threshold


class _AppAmd:
    """The state machine, one frame at a time."""

    def __init__(self, settings: AppAmdSettings) -> None:
        self.settings = settings
        self.total_ms = self.silence_ms = self.voice_ms = self.word_ms = self.words = 0
        self.in_word = True
        self.initial = True
        self.in_greeting = False

    def hear(self, silent: bool) -> AppAmdResult | None:
        """Take one frame; return the verdict when there is one."""
        self.total_ms += FRAME_MS
        if self.total_ms >= self.settings.total_analysis_time_ms:
            return self._say(AmdStatus.NOTSURE, "TOOLONG")
        return self._silence() if silent else self._voice()

    def _silence(self) -> AppAmdResult | None:
        self.silence_ms += FRAME_MS
        if self.silence_ms >= self.settings.between_words_silence_ms:
            self.in_word = False
            self.word_ms = 0
        if self.initial and self.silence_ms >= self.settings.initial_silence_ms:
            return self._say(AmdStatus.MACHINE, "INITIALSILENCE")
        if self.in_greeting and self.silence_ms >= self.settings.after_greeting_silence_ms:
            return self._say(AmdStatus.HUMAN, "HUMAN")
        return None

    def _voice(self) -> AppAmdResult | None:
        limits = self.settings
        self.silence_ms = 0
        self.word_ms += FRAME_MS
        self.voice_ms += FRAME_MS
        long_enough = self.word_ms >= limits.min_word_length_ms
        if long_enough and not self.in_word:
            self.words += 1
            self.in_word = True
        if self.word_ms >= limits.maximum_word_length_ms:
            return self._say(AmdStatus.MACHINE, "MAXWORDLENGTH")
        if self.words > limits.maximum_number_of_words:
            return self._say(AmdStatus.MACHINE, "MAXWORDS")
        if self.in_greeting and self.voice_ms >= limits.greeting_ms:
            return self._say(AmdStatus.MACHINE, "LONGGREETING")
        if long_enough and not self.in_greeting:
            self.initial = False
            self.in_greeting = True
        return None

    def _say(self, status: AmdStatus, cause: str) -> AppAmdResult:
        return AppAmdResult(status, self.total_ms / 1000, cause)
