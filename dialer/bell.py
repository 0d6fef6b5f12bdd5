"""A wait that costs one future and one timer."""

import asyncio


class Bell:
    """Rings for whoever waits, or for the next one who does. Each call waits two or three times: cheap matters."""

    def __init__(self) -> None:
        """Silent."""
        self._rung = False
        self._waiter: asyncio.Future[bool] | None = None

    def set(self) -> None:
        """Wake whoever waits."""
        self._rung = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(True)

    async def heard(self, timeout_s: float) -> None:
        """Wait until it was rung since the last wait. Raises TimeoutError after `timeout_s`."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(timeout_s, _too_long, self._waiter)
            try:
                if not await self._waiter:
                    raise TimeoutError
            finally:
                timer.cancel()
                self._waiter = None
        self._rung = False


def _too_long(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)
