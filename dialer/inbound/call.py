"""One call from outside while it lives: its line, its journal, and what the house plays to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, TypeVar

from campaigns.ids import new_id
from campaigns.phone import mask
from dialer.inbound.journal import CallJournal
from dialer.inbound.key_line import KeyLine
from dialer.inbound.services import InboundServices
from dialer.line import LineGone
from ivr.line import Transferred
from ivr.values import Fields
from telephony.errors import LinkDown, RequestRejected, TelephonyError

if TYPE_CHECKING:
    from dialer.inbound.room import TalkRoom

T = TypeVar("T")
# How often something that may be repeated is asked of an exchange whose link comes and goes.
_TRIES = 3
# Music that fails at once is not asked for in a busy loop.
_MUSIC_PAUSE_S = 1.0
_SHORTEST_S = 0.05
_LAST_WORD_S = 0.3


class CallRefused(Exception):
    """An agent asked something of a call that cannot be done now; the message says what to do first."""


class InboundCall:
    """A call. room: where it talks with agents, None while it does not; screen: what agents see of it."""

    def __init__(self, services: InboundServices, line: KeyLine, journal: CallJournal) -> None:
        """Follow the call of `line`."""
        self.services = services
        self.line = line
        self.journal = journal
        self.room: TalkRoom | None = None
        self.screen: Fields = {}
        # Where the wait that a restart interrupted goes on: the queue and since when, seconds since 1970.
        self.resumed_wait: tuple[str, float] | None = None
        # A talk with somebody outside that outlived a restart and is over: what the flow waited for has happened.
        self.resumed_talk: Transferred | None = None
        self._prompts = 0

    @property
    def call_id(self) -> str:
        """The call's id."""
        return self.journal.call.call_id

    @property
    def language(self) -> str:
        """The caller's language."""
        return self.journal.call.language or "es"

    @property
    def caller_masked(self) -> str:
        """The caller's number as labels and logs may show it, "" when it is withheld."""
        return mask(self.journal.call.caller) if self.journal.call.caller else ""

    def take_resumed_talk(self) -> Transferred | None:
        """The talk that a restart interrupted in the books only, once."""
        talked, self.resumed_talk = self.resumed_talk, None
        return talked

    def new_id(self) -> str:
        """An id for a wait, a talk or a channel of this call."""
        return new_id(self.services.clock.now_s(), self.services.rng)

    async def ask(self, request: Callable[[], Awaitable[T]]) -> T:
        """Ask the exchange something that may be asked twice; a link that is down is waited for.

        Raises LineGone, TelephonyError.
        """
        for _ in range(_TRIES - 1):
            try:
                return await self.line.unless_gone(request())
            except LinkDown:
                await self.line.unless_gone(self.services.link.up())
        return await self.line.unless_gone(request())

    async def play(self, media: Sequence[str], *, barge_in: bool) -> bool | None:
        """Play to the end (True), to a failure (False) or to a key (None). Raises LineGone, TelephonyError."""
        if barge_in and self.line.keys:
            return None
        if not media:
            return True
        for _ in range(_TRIES - 1):
            try:
                return await self._play(media, barge_in)
            except LinkDown:  # how much of it was heard is not known: it begins anew
                await self.line.unless_gone(self.services.link.up())
        return await self._play(media, barge_in)

    async def _play(self, media: Sequence[str], barge_in: bool) -> bool | None:
        playback_id = self.playback_id()
        try:
            if barge_in:
                return await self.line.play_until_key(media, playback_id)
            return await self.line.play(tuple(media), playback_id)
        except RequestRejected:
            await self._unless_over()
            raise

    def playback_id(self) -> str:
        """A name for the next thing that is played."""
        self._prompts += 1
        return f"{self.call_id}-p{self._prompts}"

    @asynccontextmanager
    async def playing(self, work: Awaitable[None]) -> AsyncIterator[None]:
        """Inside, `work` plays to the caller; at the end it is stopped and nothing is heard of it any more."""
        task = asyncio.ensure_future(work)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def music(self, name: str = "", longest_s: float | None = None) -> None:
        """Play music, again and again, until cancelled or for `longest_s`. Raises LineGone."""
        services = self.services
        until_s = None if longest_s is None else services.clock.monotonic_s() + longest_s
        left_s = longest_s
        while left_s is None or left_s > _SHORTEST_S:
            await self.loop_once(services.sounds.music(name), left_s)
            left_s = None if until_s is None else until_s - services.clock.monotonic_s()

    async def loop_once(self, media: tuple[str, ...], longest_s: float | None = None) -> None:
        """Play media once, for `longest_s` at most; stopped when cancelled. What cannot be played is a pause."""
        playback_id, ended = self.playback_id(), False
        try:
            async with asyncio.timeout(longest_s):
                played = bool(media) and await self.line.play(media, playback_id)
                ended = True
                if not played:
                    await asyncio.sleep(_MUSIC_PAUSE_S)
        except TimeoutError:
            pass
        except LinkDown:
            await self.line.unless_gone(self.services.link.up())
        except TelephonyError as error:
            ended = True
            await self._unless_over()
            self.services.trouble(f"music cannot be played to a caller: {error}", self.call_id)
            await asyncio.sleep(_MUSIC_PAUSE_S)
        finally:
            if not ended:
                await asyncio.shield(self._quietly_stop(playback_id))

    async def _unless_over(self) -> None:
        """A sound that is refused to somebody who hung up in this very moment is no trouble. Raises LineGone then."""
        with contextlib.suppress(TimeoutError):
            raise LineGone(await self.line.gone(_LAST_WORD_S))

    async def _quietly_stop(self, playback_id: str) -> None:
        try:
            await self.line.stop(playback_id)
        except TelephonyError:
            pass  # a channel that is gone plays nothing
