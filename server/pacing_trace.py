"""Keeps the trace of every pacing decision: files of JSON lines in the var folder, the oldest thrown away.

Each file begins with the law's whole state, so that any file can be replayed by itself. What is heard is put into a
short queue; a worker thread turns it into text: the event loop never waits for a disk.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from campaigns.campaign import Campaign
from campaigns.clock import Clock
from dialer.events import DialerEvent, EventSink, PlanMade, Trouble
from dialer.pacing.ab_blocks import BlockBook
from dialer.pacing.plan import PacingLaw
from dialer.pacing.trace.codec import Line, Writer
from dialer.pacing.trace.records import about, fingerprint, line_of, state_line, to_bytes
from dialer.pacing.trace.state import StateError
from dialer.pacing_events import DialingHeld, LaunchFell, LawTaught, LeadRefused

_EVERY_S = 2.0
_MOST_WAITING = 20_000
TRACED = (PlanMade, LawTaught, DialingHeld, LaunchFell, LeadRefused)
_AB_FILE = "ab.jsonl"
Traced = PlanMade | LawTaught | DialingHeld | LaunchFell | LeadRefused


@dataclass(slots=True)
class _Campaign:
    """One campaign's open trace. size: bytes of the present file; fresh: the next plan begins a new file.

    law: whose state the file began with: a campaign that was stopped and started has a new one.
    """

    folder: Path
    waiting: deque[Traced | Line] = field(default_factory=deque)
    writer: Writer = field(default_factory=Writer)
    file: Path | None = None
    size: int = 0
    fresh: bool = True
    blocks: BlockBook | None = None
    law: PacingLaw | None = None


class PacingTrace:
    """`take` every event of the engine; `run` writes. Folder: one for each campaign."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        sink: EventSink,
        campaign_of: Callable[[str], Campaign | None],
        law_of: Callable[[str], PacingLaw | None],
        *,
        file_mb: float = 8.0,
        keep_mb: float = 512.0,
    ) -> None:
        """Keep at most `keep_mb` for each campaign, in files of about `file_mb`."""
        self._folder = folder
        self._clock = clock
        self._sink = sink
        self._campaign_of = campaign_of
        self._law_of = law_of
        self._file_bytes, self._keep_bytes = int(file_mb * 1e6), int(keep_mb * 1e6)
        self._campaigns: dict[str, _Campaign] = {}
        self._code = fingerprint()
        self._failing = False

    def take(self, event: DialerEvent) -> None:
        """Keep one event for the writer; the law's state is taken at once, while it is the one after this plan."""
        if not isinstance(event, TRACED):
            return
        trace = self._campaigns.setdefault(event.campaign_id, _Campaign(self._folder / event.campaign_id))
        if len(trace.waiting) >= _MOST_WAITING:  # the disk does not keep up: a gap, and a new start after it
            trace.waiting.clear()
            trace.waiting.append({"k": "gap", "w": event.at_s})
            trace.fresh = True
        law = self._law_of(event.campaign_id) if isinstance(event, PlanMade) else None
        starts = law is not None and (trace.fresh or law is not trace.law)
        if starts and (start := self._start(event.campaign_id)):
            trace.waiting.append(start)
        trace.waiting.append(event)
        if starts and law:
            trace.fresh, trace.law = False, law
            try:
                trace.waiting.append(state_line(law))
            except StateError as error:
                self._trouble(f"campaign {event.campaign_id}: its decisions are kept but cannot be replayed: {error}")

    async def run(self) -> None:
        """Write every two seconds, for ever."""
        while True:
            await asyncio.sleep(_EVERY_S)
            await self.flush()

    async def flush(self) -> None:
        """Write what is waiting. Trouble is told once and never touches a call."""
        work = []
        for trace in self._campaigns.values():
            items, trace.waiting = trace.waiting, deque()
            if items:
                work.append((trace, items))
        try:
            for trace, items in work:
                await asyncio.to_thread(self._write, trace, items)
            self._failing = False
        except OSError as error:
            if not self._failing:
                self._trouble(f"pacing decisions are not kept until this is mended: {error}")
            self._failing = True
            for trace, _ in work:
                trace.fresh, trace.file = True, None

    def _start(self, campaign_id: str) -> Line | None:
        campaign = self._campaign_of(campaign_id)
        return about(campaign, self._clock.now_s(), self._code).line() if campaign else None

    def _write(self, trace: _Campaign, items: deque[Traced | Line]) -> None:
        rows: list[bytes] = []
        for item in items:
            if isinstance(item, dict) and item["k"] == "start":
                self._append(trace, rows)
                self._begin(trace, item["at_s"])
            line = item if isinstance(item, dict) else line_of(item, trace.writer)
            if line is not None:
                rows.append(to_bytes(line))
            if isinstance(item, PlanMade):
                self._count_block(trace, item)
        self._append(trace, rows)
        if trace.size > self._file_bytes:
            trace.fresh = True

    def _begin(self, trace: _Campaign, at_s: float) -> None:
        trace.folder.mkdir(parents=True, exist_ok=True)
        name = datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H-%M-%S.%f")
        trace.file, trace.size, trace.writer = trace.folder / f"{name}.jsonl", 0, Writer()
        files = sorted(trace.folder.glob("2*.jsonl"))
        total = sum(file.stat().st_size for file in files)
        for file in files:
            if total <= self._keep_bytes - self._file_bytes:
                break
            total -= file.stat().st_size
            file.unlink(missing_ok=True)

    @staticmethod
    def _append(trace: _Campaign, rows: list[bytes]) -> None:
        if rows and trace.file:
            text = b"".join(rows)
            with trace.file.open("ab") as file:
                file.write(text)
            trace.size += len(text)
        rows.clear()

    def _count_block(self, trace: _Campaign, event: PlanMade) -> None:
        """Turns of an A/B test are summed up in a file of their own, which is never thrown away: a line for each."""
        campaign = self._campaign_of(event.campaign_id)
        if campaign is None or campaign.ab is None:
            return
        trace.blocks = trace.blocks or BlockBook(campaign)
        if done := trace.blocks.take(event.snapshot, event.plan):
            with (trace.folder / _AB_FILE).open("ab") as file:
                file.write(to_bytes(done.line()))

    def _trouble(self, words: str) -> None:
        self._sink(Trouble(self._clock.now_s(), "pacing trace", words))
