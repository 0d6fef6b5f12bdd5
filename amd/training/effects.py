"""What a telephone network does to a voice, with chance passed in: level, tilt, codecs, loss, rooms, other people."""

import io
from collections.abc import Sequence

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from amd.training.clips import Wave, envelope_db, pauses
from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ
from media.g711 import alaw_decode, alaw_encode, ulaw_decode, ulaw_encode

Chance = np.random.Generator


def rms_db(wave: Wave) -> float:
    """Level of the louder half of a wave, so that pauses do not count."""
    size = FRAME_SAMPLES
    frames = wave[: len(wave) // size * size].reshape(-1, size)
    if not len(frames):
        return -96.0
    power = np.sort(np.mean(frames**2, axis=1))[len(frames) // 2 :]
    return float(10 * np.log10(np.mean(power) + 1e-10))


def at_level(wave: Wave, level_db: float) -> Wave:
    """Bring a wave to a level in dBFS."""
    return wave * np.float32(10 ** ((level_db - rms_db(wave)) / 20))


def faster(wave: Wave, factor: float) -> Wave:
    """Play faster (pitch moves too)."""
    return np.asarray(soxr.resample(wave, SAMPLE_RATE_HZ * factor, SAMPLE_RATE_HZ, quality="LQ"), dtype=np.float32)


def tilted(wave: Wave, chance: Chance) -> Wave:
    """A random telephone or studio: gentle slope and band edges in the frequency domain."""
    size = 1 << (len(wave) - 1).bit_length()  # other lengths are slow
    spectrum = np.fft.rfft(wave, size)
    hz = np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)
    slope_db = chance.uniform(-5, 5)
    gain_db = slope_db * np.log2(np.maximum(hz, 100) / 1000)
    low_hz, high_hz = chance.uniform(50, 350), chance.uniform(3200, 4000)
    gain_db -= 24 * np.maximum(0, np.log2(low_hz / np.maximum(hz, 20)))
    gain_db -= 60 * np.maximum(0, np.log2(np.maximum(hz, 20) / high_hz))
    bump_hz = chance.uniform(300, 3000)
    gain_db += chance.uniform(-5, 5) * np.exp(-((np.log2(np.maximum(hz, 20) / bump_hz)) ** 2) / 0.3)
    return np.fft.irfft(spectrum * 10 ** (gain_db / 20), size)[: len(wave)].astype(np.float32)


def roomy(wave: Wave, chance: Chance) -> Wave:
    """Said in a room: the wave and its echoes, noise that dies away within 0.1 to 0.5 s, 4 to 16 dB under it."""
    length = int(chance.uniform(0.1, 0.5) * SAMPLE_RATE_HZ)
    decay = np.exp(-6.9 * np.arange(length) / length)  # 60 dB
    echoes = chance.normal(0, 1, length) * decay
    echoes *= 10 ** (-chance.uniform(4, 16) / 20) / np.sqrt(np.sum(echoes**2))
    echoes[: int(0.002 * SAMPLE_RATE_HZ)] = 0.0
    echoes[0] = 1.0
    size = 1 << (len(wave) + length - 1).bit_length()
    heard = np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(echoes, size), size)
    return np.asarray(heard[: len(wave) + length // 3], dtype=np.float32)


def with_dynamics(wave: Wave, factor: float) -> Wave:
    """Make a voice livelier (over 1) or flatter (under 1): its level's distance from the peak times the factor."""
    level = envelope_db(wave)
    if len(level) < 5:
        return wave
    smooth = np.convolve(level, np.full(5, 0.2), mode="same")
    under_db = np.clip(smooth - np.percentile(smooth, 95), -24.0, 0.0)
    gain_db = np.interp(np.arange(len(wave)), np.arange(len(level)) * 80 + 40, under_db * (factor - 1.0))
    return np.asarray(wave * 10 ** (gain_db / 20), dtype=np.float32)


def stretch_pauses(wave: Wave, chance: Chance, low_s: float = 0.4, high_s: float = 1.0, share: float = 0.8) -> Wave:
    """Give most pauses inside a prompt a new length: makers differ, and 0.7-0.85 s between sentences is common."""
    out = []
    at = 0
    for first, last in pauses(wave):
        if chance.random() > share:
            continue
        middle = (first + last) // 2
        wanted = int(chance.uniform(low_s, high_s) * SAMPLE_RATE_HZ)
        missing = wanted - (last - first)
        keep = wave[at:middle] if missing >= 0 else wave[at : max(at, middle + missing // 2)]
        out.append(keep)
        if missing > 0:
            quiet = wave[first:last]
            fill = np.zeros(missing, dtype=np.float32) if chance.random() < 0.5 else np.resize(quiet, missing)
            out.append(fill)
        at = middle if missing >= 0 else min(len(wave), middle - missing // 2)
    out.append(wave[at:])
    return np.concatenate(out)


def gated(wave: Wave, under_peak_db: float = 34.0) -> Wave:
    """Digital silence in the pauses, as studios and noise gates leave it."""
    out = wave.copy()
    for first, last in pauses(wave, 0.08, under_peak_db):
        out[first:last] = 0.0
    return out


def to_int16(wave: Wave) -> NDArray[np.int16]:
    """Full scale 1.0 to int16, clipped."""
    samples: NDArray[np.int16] = np.clip(np.rint(wave * 32767.0), -32768, 32767).astype(np.int16)
    return samples


def through_codec(samples: NDArray[np.int16], subtype: str) -> NDArray[np.int16]:
    """One round trip through ULAW, ALAW or GSM610."""
    if subtype == "ULAW":
        return ulaw_decode(ulaw_encode(samples))
    if subtype == "ALAW":
        return alaw_decode(alaw_encode(samples))
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, SAMPLE_RATE_HZ, format="WAV", subtype=subtype)
    buffer.seek(0)
    back = soundfile.read(buffer, dtype="int16")[0]
    out: NDArray[np.int16] = np.zeros(len(samples), dtype=np.int16)
    out[: min(len(back), len(out))] = back[: len(out)]
    return out


def with_loss(samples: NDArray[np.int16], chance: Chance, share: float) -> NDArray[np.int16]:
    """Drop 20 ms frames at random; some receivers repeat the last frame, fading, others play nothing."""
    out = samples.copy()
    frames = out[: len(out) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    repeats = chance.random() < 0.3
    for at in np.flatnonzero(chance.random(len(frames)) < share):
        frames[at] = frames[at - 1] // 2 if repeats and at else 0
    return out


def background(waves: Sequence[Wave], length: int, level_db: float, chance: Chance) -> Wave:
    """Background of a length at a level: pieces of other recordings, one after the other."""
    pieces: list[Wave] = []
    total = 0
    while total < length:
        piece = waves[int(chance.integers(len(waves)))]
        start = int(chance.integers(max(1, len(piece) - SAMPLE_RATE_HZ)))
        pieces.append(piece[start:])
        total += len(pieces[-1])
    return at_level(np.concatenate(pieces)[:length], level_db)
