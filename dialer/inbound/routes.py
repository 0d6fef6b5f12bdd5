"""Where a number that people call leads to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """What a number that people call leads to: a flow, a queue or an agent, the first that is named."""

    did: str
    flow: str = ""
    queue: str = ""
    agent: str = ""
    language: str = "es"


def known_number(caller: str) -> str:
    """The caller's number, "" when the network tells none: it writes "anonymous", "restricted" and other words then."""
    return caller if any(mark.isdigit() for mark in caller) else ""


def number_key(number: str) -> str:
    """A called number as routes are keyed: digits only, without the international prefix 00."""
    digits = "".join(mark for mark in number if mark.isdigit() or mark in "*#")
    return digits.removeprefix("00")
