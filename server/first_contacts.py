"""First-contact resolution as metrics: worked out now and then, because it looks at weeks of calls."""

import asyncio

from agents.first_contact import DAY_S, closed_window, total
from campaigns.clock import Clock
from dialer.events import EventSink, Trouble
from server.metrics import Metrics
from storage.calls import CallStore
from storage.errors import StorageError

_EVERY_S = 900.0


class FirstContactGauges:
    """The gauges timbre_first_contact*. `run` it in a supervisor."""

    def __init__(self, days: float, calls: CallStore, clock: Clock, sink: EventSink, metrics: Metrics) -> None:
        """days: within which a second call means that the first one did not help."""
        self._within_s = days * DAY_S
        self._calls = calls
        self._clock = clock
        self._sink = sink
        self._metrics = metrics

    async def run(self) -> None:
        """Count every quarter of an hour until cancelled."""
        while True:
            await self.count()
            await asyncio.sleep(_EVERY_S)

    async def count(self) -> None:
        """Count now. A database that does not answer is told, and the last figures stay."""
        since_s, until_s = closed_window(self._clock.now_s(), self._within_s)
        try:
            found = total(await self._calls.first_contacts(since_s, until_s, self._within_s))
        except StorageError as error:
            words = f"first contacts could not be counted, the next try is in {_EVERY_S / 60:g} minutes: {error}"
            self._sink(Trouble(self._clock.now_s(), "figures", words))
            return
        self._metrics.show_first_contacts(found, self._within_s / DAY_S)
