"""Teaching the bank a recording: call screening, or a carrier's announcement."""

import numpy as np
from numpy.typing import NDArray

from amd.bank import AmdBank
from amd.known_prompts import WINDOW, KnownPrompt, KnownPrompts
from amd.model import Undecided
from amd.offline import frames_of
from amd.verdict import AmdSettings, CallClass

LEAST_LEARNT = 45  # ticks that sound: about a second of speech with its short gaps


class NothingToLearn(ValueError):
    """The recording holds less than a second of speech."""


def enrol(name: str, call_class: CallClass, samples: NDArray[np.int16]) -> KnownPrompt:
    """The fingerprint of a clean recording (n,) at 8 kHz, heard as a call would be. Raises NothingToLearn."""
    bank = AmdBank(1, Undecided(), known=KnownPrompts())
    bank.open(0, AmdSettings(deadline_s=1e6, silence_s=1e6), answered=True)
    quiet = np.zeros(4000, dtype=np.int16)
    slots, present = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.bool_)
    for frame in frames_of(np.concatenate([quiet, samples, quiet])):
        bank.step(slots, frame[None], present)
        first = int(bank.record(0)["first_speech"])
        if first >= 0 and int(bank.record(0)["tick"]) - first + 1 >= WINDOW:
            break
    shape = bank.contour(0).copy()
    if np.count_nonzero(np.any(shape != 0, axis=1)) < LEAST_LEARNT:
        raise NothingToLearn(f"{name}: less than a second of speech in this recording")
    return KnownPrompt(name, call_class, shape)
