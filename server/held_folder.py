"""One process for one folder: a lock that the kernel lets go when its holder ends, however that happens."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class FolderHeld(Exception):
    """Another process holds the lock. pid: its number, as text."""

    def __init__(self, pid: str) -> None:
        super().__init__(f"held by pid {pid}")
        self.pid = pid


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the lock file for this process. Its folder must exist. Raises FolderHeld, OSError."""
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise FolderHeld(lock.read().strip() or "unknown") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
