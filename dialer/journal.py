"""The moves of one attempt: made at once, written in order behind the call's back, complete before its end."""

import asyncio
from collections.abc import Callable

from campaigns.attempt import Attempt, AttemptState, Move
from campaigns.clock import Clock
from campaigns.lead import LeadChange
from campaigns.outcome import Outcome
from dialer.events import AttemptMoved, EventSink
from dialer.futures import failure_of, settle
from storage.port import AttemptLog

Detail = dict[str, str | int | float]
Write = Callable[[], asyncio.Future[None]]


class Journal:
    """The one writer of one attempt's state.

    The row itself was committed before the originate. Later moves must not hold up audio (a person waits while a disk
    syncs), so nobody waits for them, and no task does: each is begun when the one before it is committed. `end`
    returns when everything is. That a planned call is being dialled is written with its next move: the row says enough,
    for whoever finds a planned attempt after a crash must ask the exchange in any case.
    """

    def __init__(self, attempt: Attempt, log: AttemptLog, clock: Clock, sink: EventSink) -> None:
        """Keep the journal of a planned attempt."""
        self.attempt = attempt
        self._log = log
        self._clock = clock
        self._sink = sink
        self._tail: asyncio.Future[None] | None = None
        self._held: tuple[Move, ...] = ()

    @property
    def state(self) -> AttemptState:
        """Where the attempt stands now."""
        return self.attempt.state

    def move(self, target: AttemptState, agent_id: str | None = None, detail: Detail | None = None) -> None:
        """Make a move that is not the end. Raises IllegalMove."""
        now_s = self._clock.now_s()
        self.attempt, step = self.attempt.move(target, now_s, agent_id=agent_id, detail=tuple((detail or {}).items()))
        self._sink(AttemptMoved(now_s, self.attempt, step))
        if target is AttemptState.DIALING:
            self._held = (step,)
            return
        before, self._held = self._held, ()
        self._append(lambda: self._log.record(step, agent_id, before))

    async def end(self, outcome: Outcome, change: LeadChange, detail: Detail | None = None) -> None:
        """Make the last move and return when it, and all before it, are committed."""
        now_s = self._clock.now_s()
        self.attempt, step = self.attempt.move(AttemptState.ENDED, now_s, outcome, detail=tuple((detail or {}).items()))
        before, self._held = self._held, ()
        # Who is cancelled here stops waiting; the write is begun, or will be, and needs nobody.
        await self._append(lambda: self._log.end(step, change, before))
        self._sink(AttemptMoved(now_s, self.attempt, step))

    def _append(self, write: Write) -> asyncio.Future[None]:
        """Begin a write once those before it are committed; when one of them failed, it fails as they did."""
        before = self._tail
        if before is None or (before.done() and failure_of(before) is None):
            tail = write()
        else:
            tail = asyncio.get_running_loop().create_future()
            before.add_done_callback(lambda done: _follow(done, write, tail))
        tail.add_done_callback(failure_of)  # a failure is seen at the end of the attempt, not by the garbage collector
        self._tail = tail
        return tail


def _follow(before: asyncio.Future[None], write: Write, tail: asyncio.Future[None]) -> None:
    if failure := failure_of(before):
        settle(tail, failure)
    else:
        write().add_done_callback(lambda done: settle(tail, failure_of(done)))
