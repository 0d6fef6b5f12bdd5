"""Whether the exchange can be asked now, for calls that must outlive a lost link."""

import asyncio

from campaigns.clock import Clock
from telephony.events import LinkState
from telephony.port import CallControl


class LinkWatch:
    """One listener for every call. back_at_s: monotonic time of the last return of the link, None before that."""

    def __init__(self, control: CallControl, clock: Clock) -> None:
        """Watch the link of `control`."""
        self.back_at_s: float | None = None
        self._clock = clock
        self._up = asyncio.Event()
        self._lost = asyncio.Event()
        if control.link_state is LinkState.UP:
            self._up.set()
        control.on_link(self._changed)

    async def up(self) -> None:
        """Wait until the exchange can be asked."""
        await self._up.wait()

    async def lost(self) -> None:
        """Wait until the link is lost, however short."""
        await self._lost.wait()

    def _changed(self, state: LinkState) -> None:
        if state is LinkState.UP:
            if not self._up.is_set():
                self.back_at_s = self._clock.monotonic_s()
            self._up.set()
            self._lost.clear()
        else:
            self._up.clear()
            self._lost.set()
