"""Teaching the bank a recording: call screening, or a carrier's announcement."""

import numpy as np
from numpy.typing import NDArray

from amd.bank import AmdBank
from amd.known_prompts import LENGTH, KnownPrompt, KnownPrompts
from amd.model import Undecided
from amd.offline import frames_of
from amd.verdict import AmdSettings, CallClass


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
        if first >= 0 and int(bank.record(0)["tick"]) - first + 1 >= LENGTH:
            return KnownPrompt(name, call_class, bank.contour(0)[:LENGTH].copy())
    raise NothingToLearn(f"{name}: less than a second of speech in this recording")
