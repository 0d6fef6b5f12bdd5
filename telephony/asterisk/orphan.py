"""Start a process that is nobody's child: it stays when we go, and is no zombie when it goes."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from telephony.asterisk.pidfile import ended


async def start_orphan(script: str, console: Path, environment: Mapping[str, str] | None = None) -> int:
    """Run a shell script in a session of its own, its output appended to `console`; returns its pid.

    The shell's `exec` keeps the pid. Through `subprocess` in a thread and not through the event loop: uvloop lets a
    grandchild inherit the pipe that is read here, and then waits for it as long as it lives.
    """

    def start() -> int:
        starter = subprocess.run(
            ["sh", "-c", 'sh -c "$1" </dev/null >>"$2" 2>&1 & echo $!', "sh", script, str(console)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
            check=True,
            env=environment,
        )
        return int(starter.stdout)

    return await asyncio.to_thread(start)


async def kill_group(pid: int, timeout_s: float) -> None:
    """KILL what `start_orphan` started, with all that it started itself, and wait until nothing of it runs.

    A script that has not become its program yet may have a `mkdir` or `mount` under way, which its end does not end.
    """
    try:
        group = os.getpgid(pid)
    except ProcessLookupError:
        return
    if group == os.getpgrp():  # somebody's own child after all: its group is not ours to end
        os.kill(pid, signal.SIGKILL)
        await ended(pid, timeout_s)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    for each in await asyncio.to_thread(_members, group):
        await ended(each, timeout_s)


def _members(group: int) -> list[int]:
    """Every process of a group, those on their way out too: their first thread is over, others may still hold sockets.

    Blocking, some milliseconds.
    """
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(int(path.name)) == group:
                found.append(int(path.name))
    return found
