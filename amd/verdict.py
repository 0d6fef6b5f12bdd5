"""What the listener says about a call, and how it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class CallClass(StrEnum):
    """Who or what is at the far end."""

    HUMAN = "human"
    MACHINE = "machine"
    SCREENING = "screening"
    BEEP = "beep"
    SIT = "sit"
    FAX = "fax"
    BUSY = "busy"
    RINGBACK = "ringback"
    MUSIC = "music"
    SILENCE = "silence"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class AmdSettings:
    """How one campaign wants its calls judged.

    cost_ratio: how many machines put through to an agent one person hung up on is worth; higher is safer for people.
    deadline_s: seconds after answer at which `unknown` is said if nothing else was.
    silence_s: seconds after answer without any sound at which `silence` is said.
    person_odds: what signalling says of who answers, log-odds of a person (`amd.prior`); 0 says nothing.
    """

    cost_ratio: float = 20.0
    deadline_s: float = 5.0
    silence_s: float = 4.0
    country: str = "ES"  # ISO 3166 alpha-2: which call progress tones to expect
    person_odds: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judgement. Times are seconds of wall time.

    since_answer_s: when it was said, counted from answer; in early media from the start of listening.
    since_speech_end_s: since the end of the first utterance, None when there was none.
    settled: False for the first judgement, True for a later one that confirms or revokes it.
    evidence: numbers behind it, for the trace and the plot.
    """

    call_class: CallClass
    probability: float
    cause: str
    since_answer_s: float
    since_speech_end_s: float | None = None
    early_media: bool = False
    settled: bool = False
    tone_end_s: float | None = None  # for beep: when it ended, seconds since answer
    evidence: Mapping[str, float | str] = field(default_factory=dict)


class DetectorBank(Protocol):
    """Listens to many calls at once, one slot per call (the slot numbers of `media.taps`)."""

    def open(self, slot: int, settings: AmdSettings, *, answered: bool) -> None:
        """Start listening on a slot; `answered` False means early media (183)."""
        ...

    def answered(self, slot: int, person_odds: float = 0.0) -> None:
        """The call of this slot was answered now: deadlines count from here; person_odds as in `AmdSettings`."""
        ...

    def step(
        self, slots: NDArray[np.int64], frames: NDArray[np.int16], present: NDArray[np.bool_]
    ) -> list[tuple[int, Verdict]]:
        """Hear one 20 ms frame of each slot, shapes (n,), (n, 160), (n,); return new verdicts as (slot, verdict).

        A slot says at most one first verdict per phase (early media, answered) and then keeps listening: later
        verdicts carry `settled=True` (machine after human: "probably a machine"; beep: leave the message now).
        Slots that are not open are ignored.
        """
        ...

    def silence_s(self, slot: int) -> float:
        """For how long nobody has spoken on an open slot, seconds; since listening began when nobody has yet."""
        ...

    def close(self, slot: int) -> None:
        """Stop listening. Closing a slot that is not open does nothing."""
        ...
