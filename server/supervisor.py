"""The parts that a node runs itself are started again when they die, and the operator is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from telephony.asterisk.pidfile import ended
from telephony.errors import TelephonyError

_LOOK_EVERY_S = 10.0
_FIRST_PAUSE_S = 0.25
_LAST_PAUSE_S = 10.0
# A part that lived this long died of something new: start it at once.
_HEALTHY_S = 60.0


class Part(Protocol):
    """A process of ours: Asterisk, Redis."""

    @property
    def pid(self) -> int | None:
        """The process, None when it does not run."""
        ...

    async def start(self) -> None:
        """Bring it up; one that runs is a success. Raises SetupError, PortInUse."""
        ...


@dataclass(frozen=True, slots=True)
class Supervised:
    """A part. lost: what is lost when it dies, for the operator."""

    name: str
    part: Part
    lost: str


Say = Callable[[str], None]
Watch = Callable[[int], Awaitable[object]]


async def _until_it_ends(pid: int) -> None:
    """The kernel tells when a process ends; a look now and then is for a pid file that somebody took away."""
    await ended(pid, _LOOK_EVERY_S)


async def keep_running(
    parts: Sequence[Supervised], say: Say, monotonic_s: Callable[[], float], watch: Watch = _until_it_ends
) -> None:
    """Watch over `parts` until cancelled. watch: waits until a process ends, or for a while."""
    async with asyncio.TaskGroup() as group:
        for supervised in parts:
            group.create_task(_keep(supervised, say, monotonic_s, watch), name=f"supervisor of {supervised.name}")


async def _keep(supervised: Supervised, say: Say, monotonic_s: Callable[[], float], watch: Watch) -> None:
    pause_s, started_s = _FIRST_PAUSE_S, monotonic_s()
    while True:
        while (pid := supervised.part.pid) is not None:
            await watch(pid)
        if monotonic_s() - started_s > _HEALTHY_S:
            pause_s = _FIRST_PAUSE_S
        say(f"{supervised.name} died; {supervised.lost}. It is started again")
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, _LAST_PAUSE_S)
        try:
            await supervised.part.start()
            say(f"{supervised.name} runs again")
        except (TelephonyError, OSError) as error:
            say(f"{supervised.name} could not be started again, will be tried in {pause_s:g} s: {error}")
        started_s = monotonic_s()
