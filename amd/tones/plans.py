"""Call progress tones per country, as data. Frequencies in Hz, cadences in seconds on, off, on, off...

Sources: ITU-T E.180 Supplement 2 (various tones used in national networks) and Telcordia SR-2275 (SIT, North America).
"""

from dataclasses import dataclass

Cadence = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ProgressTone:
    """One tone of a national network: its band of frequencies (lowest, highest component) and cadence."""

    low_hz: float
    high_hz: float
    cadence_s: Cadence


@dataclass(frozen=True, slots=True)
class TonePlan:
    """The tones a caller hears in one country."""

    ringback: ProgressTone
    busy: ProgressTone
    congestion: ProgressTone


def _plan(low_hz: float, high_hz: float, ring: Cadence, busy: Cadence, congestion: Cadence) -> TonePlan:
    return TonePlan(
        ProgressTone(low_hz, high_hz, ring),
        ProgressTone(low_hz, high_hz, busy),
        ProgressTone(low_hz, high_hz, congestion),
    )


_EUROPE_RING = (1.0, 4.0)
_TWO_SHORT_RINGS = (0.4, 0.2, 0.4, 2.0)
PLANS: dict[str, TonePlan] = {
    "US": TonePlan(
        ProgressTone(440, 480, (2.0, 4.0)),
        ProgressTone(480, 620, (0.5, 0.5)),
        ProgressTone(480, 620, (0.25, 0.25)),
    ),
    "GB": TonePlan(
        ProgressTone(400, 450, _TWO_SHORT_RINGS),
        ProgressTone(400, 400, (0.375, 0.375)),
        ProgressTone(400, 400, (0.4, 0.35, 0.225, 0.525)),
    ),
    "ES": _plan(425, 425, (1.5, 3.0), (0.2, 0.2), (0.2, 0.2, 0.2, 0.2, 0.2, 0.6)),
    "MX": _plan(425, 425, (1.0, 4.0), (0.25, 0.25), (0.25, 0.25)),
    "BR": _plan(425, 425, (1.0, 4.0), (0.25, 0.25), (0.25, 0.25, 0.75, 0.25)),
    "AR": _plan(425, 425, (1.0, 4.5), (0.3, 0.2), (0.3, 0.4)),
    "CL": _plan(400, 400, (1.0, 3.0), (0.5, 0.5), (0.2, 0.2)),
    "CO": _plan(425, 425, (1.0, 4.0), (0.25, 0.25), (0.25, 0.25)),
    "PE": _plan(425, 425, (1.0, 4.0), (0.5, 0.5), (0.25, 0.25)),
    "VE": _plan(425, 425, (1.0, 4.0), (0.5, 0.5), (0.25, 0.25)),
    "CR": _plan(450, 450, (1.203, 4.797), (0.33, 0.33), (0.33, 0.33)),
    "PA": _plan(425, 425, (1.2, 4.65), (0.32, 0.32), (0.2, 0.2)),
    "DE": _plan(425, 425, _EUROPE_RING, (0.48, 0.48), (0.24, 0.24)),
    "FR": _plan(440, 440, (1.5, 3.5), (0.5, 0.5), (0.25, 0.25)),
    "IT": _plan(425, 425, _EUROPE_RING, (0.5, 0.5), (0.2, 0.2)),
    "PT": _plan(425, 425, (1.0, 5.0), (0.5, 0.5), (0.2, 0.2)),
    "NL": _plan(425, 425, _EUROPE_RING, (0.5, 0.5), (0.25, 0.25)),
    "BE": _plan(425, 425, (1.0, 3.0), (0.5, 0.5), (0.167, 0.167)),
    "CH": _plan(425, 425, _EUROPE_RING, (0.5, 0.5), (0.2, 0.2)),
    "AT": _plan(420, 420, (1.0, 5.0), (0.4, 0.4), (0.2, 0.2)),
    "PL": _plan(425, 425, _EUROPE_RING, (0.5, 0.5), (0.5, 0.5)),
    "SE": _plan(425, 425, (1.0, 5.0), (0.25, 0.25), (0.25, 0.75)),
    "BG": _plan(425, 425, _EUROPE_RING, (0.5, 0.5), (0.25, 0.25)),
    "CN": _plan(450, 450, _EUROPE_RING, (0.35, 0.35), (0.7, 0.7)),
    "CZ": _plan(425, 425, _EUROPE_RING, (0.33, 0.33), (0.165, 0.165)),
    "DK": _plan(425, 425, _EUROPE_RING, (0.5, 0.5), (0.2, 0.2)),
    "EE": _plan(425, 425, _EUROPE_RING, (0.3, 0.3), (0.2, 0.2)),
    "FI": _plan(425, 425, _EUROPE_RING, (0.3, 0.3), (0.2, 0.2)),
    "GR": _plan(425, 425, _EUROPE_RING, (0.3, 0.3), (0.2, 0.2)),
    "HU": _plan(425, 425, (1.25, 3.75), (0.3, 0.3), (0.3, 0.3)),
    "ID": _plan(425, 425, _EUROPE_RING, (0.5, 0.5), (0.25, 0.25)),
    "IL": _plan(414, 414, (1.0, 3.0), (0.5, 0.5), (0.25, 0.25)),
    "LT": _plan(425, 425, _EUROPE_RING, (0.35, 0.35), (0.2, 0.2)),
    "NO": _plan(425, 425, _EUROPE_RING, (0.5, 0.5), (0.2, 0.2)),
    "RU": _plan(425, 425, _EUROPE_RING, (0.35, 0.35), (0.175, 0.175)),
    "MY": _plan(425, 425, _TWO_SHORT_RINGS, (0.5, 0.5), (0.5, 0.5)),
    "NZ": TonePlan(
        ProgressTone(400, 450, _TWO_SHORT_RINGS),
        ProgressTone(400, 400, (0.5, 0.5)),
        ProgressTone(400, 400, (0.25, 0.25)),
    ),
    "PH": TonePlan(
        ProgressTone(425, 480, _EUROPE_RING),
        ProgressTone(480, 620, (0.5, 0.5)),
        ProgressTone(480, 620, (0.25, 0.25)),
    ),
    "SG": _plan(425, 425, _TWO_SHORT_RINGS, (0.75, 0.75), (0.25, 0.25)),
    "TH": _plan(400, 400, _EUROPE_RING, (0.5, 0.5), (0.3, 0.3)),
    "TW": TonePlan(
        ProgressTone(440, 480, (1.0, 2.0)),
        ProgressTone(480, 620, (0.5, 0.5)),
        ProgressTone(480, 620, (0.25, 0.25)),
    ),
    "ZA": TonePlan(
        ProgressTone(400, 433, _TWO_SHORT_RINGS),
        ProgressTone(400, 400, (0.5, 0.5)),
        ProgressTone(400, 400, (0.25, 0.25)),
    ),
    "AU": TonePlan(
        ProgressTone(400, 450, _TWO_SHORT_RINGS),
        ProgressTone(425, 425, (0.375, 0.375)),
        ProgressTone(425, 425, (0.375, 0.375)),
    ),
    "IN": TonePlan(
        ProgressTone(375, 425, _TWO_SHORT_RINGS),
        ProgressTone(400, 400, (0.75, 0.75)),
        ProgressTone(400, 400, (0.25, 0.25)),
    ),
    "JP": TonePlan(
        ProgressTone(384, 416, (1.0, 2.0)),
        ProgressTone(400, 400, (0.5, 0.5)),
        ProgressTone(400, 400, (0.5, 0.5)),
    ),
}
PLANS["CA"] = PLANS["PR"] = PLANS["DO"] = PLANS["US"]
PLANS["UY"] = PLANS["EC"] = PLANS["BO"] = PLANS["PY"] = PLANS["CO"]

PROGRESS_BAND_HZ = (330.0, 640.0)  # where every plan's tones lie


def plan_of(country: str) -> TonePlan:
    """The plan of an ISO 3166 alpha-2 country; Spain's (425 Hz, as in most of the world) when it is not listed."""
    return PLANS.get(country.upper(), PLANS["ES"])


# Telcordia SR-2275: first tone 913.8 or 985.2, second 1370.6 or 1428.5, third 1776.7 Hz; 276 (short) or 380 ms (long).
# Key: (first long, first high, second long, second high).
SIT_KINDS: dict[tuple[bool, bool, bool, bool], str] = {
    (False, False, False, False): "intercept",
    (True, True, False, False): "vacant code",
    (False, False, True, True): "reorder, same carrier",
    (False, True, True, False): "reorder, other carrier",
    (True, True, True, True): "no circuit, same carrier",
    (True, False, True, False): "no circuit, other carrier",
    (True, False, False, True): "ineffective or other",
    (False, True, False, True): "future use",
}
