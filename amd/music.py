"""Music or somebody talking: asked when a call has made sound for seconds and something is about to be said of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amd.state import SOUNDS, TICK_S, Record
from amd.voice import LEVEL

MEASURES = ("flatness", "tilt", "centroid", "flux", "crossings", "periodicity", "pitch")
NAMES = (
    "active_share",
    "voice_share",
    "longest_pause_s",
    "level_std_db",
    *MEASURES,
    *(f"{name}_std" for name in MEASURES),
)
LISTEN_TICKS = 125  # 2.5 s of sound, before anybody may say so
LIKELY = 0.85  # music behind a person must not cost the call
_KEPT = [k for k in range(SOUNDS) if k != LEVEL]


@dataclass(frozen=True, slots=True)
class MusicModel:
    """A logistic regression over `NAMES`: weights (18,) and an offset."""

    weights: tuple[float, ...]
    offset: float

    def probability(self, record: Record) -> float:
        """P(music) of a slot's record; 0 before there was enough sound."""
        if record["active_total"] < LISTEN_TICKS:
            return 0.0
        odds = float(np.dot(extract(record), self.weights)) + self.offset
        return 1.0 / (1.0 + math.exp(-min(max(odds, -30.0), 30.0)))

    def as_json(self) -> dict[str, Any]:
        """For the model file."""
        return {"names": list(NAMES), "weights": list(self.weights), "offset": self.offset}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "MusicModel":
        """From the model file. Raises ValueError when it was made for other measures."""
        if tuple(data["names"]) != NAMES:
            raise ValueError("the music model was made for other measures")
        return MusicModel(tuple(float(weight) for weight in data["weights"]), float(data["offset"]))


def extract(record: Record) -> NDArray[np.float64]:
    """What tells music from talk, (len(NAMES),): sound that never rests, of little change."""
    active = max(1, int(record["active_total"]))
    lasted = max(1, int(record["tick"]) - int(record["first_active"]) + 1)
    mean = record["all_sounds"].astype(np.float64) / active
    spread = np.sqrt(np.maximum(record["all_squares"].astype(np.float64) / active - mean**2, 0.0))
    shares = [active / lasted, float(record["voice_total"]) / active, float(record["longest_pause"]) * TICK_S]
    return np.array([*shares, spread[LEVEL], *mean[_KEPT], *spread[_KEPT]])
