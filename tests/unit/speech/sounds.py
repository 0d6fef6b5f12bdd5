"""Sounds for tests: a voice made of tones, and an engine that counts."""

import threading
from pathlib import Path

import numpy as np

from media import soundfiles
from media.speech.joining import Samples
from media.speech.packs import _INDEXES
from media.speech.tongue import Tongue
from media.speech.tts import SpeechFailed


def tone(seconds: float, dbfs: float = -20.0, hz: float = 300.0) -> Samples:
    time_s = np.arange(int(seconds * 8000)) / 8000
    return np.round(np.sin(2 * np.pi * hz * time_s) * 32768 * np.sqrt(2) * 10 ** (dbfs / 20)).astype(np.int16)


def silence(seconds: float) -> Samples:
    return np.zeros(int(seconds * 8000), np.int16)


def write_pack(folder: Path, language: str) -> Path:
    """A whole pack of one language, each word a tone with silence around it, at a level of its own."""
    for number, name in enumerate(sorted(set(_INDEXES[language].values()))):
        word = np.concatenate([silence(0.2), tone(0.3, -30.0 + number % 20, 200 + number), silence(0.3)])
        (folder / language / name).parent.mkdir(parents=True, exist_ok=True)
        soundfiles.save(folder / language / f"{name}.wav", word)
    return folder


class CountingEngine:
    """Speaks a tone as long as the text; remembers what it was asked, and on which thread."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.threads: set[int] = set()
        self.fails = False
        self.version = "1"

    def voice(self, tongue: Tongue) -> str:
        return f"tones {self.version} {tongue.language}"

    def speak(self, text: str, tongue: Tongue) -> Samples:
        if self.fails:
            raise SpeechFailed("the tone generator is off: switch it on")
        self.texts.append(text)
        self.threads.add(threading.get_ident())
        return np.concatenate([silence(1.5), tone(0.05 * len(text), -33.0), silence(2.0)])
