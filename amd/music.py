"""Music or somebody talking: asked once, when a call has made sound for seconds and nothing else was said."""

import numpy as np
from numpy.typing import NDArray

from amd.state import SOUNDS, Record
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
LISTEN_S = 3.0  # of sound, before anybody may say so
LIKELY = 0.6


def extract(record: Record) -> NDArray[np.float32]:
    """What tells music from talk (1, len(NAMES)): sound that never rests, of little change in level."""
    active = max(1, int(record["active_total"]))
    lasted = max(1, int(record["tick"]) - int(record["first_active"]) + 1)
    mean = record["all_sounds"] / active
    spread = np.sqrt(np.maximum(record["all_squares"] / active - mean**2, 0.0))
    kept = [k for k in range(SOUNDS) if k != LEVEL]
    shares = [active / lasted, float(record["voice_total"]) / active, float(record["longest_pause"]) * 0.02]
    row = np.array([*shares, spread[LEVEL], *mean[kept], *spread[kept]], dtype=np.float32)
    return row[None]
