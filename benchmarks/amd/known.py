"""Known recordings through bad lines, and everything else that must not be taken for them.

python -m benchmarks.amd.known --data CLIPS [--each N] [--json OUT]

Enrols recordings of the clips (by default Asterisk's privacy manager in every language there), plays them over and over
on lines of every kind, and plays every other clip on a clean line and on the worst: those must match nothing.
"""

import argparse
import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amd.enrolment import enrol
from amd.evaluate import clopper_pearson
from amd.known_prompts import DEFAULT_LIBRARY, KnownPrompts
from amd.model import Undecided
from amd.offline import hear_many
from amd.training import effects
from amd.training.calls import Answer, LineSettings, Recipe
from amd.training.clips import Clip, trim
from amd.verdict import AmdSettings, CallClass
from benchmarks.amd.which import model_sha
from media.soundfiles import load

Samples = NDArray[np.int16]
_NOISY = (-46.0, -44.0)
LINES: dict[str, LineSettings] = {
    "clean": LineSettings(noise_db=(-72.0, -55.0)),
    "GSM": LineSettings(codec="GSM610"),
    "3 % loss": LineSettings(codec="ALAW", loss=0.03),
    "noise -45 dBFS": LineSettings(noise_db=_NOISY),
    "GSM, 3 % loss": LineSettings(codec="GSM610", loss=0.03),
    "GSM, 3 % loss, noise -45 dBFS": LineSettings(codec="GSM610", loss=0.03, noise_db=_NOISY),
    "clipped start": LineSettings(clip_start_s=0.3),
}
_LONGEST = 7 * 8000


def recognised(calls: Sequence[Samples], library: KnownPrompts) -> list[str]:
    """Which recording was recognised in each call, "" for none."""
    found = []
    settings = AmdSettings(deadline_s=6.5, silence_s=6.5)
    for first in range(0, len(calls), 128):
        chunk = [samples[:_LONGEST] for samples in calls[first : first + 128]]
        for hearing in hear_many(chunk, settings, model=Undecided(), known=library):
            causes = [said.cause for said in [hearing.first, *hearing.later] if said is not None]
            known = [cause.removeprefix("known recording: ") for cause in causes if cause.startswith("known recording")]
            found.append(known[0] if known else "")
    return found


def measure(data: Path, pattern: str, each: int, seed: int) -> dict[str, object]:
    """Recognised by line and language, and false matches by line."""
    mine, others = _split(data, pattern)
    library = KnownPrompts([enrol(clip.language, CallClass.SCREENING, effects.to_int16(clip.wave)) for clip in mine])
    chance = np.random.default_rng(seed)
    recipe = Recipe([], chance, training=False)

    def call(clip: Clip, line: LineSettings) -> Samples:
        answer = Answer(clip.wave, CallClass.SCREENING, "known", clip.source, clip.language)
        return recipe.call(answer, line).samples

    right: dict[str, dict[str, float]] = {}
    wrong_language = 0
    for name, line in LINES.items():
        right[name] = {}
        for clip in mine:
            said = recognised([call(clip, line) for _ in range(each)], library)
            right[name][clip.language] = sum(word == clip.language for word in said) / each
            wrong_language += sum(word not in ("", clip.language) for word in said)
    false = {}
    for name in ("clean", "GSM, 3 % loss, noise -45 dBFS"):
        said = recognised([call(clip, LINES[name]) for clip in others], library)
        matches = [f"{clip.speaker} {clip.kind} as {word}" for clip, word in zip(others, said, strict=True) if word]
        false[name] = {"of": len(others), "matches": matches, "upper": clopper_pearson(len(matches), len(others))[1]}
    return {
        "library": model_sha(DEFAULT_LIBRARY),
        "each": each,
        "recognised": right,
        "as another language": wrong_language,
        "false": false,
    }


def _split(data: Path, pattern: str) -> tuple[list[Clip], list[Clip]]:
    mine, others = [], []
    for row in _rows(data):
        wave = trim(load(data / row["path"]).astype(np.float32) / 32768.0)
        clip = Clip(row["class"], row["source"], Path(row["path"]).stem, row["language"], wave)
        if pattern in row["path"]:
            mine.append(clip)
        elif len(wave) >= 8000:
            others.append(clip)
    if not mine:
        raise SystemExit(f"{data}: no clip whose path holds {pattern!r}")
    return mine, others


def _rows(data: Path) -> Iterable[dict[str, str]]:
    with (data / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def main() -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.amd.known", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of clips with manifest.csv")
    parser.add_argument("--pattern", default="privacy-unident", help="which clips are the known recordings")
    parser.add_argument("--each", type=int, default=40, help="calls per line and language")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    text = json.dumps(measure(options.data, options.pattern, options.each, options.seed), indent=1)
    if options.json is not None:
        options.json.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
