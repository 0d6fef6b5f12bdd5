"""A recorded call through the same bank as live ones, frame by frame."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from amd.bank import AmdBank, Observer
from amd.known_prompts import KnownPrompts
from amd.model import Believer
from amd.verdict import AmdSettings, Verdict
from media.frames import FRAME_SAMPLES

SETTLE_S = 2.0


@dataclass(slots=True)
class Hearing:
    """What came of one recording: the first verdict (None: it ended before), later ones, and the trace if asked."""

    first: Verdict | None = None
    later: list[Verdict] = field(default_factory=list)
    trace: list[dict[str, float]] = field(default_factory=list)

    @property
    def settled(self) -> Verdict | None:
        """The class 2 s after the first verdict: a person or machine may have been taken back by then."""
        if self.first is None:
            return None
        until_s = self.first.since_answer_s + SETTLE_S + 0.06
        said = [verdict for verdict in self.later if verdict.since_answer_s <= until_s]
        return said[-1] if said else self.first


def frames_of(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Cut (n,) samples into (m, 160) frames; the last one is filled with zeros."""
    missing = -len(samples) % FRAME_SAMPLES
    return np.pad(samples, (0, missing)).reshape(-1, FRAME_SAMPLES)


def hear_many(
    calls: list[NDArray[np.int16]],
    settings: AmdSettings | None = None,
    *,
    trace: bool = False,
    model: Believer | None = None,
    observer: Observer | None = None,
    known: KnownPrompts | None = None,
) -> list[Hearing]:
    """Judge recordings side by side in one bank. After its end a recording is silence until every verdict is due."""
    wanted = settings or AmdSettings()
    hearings = [Hearing() for _ in calls]
    cut = [frames_of(samples) for samples in calls]
    bank = AmdBank(max(1, len(calls)), model, observer, known)
    for slot in range(len(calls)):
        bank.open(slot, wanted, answered=True)
    ticks = max((len(frames) for frames in cut), default=0)
    ticks = max(ticks, round((wanted.deadline_s + SETTLE_S) / 0.02)) + 5
    slots = np.arange(len(calls), dtype=np.int64)
    block = np.zeros((len(calls), FRAME_SAMPLES), dtype=np.int16)
    present = np.zeros(len(calls), dtype=np.bool_)
    for tick in range(ticks):
        for slot, frames in enumerate(cut):
            present[slot] = tick < len(frames)
            block[slot] = frames[tick] if tick < len(frames) else 0
        _note(bank.step(slots, block, present), hearings)
        if trace:
            for slot in range(len(calls)):
                hearings[slot].trace.append(bank.peek(slot))
    return hearings


def hear(
    samples: NDArray[np.int16],
    settings: AmdSettings | None = None,
    *,
    trace: bool = False,
    known: KnownPrompts | None = None,
) -> Hearing:
    """Judge one recording of (n,) int16 samples at 8 kHz that begins at the answer."""
    return hear_many([samples], settings, trace=trace, known=known)[0]


def _note(verdicts: list[tuple[int, Verdict]], hearings: list[Hearing]) -> None:
    for slot, verdict in verdicts:
        if hearings[slot].first is None:
            hearings[slot].first = verdict
        else:
            hearings[slot].later.append(verdict)
