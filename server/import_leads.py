"""A CSV file into a lead list, batch by batch, with a report of every row that was left out."""

import asyncio
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from campaigns.clock import Clock
from campaigns.ids import new_id
from campaigns.lead_import import ImportBatch, ImportOptions, Rejection, read_leads
from storage.port import LeadList, LeadStore, ListStore

_CHUNK_BYTES = 1 << 20
_BATCH_ROWS = 2000


@dataclass(slots=True)
class ImportReport:
    """What became of a file. rows = added + duplicates + len(rejections)."""

    added: int = 0
    duplicates: int = 0
    rejections: list[Rejection] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows that were read."""
        return self.added + self.duplicates + len(self.rejections)


class LeadImporter:
    """Imports files into lists; parsing runs in a thread, every batch is committed on its own."""

    def __init__(self, leads: LeadStore, lists: ListStore, clock: Clock, rng: random.Random) -> None:
        """Write to `leads`; ids are made from the clock and chance."""
        self._leads = leads
        self._lists = lists
        self._clock = clock
        self._rng = rng

    async def file(self, path: Path, list_id: str, region: str) -> ImportReport:
        """Import a file. Raises LeadFileError when it is no lead file at all; nothing was imported then."""
        return await self.chunks(_chunks_of(path), list_id, region)

    async def chunks(
        self, chunks: Iterable[bytes], list_id: str, region: str, columns: Mapping[str, str] | None = None
    ) -> ImportReport:
        """Import bytes as they come. columns: field of a lead -> header name, where nobody would guess it."""
        if await self._lists.get(list_id) is None:
            await self._lists.put(LeadList(list_id, list_id, self._clock.now_s()))
        report = ImportReport()
        options = ImportOptions(list_id, region, columns or {}, batch_size=_BATCH_ROWS)
        batches = read_leads(chunks, options, lambda: new_id(self._clock.now_s(), self._rng))
        while (batch := await asyncio.to_thread(_next, batches)) is not None:
            counts = await self._leads.add(batch.leads)
            report.added += counts.added
            report.duplicates += counts.duplicates
            report.rejections += batch.rejections
        return report


def _next(batches: Iterator[ImportBatch]) -> ImportBatch | None:
    return next(batches, None)


def _chunks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
