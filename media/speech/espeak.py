"""espeak-ng, the embedded voice: small, fast (about 15 ms a sentence), in Spanish and English."""

import functools
import io
import re
import shutil
import subprocess
import unicodedata
import wave
from typing import Final

import numpy as np
import soxr

from media.frames import SAMPLE_RATE_HZ
from media.speech.joining import Samples
from media.speech.tongue import Tongue
from media.speech.tts import LONGEST_TEXT, SpeechFailed

_VOICES: Final = {"es": "es-419", "en": "en-us"}
_HOME_VOICES: Final = {"es-ES": "es", "en-GB": "en-gb", "en-IE": "en-gb"}
_SPEED_WORDS_PER_MIN: Final = "150"
_PHONEME_MODE: Final = re.compile(r"\[\[+|\]\]+")


class Espeak:
    """Runs the program once per text, without a shell; the text goes through a pipe, so `ps` shows none of it."""

    def __init__(self, program: str = "espeak-ng", timeout_s: float = 5.0) -> None:
        self._program = program
        self._timeout_s = timeout_s

    def voice(self, tongue: Tongue) -> str:
        """Version, voice and speed."""
        return f"{_version(self._program)} {_voice(tongue)} {_SPEED_WORDS_PER_MIN}"

    def speak(self, text: str, tongue: Tongue) -> Samples:
        """Raises SpeechFailed when the program is missing, fails, or takes longer than its timeout."""
        if len(text) > LONGEST_TEXT:
            raise SpeechFailed(f"a text of {len(text)} characters is too long to speak: {LONGEST_TEXT} at most")
        said = plain(text)
        if not said:
            return np.zeros(0, np.int16)
        command = [self._program, "-v", _voice(tongue), "-s", _SPEED_WORDS_PER_MIN, "-b", "1", "--stdin", "--stdout"]
        return _decoded(_run(command, said.encode(), self._timeout_s))


def plain(text: str) -> str:
    """The text without what espeak-ng takes for an order: control characters and [[phonemes]]."""
    visible = "".join(
        " " if unicodedata.category(character) in ("Cc", "Cs", "Co", "Cn") else character for character in text
    )
    return " ".join(_PHONEME_MODE.sub(" ", visible).split())


def _voice(tongue: Tongue) -> str:
    return _HOME_VOICES.get(f"{tongue.language}-{tongue.country}", _VOICES[tongue.language])


@functools.cache
def _version(program: str) -> str:
    if shutil.which(program) is None:
        raise SpeechFailed(f"the program {program} is missing: install the package espeak-ng, or set another engine")
    first = _run([program, "--version"], b"", 5.0).decode(errors="replace").partition("Data at")[0]
    return first.strip()


def _run(command: list[str], text: bytes, timeout_s: float) -> bytes:
    try:
        done = subprocess.run(command, input=text, capture_output=True, timeout=timeout_s, check=False)
    except OSError as error:
        raise SpeechFailed(f"{command[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise SpeechFailed(f"{command[0]} did not speak within {timeout_s:g} s") from None
    if done.returncode != 0:
        raise SpeechFailed(f"{command[0]} failed ({done.returncode}): {done.stderr.decode(errors='replace')[-200:]}")
    return done.stdout


def _decoded(data: bytes) -> Samples:
    """WAV from a pipe: its header promises more than there is, so what is there is taken."""
    try:
        with wave.open(io.BytesIO(data)) as sound:
            rate_hz = sound.getframerate()
            samples = np.frombuffer(sound.readframes(len(data) // 2), "<i2")
    except (wave.Error, EOFError) as error:
        raise SpeechFailed(f"espeak-ng gave no sound: {str(error) or 'it ended early'}") from error
    if rate_hz == SAMPLE_RATE_HZ or not samples.size:
        return samples.astype(np.int16)
    resampled = soxr.resample(samples.astype(np.float32), rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    limited: Samples = np.clip(np.round(resampled), -32768, 32767).astype(np.int16)
    return limited
