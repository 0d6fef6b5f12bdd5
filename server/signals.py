"""What signals tell a running node: stop in order, or read again what can be read again."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum


class HangUp(StrEnum):
    """What SIGHUP means to this process."""

    IGNORED = "ignored"  # it was started with `nohup`
    STOP = "stop"  # its terminal was closed
    RELOAD = "reload"  # a service manager says so


def what_a_hang_up_means() -> HangUp:
    """By how the process was started: under `nohup`, in a terminal, or by a service manager."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return HangUp.IGNORED
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return HangUp.RELOAD
    return HangUp.STOP


def end_by_signals() -> None:
    """While a node starts: TERM, and a closed terminal, cancel the task that calls this; there is nothing to reload."""
    task, loop, meaning = asyncio.current_task(), asyncio.get_running_loop(), what_a_hang_up_means()
    assert task is not None
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    if meaning is not HangUp.IGNORED:
        loop.add_signal_handler(signal.SIGHUP, task.cancel if meaning is HangUp.STOP else _nothing)


def _nothing() -> None: ...


async def until_told_to_stop(reload: Callable[[], Awaitable[None]]) -> None:
    """Wait for SIGINT or SIGTERM, or for the terminal to be closed; without one, `reload` at every SIGHUP."""
    told, again, meaning = asyncio.Event(), asyncio.Event(), what_a_hang_up_means()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    if meaning is not HangUp.IGNORED:
        loop.add_signal_handler(signal.SIGHUP, told.set if meaning is HangUp.STOP else again.set)
    async with asyncio.TaskGroup() as group:
        reloading = group.create_task(_at_every(again, reload), name="reload")
        await told.wait()
        reloading.cancel()


async def _at_every(event: asyncio.Event, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await event.wait()
        event.clear()
        await act()
