"""One call as it stands: what a judge decides on, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amd.policy import SILENCE_TICKS
from amd.state import TICK_S, Record, Slots

_READ = (
    "tick",
    "answered",
    "first_speech",
    "last_speech",
    "silence_run",
    "quiet_run",
    "voice_total",
    "bursts",
    "longest_burst",
    "longest_pause",
    "last_pause",
    "active_total",
    "in_tone",
    "probability",
    "by_sound",
)


@dataclass(frozen=True, slots=True)
class Moment:
    """Times in seconds of the phase; `evaluated` when the model looked at this very moment."""

    now_s: float
    answered: bool
    evaluated: bool
    first_speech_s: float | None
    last_speech_s: float
    silence_s: float
    silence_ticks: int  # of quiet, though somebody may talk on in the background
    voice_s: float
    bursts: int
    longest_burst_s: float
    longest_pause_s: float
    last_pause_s: float  # before the burst that is heard now, or was last
    active_s: float
    in_tone: bool
    probability: float
    music: float = 0.0  # P(music)
    by_sound: float | None = None  # what the probability is without what signalling says

    @property
    def span_s(self) -> float:
        """From the first to the last speech."""
        return 0.0 if self.first_speech_s is None else self.last_speech_s - self.first_speech_s

    @staticmethod
    def of(record: Record, *, evaluated: bool, music: float = 0.0) -> "Moment":
        """Read a slot's record."""
        return Moment._of_values(tuple(record[name].item() for name in _READ), evaluated, music)

    @staticmethod
    def several(state: Slots, slots: NDArray[np.int64], evaluated: Sequence[bool]) -> "list[Moment]":
        """Read the records of some slots at once: a tenth of the time of one by one."""
        rows = state[slots][list(_READ)].tolist()
        return [Moment._of_values(row, known, 0.0) for row, known in zip(rows, evaluated, strict=True)]

    @staticmethod
    def _of_values(values: Sequence[Any], evaluated: bool, music: float) -> "Moment":
        (
            tick, answered, first, last, silence, quiet, voice, bursts, longest_burst, longest_pause, last_pause,
            active, in_tone, probability, by_sound,
        ) = values  # fmt: skip
        return Moment(
            now_s=tick * TICK_S,
            answered=answered,
            evaluated=evaluated,
            first_speech_s=None if first < 0 else (first - 1) * TICK_S,
            last_speech_s=last * TICK_S,
            silence_s=silence * TICK_S,
            silence_ticks=min(quiet, SILENCE_TICKS - 1),
            voice_s=voice * TICK_S,
            bursts=bursts,
            longest_burst_s=longest_burst * TICK_S,
            longest_pause_s=longest_pause * TICK_S,
            last_pause_s=last_pause * TICK_S,
            active_s=active * TICK_S,
            in_tone=in_tone,
            probability=probability,
            by_sound=by_sound,
            music=music,
        )

    def evidence(self) -> dict[str, float | str]:
        """The numbers a trace or a plot shows; what sound alone says where signalling moved it."""
        by_sound = self.probability if self.by_sound is None else self.by_sound
        moved: dict[str, float | str] = (
            {} if by_sound == self.probability else {"probability_by_sound": round(by_sound, 4)}
        )
        return moved | {
            "probability_human": round(self.probability, 4),
            "voice_s": round(self.voice_s, 3),
            "span_s": round(self.span_s, 3),
            "bursts": self.bursts,
            "longest_burst_s": round(self.longest_burst_s, 3),
            "longest_pause_s": round(self.longest_pause_s, 3),
        }
