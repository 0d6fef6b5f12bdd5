"""Identifiers that Timbre invents: 26 characters, sortable by time, all of one length.

One length matters: Asterisk takes a channel id for a duplicate when a live one starts with it, case folded.
Format: ULID (48 bits of milliseconds, 80 random bits, Crockford base 32), in lower case.
"""

import hashlib
import random

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
ID_LENGTH = 26


def new_id(now_s: float, rng: random.Random) -> str:
    """Return a new identifier made from the time `now_s` (seconds since 1970, UTC) and chance."""
    return _written((int(now_s * 1000) << 80) | rng.getrandbits(80))


def key_of(name: str) -> str:
    """A 26-character key made from any name: the same name gives the same key, on every machine and after a restart."""
    value = int.from_bytes(hashlib.sha256(name.encode()).digest()[:17], "big") >> 6
    return _written(value)


def _written(value: int) -> str:
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])


def call_channel_id(attempt_id: str) -> str:
    """Asterisk's id of the channel that dials `attempt_id`: derived, so that a crash can never dial twice."""
    return f"{attempt_id}-call"


def tap_channel_id(attempt_id: str) -> str:
    """Asterisk's id of the audio tap on the call of `attempt_id`."""
    return f"{attempt_id}-tapc"


def tap_bridge_id(attempt_id: str) -> str:
    """Asterisk's id of the bridge that joins the call of `attempt_id` with its tap."""
    return f"{attempt_id}-tapb"


def leg_channel_id(agent_key: str) -> str:
    """Asterisk's id of an agent's standing leg; `agent_key` is the 26-character id given to the agent at creation."""
    return f"{agent_key}-legc"


def leg_bridge_id(agent_key: str) -> str:
    """Asterisk's id of the bridge in which an agent's standing leg is parked."""
    return f"{agent_key}-legb"


def agent_key_of(channel_id: str) -> str | None:
    """The agent's key that a channel or bridge id was derived from, or None for one that is no standing leg."""
    head, dash, tail = channel_id.rpartition("-")
    return head if dash and len(head) == ID_LENGTH and tail in {"legc", "legb"} else None


def attempt_id_of(channel_id: str) -> str | None:
    """The attempt that a channel or bridge id was derived from, or None for somebody else's."""
    head, dash, tail = channel_id.rpartition("-")
    return head if dash and len(head) == ID_LENGTH and tail in {"call", "tapc", "taps", "tapb"} else None
