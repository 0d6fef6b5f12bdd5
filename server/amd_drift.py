"""The drift alarm of one node: verdicts in, one trouble with words when they moved, metrics, a file for restarts."""

import asyncio
import json
from pathlib import Path

from amd.drift import DriftWatch
from campaigns.clock import Clock
from dialer.events import DialerEvent, EventSink, Trouble, VerdictSaid
from media.soundfiles import replacing
from server.metrics import Metrics
from server.settings import DriftPart

_SAVE_EVERY_S = 60.0


class DriftAlarm:
    """`take` every event; `run` in a supervisor keeps the file."""

    def __init__(self, settings: DriftPart, file: Path, clock: Clock, sink: EventSink, metrics: Metrics) -> None:
        """Go on where the file ends, if there is one."""
        self.watch = DriftWatch(settings.recent, settings.reference)
        self._enabled = settings.enabled
        self._file = file
        self._clock = clock
        self._sink = sink
        self._metrics = metrics
        self._changed = False

    def take(self, event: DialerEvent) -> None:
        """Count first verdicts on answered calls; tell when they moved."""
        if not self._enabled or not isinstance(event, VerdictSaid):
            return
        verdict = event.verdict
        if verdict.early_media or verdict.settled:
            return
        self._changed = True
        drift = self.watch.take(event.campaign_id, event.trunk, verdict, event.at_s)
        if drift is not None:
            self._show()
            self._sink(Trouble(self._clock.now_s(), "amd", drift.words))

    async def run(self) -> None:
        """Read the file, then write it once a minute when something changed."""
        await asyncio.to_thread(self._read)
        while True:
            await asyncio.sleep(_SAVE_EVERY_S)
            await self.save()

    async def save(self) -> None:
        """Write the file now, if something changed. A file that cannot be written is told once a minute."""
        if not self._changed:
            return
        self._changed = False
        data = json.dumps(self.watch.as_json()).encode()
        try:
            await asyncio.to_thread(self._write, data)
        except OSError as error:
            words = f"{self._file}: what verdicts usually are cannot be kept for a restart: {error.strerror or error}"
            self._sink(Trouble(self._clock.now_s(), "amd", words))

    def _read(self) -> None:
        try:
            self.watch.restore(json.loads(self._file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError) as error:
            words = f"{self._file}: what verdicts usually are cannot be read, it is learnt anew: {error}"
            self._sink(Trouble(self._clock.now_s(), "amd", words))

    def _write(self, data: bytes) -> None:
        with replacing(self._file) as file:
            file.write(data)

    def _show(self) -> None:
        self._metrics.amd_drift.clear()
        for campaign_id, trunk, shift in self.watch.alarms():
            self._metrics.amd_drift.labels(campaign_id, trunk, shift.what).set(shift.now - shift.before)
