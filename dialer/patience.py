"""Facts that must be written: a database that is busy, full or away is waited for, and the operator is told once."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from campaigns.attempt import Attempt, Move
from campaigns.clock import Clock
from campaigns.lead import LeadChange
from campaigns.outcome import Outcome
from dialer.events import EventSink, Trouble
from dialer.futures import failure_of, settle
from storage.errors import BadDatabaseUrl, SchemaTooNew, StorageConflict, StorageError
from storage.port import AttemptLog, Seen

_FIRST_PAUSE_S = 0.2
_LAST_PAUSE_S = 5.0
# Waiting mends none of these.
_HOPELESS = (StorageConflict, SchemaTooNew, BadDatabaseUrl)


class Patience:
    """Repeats writes until they are committed. Every write of the storage ports may be repeated with the same ids."""

    def __init__(self, clock: Clock, sink: EventSink, what: str) -> None:
        """what: what waits to be written, for the operator."""
        self._clock = clock
        self._sink = sink
        self._what = what
        self._waiting = 0
        self._trying: set[asyncio.Task[None]] = set()

    async def write(self, act: Callable[[], Awaitable[None]]) -> None:
        """Run `act` until it succeeds. Raises StorageConflict and what else waiting cannot mend."""
        try:
            await act()
        except _HOPELESS:
            raise
        except StorageError as error:
            await self._again(act, error)

    def begin(self, act: Callable[[], asyncio.Future[None]]) -> asyncio.Future[None]:
        """As `write`, begun at once; a task is made only when the first try fails."""
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            first = act()
        except StorageError as error:
            self._take(act, outcome, error)
        else:
            first.add_done_callback(lambda done: self._take(act, outcome, failure_of(done)))
        return outcome

    def _take(
        self, act: Callable[[], Awaitable[None]], outcome: asyncio.Future[None], fault: BaseException | None
    ) -> None:
        """Hand the first try's result on, or go on trying."""
        if isinstance(fault, StorageError) and not isinstance(fault, _HOPELESS):
            task = asyncio.create_task(self._again(act, fault), name=f"patience with {self._what}")
            self._trying.add(task)
            task.add_done_callback(self._trying.discard)
            task.add_done_callback(lambda done: settle(outcome, failure_of(done)))
        else:
            settle(outcome, fault)

    async def _again(self, act: Callable[[], Awaitable[None]], error: StorageError) -> None:
        """It failed once: repeat it until it succeeds."""
        pause_s = _FIRST_PAUSE_S
        self._count(1, f"{self._what} wait for the database and are not lost: {error}")
        try:
            while True:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LAST_PAUSE_S)
                try:
                    return await act()
                except _HOPELESS:
                    raise
                except StorageError:
                    continue
        finally:
            self._count(-1, f"the database takes {self._what} again")

    def _count(self, change: int, words: str) -> None:
        before, self._waiting = self._waiting, self._waiting + change
        if 0 in (before, self._waiting):
            self._sink(Trouble(self._clock.now_s(), "database", words))


class PatientLog:
    """An AttemptLog that writes moves and ends however long it takes. Planning is not repeated: no row, no call."""

    def __init__(self, log: AttemptLog, patience: Patience) -> None:
        """Write to `log`."""
        self._log = log
        self._patience = patience

    async def plan(self, attempt: Attempt, seen: Seen | None = None) -> bool:
        """As the log does."""
        return await self._log.plan(attempt, seen)

    def record(self, move: Move, agent_id: str | None = None, before: Sequence[Move] = ()) -> asyncio.Future[None]:
        """Commit a move that is not the end."""
        return self._patience.begin(lambda: self._log.record(move, agent_id, before))

    def end(self, move: Move, change: LeadChange, before: Sequence[Move] = ()) -> asyncio.Future[None]:
        """Commit the end."""
        return self._patience.begin(lambda: self._log.end(move, change, before))

    async def unfinished(self, node: str) -> list[Attempt]:
        """As the log does."""
        return await self._log.unfinished(node)

    async def get(self, attempt_id: str) -> Attempt | None:
        """As the log does."""
        return await self._log.get(attempt_id)

    async def moves(self, attempt_id: str) -> list[Move]:
        """As the log does."""
        return await self._log.moves(attempt_id)

    async def outcomes(self, campaign_id: str, since_s: float = 0.0) -> dict[Outcome, int]:
        """As the log does."""
        return await self._log.outcomes(campaign_id, since_s)

    def list(self, campaign_id: str, limit: int = 100, after: str = "") -> Coroutine[Any, Any, list[Attempt]]:
        """As the log does."""
        return self._log.list(campaign_id, limit, after)
