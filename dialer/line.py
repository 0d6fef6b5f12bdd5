"""One call as the flow sees it: what happened so far, and waiting for something unless the call is gone."""

import asyncio
from collections.abc import Awaitable
from types import TracebackType
from typing import Any, Self, TypeVar

from dialer.bell import Bell
from dialer.link_watch import LinkWatch
from telephony.errors import LinkDown, TelephonyError
from telephony.events import (
    Answered,
    CallEvent,
    EarlyMedia,
    HungUp,
    InboxOverflowed,
    PlaybackEnded,
    Ringing,
)
from telephony.port import CallControl

T = TypeVar("T")
# No prompt is longer; one whose end is not told by then never will be.
LONGEST_PROMPT_S = 180.0
_LAST_WORD_S = 0.3


class LineGone(Exception):
    """The call ended while something else was waited for. `hung_up` says why."""

    def __init__(self, hung_up: HungUp) -> None:
        """Keep the event that ended the call."""
        super().__init__(f"channel {hung_up.channel_id} is gone (cause {hung_up.q850})")
        self.hung_up = hung_up


class Line:
    """Follows one channel's inbox from before the originate until the context is left; events come in without a task.

    ringing, early_media, answered: set when that happened. stirred: set at every event, for loops that look at several
    things (`stir`). A call that is gone makes every wait raise LineGone.
    """

    def __init__(self, control: CallControl, channel_id: str, link: LinkWatch | None = None) -> None:
        """Follow `channel_id` on `control` once the context is entered; with `link`, prompts notice a lost link."""
        self.control = control
        self.channel_id = channel_id
        self.ringing = asyncio.Event()
        self.early_media = asyncio.Event()
        self.answered = asyncio.Event()
        self.answered_at_s: float | None = None
        self.stirred = Bell()
        self._gone: asyncio.Future[HungUp] = asyncio.get_running_loop().create_future()
        self._playing: dict[str, asyncio.Future[bool]] = {}
        self._link = link
        self._inbox = control.inbox(channel_id)

    async def __aenter__(self) -> Self:
        """Register for the channel's events."""
        self._inbox.__enter__().listen(self._take)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Forget the channel's events."""
        self._inbox.__exit__(kind, error, trace)
        self.stirred.close()
        self._gone.cancel()
        for playing in self._playing.values():
            playing.cancel()

    @property
    def hung_up(self) -> HungUp | None:
        """The event that ended the call, or None while it lives."""
        return self._gone.result() if self._gone.done() and not self._gone.cancelled() else None

    async def unless_gone(self, wanted: Awaitable[T], timeout_s: float | None = None) -> T:
        """Wait for `wanted`. Raises LineGone when the call ends first, TimeoutError after `timeout_s`."""
        task = asyncio.ensure_future(wanted)
        both: set[asyncio.Future[Any]] = {task, self._gone}
        try:
            await asyncio.wait(both, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            if self._gone.done():
                raise LineGone(self._gone.result())
            raise TimeoutError
        finally:
            if not task.done():
                task.cancel()

    async def stir(self, timeout_s: float) -> None:
        """Wait until something happens on the call, or somebody sets `stirred`.

        Raises LineGone when the call is over, TimeoutError after `timeout_s`.
        """
        if not self._gone.done():
            await self.stirred.heard(timeout_s)
        if self._gone.done():
            raise LineGone(self._gone.result())

    async def gone(self, timeout_s: float | None = None) -> HungUp:
        """Wait for the end of the call. Raises TimeoutError after `timeout_s`."""
        async with asyncio.timeout(timeout_s):
            return await asyncio.shield(self._gone)

    def vanished(self) -> None:
        """The exchange does not have the channel any more and told nobody."""
        if not self._gone.done():
            self._gone.set_result(HungUp(self.channel_id, 0.0, text="its end was never told", lost=True))
            self.stirred.set()

    async def play(self, media: tuple[str, ...], playback_id: str) -> bool:
        """Play prompts to the call until they ended; False when the exchange could not play them.

        Raises LineGone when the call ends meanwhile, LinkDown when the link does: the prompt may have been heard.
        """
        ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._playing[playback_id] = ended
        try:
            await self.control.play(self.channel_id, media, playback_id)
            return await self.unless_gone(self._end_of(ended), LONGEST_PROMPT_S) or await self._still_there()
        except TimeoutError:
            return False  # its end was never told: nobody is kept on the line for it
        finally:
            del self._playing[playback_id]

    async def hush(self) -> None:
        """Stop every prompt that plays now; what cannot be stopped ends by itself."""
        for playback_id in list(self._playing):
            try:
                await self.control.stop_playback(playback_id)
            except TelephonyError:
                pass

    async def _still_there(self) -> bool:
        # A far end that hangs up breaks its prompt first, and the end of its channel is told a moment later.
        try:
            raise LineGone(await self.gone(_LAST_WORD_S))
        except TimeoutError:
            return False

    async def _end_of(self, ended: asyncio.Future[bool]) -> bool:
        if self._link is None:
            return await ended
        lost: asyncio.Future[Any] = asyncio.create_task(self._link.lost(), name=f"link of {self.channel_id}")
        try:
            await asyncio.wait((ended, lost), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ended.result()
            raise LinkDown("the link was lost while a prompt was played: nobody tells when it ended")
        finally:
            lost.cancel()

    def _take(self, event: CallEvent) -> None:
        match event:
            case Ringing():
                self.ringing.set()
            case EarlyMedia():
                self.early_media.set()
            case Answered(at_s=at_s):
                self.answered_at_s = at_s
                self.answered.set()
            case PlaybackEnded(playback_id=playback_id, failed=failed):
                if (ended := self._playing.get(playback_id)) and not ended.done():
                    ended.set_result(not failed)
            case HungUp() if not self._gone.done():
                self._gone.set_result(event)
            case InboxOverflowed(channel_id=channel_id, at_s=at_s) if not self._gone.done():
                self._gone.set_result(HungUp(channel_id, at_s, text="more events than the call could take", lost=True))
            case _:
                pass
        self.stirred.set()
