"""One call's row: changed at once in memory, written in order behind the call's back, complete before its end."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from dialer.patience import Patience
from storage.calls import CallStep, CallStore, QueueWait, StoredCall, Talk


class CallJournal:
    """The one writer of a call's facts."""

    def __init__(self, call: StoredCall, store: CallStore, patience: Patience) -> None:
        """Write down `call`."""
        self.call = call
        self._store = store
        self._patience = patience
        self._tail: asyncio.Task[None] | None = None
        self._steps = 0
        self._open_step: CallStep | None = None

    async def begin(self) -> None:
        """Commit the first row: before the call is answered, so that no answered caller is ever unknown."""
        await self._store.put(self.call)

    def note(self, **changes: Any) -> None:
        """Change fields of the call."""
        call = self.call = replace(self.call, **changes)
        self._append(lambda: self._store.put(call))

    def goes_on(self, steps: int) -> None:
        """Recovery: so many nodes were written down before."""
        self._steps = steps

    def entered(self, at_s: float, flow: str, node: str, kind: str) -> None:
        """The caller came to a node of a flow."""
        self._steps += 1
        step = self._open_step = CallStep(self.call.call_id, self._steps, at_s, flow, node, kind)
        self._append(lambda: self._store.step(step))

    def left(self, node: str, branch: str, spent_s: float, caller_left: bool) -> None:
        """The caller left the node that was entered last."""
        if self._open_step is None or self._open_step.node != node:
            return
        step = replace(self._open_step, branch=branch, spent_s=spent_s, caller_left=caller_left)
        self._open_step = None
        self._append(lambda: self._store.step(step))

    def waited(self, wait: QueueWait) -> None:
        """A wait is over."""
        self._append(lambda: self._store.waited(wait))

    def talk(self, talk: Talk) -> None:
        """A talk began or ended."""
        self._append(lambda: self._store.put_talk(talk))

    async def flush(self) -> None:
        """Return when everything is committed."""
        if self._tail:
            await asyncio.shield(self._tail)

    def _append(self, write: Callable[[], Awaitable[None]]) -> None:
        before = self._tail

        async def in_order() -> None:
            if before is not None:
                await before
            await self._patience.write(write)

        self._tail = asyncio.create_task(in_order(), name=f"journal {self.call.call_id}")
