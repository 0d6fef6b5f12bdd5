"""Identity locks in memory."""

from campaigns.clock import Clock


class MemoryLocks:
    """`Locks` in memory: for tests, simulations and a single node whose locks may be forgotten at a restart."""

    def __init__(self, clock: Clock) -> None:
        """Read time from `clock`."""
        self._clock = clock
        self._failures: dict[str, list[float]] = {}
        self._locked: dict[str, float] = {}

    async def locked_until_s(self, key: str) -> float | None:
        """Until when the key is locked."""
        until_s = self._locked.get(key, 0.0)
        return until_s if until_s > self._clock.now_s() else None

    async def failed(self, key: str, at_s: float, most: int, lock_s: float) -> bool:
        """Count a failure."""
        recent = [moment for moment in self._failures.get(key, []) if moment > at_s - lock_s]
        self._failures[key] = [*recent, at_s]
        if len(self._failures[key]) < most:
            return False
        self._locked[key] = at_s + lock_s
        return True

    async def clear(self, key: str) -> None:
        """Forget the failures."""
        self._failures.pop(key, None)
