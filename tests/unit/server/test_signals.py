"""HUP by how a server was started: under nohup, in a terminal, by a service manager."""

import fcntl
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Callable

import pytest

_NODE = """
import asyncio, sys
from server.signals import end_by_signals, until_told_to_stop
async def reload():
    print("reloaded", flush=True)
async def work():
    end_by_signals()
    if sys.argv[1:] == ["starting"]:
        print("up", flush=True)
        try:
            await asyncio.sleep(60)
        finally:
            print("ended in order", flush=True)
    asyncio.get_running_loop().call_soon(lambda: print("up", flush=True))
    await until_told_to_stop(reload)
    print("stopped in order", flush=True)
try:
    asyncio.run(work())
except asyncio.CancelledError:
    pass
"""
HUP, TERM, INT = signal.SIGHUP, signal.SIGTERM, signal.SIGINT


def _under_nohup() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _in_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize(
    ("stage", "started", "signals"),
    [
        ("up", None, [(HUP, "reloaded"), (HUP, "reloaded"), (TERM, "stopped in order")]),
        ("up", _under_nohup, [(HUP, ""), (TERM, "stopped in order")]),
        ("up", _in_terminal, [(HUP, "stopped in order")]),
        ("up", _in_terminal, [(INT, "stopped in order")]),
        ("starting", None, [(HUP, ""), (TERM, "ended in order")]),
        ("starting", _in_terminal, [(HUP, "ended in order")]),
    ],
    ids=["service manager", "nohup", "terminal", "Ctrl-C", "service manager, starting", "terminal, starting"],
)
def test_given_how_a_server_was_started_when_signals_come_then_it_does_what_is_expected(
    stage: str, started: Callable[[], None] | None, signals: list[tuple[signal.Signals, str]]
) -> None:
    """signals: each with the line that it brings about."""
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", _NODE, stage],
        stdin=terminal,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=started,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "up\n"
        for number, said in signals:
            process.send_signal(number)
            if said:
                assert process.stdout.readline().strip() == said
        assert (process.stdout.read(), process.wait(20)) == ("", 0)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
        os.close(controller)
        os.close(terminal)
