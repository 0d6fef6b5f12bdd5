"""Futures that pass what they know on, for work that needs no task of its own."""

import asyncio
from typing import Any


def failure_of(done: asyncio.Future[Any]) -> BaseException | None:
    """What a done future failed with, None when it did not; looking counts as having seen it."""
    return asyncio.CancelledError() if done.cancelled() else done.exception()


def settle(future: asyncio.Future[None], failure: BaseException | None) -> None:
    """End a future as something else ended; one that is done stays as it is."""
    if future.done():
        return
    if failure is None:
        future.set_result(None)
    elif isinstance(failure, asyncio.CancelledError):
        future.cancel()
    else:
        future.set_exception(failure)
