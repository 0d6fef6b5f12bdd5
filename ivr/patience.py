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
BETWEEN_WORDS_S = 6.0
BETWEEN_SOUNDS_S = 0.6
WAITING = (Spoken(SayAs.PROMPT, "waiting"),)
"""A soft sound of half a second that says that the line is alive; an answer need not wait for it to end for long."""


async def with_filler(visit: "Visit", work: Awaitable[T], timeout_s: float, filler: Text, outlives: bool = False) -> T:
    """The result of `work`; after 0.5 s the caller hears a soft sound, then every 6 s `filler`, the sound between.

    Raises TimedOut, CallerGone.

    outlives: what a caller has given (an answer, an opt-out) is kept although the caller hangs up meanwhile: the work
    has its whole time, and CallerGone comes afterwards.
    """
    task: asyncio.Future[T] = asyncio.ensure_future(work)
    clock = visit.world.clock
    began_s = clock.monotonic_s()
    ends_s, words_s, pause_s = began_s + timeout_s, began_s + FIRST_SOUND_S, FIRST_SOUND_S
    try:
        while not task.done():
            left_s = ends_s - clock.monotonic_s()
            if left_s <= 0:
                raise TimedOut(f"no answer within {timeout_s:g} s")
            await _any_of({task}, min(pause_s, left_s))
            now_s, pause_s = clock.monotonic_s(), BETWEEN_SOUNDS_S
            if task.done() or ends_s <= now_s:
                continue
            if now_s > words_s:
                await _fill(visit, filler)
                words_s = clock.monotonic_s() + BETWEEN_WORDS_S
            else:
                await _fill(visit, None)
                pause_s = 0.0 if clock.monotonic_s() > words_s else BETWEEN_SOUNDS_S
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
