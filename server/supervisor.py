"""The parts that a node runs itself are started again when they die, and the operator is told."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from telephony.errors import TelephonyError

_LOOK_EVERY_S = 0.25
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
Sleep = Callable[[float], Awaitable[None]]


async def keep_running(parts: Sequence[Supervised], say: Say, monotonic_s: Callable[[], float]) -> None:
    """Watch over `parts` until cancelled."""
    async with asyncio.TaskGroup() as group:
        for supervised in parts:
            group.create_task(_keep(supervised, say, monotonic_s), name=f"supervisor of {supervised.name}")


async def _keep(supervised: Supervised, say: Say, monotonic_s: Callable[[], float]) -> None:
    pause_s, started_s = _FIRST_PAUSE_S, monotonic_s()
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        if supervised.part.pid is not None:
            continue
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
