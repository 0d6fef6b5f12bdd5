"""Recordings that are the same for everybody: call screening and carriers' announcements, known by their first second.

A person's phone or a carrier plays one and the same recording on every call. Its spectral shape over time is a
fingerprint that no level, codec or line noise hides, and it tells what a statistical model cannot: who is asking.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled
from amd.state import Slots
from amd.verdict import CallClass
from amd.voice import BANDS

DEFAULT_LIBRARY = Path(__file__).parent / "models" / "known_prompts.npz"
WINDOW = 96  # ticks from the first speech on that are kept: 1.9 s
LENGTH = 50  # ticks of a fingerprint: 1 s
LOOKS = (64, WINDOW - 1)
ALIKE = 0.8


class LibraryUnusable(Exception):
    """A library of known prompts cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class KnownPrompt:
    """One recording. shape (50, 14): unit vectors of log band energies from its first speech on, zeros in pauses."""

    name: str
    call_class: CallClass
    shape: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Match:
    """A prompt that was recognised, and how alike it was (0 to 1)."""

    prompt: KnownPrompt
    likeness: float


class KnownPrompts:
    """A library of known recordings."""

    def __init__(self, prompts: Sequence[KnownPrompt] = ()) -> None:
        self.prompts = tuple(prompts)
        shapes = np.array([prompt.shape for prompt in prompts], dtype=np.float32).reshape(-1, LENGTH, BANDS)
        sounding = np.maximum(1, np.count_nonzero(np.any(shapes != 0.0, axis=2), axis=1))
        self._wanted = (shapes / sounding[:, None, None]).reshape(-1, LENGTH * BANDS).astype(np.float32)

    def find(self, contour: NDArray[np.float32], heard: int) -> Match | None:
        """The best match in a contour (96, 14) of which `heard` ticks are filled; None when nothing is alike."""
        if not self.prompts or heard < LENGTH:
            return None
        windows = np.lib.stride_tricks.sliding_window_view(contour[:heard].reshape(-1), LENGTH * BANDS)[::BANDS]
        likeness = windows @ self._wanted.T  # (starts, prompts)
        best = int(np.argmax(likeness.max(axis=0)))
        value = float(likeness[:, best].max())
        return Match(self.prompts[best], min(value, 1.0)) if value >= ALIKE else None


@compiled
def follow_contours(
    slots: NDArray[np.int64],
    active: NDArray[np.bool_],
    state: Slots,
    bands: NDArray[np.float32],
    contour: NDArray[np.float32],
    due: NDArray[np.int64],
) -> None:
    """Keep the shape of the first 1.9 s of speech; `due` (n,) gets the ticks heard when it is time to look."""
    for i in range(slots.shape[0]):
        due[i] = 0
        slot = slots[i]
        record = state[slot]
        if not record.open or record.first_speech < 0:
            continue
        at = record.tick - record.first_speech
        if at >= WINDOW:
            continue
        mean = np.float32(0.0)
        norm = np.float32(1e-9)
        for b in range(BANDS):
            mean += bands[slot, b] / BANDS
        for b in range(BANDS):
            norm += (bands[slot, b] - mean) ** 2
        scale = 1.0 / np.sqrt(norm) if active[i] else 0.0
        for b in range(BANDS):
            contour[slot, at, b] = (bands[slot, b] - mean) * scale
        if at == LOOKS[0] or at == LOOKS[1]:
            due[i] = at + 1


def save_library(library: KnownPrompts, path: Path) -> None:
    """Write a library as one .npz file."""
    header = [{"name": prompt.name, "class": prompt.call_class.value} for prompt in library.prompts]
    shapes = np.array([prompt.shape for prompt in library.prompts], dtype=np.float16).reshape(-1, LENGTH, BANDS)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), shapes=shapes)


@cache
def load_library(path: Path = DEFAULT_LIBRARY) -> KnownPrompts:
    """Read a library. Raises LibraryUnusable when it is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as data:
            header = json.loads(data["header"].tobytes())
            shapes = data["shapes"].astype(np.float32)
        names = [(str(entry["name"]), CallClass(entry["class"])) for entry in header]
        return KnownPrompts([KnownPrompt(*name, shape) for name, shape in zip(names, shapes, strict=True)])
    except (OSError, ValueError, KeyError) as error:
        raise LibraryUnusable(f"{path}: no usable library ({error}); make one with `timbre amd enrol`") from error
