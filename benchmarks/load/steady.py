"""A campaign that dials at one rate whatever happens: its law, its text, its leads."""

import random
from collections.abc import Iterator
from typing import Any

from campaigns.ids import new_id
from campaigns.lead import Lead
from dialer.pacing.plan import PacingEvent, Plan, Snapshot
from dialer.pacing.simple import bounded

# Numbers of a range that nobody has (server/demo/numbering.py), called by SIPp on the loopback only.
_PREFIX, _DIGITS = "+34788", 6
_TEXT = """
campaign_id = "load"
name = "Load"
seller = "Luz del Norte (empresa ficticia)"
caller_id = "+34788000000"
lists = ["load"]
trunks = ["carrier"]
mode = "ratio"
purpose = "research"
country = "ES"
ring_timeout_s = 20
recording = {recording}

[hours]
windows = ["mon-sun 00:00-24:00"]
on_holidays = true

[limits]
calls_per_s = 200
channels = 2000

[wrap_up]
max_s = 1
"""


class SteadyLaw:
    """Places `rate` calls in each tick of a second, whoever is free."""

    name = "steady"

    def __init__(self, rate: float) -> None:
        """Place `rate` calls a second."""
        self._rate = rate

    def plan(self, snapshot: Snapshot) -> Plan:
        """The rate, within channels and leads."""
        return bounded(int(self._rate), snapshot)

    def observe(self, event: PacingEvent) -> None:
        """Nothing to learn."""


def campaign_text(options: dict[str, Any]) -> str:
    """The campaign's file."""
    return _TEXT.format(recording="true" if options.get("recording") else "false")


def leads(count: int, now_s: float, rng: random.Random) -> Iterator[Lead]:
    """Leads with numbers of their own."""
    for number in range(count):
        yield Lead(new_id(now_s, rng), "load", f"{_PREFIX}{number:0{_DIGITS}d}")
