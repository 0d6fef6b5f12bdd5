"""Speak texts.toml into FLAC files: `python -m media.builtin_prompts.make`. Needs the program espeak-ng.

The texts are ours and a synthesiser's output is not covered by its own licence: the files are under this project's.
"""

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from media import soundfiles
from media.builtin_prompts import FOLDER
from media.levels import normalised

SPEED_WORDS_PER_MIN = "165"
LEVEL_DBFS = -20.0
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


def main() -> int:
    """Make every prompt of every language."""
    texts: dict[str, dict[str, str]] = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))
    for language, prompts in texts.items():
        for name, text in prompts.items():
            if name != "voice":
                speak(prompts["voice"], text, FOLDER / language / f"{name}.flac")
    return 0


if __name__ == "__main__":
    sys.exit(main())
