"""An asyncio event loop whose time is a number: it jumps to the next timer as soon as nothing else is ready.

Hours of calls run in seconds, the same way every time. Work for worker threads (`asyncio.to_thread`, executors) runs
inline, so SQL stores behave the same on it. Sockets and other processes live in real time: keep them off this loop.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

EPOCH0_S = 1_780_000_000.0  # 2026-05-28 20:26:40 UTC: where virtual wall clocks start unless told otherwise
_RESOLUTION_S = 1e-9
_STEPS_WITHOUT_TIME = 2_000_000


class VirtualTimeError(RuntimeError):
    """A run on virtual time cannot go on. The message lists every task and the line it waits in."""


class VirtualDeadlock(VirtualTimeError):
    """Nothing is ready and no timer is set: what the tasks wait for can never happen."""


class VirtualTimeExceeded(VirtualTimeError):
    """The run passed its bound of virtual seconds."""


class VirtualLivelock(VirtualTimeError):
    """Callbacks keep each other busy and time never moves: a loop around `sleep(0)` or an event that is always set."""


class VirtualClock:
    """`campaigns.clock.Clock` on the running loop: monotonic seconds are the loop's, wall time starts at `epoch0_s`."""

    def __init__(self, epoch0_s: float = EPOCH0_S, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Read the time of `loop`, or of the running one."""
        self._epoch0_s = epoch0_s
        self._time = (loop or asyncio.get_running_loop()).time

    def now_s(self) -> float:
        """Virtual seconds since 1970-01-01 UTC."""
        return self._epoch0_s + self._time()

    def monotonic_s(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._time()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """The loop. limit_s: virtual seconds after which VirtualTimeExceeded ends the run."""

    def __init__(self, limit_s: float = 7 * 86400.0) -> None:
        """Start at time 0.0."""
        self.limit_s = limit_s
        self._now_s = 0.0
        super().__init__(_JumpingSelector(self._wait))
        self._clock_resolution = _RESOLUTION_S
        self._idle_steps = 0

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run `func` now, in this thread; its result arrives in the next step of the loop, as from a thread."""
        future: asyncio.Future[T] = self.create_future()
        try:
            result = func(*args)
        except Exception as error:
            self.call_soon(_fail, future, error)
        else:
            self.call_soon(_succeed, future, result)
        return future

    def _wait(self, timeout_s: float | None) -> None:
        """Stand in for the selector's sleep: move time by `timeout_s`, or say why that makes no sense."""
        if timeout_s is None:
            raise VirtualDeadlock(f"nothing will ever happen (virtual time {self._now_s:.3f} s); {self._tasks()}")
        if timeout_s > 0:
            self._idle_steps = 0
            self._now_s += timeout_s
            if self._now_s > self.limit_s:
                self.limit_s = float("inf")  # so that the tasks can be cancelled and finish
                raise VirtualTimeExceeded(f"virtual time passed its bound at {self._now_s:.3f} s; {self._tasks()}")
            return
        self._idle_steps += 1
        if self._idle_steps > _STEPS_WITHOUT_TIME:
            self._idle_steps = 0
            raise VirtualLivelock(f"time stands still at {self._now_s:.3f} s; {self._tasks()}")

    def _tasks(self) -> str:
        lines = sorted(_where(task) for task in asyncio.all_tasks(self))
        return f"{len(lines)} tasks wait:\n" + "\n".join(lines)


def run_virtual(main: Coroutine[Any, Any, T], limit_s: float = 7 * 86400.0) -> T:
    """Run a coroutine to its end on a fresh virtual-time loop and return its result."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(limit_s)) as runner:
        return runner.run(main)


class _JumpingSelector(selectors.DefaultSelector):
    """Looks at the real descriptors without waiting (the loop's own wake-up pipe, Ctrl-C), then lets time jump."""

    def __init__(self, wait: Callable[[float | None], None]) -> None:
        super().__init__()
        self._wait = wait

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if not ready:
            self._wait(timeout)
        return ready


def _succeed(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _where(task: asyncio.Task[Any]) -> str:
    """The innermost line of ours that a task waits in."""
    frame: Any = None
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None) or frame
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
        inner = getattr(awaited, "cr_frame", None)
        if inner is not None and f"{asyncio.__name__}/" in inner.f_code.co_filename:
            break
    if frame is None:
        return f"  {task.get_name()}: {task.get_coro()}"
    return f"  {task.get_name()}: {frame.f_code.co_qualname} at {frame.f_code.co_filename}:{frame.f_lineno}"
