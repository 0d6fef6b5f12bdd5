"""Synthetic far ends: tones by their standards, and speech-like bursts (a buzz through vowel-like resonances)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
Samples = NDArray[np.int16]


def seconds(length_s: float) -> int:
    return round(length_s * RATE_HZ)


def tones(parts: Sequence[tuple[Sequence[float], float]], level_db: float = -20.0) -> NDArray[np.float64]:
    """Sums of sines, each part (frequencies in Hz, seconds); no frequency means silence."""
    out = []
    for frequencies, length_s in parts:
        time_s = np.arange(seconds(length_s)) / RATE_HZ
        waves = [np.sin(2 * np.pi * hz * time_s) for hz in frequencies]
        out.append(np.sum(waves, axis=0) / max(1, len(waves)) if waves else np.zeros(len(time_s)))
    return np.concatenate(out) * 10 ** (level_db / 20) * np.sqrt(2)


def speech(length_s: float, level_db: float = -20.0, seed: int = 1) -> NDArray[np.float64]:
    """A voiced burst: gliding pitch, moving formants, syllables at 4 Hz. Not a voice, but voice activity."""
    chance = np.random.default_rng(seed)
    count = seconds(length_s)
    time_s = np.arange(count) / RATE_HZ
    pitch_hz = 130 + 25 * np.sin(2 * np.pi * 0.7 * time_s + chance.uniform(0, 6))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    formants_hz = [500 + 150 * np.sin(5 * time_s), 1500 + 400 * np.sin(7 * time_s + 1)]
    wave = np.zeros(count)
    for k in range(1, 25):
        harmonic_hz = k * pitch_hz
        gain = sum(1 / (1 + ((harmonic_hz - f) / 150) ** 2) for f in formants_hz)
        wave += gain * np.sin(k * phase) * (harmonic_hz < 3600)
    envelope = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time_s)
    wave *= envelope
    return wave / (np.sqrt(np.mean(wave**2)) + 1e-9) * 10 ** (level_db / 20)


def call(*parts: NDArray[np.float64], lead_s: float = 0.5, tail_s: float = 7.0, noise_db: float = -62.0) -> Samples:
    """A recorded call: quiet, the parts, quiet, line noise all over."""
    whole = np.concatenate([np.zeros(seconds(lead_s)), *parts, np.zeros(seconds(tail_s))])
    whole = whole + np.random.default_rng(7).normal(0, 10 ** (noise_db / 20), len(whole))
    return np.clip(whole * 32767, -32768, 32767).astype(np.int16)
