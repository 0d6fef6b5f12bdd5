"""The demo's own folder: emptied before every demo, never one that holds anybody's files, one demo in it at a time."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from server.held_folder import FolderHeld, held
from telephony.asterisk.orphan import kill_group
from telephony.asterisk.pidfile import PidFile
from telephony.errors import SetupError

_MARK = ".timbre-demo"
_PID_FILES = ("network/instance.pid", "asterisk/instance.pid", "redis/redis.pid")
_END_TIMEOUT_S = 10.0


class FolderRefused(SetupError):
    """The folder must not be emptied."""


def default_folder() -> Path:
    """`var/demo` here, which is the demo's by its name; a temporary folder where this one cannot be written."""
    folder = Path("var/demo").absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _MARK).touch()
    except OSError:
        return Path(tempfile.mkdtemp(prefix="timbre-demo-"))
    return folder


@asynccontextmanager
async def fresh(folder: Path, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Hold the folder for one demo and empty it first; what a killed demo left running in it is ended.

    Raises FolderRefused when it holds files that no demo wrote, or another demo runs in it.
    """
    with _claimed(folder):
        await _end_leftovers(folder, say)
        await asyncio.to_thread(_empty, folder)
        yield


@contextlib.contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    mark = folder / _MARK
    folder.mkdir(parents=True, exist_ok=True)
    if not mark.exists() and any(folder.iterdir()):
        raise FolderRefused(f"{folder} holds files that no demo wrote, and a demo empties its folder: name a new one")
    try:
        with held(mark):
            yield
    except FolderHeld as other:
        raise FolderRefused(
            f"another demo (pid {other.pid}) runs in {folder}: wait for it, or name another with --folder"
        ) from None


async def _end_leftovers(folder: Path, say: Callable[[str], None]) -> None:
    for name in _PID_FILES:
        if (pid := PidFile(folder / name).read()) is not None:
            say(f"an earlier demo was killed and left {name.partition('/')[0]} running (pid {pid}): ended")
            await kill_group(pid, _END_TIMEOUT_S)


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != _MARK:
            entry.unlink()
