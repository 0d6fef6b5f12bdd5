"""Per-call ordered inboxes. The reader of the link only ever appends; nobody's slowness reaches it."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from telephony.events import Answered, CallEvent, HungUp, InboxOverflowed, Ringing

_EXPECTED_LIMIT = 1000


class Inbox:
    """The events of one channel, in order, at most `limit` unread ones.

    attached: the channel was (or may have been) alive while the link was up, so that its absence after a
    reconnect means that it ended.
    """

    def __init__(self, channel_id: str, limit: int, attached: bool) -> None:
        self.channel_id = channel_id
        self.attached = attached
        self.rang = False
        self.answered = False
        self.ended = False
        self._limit = limit
        self._events: deque[CallEvent] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._take: Callable[[CallEvent], None] | None = None

    def listen(self, take: Callable[[CallEvent], None]) -> None:
        """Hand every event to `take` as it comes, those that wait at once."""
        self._take = take
        while self._events:
            take(self._events.popleft())

    async def next(self) -> CallEvent:
        """Wait for the next event. Raises RuntimeError when the last one was taken already."""
        while not self._events:
            if self.ended:
                raise RuntimeError(f"channel {self.channel_id} ended: nothing follows, do not ask again")
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._events.popleft()

    def push(self, event: CallEvent) -> bool:
        """Append an event; False when the inbox overflowed with it."""
        if self.ended:
            return True
        self.attached = True
        full = len(self._events) >= self._limit and not isinstance(event, HungUp)
        self._append(InboxOverflowed(event.channel_id, event.at_s) if full else event)
        return not full

    def _append(self, event: CallEvent) -> None:
        if isinstance(event, Ringing):
            self.rang = True
        elif isinstance(event, Answered):
            if self.answered:
                return
            self.answered = True
        self.ended = isinstance(event, HungUp | InboxOverflowed)
        if self._take is not None:
            self._take(event)
            return
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class InboxTable:
    """Who listens to which channel. on_overflow: called once with the id of a call whose consumer was too slow."""

    def __init__(self, limit: int, on_overflow: Callable[[str], None]) -> None:
        self.overflows = 0
        self.unclaimed = 0
        self._limit = limit
        self._on_overflow = on_overflow
        self._inboxes: dict[str, Inbox] = {}
        self._expected: dict[str, Inbox] = {}

    def __iter__(self) -> Iterator[Inbox]:
        """Every inbox there is now."""
        return iter((*self._inboxes.values(), *self._expected.values()))

    def __contains__(self, channel_id: str) -> bool:
        return channel_id in self._inboxes

    def expect(self, channel_id: str) -> None:
        """Keep the events of a call that arrived until somebody registers for it, of the last calls only."""
        self._expected[channel_id] = Inbox(channel_id, self._limit, attached=True)
        if len(self._expected) > _EXPECTED_LIMIT:
            del self._expected[next(iter(self._expected))]

    @contextmanager
    def register(self, channel_id: str, attached: bool) -> Iterator[Inbox]:
        """Keep an inbox for a channel while the context lasts. Raises ValueError when it has one already."""
        if channel_id in self._inboxes:
            raise ValueError(f"channel {channel_id} has an inbox already: one call, one consumer")
        inbox = self._expected.pop(channel_id, None) or Inbox(channel_id, self._limit, attached)
        self._inboxes[channel_id] = inbox
        try:
            yield inbox
        finally:
            del self._inboxes[channel_id]

    def deliver(self, event: CallEvent) -> None:
        """Hand an event to its call; events of channels without an inbox are counted and dropped."""
        inbox = self._inboxes.get(event.channel_id) or self._expected.get(event.channel_id)
        if inbox is None:
            self.unclaimed += 1
        elif not inbox.push(event):
            self.overflows += 1
            self._on_overflow(event.channel_id)
