"""Waiting for a slow back end without dead air."""

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from ivr.functions import ExpressionFailed
from ivr.port import SayAs, Spoken
from ivr.texts import Text
from ivr.values import CallerGone, PortTrouble, TimedOut

if TYPE_CHECKING:
    from ivr.visit import Visit

T = TypeVar("T")
FIRST_SOUND_S = 0.5  # a caller takes a second of silence for a dead line
SHORTEST_PAUSE_S = 0.2  # what is at hand in that time needs no sound before it
BETWEEN_WORDS_S = 6.0
BETWEEN_SOUNDS_S = 0.5
MADE_WITHIN_S = 15.0
WAITING = (Spoken(SayAs.PROMPT, "waiting"),)
"""A soft sound of half a second that says that the line is alive; an answer need not wait for it to end for long."""


async def with_filler(visit: "Visit", work: Awaitable[T], timeout_s: float, filler: Text, outlives: bool = False) -> T:
    """The result of `work`; after 0.5 s the caller hears a soft sound, then every 6 s `filler`, the sound between.

    Raises TimedOut, CallerGone.

    outlives: what a caller has given (an answer, an opt-out) is kept although the caller hangs up meanwhile: the work
    has its whole time, and its result counts as if nobody had noticed: what the flow does next without the caller is
    done however quick the other system was. CallerGone comes when the work does not end.
    """
    task: asyncio.Future[T] = asyncio.ensure_future(work)
    clock, sounds = visit.world.clock, _Sounds(visit, filler)
    began_s = clock.monotonic_s()
    # Two short waits in a row are one silence to the caller.
    pause_s = max(SHORTEST_PAUSE_S, FIRST_SOUND_S - max(0.0, began_s - visit.quiet_since_s))
    ends_s, words_s = began_s + timeout_s, began_s + pause_s
    try:
        while not task.done():
            left_s = ends_s - clock.monotonic_s()
            if left_s <= 0:
                raise TimedOut(f"no answer within {timeout_s:g} s")
            await _any_of({task}, min(pause_s, left_s))
            now_s, pause_s = clock.monotonic_s(), BETWEEN_SOUNDS_S
            if task.done() or ends_s <= now_s:
                continue
            if now_s > words_s and sounds.has_words():
                await sounds.play_words()
                words_s = clock.monotonic_s() + BETWEEN_WORDS_S
            else:
                await sounds.play()
                pause_s = 0.0 if clock.monotonic_s() > words_s and sounds.has_words() else BETWEEN_SOUNDS_S
        return task.result()
    except CallerGone:
        if outlives:
            await _any_of({task}, max(0.0, ends_s - clock.monotonic_s()))
            if task.done():
                return task.result()
        raise
    finally:
        sounds.close()
        if not task.done():
            task.cancel()
            await _any_of({task}, 1.0)
        elif not task.cancelled():
            task.exception()  # read, so that a failure after the caller has gone is no stray warning


class _Sounds:
    """What a waiting caller hears. The words are made while the sound is heard: nobody waits for them in silence."""

    def __init__(self, visit: "Visit", filler: Text) -> None:
        self._visit = visit
        self._filler = filler
        self._words: asyncio.Task[tuple[str, ...]] | None = None
        self._sound: tuple[str, ...] | None = None

    def has_words(self) -> bool:
        """Whether they are at hand."""
        return self._words is not None and self._words.done()

    async def play(self) -> None:
        """The soft sound. What cannot be played is noted: the work goes on all the same. Raises CallerGone."""
        if self._words is None:
            self._words = asyncio.create_task(self._visit.media(self._filler), name="words for a waiting caller")
        try:
            if self._sound is None:
                self._sound = await self._visit.world.speech.render(WAITING, self._visit.language)
            await self._visit.play(self._sound, barge_in=False)
        except PortTrouble as error:
            self._visit.trouble(f"a sound for the waiting caller: {error}")

    async def play_words(self) -> None:
        """The words, which are at hand; the sound, when they cannot be spoken. Raises CallerGone."""
        assert self._words is not None
        try:
            await self._visit.play(await self._words, barge_in=False)
        except (PortTrouble, ExpressionFailed) as error:
            self._visit.trouble(f"a word for the waiting caller: {error}")
            await self.play()

    def close(self) -> None:
        """Give up what is still being made."""
        if self._words is not None and not self._words.done():
            self._words.cancel()
        elif self._words is not None and not self._words.cancelled():
            self._words.exception()


async def while_made(visit: "Visit", making: Awaitable[tuple[str, ...]], filler: Text) -> tuple[str, ...]:
    """Media that a slow voice still makes, with the sounds of `with_filler` meanwhile.

    Raises PortTrouble, CallerGone.
    """
    try:
        return await with_filler(visit, making, MADE_WITHIN_S, filler)
    except TimedOut:
        raise PortTrouble(f"the speech engine did not make a sentence within {MADE_WITHIN_S:g} s") from None


async def _any_of(tasks: set[asyncio.Future[Any]], timeout_s: float) -> None:
    await asyncio.wait(tasks, timeout=timeout_s)
