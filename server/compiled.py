"""Compile the inner loops of AMD and pacing: a minute or more on a checkout's first start, then read from a cache.

`make setup` runs this module, so that no first call, and no first simulated shift, waits for a compiler. A node that
was updated since compiles in a process of its own first: that one can be stopped, a thread in a compiler cannot.
"""

import asyncio
import hashlib
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from amd import bank
from dialer.pacing import counted, hazard
from dialer.pacing.compiled import folder
from telephony.asterisk.cache import cache_dir

_SOURCES = ("amd", "dialer/pacing")
_UNUSED_S = 30 * 86_400


def compile_all() -> None:
    """Compile what is compiled at run time. Blocking."""
    bank.warm_up()
    hazard.warm_up()
    counted.warm_up()


def compile_simulator() -> None:
    """Compile the pacing simulator: most of a minute on one core. Blocking. Imported here: no server needs it."""
    from dialer.pacing.sim.laws import law_named
    from dialer.pacing.sim.run import simulate
    from dialer.pacing.sim.scenario import Scenario

    simulate(Scenario("warm", hours=0.02), law_named("hazard"), 2, 1)


async def compiled(say: Callable[[str], None]) -> None:
    """Have everything compiled that a node needs; tells when that takes long. Cancelled, it leaves nothing running."""
    if not await asyncio.to_thread(_mark().exists):
        say("compiling the inner loops of AMD and pacing, once after an update: one to three minutes")
        await _in_a_process()
    await asyncio.to_thread(compile_all)
    await asyncio.to_thread(_done)


async def _in_a_process() -> None:
    """What it compiles lies in the cache then; where it fails, whoever compiles next says why."""
    compiler = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "server.compiled", "node",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        await compiler.wait()
    finally:
        if compiler.returncode is None:
            compiler.kill()
            await compiler.wait()


def _mark() -> Path:
    """A file that is there when these very sources were compiled for this machine. Blocking, some milliseconds."""
    home = Path(__file__).parents[1]
    files = sorted(path for folder in _SOURCES for path in (home / folder).rglob("*.py"))
    facts = f"{home} {sys.version} {platform.machine()} {platform.node()}".encode()
    digest = hashlib.sha256(b"\0".join([facts, *(path.read_bytes() for path in files)])).hexdigest()
    return cache_dir() / "compiled" / digest[:24]


def _done() -> None:
    mark = _mark()
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        _forget_old(Path(folder()))
    except OSError:
        return  # no place to remember it: asked again next time, and quick then


def _forget_old(ours: Path) -> None:
    """Machine code of sources that nobody has run for a month: each update leaves ten to a hundred megabytes."""
    ours.mkdir(parents=True, exist_ok=True)
    os.utime(ours)
    oldest_s = ours.stat().st_mtime - _UNUSED_S
    for other in ours.parent.glob("pacing-*"):
        if other.stat().st_mtime < oldest_s:
            shutil.rmtree(other, ignore_errors=True)  # another start may be at it


if __name__ == "__main__":
    os.umask(0o022)  # another user of this checkout may read what is compiled
    compile_all()
    if sys.argv[1:] != ["node"]:
        compile_simulator()
    _done()
