"""Frames that never came do not turn a ringing tone into somebody who speaks."""

import numpy as np
import pytest

from amd.bank import AmdBank
from amd.offline import frames_of
from amd.verdict import AmdSettings, CallClass
from tests.support.amd_sounds import call, tones


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_given_ringing_with_lost_frames_then_it_is_ringing_and_nobody_speaks(lost):
    frames = frames_of(call(tones([((425,), 1.5), ((), 3.0)] * 2), lead_s=0.3, tail_s=0.5))
    first, people = [], 0
    for seed in range(12):
        chance = np.random.default_rng(seed)
        present = np.ones(len(frames), dtype=np.bool_)
        for start in np.flatnonzero(chance.random(len(frames)) < 0.03):
            present[start : start + lost] = False
        bank = AmdBank(1)
        bank.open(0, AmdSettings(), answered=True)
        said = []
        for frame, came in zip(frames, present, strict=True):
            heard = frame if came else np.zeros_like(frame)
            said += [v.call_class for _, v in bank.step(np.zeros(1, np.int64), heard[None], np.array([came]))]
        first.append(said[0])
        people += CallClass.HUMAN in said
    assert first.count(CallClass.RINGBACK) >= 11, first
    assert people <= 1
