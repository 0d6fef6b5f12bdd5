"""Calls that are tones, synthesised by their standards on lines of every kind."""

from collections.abc import Callable, Sequence

import numpy as np

from amd.training import effects
from amd.training.calls import Call
from amd.training.clips import Wave
from amd.verdict import CallClass
from media.frames import SAMPLE_RATE_HZ

Chance = np.random.Generator
Parts = Sequence[tuple[Sequence[float], float]]


def tone_calls(
    each: int, seed: int, only: Sequence[CallClass] = (), cut: Callable[[Parts], Parts] = lambda parts: parts
) -> list[Call]:
    """`each` calls of every tone class, level -30 to -10 dBFS, noise -72 to -45 dBFS, half of them through a codec.

    only: of these classes, all when empty. cut: what is left of a sequence of tones.
    """
    chance = np.random.default_rng(seed)
    makers = {
        CallClass.SIT: _sit,
        CallClass.FAX: _fax,
        CallClass.BUSY: _busy,
        CallClass.RINGBACK: _ringback,
        CallClass.BEEP: _beep,
        CallClass.SILENCE: lambda _: ([((), 7.0)], "silence"),
    }
    calls = []
    for call_class, maker in makers.items():
        for _ in range(each if not only or call_class in only else 0):
            parts, subset = maker(chance)
            calls.append(_call(call_class, cut(parts), subset, chance))
    return calls


def _sit(chance: Chance) -> tuple[Parts, str]:
    if chance.random() < 0.3:
        return [((950,), 0.33), ((1400,), 0.33), ((1800,), 0.33)], "E.180"
    first = (913.8, 985.2)[int(chance.integers(2))], (0.276, 0.38)[int(chance.integers(2))]
    second = (1370.6, 1428.5)[int(chance.integers(2))], (0.276, 0.38)[int(chance.integers(2))]
    gap = ((), float(chance.uniform(0.0, 0.03)))
    return [((first[0],), first[1]), gap, ((second[0],), second[1]), gap, ((1776.7,), 0.38)], "SR-2275"


def _fax(chance: Chance) -> tuple[Parts, str]:
    if chance.random() < 0.3:
        return [((1100,), 0.5), ((), 3.0), ((1100,), 0.5)], "CNG"
    return [((), float(chance.uniform(0.2, 2.0))), ((2100,), 3.0)], "CED"


_BUSY: dict[str, tuple[Sequence[float], float, float]] = {
    "ES": ((425,), 0.2, 0.2),
    "MX": ((425,), 0.25, 0.25),
    "US": ((480, 620), 0.5, 0.5),
    "US congestion": ((480, 620), 0.25, 0.25),
    "GB": ((400,), 0.375, 0.375),
    "FR": ((440,), 0.5, 0.5),
    "DE": ((425,), 0.48, 0.48),
}
_RING: dict[str, Parts] = {
    "ES": [((425,), 1.5), ((), 3.0)],
    "MX": [((425,), 1.0), ((), 4.0)],
    "US": [((440, 480), 2.0), ((), 4.0)],
    "GB": [((400, 450), 0.4), ((), 0.2), ((400, 450), 0.4), ((), 2.0)],
    "FR": [((440,), 1.5), ((), 3.5)],
}


def _busy(chance: Chance) -> tuple[Parts, str]:
    name = sorted(_BUSY)[int(chance.integers(len(_BUSY)))]
    hz, on_s, off_s = _BUSY[name]
    return [(hz, on_s), ((), off_s)] * 8, name


def _ringback(chance: Chance) -> tuple[Parts, str]:
    name = sorted(_RING)[int(chance.integers(len(_RING)))]
    return [*_RING[name], *_RING[name]], name


def _beep(chance: Chance) -> tuple[Parts, str]:
    return [((float(chance.uniform(600, 1400)),), float(chance.uniform(0.2, 0.8)))], "one tone"


def _call(call_class: CallClass, parts: Parts, subset: str, chance: Chance) -> Call:
    waves: list[Wave] = [np.zeros(int(chance.uniform(0.2, 1.2) * SAMPLE_RATE_HZ), dtype=np.float32)]
    for frequencies, length_s in parts:
        time_s = np.arange(int(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        wave = np.zeros(len(time_s))
        for hz in frequencies:
            wave += np.sin(2 * np.pi * hz * time_s) / len(frequencies)
        waves.append(wave.astype(np.float32))
    waves.append(np.zeros(6 * SAMPLE_RATE_HZ, dtype=np.float32))
    level = np.float32(10 ** (chance.uniform(-30, -10) / 20) * np.sqrt(2))
    whole = np.concatenate(waves) * level
    end_s = (len(whole) - 6 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    whole = whole + chance.normal(0, 10 ** (chance.uniform(-72, -45) / 20), len(whole)).astype(np.float32)
    samples = effects.to_int16(whole)
    codec = (None, None, "ULAW", "GSM610")[int(chance.integers(4))]
    if codec is not None:
        samples = effects.through_codec(samples, codec)
    return Call(samples, call_class, end_s, subset, "tones", "synthesised", "")
