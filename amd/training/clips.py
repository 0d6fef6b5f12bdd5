"""The clips that calls are built from: read once, trimmed, by class and source."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from media.frames import SAMPLE_RATE_HZ
from media.soundfiles import load

Wave = NDArray[np.float32]


class ClipsMissing(Exception):
    """No usable clips: the folder needs a manifest.csv with path, class, source and the files it names."""


@dataclass(frozen=True)
class Clip:
    """One recording: full scale 1.0, 8 kHz, silence at both ends removed."""

    kind: str
    source: str
    speaker: str
    language: str
    wave: Wave

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.wave) / SAMPLE_RATE_HZ

    @cached_property
    def cuts(self) -> list[int]:
        """Samples at which it may be cut without hurting a word: its ends and the middles of its pauses."""
        return [0, *((first + last) // 2 for first, last in pauses(self.wave, 0.1)), len(self.wave)]


def read_clips(folder: Path, *, max_s: float = 25.0) -> list[Clip]:
    """Read every clip that `manifest.csv` names (columns path, class, language, source, speaker)."""
    manifest = folder / "manifest.csv"
    if not manifest.is_file():
        raise ClipsMissing(f"{manifest}: no such file; pass the folder of the clips with --data")
    clips = []
    with manifest.open(newline="", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            wave = load(folder / row["path"]).astype(np.float32)[: int(max_s * SAMPLE_RATE_HZ)] / 32768.0
            trimmed = trim(wave) if row["class"] not in ("noise", "moh") else wave
            if len(trimmed) >= SAMPLE_RATE_HZ // 10:
                clips.append(Clip(row["class"], row["source"], row["speaker"], row["language"], trimmed))
    if not clips:
        raise ClipsMissing(f"{manifest}: names no usable clip")
    return clips


def envelope_db(wave: Wave, frame_s: float = 0.01) -> NDArray[np.float32]:
    """Level of each 10 ms in dB."""
    size = int(frame_s * SAMPLE_RATE_HZ)
    whole = wave[: len(wave) // size * size].reshape(-1, size)
    level: NDArray[np.float32] = (10 * np.log10(np.mean(whole**2, axis=1) + 1e-9)).astype(np.float32)
    return level


def trim(wave: Wave, under_peak_db: float = 28.0) -> Wave:
    """Cut what lies 28 dB and more under the peak off both ends."""
    level = envelope_db(wave)
    if not len(level):
        return wave
    loud = np.flatnonzero(level > np.percentile(level, 97) - under_peak_db)
    return wave[loud[0] * 80 : (loud[-1] + 1) * 80] if len(loud) else wave


def pauses(wave: Wave, shortest_s: float = 0.12, under_peak_db: float = 26.0) -> list[tuple[int, int]]:
    """Pauses inside a clip as (first, last) samples."""
    level = envelope_db(wave)
    quiet = level < np.percentile(level, 95) - under_peak_db
    edges = np.flatnonzero(np.diff(np.concatenate([[0], quiet.astype(np.int8), [0]])))
    spans = zip(edges[::2], edges[1::2], strict=True)
    inner = [(int(a), int(b)) for a, b in spans if a > 0 and b < len(level)]
    return [(a * 80, b * 80) for a, b in inner if (b - a) * 0.01 >= shortest_s]


def of_kind(clips: Iterable[Clip], *kinds: str) -> list[Clip]:
    """The clips of some kinds."""
    return [clip for clip in clips if clip.kind in kinds]
