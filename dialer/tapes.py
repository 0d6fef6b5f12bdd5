"""What the detector heard of a call, frame by frame, kept in memory until the tap is gone: a `listening.Witness`."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from amd.verdict import Verdict
from media.frames import FRAME_SAMPLES
from media.taps import TapTick


class Sound:
    """Frames of one phase of a call, at most `longest` of them. After that nothing more is kept."""

    def __init__(self, longest: int) -> None:
        """Reserve addresses; the system gives memory page by page as frames come."""
        self._frames = np.zeros((longest, FRAME_SAMPLES), dtype=np.int16)
        self._present = np.zeros(longest, dtype=np.bool_)
        self.ticks = 0

    def add(self, frame: NDArray[np.int16], present: bool) -> None:
        """Keep one frame of (160,) samples; one that did not come is zeros."""
        if self.ticks == len(self._frames):
            return
        self._frames[self.ticks] = frame
        self._present[self.ticks] = present
        self.ticks += 1

    @property
    def frames(self) -> NDArray[np.int16]:
        """Every frame kept, (ticks, 160)."""
        return self._frames[: self.ticks]

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which of them really came, (ticks,)."""
        return self._present[: self.ticks]

    @property
    def samples(self) -> NDArray[np.int16]:
        """All of it as one row of samples."""
        return self.frames.ravel()


@dataclass(slots=True)
class Tape:
    """One call as the detector heard it: early media, then from the answer on, and what was said of it."""

    call_id: str
    early: Sound
    sound: Sound
    answered: bool
    verdicts: list[Verdict] = field(default_factory=list)
    ticks_since_verdict: int = 0

    @property
    def first(self) -> Verdict | None:
        """The first verdict after the answer."""
        return next((verdict for verdict in self.verdicts if not verdict.early_media), None)


class Tapes:
    """Tapes of every call listened to that `wants` agrees to; each is handed to `done` when its tap is gone.

    longest_s: of one phase. after_verdict_s: how much is kept after the first verdict on the answered call.
    """

    def __init__(
        self,
        done: Callable[[Tape], None],
        *,
        longest_s: float = 8.0,
        after_verdict_s: float = 2.0,
        wants: Callable[[str], bool] = lambda call_id: True,
    ) -> None:
        """Start without calls."""
        self._done = done
        self._wants = wants
        self._longest = round(longest_s * 50)
        self._after_verdict = round(after_verdict_s * 50)
        self._tapes: dict[int, Tape] = {}

    def opened(self, slot: int, call_id: str, *, answered: bool) -> None:
        """Begin a tape."""
        if self._wants(call_id):
            self._tapes[slot] = Tape(call_id, Sound(self._longest), Sound(self._longest), answered)

    def answered(self, slot: int) -> None:
        """What came until now was early media."""
        if tape := self._tapes.get(slot):
            tape.answered = True

    def heard(self, tick: TapTick) -> None:
        """Keep the frames of the calls that are wanted."""
        if not self._tapes:
            return
        for row, slot in enumerate(tick.slots.tolist()):
            tape = self._tapes.get(slot)
            if tape is None:
                continue
            if tape.first is not None:
                tape.ticks_since_verdict += 1
                if tape.ticks_since_verdict > self._after_verdict:
                    continue
            phase = tape.sound if tape.answered else tape.early
            phase.add(tick.frames[row], bool(tick.present[row]))

    def said(self, slot: int, verdict: Verdict) -> None:
        """Note a verdict."""
        if tape := self._tapes.get(slot):
            tape.verdicts.append(verdict)

    def closed(self, slot: int) -> None:
        """The tape is complete."""
        if tape := self._tapes.pop(slot, None):
            self._done(tape)
