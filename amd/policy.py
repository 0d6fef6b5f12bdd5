"""From a probability to a verdict: thresholds that follow the campaign's cost ratio and fall while it stays quiet."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amd.state import TICK_S
from amd.verdict import AmdSettings

NORMAL_COST_RATIO = 20.0
SILENCE_TICKS = 101  # thresholds are tabled for 0 to 2 s of silence
FIRST_PAUSE_TICKS = 15
PAUSE_STEP_TICKS = 2
SPEECH_FROM_TICKS = 60
SPEECH_STEP_TICKS = 10


@dataclass(frozen=True, slots=True)
class Curve:
    """Thresholds at the normal cost ratio, fitted with the model.

    human: (silence in s, least P(person)) points, falling. machine_pause, machine_speech: greatest P(person) for a
    machine in a pause and while it talks. deadline: what P(person) must be under to say machine at the deadline.
    machine_from_s: nobody is called a machine before that much time from the first word: sentences come first.
    """

    human: tuple[tuple[float, float], ...]
    machine_pause: float
    machine_speech: float
    machine_deadline: float = 0.35
    machine_from_s: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """For the model file."""
        return {
            "human": [list(point) for point in self.human],
            "machine_pause": self.machine_pause,
            "machine_speech": self.machine_speech,
            "machine_deadline": self.machine_deadline,
            "machine_from_s": self.machine_from_s,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "Curve":
        """From the model file."""
        human = tuple((float(silence_s), float(least)) for silence_s, least in data["human"])
        return Curve(
            human,
            float(data["machine_pause"]),
            float(data["machine_speech"]),
            float(data["machine_deadline"]),
            float(data["machine_from_s"]),
        )


DEFAULT_CURVE = Curve(
    human=((0.36, 0.97), (0.5, 0.93), (0.8, 0.8), (1.8, 0.6)), machine_pause=0.03, machine_speech=0.02
)


@dataclass(frozen=True, slots=True)
class Policy:
    """A curve moved to one campaign's cost ratio. human: (101,) least P(person) by ticks of silence."""

    human: NDArray[np.float32]
    machine_pause: float
    machine_speech: float
    machine_deadline: float
    machine_from_s: float

    @staticmethod
    def of(settings: AmdSettings, curve: Curve) -> "Policy":
        """The thresholds for a campaign."""
        return _policy(settings.cost_ratio, curve)


@lru_cache(maxsize=64)
def _policy(cost_ratio: float, curve: Curve) -> Policy:
    silences_s = np.arange(SILENCE_TICKS) * TICK_S
    known_s, known = zip(*curve.human, strict=True)
    human = np.interp(silences_s, known_s, known)
    human[silences_s < known_s[0] - 1e-9] = 2.0  # too early to call anybody a person
    moved = [_shift(p, cost_ratio) if p < 1.0 else 2.0 for p in human]
    return Policy(
        np.array(moved, dtype=np.float32),
        _shift(curve.machine_pause, cost_ratio),
        _shift(curve.machine_speech, cost_ratio),
        _shift(curve.machine_deadline, cost_ratio),
        curve.machine_from_s,
    )


def _shift(probability: float, cost_ratio: float) -> float:
    """Move a threshold in log-odds: a dearer lost person lowers both: people pass sooner."""
    clipped = min(max(probability, 1e-6), 1.0 - 1e-6)
    odds = math.log(clipped / (1.0 - clipped)) - 0.5 * math.log(cost_ratio / NORMAL_COST_RATIO)
    return 1.0 / (1.0 + math.exp(-odds))
