"""What a waiting caller hears: music, and now and then the true place, which a voice may take long to say."""

import asyncio
from collections.abc import Awaitable, Sequence

from agents.queue import CallQueue
from dialer.inbound.call import InboundCall
from dialer.line import LineGone
from ivr.line import QueueOrder, QueuePlace
from ivr.values import PortTrouble
from telephony.errors import TelephonyError

_AT_HAND_S = 0.2  # what takes longer to be spoken is not waited for in silence
_SHORTEST_EVERY_S = 5.0


class Entertainment:
    """Of one caller in one queue. began_s: since when the caller waits, monotonic."""

    def __init__(self, call: InboundCall, order: QueueOrder, queue: CallQueue, began_s: float) -> None:
        """Nothing is heard before `run`."""
        self._call = call
        self._order = order
        self._queue = queue
        self._began_s = began_s

    async def run(self, talk_id: str) -> None:
        """Places and music, until cancelled."""
        order, settings = self._order, self._queue.settings
        every_s = max(_SHORTEST_EVERY_S, order.announce_every_s or settings.announce_every_s)
        try:
            while True:
                await self._announce(talk_id)
                await self._call.music(order.music, every_s)
        except LineGone:
            pass
        except TelephonyError as error:
            self._call.services.trouble(f"a waiting caller hears nothing: {error}", self._call.call_id)

    async def _announce(self, talk_id: str) -> None:
        if self._order.announce is None:
            return
        place, now_s = self._queue.position(talk_id), self._call.services.clock.monotonic_s()
        told = QueuePlace(place, now_s - self._began_s, self._queue.wait_estimate_s(place, now_s))
        try:
            media = await self._made(self._order.announce(told))
        except PortTrouble as error:
            self._call.services.trouble(f"a place in queue was not announced: {error}", self._call.call_id)
            return
        if media and self._queue.position(talk_id) == place:  # what took long to make may be true no more
            await self._call.loop_once(media)

    async def _made(self, announcement: Awaitable[Sequence[str]]) -> tuple[str, ...]:
        """An announcement; with music for the caller while a slow voice makes it. Raises PortTrouble."""
        making = asyncio.ensure_future(announcement)
        try:
            await asyncio.wait({making}, timeout=_AT_HAND_S)
            if not making.done():
                async with self._call.playing(self._call.music(self._order.music)):
                    await asyncio.wait({making})
            return tuple(await making)
        finally:
            making.cancel()
