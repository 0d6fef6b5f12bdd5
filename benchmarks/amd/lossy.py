"""Tones on lines that lose frames: ringing that must not become a person, special information that began unheard.

python -m benchmarks.amd.lossy [--each N] [--seed N] [--json OUT]
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from amd.bank import AmdBank, warm_up
from amd.offline import frames_of
from amd.training.calls import Call
from amd.verdict import AmdSettings, CallClass
from benchmarks.amd.tone_calls import Parts, tone_calls
from benchmarks.amd.which import model_sha

_LOSS = 0.03  # of the frames begin a loss
_LOST_TICKS = (0, 1, 2, 3)
_SIT_LOST_S = (0.0, 0.25, 0.33, 0.45, 0.6)


def without_beginning(parts: Parts, lost_s: float) -> Parts:
    """A sequence of tones (frequencies, seconds) without its first `lost_s`."""
    left: list[tuple[Sequence[float], float]] = []
    for frequencies, length_s in parts:
        heard_s = max(0.0, length_s - lost_s)
        lost_s = max(0.0, lost_s - length_s)
        if heard_s > 0.0:
            left.append((frequencies, heard_s))
    return left


def said_of(call: Call, lost_ticks: int, seed: int) -> list[CallClass]:
    """What is said of a call, 3 % of whose frames are followed by a loss of so many."""
    frames, chance = frames_of(call.samples), np.random.default_rng(seed)
    present = np.ones(len(frames), dtype=np.bool_)
    if lost_ticks:
        for start in np.flatnonzero(chance.random(len(frames)) < _LOSS):
            present[start : start + lost_ticks] = False
    bank = AmdBank(1)
    bank.open(0, AmdSettings(), answered=True)
    slots, said = np.zeros(1, dtype=np.int64), []
    for tick, frame in enumerate(frames):
        heard = frame if present[tick] else np.zeros_like(frame)
        said += [verdict.call_class for _, verdict in bank.step(slots, heard[None], present[tick : tick + 1])]
    return said


def measure(each: int, seed: int) -> dict[str, Any]:
    """Calls told right at first, and those called a person at any time."""
    ringing, sit = {}, {}
    for ticks in _LOST_TICKS:
        calls = tone_calls(each, seed, [CallClass.RINGBACK])
        ringing[f"{20 * ticks} ms"] = _counted(calls, CallClass.RINGBACK, ticks, seed)
    for lost_s in _SIT_LOST_S:
        calls = tone_calls(each, seed, [CallClass.SIT], lambda parts, lost_s=lost_s: without_beginning(parts, lost_s))
        sit[f"{lost_s} s"] = _counted(calls, CallClass.SIT, 0, seed)
    return {"model": model_sha(), "each": each, "ringing, lost at once": ringing, "SIT, lost beginning": sit}


def _counted(calls: Sequence[Call], wanted: CallClass, ticks: int, seed: int) -> dict[str, int]:
    said = [said_of(call, ticks, seed + k) for k, call in enumerate(calls)]
    return {"told": sum(words[:1] == [wanted] for words in said), "person": sum(CallClass.HUMAN in w for w in said)}


def main() -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.amd.lossy", description=__doc__)
    parser.add_argument("--each", type=int, default=60)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    warm_up()
    text = json.dumps(measure(options.each, options.seed), indent=1)
    if options.json is not None:
        options.json.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
