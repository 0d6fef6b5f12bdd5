"""Who is at the other end of a simulated call: a script of timed steps, written by hand or drawn from distributions.

Audio is 8 kHz mono int16. Where a test or a benchmark decides without audio, give seconds instead of samples: the far
end then says zeros of that length, and `truth` tells a scripted detector what it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amd.verdict import CallClass
from media.frames import SAMPLE_RATE_HZ

Sound = NDArray[np.int16] | float

# Final SIP status -> Q.850 cause as Asterisk 22 tells it (chan_pjsip, hangup_sip2cause); others: 127, or 34 from 500.
Q850_OF_SIP = {
    401: 21, 403: 21, 404: 1, 407: 21, 408: 18, 409: 41, 410: 22, 420: 3, 480: 19, 483: 19, 484: 28, 485: 1, 486: 17,
    488: 58, 487: 127, 500: 38, 501: 29, 502: 27, 503: 34, 504: 102, 600: 17, 603: 21, 604: 1, 606: 58,
}  # fmt: skip


def q850_of_sip(status: int) -> int:
    """The Q.850 cause that Asterisk tells for a final SIP status."""
    return Q850_OF_SIP.get(status, 34 if 500 <= status < 600 else 127)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a far end does, `after_s` seconds after the step before it ended."""

    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Ring(Step):
    """180: it rings."""


@dataclass(frozen=True, slots=True)
class Progress(Step):
    """183: audio flows before answer."""


@dataclass(frozen=True, slots=True)
class Answer(Step):
    """200: it answers."""


@dataclass(frozen=True, slots=True, eq=False)
class Say(Step):
    """It speaks; the step lasts as long as the sound."""

    sound: Sound = 0.0

    @property
    def length_s(self) -> float:
        """How long the sound lasts."""
        return self.sound if isinstance(self.sound, int | float) else len(self.sound) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Press(Step):
    """It presses keys; the step ends after the last one."""

    digits: str = ""
    every_s: float = 0.3
    duration_ms: int = 100


@dataclass(frozen=True, slots=True)
class HangUp(Step):
    """It hangs up, or the network ends the call; `sip_status` for a final answer to a call that was never answered."""

    q850: int = 16
    sip_status: int | None = None


@dataclass(frozen=True, slots=True)
class UntilAnswered(Step):
    """A caller from outside waits until we answer; after `patience_s` it hangs up."""

    patience_s: float = 60.0


@dataclass(frozen=True, slots=True)
class UntilHeard(Step):
    """It waits until another person can be heard; after `patience_s` with nobody and no prompt it hangs up."""

    patience_s: float = 6.0


@dataclass(frozen=True, slots=True)
class FarEnd:
    """A script. After its last step the far end stays as it is (rings on, or stays on the line).

    sends_audio False: it answers and never sends a frame (silence suppression, one-way audio).
    truth: what it really is, for scripted detectors and for counting errors.
    beep_end_s: when the beep of a voicemail ends, seconds after answer.
    picks_up_s: when a person is heard in a voicemail's stead, seconds after answer.
    """

    steps: tuple[Step, ...]
    truth: CallClass | None = None
    sends_audio: bool = True
    beep_end_s: float | None = None
    picks_up_s: float | None = None

    @classmethod
    def person(
        cls, ring_s: float = 3.0, greeting: Sound = 0.8, patience_s: float = 6.0, talk_s: float = 30.0
    ) -> "FarEnd":
        """Answers, says something, waits for somebody, talks for `talk_s`, hangs up."""
        tail = (UntilHeard(patience_s=patience_s), HangUp(talk_s))
        return cls((Ring(0.2), Answer(ring_s), Say(0.3, greeting), *tail), CallClass.HUMAN)

    @classmethod
    def person_who_hangs_up(cls, ring_s: float = 3.0, greeting: Sound = 0.8, after_s: float = 0.5) -> "FarEnd":
        """Answers, says something and hangs up `after_s` later, whoever is there."""
        return cls((Ring(0.2), Answer(ring_s), Say(0.3, greeting), HangUp(after_s)), CallClass.HUMAN)

    @classmethod
    def voicemail(
        cls, ring_s: float = 18.0, greeting: Sound = 7.0, beep: Sound = 0.4, records_s: float = 60.0
    ) -> "FarEnd":
        """Answers, says its greeting, beeps, records in silence, hangs up."""
        speech, tone = Say(0.1, greeting), Say(0.5, beep)
        beep_end_s = speech.after_s + speech.length_s + tone.after_s + tone.length_s
        steps = (Ring(0.2), Answer(ring_s), speech, tone, HangUp(records_s))
        return cls(steps, CallClass.MACHINE, beep_end_s=beep_end_s)

    @classmethod
    def agent(cls) -> "FarEnd":
        """A standing leg: answers at once and stays."""
        return cls((Answer(),))

    @classmethod
    def no_answer(cls) -> "FarEnd":
        """Rings for ever."""
        return cls((Ring(0.2),))

    @classmethod
    def refused(cls, sip_status: int, after_s: float = 0.5) -> "FarEnd":
        """The network answers with a final SIP status: 404 unallocated, 486 busy, 503 congestion, 603 declined."""
        return cls((HangUp(after_s, q850_of_sip(sip_status), sip_status),))

    @classmethod
    def busy(cls, after_s: float = 2.0) -> "FarEnd":
        """Busy (486)."""
        return cls.refused(486, after_s)

    @classmethod
    def announcement(cls, sound: Sound = 4.0, sip_status: int = 404, truth: CallClass = CallClass.SIT) -> "FarEnd":
        """183 with an announcement, then a final SIP status; never answered."""
        return cls((Progress(1.0), Say(0.1, sound), HangUp(0.2, q850_of_sip(sip_status), sip_status)), truth)

    @classmethod
    def silent(cls, ring_s: float = 3.0) -> "FarEnd":
        """Answers and sends no audio frame at all."""
        return cls((Ring(0.2), Answer(ring_s)), CallClass.SILENCE, sends_audio=False)

    @classmethod
    def caller(cls, patience_s: float = 60.0, then: tuple[Step, ...] = ()) -> "FarEnd":
        """Calls in, waits for our answer, does `then`, stays."""
        return cls((UntilAnswered(patience_s=patience_s), *then), CallClass.HUMAN)
