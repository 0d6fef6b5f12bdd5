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
FIRST_WORD_S = 0.7  # a caller takes a second of silence for a dead line
BETWEEN_WORDS_S = 6.0
BETWEEN_TICKS_S = 0.6
WAITING = (Spoken(SayAs.PROMPT, "waiting"),)
"""A soft sound that says that the line is alive while the words pause."""


async def with_filler(visit: "Visit", work: Awaitable[T], timeout_s: float, filler: Text, outlives: bool = False) -> T:
    """The result of `work`; after 0.7 s and then every 6 s the caller hears `filler`, between them a soft sound.

    Raises TimedOut, CallerGone.

    outlives: what a caller has given (an answer, an opt-out) is kept although the caller hangs up meanwhile: the work
    has its whole time, and CallerGone comes afterwards.
    """
    task: asyncio.Future[T] = asyncio.ensure_future(work)
    clock = visit.world.clock
    ends_s = clock.monotonic_s() + timeout_s
    words_s, pause_s = 0.0, FIRST_WORD_S
    try:
        while not task.done():
            left_s = ends_s - clock.monotonic_s()
            if left_s <= 0:
                raise TimedOut(f"no answer within {timeout_s:g} s")
            await _any_of({task}, min(pause_s, left_s))
            if not task.done() and ends_s > clock.monotonic_s():
                if words_due := clock.monotonic_s() >= words_s:
                    words_s = clock.monotonic_s() + BETWEEN_WORDS_S
                await _fill(visit, filler if words_due else None)
            pause_s = BETWEEN_TICKS_S
        return task.result()
    except CallerGone:
        if outlives:
            await _any_of({task}, max(0.0, ends_s - clock.monotonic_s()))
        raise
    finally:
        if not task.done():
            task.cancel()
            await _any_of({task}, 1.0)
        elif not task.cancelled():
            task.exception()  # read, so that a failure after the caller has gone is no stray warning


async def _fill(visit: "Visit", filler: Text | None) -> None:
    try:
        if filler is None:
            await visit.play(await visit.world.speech.render(WAITING, visit.language), barge_in=False)
        else:
            await visit.say(filler, barge_in=False)
    except (PortTrouble, ExpressionFailed) as error:  # the work goes on all the same
        visit.trouble(f"a word for the waiting caller: {error}")


async def _any_of(tasks: set[asyncio.Future[Any]], timeout_s: float) -> None:
    await asyncio.wait(tasks, timeout=timeout_s)
