"""Any sound file in, the house's one audio format out: (n,) int16, 8 kHz, mono."""

import contextlib
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

RAW_SUFFIXES = frozenset({".sln", ".raw", ".slin"})
"""Headerless signed linear, 16 bit little endian, 8 kHz, mono: what Asterisk calls sln."""
MAX_DURATION_S = 900.0
_CUT_OFF = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)  # libsndfile's own words


class SoundFileUnusable(ValueError):
    """A sound file cannot be used; the message names the file, what is wrong and what would be right."""


def load(path: Path, max_duration_s: float = MAX_DURATION_S) -> NDArray[np.int16]:
    """Read a sound file of any rate, width and channel count that libsndfile knows (WAV, FLAC, Ogg, MP3, AU, AIFF).

    A cut-off file gives what it still holds. Raises SoundFileUnusable when there is no audio to be had.
    """
    try:
        if path.suffix.lower() in RAW_SUFFIXES:
            samples = _load_raw(path)
        else:
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


def _load_raw(path: Path) -> NDArray[np.int16]:
    data = path.read_bytes()
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.int16)


def _load_any(path: Path, max_duration_s: float) -> NDArray[np.int16]:
    with path.open("rb") as file:
        if file.read(1) == b"":
            raise SoundFileUnusable(f"{path}: is empty")
    try:
        with soundfile.SoundFile(path) as sound:
            rate_hz = sound.samplerate
            data = sound.read(int((max_duration_s + 1) * rate_hz), dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        raise SoundFileUnusable(
            f"{path}: is not a sound file that can be read (WAV, FLAC, Ogg or MP3): {error}"
        ) from error
    mono = np.nan_to_num(data.mean(axis=1), nan=0.0, posinf=1.0, neginf=-1.0)
    if rate_hz != SAMPLE_RATE_HZ and mono.size:
        mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ, quality="HQ")
    samples: NDArray[np.int16] = np.clip(np.round(mono * 32768), -32768, 32767).astype(np.int16)
    return samples


def oddities(path: Path) -> list[str]:
    """What `load` does to a sound file that is not 8 kHz, mono and whole, in words; empty for one that is."""
    if path.suffix.lower() in RAW_SUFFIXES:
        return []
    found = soundfile.info(path, verbose=True)
    words = []
    if found.samplerate != SAMPLE_RATE_HZ:
        words.append(f"{found.samplerate} Hz, changed to {SAMPLE_RATE_HZ}")
    if found.channels != 1:
        words.append(f"{found.channels} channels, mixed to one")
    cut = _CUT_OFF.search(found.extra_info)
    if cut and int(cut[1]) > int(cut[2]) > 0:
        words.append("cut off: its header promises more sound than the file holds")
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
