"""Tones of the telephone network, as (n,) int16 at 8 kHz. Levels are RMS dBFS of the whole tone (see media.levels).

Call progress cadences come from ITU-T E.180 supplement 2 as collected in Asterisk's indications.conf; special
information tones from ITU-T E.180 and Telcordia GR-1162; fax tones from ITU-T T.30 and V.8.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from media.frames import SAMPLE_RATE_HZ

FADE_S = 0.002


def silence(duration_s: float) -> NDArray[np.int16]:
    """Digital silence."""
    return np.zeros(round(duration_s * SAMPLE_RATE_HZ), np.int16)


def tone(
    frequencies_hz: Sequence[float], duration_s: float, level_dbfs: float = -18.0, fade_s: float = FADE_S
) -> NDArray[np.int16]:
    """One tone of one or more equally strong frequencies, with faded edges so that it does not click."""
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    wave = np.sum([np.sin(2 * np.pi * hz * time_s) for hz in frequencies_hz], axis=0)
    amplitude = 32768 * 10 ** (level_dbfs / 20) * np.sqrt(2 / len(frequencies_hz))
    return _to_int16(amplitude * wave * _fade(len(time_s), fade_s))


def _fade(count: int, fade_s: float) -> NDArray[np.float64]:
    edge = min(round(fade_s * SAMPLE_RATE_HZ), count // 2)
    shape = np.ones(count)
    if edge:
        ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
        shape[:edge], shape[-edge:] = ramp, ramp[::-1]
    return shape


def _to_int16(wave: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.clip(np.round(wave), -32768, 32767).astype(np.int16)


@dataclass(frozen=True, slots=True)
class Beat:
    """One step of a cadence: frequencies in Hz (none for silence) and its length in seconds."""

    frequencies_hz: tuple[float, ...]
    duration_s: float


@dataclass(frozen=True, slots=True)
class CountryTones:
    """One network's call progress tones, each as one period of its cadence."""

    ringback: tuple[Beat, ...]
    busy: tuple[Beat, ...]
    congestion: tuple[Beat, ...]


def _beats(*frequencies_hz: float, ms: Sequence[int]) -> tuple[Beat, ...]:
    """On and off in turn, in milliseconds."""
    return tuple(Beat(() if index % 2 else frequencies_hz, length / 1000) for index, length in enumerate(ms))


COUNTRIES: dict[str, CountryTones] = {
    "BR": CountryTones(_beats(425, ms=(1000, 4000)), _beats(425, ms=(250, 250)), _beats(425, ms=(250, 250, 750, 250))),
    "CL": CountryTones(_beats(400, ms=(1000, 3000)), _beats(400, ms=(500, 500)), _beats(400, ms=(200, 200))),
    "DE": CountryTones(_beats(425, ms=(1000, 4000)), _beats(425, ms=(480, 480)), _beats(425, ms=(240, 240))),
    "ES": CountryTones(
        _beats(425, ms=(1500, 3000)), _beats(425, ms=(200, 200)), _beats(425, ms=(200, 200, 200, 200, 200, 600))
    ),
    "FR": CountryTones(_beats(440, ms=(1500, 3500)), _beats(440, ms=(500, 500)), _beats(440, ms=(250, 250))),
    "GB": CountryTones(
        _beats(400, 450, ms=(400, 200, 400, 2000)), _beats(400, ms=(375, 375)), _beats(400, ms=(400, 350, 225, 525))
    ),
    "MX": CountryTones(_beats(425, ms=(1000, 4000)), _beats(425, ms=(250, 250)), _beats(425, ms=(250, 250))),
    "PT": CountryTones(_beats(425, ms=(1000, 5000)), _beats(425, ms=(500, 500)), _beats(425, ms=(200, 200))),
    "US": CountryTones(
        _beats(440, 480, ms=(2000, 4000)), _beats(480, 620, ms=(500, 500)), _beats(480, 620, ms=(250, 250))
    ),
}
"""Call progress tones by ISO 3166 alpha-2 country."""


def cadence(beats: Sequence[Beat], duration_s: float, level_dbfs: float = -18.0) -> NDArray[np.int16]:
    """Repeat a cadence for `duration_s`."""
    period = np.concatenate(
        [
            tone(beat.frequencies_hz, beat.duration_s, level_dbfs) if beat.frequencies_hz else silence(beat.duration_s)
            for beat in beats
        ]
    )
    return np.resize(period, round(duration_s * SAMPLE_RATE_HZ))


class Sit(StrEnum):
    """Special information tones by what they announce (North America), and the one of every other network."""

    INTERCEPT = "intercept"
    VACANT = "vacant"
    REORDER = "reorder"
    NO_CIRCUIT = "no_circuit"
    ITU = "itu"


_SHORT_S, _LONG_S = 0.274, 0.380
SIT_SEGMENTS: dict[Sit, tuple[Beat, ...]] = {
    Sit.INTERCEPT: (Beat((913.8,), _SHORT_S), Beat((1370.6,), _SHORT_S), Beat((1776.7,), _LONG_S)),
    Sit.VACANT: (Beat((985.2,), _LONG_S), Beat((1370.6,), _SHORT_S), Beat((1776.7,), _LONG_S)),
    Sit.REORDER: (Beat((913.8,), _SHORT_S), Beat((1428.5,), _LONG_S), Beat((1776.7,), _LONG_S)),
    Sit.NO_CIRCUIT: (Beat((985.2,), _LONG_S), Beat((1428.5,), _LONG_S), Beat((1776.7,), _LONG_S)),
    Sit.ITU: (Beat((950,), 0.330), Beat((1400,), 0.330), Beat((1800,), 0.330)),
}


def sit(kind: Sit, level_dbfs: float = -24.0) -> NDArray[np.int16]:
    """The three segments of a special information tone, without gaps (up to 30 ms are allowed)."""
    return np.concatenate([tone(beat.frequencies_hz, beat.duration_s, level_dbfs) for beat in SIT_SEGMENTS[kind]])


def fax_calling(cycles: int = 3, level_dbfs: float = -18.0) -> NDArray[np.int16]:
    """CNG, the tone of a calling fax: 1100 Hz, 0.5 s every 3.5 s (T.30)."""
    return cadence((Beat((1100,), 0.5), Beat((), 3.0)), 3.5 * cycles, level_dbfs)


def fax_answering(duration_s: float = 3.0, level_dbfs: float = -18.0) -> NDArray[np.int16]:
    """CED, the tone of an answering fax: 2100 Hz for 2.6 to 4 s (T.30)."""
    return tone((2100,), duration_s, level_dbfs)


def modem_answering(duration_s: float = 3.0, level_dbfs: float = -18.0) -> NDArray[np.int16]:
    """ANSam: 2100 Hz, 20 % amplitude modulated by 15 Hz, its phase turned every 450 ms (V.8)."""
    time_s = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    turned = np.where(np.floor(time_s / 0.450) % 2, -1.0, 1.0)
    wave = np.sin(2 * np.pi * 2100 * time_s) * turned * (1 + 0.2 * np.sin(2 * np.pi * 15 * time_s))
    amplitude = 32768 * 10 ** (level_dbfs / 20) * np.sqrt(2 / 1.02)
    return _to_int16(amplitude * wave * _fade(len(time_s), FADE_S))


def voicemail_beep(
    frequency_hz: float = 1000.0, duration_s: float = 0.4, level_dbfs: float = -15.0
) -> NDArray[np.int16]:
    """The beep after a voicemail greeting: measured ones have 660 to 1336 Hz and 240 to 780 ms."""
    return tone((frequency_hz,), duration_s, level_dbfs, fade_s=0.01)
