"""Any sound file in, the house's one audio format out: (n,) int16, 8 kHz, mono."""

import contextlib
import io
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from media.frames import SAMPLE_RATE_HZ

HEADERLESS: dict[str, tuple[str, int]] = {
    **dict.fromkeys((".sln", ".raw", ".slin"), ("PCM_16", 8000)),
    **dict.fromkeys((".ulaw", ".ul", ".ulw", ".mu", ".pcm"), ("ULAW", 8000)),
    **dict.fromkeys((".alaw", ".al", ".alw"), ("ALAW", 8000)),
    **{f".sln{khz}": ("PCM_16", 1000 * khz) for khz in (12, 16, 24, 32, 48)},
    ".gsm": ("GSM610", 8000),
}
"""Suffixes of files without a header as Asterisk writes them, mono: libsndfile's coding and the rate in Hz."""
MAX_DURATION_S = 900.0
_CUT_OFF = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)  # libsndfile's own words
_CUT = "cut off: its header promises more sound than the file holds"
_BLOCK = 4096  # frames: of a file that is cut off, what comes before the last block is kept


class SoundFileUnusable(ValueError):
    """A sound file cannot be used; the message names the file, what is wrong and what would be right."""


def load(path: Path, max_duration_s: float = MAX_DURATION_S) -> NDArray[np.int16]:
    """Read a sound file of any rate, width and channel count that libsndfile knows (WAV, FLAC, Ogg, MP3, AU, AIFF).

    A cut-off file gives what it still holds. Raises SoundFileUnusable when there is no audio to be had.
    """
    try:
        samples = _load_any(path, max_duration_s)
    except FileNotFoundError:
        raise SoundFileUnusable(f"{path}: no such sound file") from None
    except OSError as error:
        raise SoundFileUnusable(f"{path}: cannot be read: {error.strerror}") from error
    if not samples.size:
        raise SoundFileUnusable(f"{path}: holds no audio")
    if len(samples) > max_duration_s * SAMPLE_RATE_HZ:
        raise SoundFileUnusable(f"{path}: is longer than {max_duration_s:g} s")
    return samples


def _load_any(path: Path, max_duration_s: float) -> NDArray[np.int16]:
    with path.open("rb") as file:
        if file.read(1) == b"":
            raise SoundFileUnusable(f"{path}: is empty")
    try:
        with _opened(path) as sound:
            rate_hz = sound.samplerate
            data = _read_up_to(sound, int((max_duration_s + 1) * rate_hz))
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        raise SoundFileUnusable(
            f"{path}: is not a sound file that can be read (WAV, FLAC, Ogg or MP3): {error}"
        ) from error
    mono = np.nan_to_num(data.mean(axis=1), nan=0.0, posinf=1.0, neginf=-1.0) if len(data) else np.zeros(0)
    if rate_hz != SAMPLE_RATE_HZ and mono.size:
        mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    samples: NDArray[np.int16] = np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)
    return samples


def _opened(path: Path) -> soundfile.SoundFile:
    if path.suffix.lower() in HEADERLESS:
        coding, rate_hz = HEADERLESS[path.suffix.lower()]
        return soundfile.SoundFile(path, "r", rate_hz, 1, coding, "FILE", "RAW")
    sound = soundfile.SoundFile(path)
    if sound.frames or sound.format != "WAV":
        return sound
    sound.close()
    return soundfile.SoundFile(_with_its_length(path.read_bytes()))


def _with_its_length(wav: bytes) -> io.BytesIO:
    """A WAV whose writer died before it told the length: the header says 0, and the sound is there."""
    place = wav.find(b"data", 12)
    there = len(wav) - place - 8
    if place > 0 and there > 0 and wav[place + 4 : place + 8] == bytes(4):
        wav = wav[: place + 4] + there.to_bytes(4, "little") + wav[place + 8 :]
    return io.BytesIO(wav)


def _read_up_to(sound: soundfile.SoundFile, frames: int) -> NDArray[np.float32]:
    """All there is, (n, channels). Raises what libsndfile says when it is nothing; what was cut off gives its whole."""
    blocks: list[NDArray[np.float32]] = []
    try:
        while frames > 0 and len(block := sound.read(min(frames, _BLOCK), dtype="float32", always_2d=True)):
            blocks.append(block)
            frames -= len(block)
    except soundfile.SoundFileError:
        if not blocks:
            raise
    return np.concatenate(blocks) if blocks else np.zeros((0, sound.channels), dtype=np.float32)


def oddities(path: Path) -> list[str]:
    """What `load` does to a sound file that is not 8 kHz, mono and whole, in words; empty for one that is."""
    with _opened(path) as sound:
        words = []
        if sound.samplerate != SAMPLE_RATE_HZ:
            words.append(f"{sound.samplerate} Hz, changed to {SAMPLE_RATE_HZ}")
        if sound.channels != 1:
            words.append(f"{sound.channels} channels, mixed to one")
        cut = _CUT_OFF.search(sound.extra_info)
        if cut and int(cut[1]) > int(cut[2]) > 0:
            words.append(_CUT)
        elif isinstance(sound.name, io.BytesIO):
            words.append("never finished: its header promises no sound, what it holds was read")
        if sound.format == "FLAC" and sound.frames > len(_read_up_to(sound, sound.frames)):
            words.append(_CUT)
        if sound.subtype in ("FLOAT", "DOUBLE") and not np.isfinite(_read_up_to(sound, sound.frames)).all():
            words.append("holds values that are no numbers, taken for silence or full scale")
    return words


def save(path: Path, samples: NDArray[np.int16], rate_hz: int = SAMPLE_RATE_HZ) -> None:
    """Write samples ((n,) or (n, channels) int16) as WAV or FLAC, by the suffix. It appears whole or not at all."""
    with replacing(path) as file:
        soundfile.write(file, samples, rate_hz, format=path.suffix[1:].upper(), subtype="PCM_16")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Write a file that takes the place of `path` when the context ends well, and leaves nothing when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # Asterisk reads it as another user
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
