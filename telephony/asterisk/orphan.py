"""Start a process that is nobody's child: it stays when we go, and is no zombie when it goes."""

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path


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
