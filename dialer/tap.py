"""An audio tap on one call: opened at 183 or at answer, gone some seconds after the verdict."""

import asyncio
import uuid
from typing import Self

from amd.verdict import AmdSettings
from campaigns.attempt import Attempt
from campaigns.ids import tap_bridge_id, tap_channel_id
from dialer.events import Trouble
from dialer.listening import Ear
from dialer.services import Services
from media.taps import TapsExhausted
from telephony.errors import LinkDown, TelephonyError
from telephony.port import TapOrder

_closing: set[asyncio.Task[None]] = set()


class Tap:
    """What the exchange copies to us (`order`) and who listens to it (`ear`)."""

    def __init__(self, services: Services, order: TapOrder, ear: Ear) -> None:
        """Made by Tap.open."""
        self.order = order
        self.ear = ear
        self._services = services
        self._closed = False
        self._overhears = False

    @classmethod
    async def open(cls, services: Services, attempt: Attempt, settings: AmdSettings, *, answered: bool) -> Self:
        """Start listening to an attempt's call. Raises TelephonyError; nothing is left behind then."""
        tap_id = str(uuid.UUID(int=services.rng.getrandbits(128), version=4))
        order = TapOrder(
            attempt.channel_id, tap_id, tap_channel_id(attempt.attempt_id), tap_bridge_id(attempt.attempt_id)
        )
        try:
            ear = services.listening.open(tap_id, settings, answered=answered, call_id=attempt.attempt_id)
        except TapsExhausted as error:
            raise TelephonyError(str(error)) from error
        tap = cls(services, order, ear)
        try:
            await services.control.start_tap(order)
        except BaseException:
            tap.close_later()
            raise
        return tap

    async def overhear(self) -> None:
        """Go on listening while the call is elsewhere, or is spoken to. Raises TelephonyError."""
        if not self._overhears:
            self._overhears = True
            await self._services.control.overhear(self.order)

    async def let_go(self) -> None:
        """Take the call out of the tap's bridge, then close: for a prompt that follows.

        A bridge that is destroyed in the moment a prompt starts on its channel can leave prompt and channel hanging for
        good (Asterisk 22.10: six of 75 messages under load, neither PlaybackFinished nor ChannelDestroyed came).
        """
        try:
            await self._services.control.remove_from_bridge(self.order.bridge_id, self.order.channel_id)
        except TelephonyError:
            pass  # closing tells of what is really wrong
        self.close_later()

    def close_later(self) -> None:
        """Stop listening at once and let the exchange clean up behind the call's back. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        self.ear.close()
        task = asyncio.create_task(self._stop(), name=f"untap {self.order.channel_id}")
        _closing.add(task)
        task.add_done_callback(_closing.discard)

    async def _stop(self) -> None:
        try:
            try:
                await self._services.control.stop_tap(self.order)
            except LinkDown:
                await self._services.link.up()
                await self._services.control.stop_tap(self.order)
        except TelephonyError as error:
            words = f"a tap could not be removed, recovery will: {error}"
            self._services.sink(Trouble(self._services.clock.now_s(), "tap", words))
