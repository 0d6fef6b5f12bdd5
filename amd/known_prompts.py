"""Recordings that are the same for everybody: call screening and carriers' announcements, known by their first seconds.

A person's phone or a carrier plays one and the same recording on every call. Its spectral shape over time is a
fingerprint that no level, codec or line noise hides, and it tells what a statistical model cannot: who is asking.

What makes it robust: bands more than 20 dB under the loudest of their frame are noise on a bad line, so they count as
just 20 dB under it; what all frames of a call have in common (the line, the voice) is taken away before shapes are
compared; a frame that was lost is compared with nothing; and the recording may have begun earlier or later than heard.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled, compiled_in_any_order
from amd.state import Slots
from amd.verdict import CallClass
from amd.voice import BANDS

DEFAULT_LIBRARY = Path(__file__).parent / "models" / "known_prompts.npz"
WINDOW = 150  # ticks from the first speech on that are kept, of calls and of recordings: 3 s
LOOKS = (64, 96, WINDOW - 1)
UNDER_LOUDEST = 4.6  # natural logarithm of power: 20 dB
STEP = 25.0  # steps of a contour's bytes per unit of that
LEAST_TICKS = 35  # ticks that sound in both, or nothing is said
# Of 2,360 other clips on clean and bad lines the likest had 0.49 of 64 ticks and 0.45 of 96 (benchmarks/amd/known.py).
ALIKE, ALIKE_LONG = 0.62, 0.56
LONG_TICKS = 80
_EARLIEST, _LATEST = -30, 20  # ticks by which a recording began later or earlier than the first speech heard
_MAY_BE_LOST = 0.15  # share of a recording's ticks
_PIECE = 12 * BANDS  # so much is compared before it is asked whether the rest can still matter
_STRANGE = 0.5  # how much a tick of sound where the recording is silent counts against it


class LibraryUnusable(Exception):
    """A library of known prompts cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class KnownPrompt:
    """One recording. shape (150, 14) int8: log band energies of each tick from its first speech on, zeros in pauses."""

    name: str
    call_class: CallClass
    shape: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Match:
    """A prompt that was recognised, and how alike it was (0 to 1)."""

    prompt: KnownPrompt
    likeness: float


class KnownPrompts:
    """A library of known recordings."""

    def __init__(self, prompts: Sequence[KnownPrompt] = ()) -> None:
        self.prompts = tuple(prompts)
        # One set for each look: what a recording has in common with itself is taken over the time that a call is heard.
        self._wanted = {look: self._shapes_until(min(WINDOW, look + 1 + _LATEST)) for look in LOOKS}

    def _shapes_until(self, ticks: int) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        shapes = np.zeros((len(self.prompts), WINDOW, BANDS), dtype=np.float32)
        sounds = np.zeros((len(self.prompts), WINDOW), dtype=np.bool_)
        for row, prompt in enumerate(self.prompts):
            shapes[row, :ticks], sounds[row, :ticks] = comparable(prompt.shape[:ticks])
        ends = WINDOW - np.argmax(sounds[:, ::-1], axis=1) if len(self.prompts) else np.zeros(0, dtype=np.int64)
        return shapes, sounds.astype(np.float32), np.minimum(ends, ticks).astype(np.int64)

    def find(self, contour: NDArray[np.int8], heard: int) -> Match | None:
        """The best match in a contour (150, 14) of which `heard` ticks are filled; None when nothing is alike."""
        look = max((look for look in LOOKS if look < heard), default=0)
        if not self.prompts or look == 0:
            return None
        shape, sounds = comparable(contour[:heard])
        likeness = _compare(shape, sounds, *self._wanted[look])
        best = int(np.argmax(likeness))
        value = float(likeness[best])
        return Match(self.prompts[best], min(value, 1.0)) if value > 0.0 else None


@compiled
def comparable(contour: NDArray[np.int8]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Ticks (t, 14) without what they have in common, as unit vectors (zeros where nothing sounds), and which sound."""
    ticks = contour.shape[0]
    sounds = np.zeros(ticks, dtype=np.bool_)
    mean = np.zeros(BANDS, dtype=np.float32)
    count = np.float32(1e-6)
    for tick in range(ticks):
        for b in range(BANDS):
            sounds[tick] |= contour[tick, b] != 0
        if sounds[tick]:
            count += np.float32(1.0)
            for b in range(BANDS):
                mean[b] += contour[tick, b]
    shape = np.zeros((ticks, BANDS), dtype=np.float32)
    for tick in range(ticks):
        if not sounds[tick]:
            continue
        norm = np.float32(1e-6)
        for b in range(BANDS):
            shape[tick, b] = contour[tick, b] - mean[b] / count
            norm += shape[tick, b] * shape[tick, b]
        for b in range(BANDS):
            shape[tick, b] /= np.sqrt(norm)
    return shape, sounds


@compiled
def _compare(
    shape: NDArray[np.float32],
    sounds: NDArray[np.bool_],
    wanted: NDArray[np.float32],
    wanted_sounds: NDArray[np.float32],
    ends: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Likeness (p,) of a call (t, 14) with each recording (p, 150, 14) where it is enough for a match, else 0."""
    heard = shape.shape[0]
    flat = shape.reshape(heard * BANDS)
    sounding = sounds.astype(np.float32)
    likeness = np.zeros(wanted.shape[0], dtype=np.float32)
    for row in range(wanted.shape[0]):
        theirs = wanted[row].reshape(WINDOW * BANDS)
        for lag in range(_EARLIEST, _LATEST + 1):
            first, last = max(0, -lag), min(heard, ends[row] - lag)
            both, heard_ticks, expected = _overlap(sounding[first:last], wanted_sounds[row, first + lag : last + lag])
            if both < LEAST_TICKS:
                continue
            most = max(both, (1.0 - _MAY_BE_LOST) * expected) + _STRANGE * (heard_ticks - both)
            least = most * max(ALIKE_LONG if both >= LONG_TICKS else ALIKE, likeness[row])
            alike = _product_over(
                flat[first * BANDS : last * BANDS], theirs[(first + lag) * BANDS : (last + lag) * BANDS], both, least
            )
            if alike >= least:
                likeness[row] = alike / most
    return likeness


@compiled
def _product_over(one: NDArray[np.float32], other: NDArray[np.float32], both: float, least: float) -> float:
    """The product of two lots of ticks, or less than `least` as soon as it cannot be reached: most are nothing alike.

    No tick adds more than 1, and only `both` of them add anything.
    """
    size = one.shape[0]
    total = 0.0
    for begin in range(0, size, _PIECE):
        end = min(begin + _PIECE, size)
        if total + min(both, (size - begin) / BANDS) < least:
            return -1.0
        total += _product(one[begin:end], other[begin:end])
    return total


@compiled_in_any_order
def _product(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    total = np.float32(0.0)
    for k in range(one.shape[0]):
        total += one[k] * other[k]
    return float(total)


@compiled_in_any_order
def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> tuple[float, float, float]:
    """Ticks in which both sound, the first, the second."""
    both = mine = theirs = np.float32(0.0)
    for k in range(one.shape[0]):
        both += one[k] * other[k]
        mine += one[k]
        theirs += other[k]
    return float(both), float(mine), float(theirs)


@compiled
def follow_contours(
    slots: NDArray[np.int64],
    active: NDArray[np.bool_],
    state: Slots,
    bands: NDArray[np.float32],
    contour: NDArray[np.int8],
    due: NDArray[np.int64],
) -> None:
    """Keep the shape of the first 3 s of speech; `due` (n,) gets the ticks heard when it is time to look."""
    for i in range(slots.shape[0]):
        due[i] = 0
        slot = slots[i]
        record = state[slot]
        if not record.open or record.first_speech < 0:
            continue
        at = record.tick - record.first_speech
        if at >= WINDOW:
            continue
        if active[i]:
            loudest = bands[slot, 0]
            for b in range(1, BANDS):
                loudest = max(loudest, bands[slot, b])
            mean = np.float32(0.0)
            for b in range(BANDS):
                mean += max(bands[slot, b], loudest - np.float32(UNDER_LOUDEST)) / BANDS
            for b in range(BANDS):
                over = max(bands[slot, b], loudest - np.float32(UNDER_LOUDEST)) - mean
                contour[slot, at, b] = np.int8(round(over * STEP))
        else:
            for b in range(BANDS):
                contour[slot, at, b] = 0
        if at == LOOKS[0] or at == LOOKS[1] or at == LOOKS[2]:
            due[i] = at + 1


def save_library(library: KnownPrompts, path: Path) -> None:
    """Write a library as one .npz file."""
    header = [{"name": prompt.name, "class": prompt.call_class.value} for prompt in library.prompts]
    shapes = np.array([prompt.shape for prompt in library.prompts], dtype=np.int8).reshape(-1, WINDOW, BANDS)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, header=np.frombuffer(json.dumps(header).encode(), dtype=np.uint8), shapes=shapes)


@cache
def load_library(path: Path = DEFAULT_LIBRARY) -> KnownPrompts:
    """Read a library. Raises LibraryUnusable when it is missing, damaged, or of an earlier version."""
    try:
        with np.load(path, allow_pickle=False) as data:
            header = json.loads(data["header"].tobytes())
            shapes = data["shapes"]
        if shapes.dtype != np.int8 or shapes.shape[1:] != (WINDOW, BANDS):
            raise ValueError("its fingerprints are those of another version")
        names = [(str(entry["name"]), CallClass(entry["class"])) for entry in header]
        return KnownPrompts([KnownPrompt(*name, shape) for name, shape in zip(names, shapes, strict=True)])
    except (OSError, ValueError, KeyError, EOFError) as error:
        why = "it is another kind of file" if "pickle" in str(error) else error
        raise LibraryUnusable(f"{path}: no usable library ({why}); make one with `timbre amd enrol`") from error
