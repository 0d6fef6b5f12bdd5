"""Ordered, bounded events of one simulated channel."""

import asyncio
from collections.abc import Callable

from telephony.events import Answered, CallEvent, HungUp, InboxOverflowed, Ringing


class SimInbox:
    """`telephony.port.CallInbox`. Closed by HungUp or InboxOverflowed: later events are not taken."""

    def __init__(self, channel_id: str, capacity: int) -> None:
        """Hold at most `capacity` unread events."""
        self.channel_id = channel_id
        self.channel_was_known = False  # whether reconciliation may say that its channel is gone
        self.rang = False  # whether Ringing was delivered
        self.answered = False  # whether Answered was delivered
        self._capacity = capacity
        self._events: asyncio.Queue[CallEvent] = asyncio.Queue()
        self._closed = False
        self._hand_over: Callable[[CallEvent], None] = self._events.put_nowait

    def listen(self, take: Callable[[CallEvent], None]) -> None:
        """Hand every event to `take` as it comes, those that wait at once."""
        self._hand_over = take
        while not self._events.empty():
            take(self._events.get_nowait())

    async def next(self) -> CallEvent:
        """Wait for the next event."""
        return await self._events.get()

    @property
    def closed(self) -> bool:
        """Whether the last event was put."""
        return self._closed

    def put(self, event: CallEvent) -> bool:
        """Take an event; False when the inbox overflowed with it, and its call must be hung up."""
        if self._closed:
            return True
        if self._events.qsize() >= self._capacity and not isinstance(event, HungUp):
            self._closed = True
            self._events.put_nowait(InboxOverflowed(event.channel_id, event.at_s))
            return False
        self._closed = isinstance(event, HungUp)
        self.rang = self.rang or isinstance(event, Ringing)
        self.answered = self.answered or isinstance(event, Answered)
        self._hand_over(event)
        return True
