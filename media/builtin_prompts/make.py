"""Speak texts.toml into FLAC files: `python -m media.builtin_prompts.make`. Needs the program espeak-ng.

The texts are ours and a synthesiser's output is not covered by its own licence: the files are under this project's.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import numpy as np

from media import soundfiles
from media.builtin_prompts import FOLDER
from media.frames import SAMPLE_RATE_HZ
from media.levels import normalised

SPEED_WORDS_PER_MIN = "165"
LEVEL_DBFS = -20.0
WAITING_S = 0.5
WAITING_DBFS = -26.0
STEP = 16
"""The finest step of G.711 A-law in 16 bit samples: no telephone hears less, and FLAC needs a third less."""


def speak(voice: str, text: str, target: Path) -> None:
    """Speak `text` into `target` (.flac, 8 kHz mono) at -20 dBFS. Raises OSError, CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        command = ["espeak-ng", "-v", voice, "-s", SPEED_WORDS_PER_MIN, "-w", str(spoken), "--", text]
        subprocess.run(command, check=True, capture_output=True)
        samples = normalised(soundfiles.load(spoken), LEVEL_DBFS)
        soundfiles.save(target, samples // STEP * STEP)


def waiting(target: Path) -> None:
    """Two soft notes that fade: played now and then to a caller who waits for an answer."""
    moments_s = np.arange(int(WAITING_S * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    notes = [np.sin(2 * np.pi * hz * moments_s) * np.exp(-moments_s / 0.12) for hz in (523.0, 659.0)]
    samples = np.round(4000 * (notes[0] + np.roll(notes[1], len(moments_s) // 4))).astype(np.int16)
    soundfiles.save(target, normalised(samples, WAITING_DBFS) // STEP * STEP)


def main() -> int:
    """Make every prompt of every language."""
    texts: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))
    for language, prompts in texts.items():
        for name, text in prompts.items():
            if name != "voice":
                speak(prompts["voice"], text, FOLDER / language / f"{name}.flac")
        waiting(FOLDER / language / "waiting.flac")
    return 0


if __name__ == "__main__":
    sys.exit(main())
