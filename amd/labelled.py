"""What people labelled, as the other commands read it: a manifest of calls, and clips to train with."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amd.kept import KeptCall, KeptCalls, Label
from amd.training.clips import Wave, trim
from amd.verdict import CallClass
from media.frames import SAMPLE_RATE_HZ
from media.soundfiles import SoundFileUnusable, load, save

MANIFEST = "manifest.csv"
CLIPS = "clips"
_SENTENCE_S = 1.2
_SHORTEST_S = 0.15
_SHORTEST_GREETING_S = 0.8


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: calls for `evaluate` and `enrol`, clips for `train`, and calls whose sound is gone."""

    manifest: Path
    calls: int
    clips: int
    without_sound: int


def write_manifests(kept: KeptCalls) -> Written:
    """Write FOLDER/manifest.csv (`timbre amd evaluate`, `enrol`) and FOLDER/clips (`timbre amd train`). Blocking."""
    labels = kept.labels()
    there = [(call, labels[call.call_id]) for call in kept.all() if call.call_id in labels]
    rows = [(call, label) for call, label in there if call.answered and kept.sound_of(call.call_id).exists()]
    manifest = kept.folder / MANIFEST
    with manifest.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(("path", "class", "subset", "source", "language", "said"))
        for call, label in rows:
            said = call.first.call_class.value if call.first else ""
            path = kept.sound_of(call.call_id).name
            writer.writerow((path, label.call_class.value, label.picked, call.campaign_id, "", said))
    return Written(manifest, len(rows), _write_clips(kept, rows), len(labels) - len(rows))


def _write_clips(kept: KeptCalls, rows: Iterable[tuple[KeptCall, Label]]) -> int:
    folder = kept.folder / CLIPS
    folder.mkdir(mode=0o750, exist_ok=True)
    for old in folder.glob("*.flac"):
        old.unlink()
    written: list[tuple[str, ...]] = []
    for call, label in rows:
        try:
            wave = load(kept.sound_of(call.call_id)).astype(np.float32) / 32768.0
        except SoundFileUnusable:
            continue
        piece = _greeting(wave, call)
        kind = kind_of(label.call_class, len(piece) / SAMPLE_RATE_HZ)
        if kind:
            name = f"{call.call_id}.flac"
            save(folder / name, np.round(piece * 32767).astype(np.int16))
            source = f"own-{call.campaign_id}"
            seconds = f"{len(piece) / SAMPLE_RATE_HZ:.3f}"
            written.append((name, kind, "", source, "own recordings", seconds, call.call_id))
    with (folder / MANIFEST).open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(("path", "class", "language", "source", "licence", "seconds", "speaker"))
        writer.writerows(written)
    return len(written)


def _greeting(wave: Wave, call: KeptCall) -> Wave:
    """What was said before the verdict on a person; a machine's whole sound."""
    first = call.first
    if first is not None and first.call_class is CallClass.HUMAN:
        wave = wave[: int(first.at_s * SAMPLE_RATE_HZ)]
    return trim(wave)


def kind_of(call_class: CallClass, seconds: float) -> str:
    """The class of a training clip (as in the manifest of clips), "" when such a clip teaches nothing."""
    if call_class is CallClass.HUMAN and seconds >= _SHORTEST_S:
        return "human_sentence" if seconds >= _SENTENCE_S else "human_short"
    if call_class is CallClass.MACHINE and seconds >= _SHORTEST_GREETING_S:
        return "machine_greeting"
    return "moh" if call_class is CallClass.MUSIC else ""


def counts(labels: Mapping[str, Label]) -> Sequence[tuple[str, str, int]]:
    """(what was said, what it was, how many), most first."""
    found: dict[tuple[str, str], int] = {}
    for label in labels.values():
        key = (label.said.value if label.said else "-", label.call_class.value)
        found[key] = found.get(key, 0) + 1
    return sorted(((*key, count) for key, count in found.items()), key=lambda row: -row[2])
