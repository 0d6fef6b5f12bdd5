"""A wait that costs one future; all waits of one bell share a timer."""

import asyncio


class Bell:
    """Rings for whoever waits, or for the next one who does. Each call waits two or three times: cheap matters.

    `close` it when nobody will wait any more.
    """

    def __init__(self) -> None:
        """Silent."""
        self._rung = False
        self._waiter: asyncio.Future[bool] | None = None
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_s = 0.0

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
            self._due_s = loop.time() + timeout_s
            self._set_timer(loop)
            try:
                if not await self._waiter:
                    raise TimeoutError
            finally:
                self._waiter = None
        self._rung = False

    def close(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        """See to it that a timer rings when it is due, or before: one that rings early is set again."""
        if self._timer is not None and self._timer_s > self._due_s:
            self.close()
        if self._timer is None:
            self._timer_s = self._due_s
            self._timer = loop.call_at(self._due_s, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if loop.time() < self._due_s:
            self._set_timer(loop)
        else:
            self._waiter.set_result(False)
