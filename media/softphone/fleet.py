"""A fleet of softphone robots, seen from asyncio: `async with RobotFleet(specs) as fleet`."""

import asyncio
import contextlib
import json
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from media.softphone.messages import ROBOTS_PER_WORKER, EventKind, RobotEvent, RobotSpec

QUIT_TIMEOUT_S = 5.0
KEPT_EVENTS = 1000
"""Events kept per robot and kind; older ones are forgotten."""


class SoftphoneError(RuntimeError):
    """A robot or its process failed; the message says which and why."""


class RobotFleet:
    """Robots in as many worker processes as they need. Leaving the context hangs up and ends every process.

    Raises SoftphoneError on entry when pjsua2 is not installed. A worker that dies later gives its robots an ERROR.
    """

    def __init__(self, specs: Sequence[RobotSpec]) -> None:
        if len({spec.name for spec in specs}) != len(specs):
            raise ValueError("robots of one fleet need different names")
        self._specs = tuple(specs)
        self._workers: list[_Worker] = []
        self._of: dict[str, _Worker] = {}
        self._events: dict[tuple[str, EventKind], deque[RobotEvent]] = defaultdict(lambda: deque(maxlen=KEPT_EVENTS))
        self._listeners: list[Callable[[RobotEvent], None]] = []
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        """Start the processes and add every robot (they register in the background)."""
        try:
            for start in range(0, len(self._specs), ROBOTS_PER_WORKER):
                specs = self._specs[start : start + ROBOTS_PER_WORKER]
                worker = _Worker(specs, self._on_event)
                self._workers.append(worker)
                await worker.start()
                self._of.update({spec.name: worker for spec in specs})
        except BaseException:
            await self._end_workers()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every process."""
        await self._end_workers()

    async def _end_workers(self) -> None:
        await asyncio.gather(*(worker.end() for worker in self._workers))

    @property
    def pids(self) -> tuple[int, ...]:
        """The worker processes."""
        return tuple(worker.pid for worker in self._workers)

    def address(self, robot: str) -> str:
        """Where the robot's process listens for SIP: "host:port"."""
        return self._of[robot].address

    def subscribe(self, listener: Callable[[RobotEvent], None]) -> None:
        """Call `listener` (must not block) with every event."""
        self._listeners.append(listener)

    def events(self, robot: str, kind: EventKind) -> tuple[RobotEvent, ...]:
        """What happened so far, oldest first."""
        return tuple(self._events[robot, kind])

    async def wait(self, robot: str, kind: EventKind, count: int = 1, timeout_s: float = 20.0) -> RobotEvent:
        """Wait for the robot's `count`-th event of a kind. Raises SoftphoneError when it does not come in time."""
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: len(self._events[robot, kind]) >= count)
        except TimeoutError:
            failed = self.events(robot, EventKind.ERROR) + self.events(robot, EventKind.REGISTRATION_FAILED)
            raise SoftphoneError(f"robot {robot}: no {kind} in {timeout_s:g} s; what failed: {failed}") from None
        return self._events[robot, kind][count - 1]

    async def wait_all(self, kind: EventKind, timeout_s: float = 40.0) -> None:
        """Wait until every robot had an event of this kind."""
        await asyncio.gather(*(self.wait(spec.name, kind, timeout_s=timeout_s) for spec in self._specs))

    def play(self, robot: str, file: str, *, loop: bool = True) -> None:
        """Let the robot say another 8 kHz WAV file. Not `loop`: at each of its turns."""
        self._of[robot].send({"command": "play", "robot": robot, "file": file, "loop": loop})

    def call(self, robot: str, uri: str) -> None:
        """Let the robot call a SIP URI."""
        self._of[robot].send({"command": "call", "robot": robot, "uri": uri})

    def hang_up(self, robot: str) -> None:
        """Let the robot hang up."""
        self._of[robot].send({"command": "hang_up", "robot": robot})

    async def report(self, robot: str) -> RobotEvent:
        """The robot's numbers now: cpu_s (of its whole process), frames_heard."""
        count = len(self._events[robot, EventKind.REPORT]) + 1
        self._of[robot].send({"command": "report", "robot": robot})
        return await self.wait(robot, EventKind.REPORT, count)

    async def _on_event(self, event: RobotEvent) -> None:
        self._events[event.robot, event.kind].append(event)
        for listener in self._listeners:
            listener(event)
        async with self._changed:
            self._changed.notify_all()


class _Worker:
    """One process and the task that reads it."""

    def __init__(self, specs: Sequence[RobotSpec], on_event: Callable[[RobotEvent], Any]) -> None:
        self._specs = specs
        self._on_event = on_event
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[Any]] = []
        self.address = ""

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "media.softphone.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None and process.stderr is not None
        errors = asyncio.create_task(_tail(process.stderr), name=f"softphone-{process.pid}-errors")
        self._tasks.append(errors)
        first = await process.stdout.readline()
        if not first:
            await process.wait()
            raise SoftphoneError(f"a softphone worker did not start: {await errors}")
        self.address = RobotEvent.from_line(first).text
        self._tasks.append(
            asyncio.create_task(self._read(process.stdout, errors), name=f"softphone-{process.pid}-events")
        )
        for spec in self._specs:
            self.send({"command": "add", "robot": spec.name, "spec": asdict(spec)})

    def send(self, values: dict[str, Any]) -> None:
        assert self._process is not None and self._process.stdin is not None
        if self._process.returncode is not None:
            raise SoftphoneError(f"the softphone process {self.pid} has ended with status {self._process.returncode}")
        self._process.stdin.write(json.dumps(values).encode() + b"\n")

    async def _read(self, stdout: asyncio.StreamReader, errors: "asyncio.Task[str]") -> None:
        while line := await stdout.readline():
            await self._on_event(RobotEvent.from_line(line))
        assert self._process is not None
        status = await self._process.wait()
        if status:
            text = f"the softphone process ended with status {status}: {await errors}"
            for spec in self._specs:
                await self._on_event(RobotEvent(EventKind.ERROR, spec.name, 0.0, status, text))

    async def end(self) -> None:
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(QUIT_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await asyncio.gather(*self._tasks)


async def _tail(stream: asyncio.StreamReader) -> str:
    """Read to the end and keep the last 2,000 characters."""
    text = b""
    while data := await stream.read(4096):
        text = (text + data)[-2000:]
    return text.decode(errors="replace").strip()
