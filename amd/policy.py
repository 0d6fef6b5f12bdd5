"""From a probability to a verdict: thresholds that follow the campaign's cost ratio and fall while it stays quiet."""

import itertools
import math
from dataclasses import dataclass

from amd.verdict import AmdSettings

_NORMAL_COST_RATIO = 20.0


@dataclass(frozen=True, slots=True)
class Thresholds:
    """P(human) at or over `human` is a person; at or under `machine`, a machine."""

    human: float
    machine: float


def _shift(probability: float, cost_ratio: float) -> float:
    """Move a threshold in log-odds: a dearer lost person lowers both thresholds."""
    odds = math.log(probability / (1.0 - probability)) - 0.5 * math.log(cost_ratio / _NORMAL_COST_RATIO)
    return 1.0 / (1.0 + math.exp(-odds))


def thresholds(silence_s: float, settings: AmdSettings) -> Thresholds:
    """What it takes after `silence_s` of silence: sure things at 0.4 s, likely ones at 1.8 s."""
    human_points = ((0.40, 0.97), (0.5, 0.93), (0.7, 0.80), (1.0, 0.62), (1.8, 0.5))
    human = human_points[0][1]
    for (left_s, left), (right_s, right) in itertools.pairwise(human_points):
        if silence_s >= left_s:
            part = min(1.0, (silence_s - left_s) / (right_s - left_s))
            human = left + (right - left) * part
    return Thresholds(_shift(human, settings.cost_ratio), _shift(0.03, settings.cost_ratio))
