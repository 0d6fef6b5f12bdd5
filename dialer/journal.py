"""The moves of one attempt: made at once, written in order behind the call's back, complete before its end."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from campaigns.attempt import Attempt, AttemptState
from campaigns.clock import Clock
from campaigns.lead import LeadChange
from campaigns.outcome import Outcome
from dialer.events import AttemptMoved, EventSink
from storage.port import AttemptLog

Detail = dict[str, str | int | float]


class Journal:
    """The one writer of one attempt's state.

    The row itself was committed before the originate. Later moves must not hold up audio (a person waits while a disk
    syncs), so they are written by a chain of tasks, in order; `end` returns when everything is committed.
    """

    def __init__(self, attempt: Attempt, log: AttemptLog, clock: Clock, sink: EventSink) -> None:
        """Keep the journal of a planned attempt."""
        self.attempt = attempt
        self._log = log
        self._clock = clock
        self._sink = sink
        self._tail: asyncio.Task[None] | None = None

    @property
    def state(self) -> AttemptState:
        """Where the attempt stands now."""
        return self.attempt.state

    def move(self, target: AttemptState, agent_id: str | None = None, detail: Detail | None = None) -> None:
        """Make a move that is not the end. Raises IllegalMove."""
        now_s = self._clock.now_s()
        self.attempt, step = self.attempt.move(target, now_s, agent_id=agent_id, detail=tuple((detail or {}).items()))
        self._sink(AttemptMoved(now_s, self.attempt, step))
        self._append(self._log.record(step, agent_id))

    async def end(self, outcome: Outcome, change: LeadChange, detail: Detail | None = None) -> None:
        """Make the last move and return when it, and all before it, are committed."""
        now_s = self._clock.now_s()
        self.attempt, step = self.attempt.move(AttemptState.ENDED, now_s, outcome, detail=tuple((detail or {}).items()))
        self._append(self._log.end(step, change))
        assert self._tail is not None
        await asyncio.shield(self._tail)
        self._sink(AttemptMoved(now_s, self.attempt, step))

    def _append(self, write: Coroutine[Any, Any, None]) -> None:
        before = self._tail

        async def in_order() -> None:
            try:
                if before is not None:
                    await before
            except BaseException:
                write.close()
                raise
            await write

        self._tail = asyncio.create_task(in_order(), name=f"journal {self.attempt.attempt_id}")
