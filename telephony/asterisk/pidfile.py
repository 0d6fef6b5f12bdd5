"""A pid that is surely still the process it was: the kernel's start time is kept beside it."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

_STATE, _START_TIME = 0, 19  # fields of /proc/PID/stat, counted after the command's closing bracket


def start_time(pid: int, *, dying: bool = False) -> str | None:
    """When the process started, in the kernel's ticks since boot; None when it is gone (or only waits to be reaped).

    dying: one whose first thread is over counts too. Its other threads may still run, and hold its sockets.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[_STATE] in "ZX" and not dying else fields[_START_TIME]


async def ended(pid: int, timeout_s: float) -> bool:
    """Wait until a process, ours or anybody's, is over with all its threads. False when it is not after `timeout_s`."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        await asyncio.wait_for(over.wait(), timeout_s)
    except TimeoutError:
        return False
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return True


@dataclass(frozen=True, slots=True)
class PidFile:
    """Holds "PID START"; a pid that the kernel gave to another process meanwhile is not taken for ours."""

    path: Path

    def write(self, pid: int) -> None:
        """Remember a process that runs now."""
        self.path.write_text(f"{pid} {start_time(pid)}\n")

    async def gone(self, timeout_s: float) -> None:
        """Wait for the rest of a process that was killed a moment ago: what it listened on is free only then."""
        if self.read() is None and (pid := self._named(dying=True)) is not None:
            await ended(pid, timeout_s)

    def read(self) -> int | None:
        """The pid, or None when that process does not run any more."""
        return self._named(dying=False)

    def _named(self, *, dying: bool) -> int | None:
        try:
            pid_text, _, started = self.path.read_text().strip().partition(" ")
        except FileNotFoundError:
            return None
        if not pid_text.isdigit() or start_time(int(pid_text), dying=dying) != started:
            return None
        return int(pid_text)

    def died(self) -> bool:
        """Whether the process that is remembered does not run any more, though nobody has ended it."""
        return self.path.exists() and self.read() is None

    def remove(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)
