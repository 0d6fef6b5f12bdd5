"""What the manager interface tells us, typed. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class AmiEvent:
    """Something the observer saw. at_s: monotonic seconds."""

    at_s: float


@dataclass(frozen=True, slots=True)
class FullyBooted(AmiEvent):
    """Asterisk has loaded everything (told once after each login too)."""


class ContactState(StrEnum):
    """Whether a phone or trunk can be reached."""

    REACHABLE = "reachable"
    UNREACHABLE = "unreachable"
    REMOVED = "removed"
    UNKNOWN = "unknown"  # registered, not asked yet


@dataclass(frozen=True, slots=True)
class ContactChanged(AmiEvent):
    """A contact of an endpoint came, went or changed. rtt_ms: round trip of the last qualification."""

    aor: str
    uri: str
    state: ContactState
    rtt_ms: float | None


@dataclass(frozen=True, slots=True)
class RegistrationChanged(AmiEvent):
    """Our registration at a carrier changed."""

    domain: str
    username: str
    registered: bool
    status: str


@dataclass(frozen=True, slots=True)
class MediaQuality(AmiEvent):
    """One RTCP report about a channel. jitter_ms at 8 kHz, lost_fraction 0..1, rtt_ms None when unknown.

    sent: the far end's report on what we sent; otherwise our report on what we received.
    """

    channel: str
    sent: bool
    jitter_ms: float
    lost_fraction: float
    lost_total: int
    rtt_ms: float | None


@dataclass(frozen=True, slots=True)
class Registration:
    """A registration of ours at a carrier, as Asterisk lists it."""

    name: str
    server_uri: str
    status: str

    @property
    def registered(self) -> bool:
        """Whether the carrier knows where we are."""
        return self.status == "Registered"


_CONTACT_STATES = {
    "Reachable": ContactState.REACHABLE,
    "Unreachable": ContactState.UNREACHABLE,
    "Removed": ContactState.REMOVED,
    "Unqualified": ContactState.REACHABLE,
    "NonQualified": ContactState.REACHABLE,
    "Created": ContactState.UNKNOWN,
    "Updated": ContactState.UNKNOWN,
}
WANTED = ("FullyBooted", "ContactStatus", "Registry", "RTCPSent", "RTCPReceived")
_RTP_CLOCK_HZ = 8000


def _number(raw: Mapping[str, str], key: str) -> float | None:
    try:
        return float(raw.get(key, ""))
    except ValueError:
        return None


def read_event(raw: Mapping[str, str], at_s: float) -> AmiEvent | None:
    """One manager event as a typed one, or None when it is of no use. Fields are read by their lower-case names."""
    kind = raw.get("event", "")
    if kind == "FullyBooted":
        return FullyBooted(at_s)
    if kind == "ContactStatus":
        state = _CONTACT_STATES.get(raw.get("contactstatus", ""), ContactState.UNKNOWN)
        rtt_us = _number(raw, "roundtripusec")
        rtt_ms = None if rtt_us is None else rtt_us / 1000
        return ContactChanged(at_s, raw.get("aor", ""), raw.get("uri", ""), state, rtt_ms)
    if kind == "Registry":
        status = raw.get("status", "")
        return RegistrationChanged(at_s, raw.get("domain", ""), raw.get("username", ""), status == "Registered", status)
    if kind in ("RTCPSent", "RTCPReceived"):
        return _quality(raw, at_s, received=kind == "RTCPReceived")
    return None


def _quality(raw: Mapping[str, str], at_s: float, *, received: bool) -> MediaQuality | None:
    """RFC 3550 section 6.4.1: jitter in RTP clock units, fraction lost in 1/256."""
    jitter = _number(raw, "report0iajitter")
    if jitter is None:
        return None
    lost = _number(raw, "report0fractionlost") or 0.0
    total = int(_number(raw, "report0cumulativelost") or 0)
    rtt_s = _number(raw, "rtt")
    return MediaQuality(
        at_s,
        channel=raw.get("channel", ""),
        sent=received,
        jitter_ms=1000 * jitter / _RTP_CLOCK_HZ,
        lost_fraction=lost / 256,
        lost_total=total,
        rtt_ms=None if rtt_s is None else 1000 * rtt_s,
    )
