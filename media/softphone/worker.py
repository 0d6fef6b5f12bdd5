"""One robot process: `python -m media.softphone.worker`. Commands come on stdin, events go to stdout.

It ends when stdin does, so it never outlives the process that started it.
"""

import ctypes
import json
import os
import select
import signal
import sys
import time
from typing import Any

from media.softphone.messages import ROBOTS_PER_WORKER, EventKind, RobotEvent, RobotSpec

POLL_MS = 10
_PR_SET_PDEATHSIG = 1


class Worker:
    """Up to four robots and the loop that serves them."""

    def __init__(self) -> None:
        """Start pjsua2. Raises ImportError when the extra `softphone` is not installed."""
        from media.softphone.engine import Engine, Robot

        self._events = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # pjsua2 writes its log to stdout
        self._make = Robot
        self._engine = Engine(int(os.environ.get("TIMBRE_SOFTPHONE_LOG", "0")))
        self._robots: dict[str, Robot] = {}
        self._running = True
        self._input = b""

    def run(self) -> None:
        """Serve until `quit` or the end of stdin."""
        os.set_blocking(0, False)
        self._emit(RobotEvent(EventKind.REPORT, "", time.monotonic(), text=self._engine.address))
        while self._running:
            self._engine.poll(POLL_MS)
            self._read_commands()
            for robot in self._robots.values():
                robot.tick()
        self._close()

    def _emit(self, event: RobotEvent) -> None:
        self._events.write(event.to_line() + "\n")
        self._events.flush()

    def _read_commands(self) -> None:
        if not select.select([0], [], [], 0)[0]:
            return
        data = os.read(0, 65536)
        if not data:
            self._running = False
            return
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            values: dict[str, Any] = {}
            try:
                values = json.loads(line)
                self._obey(values)
            except Exception as error:  # the worker's supervisor loop: pjsua2's Error has no narrower root
                text = f"{values.get('command')}: {getattr(error, 'reason', error)}"
                self._emit(RobotEvent(EventKind.ERROR, str(values.get("robot", "")), time.monotonic(), text=text))

    def _obey(self, values: dict[str, Any]) -> None:
        command, name = values["command"], values.get("robot", "")
        if command == "add":
            if len(self._robots) >= ROBOTS_PER_WORKER:
                raise ValueError(f"a worker holds {ROBOTS_PER_WORKER} robots")
            self._robots[name] = self._make(RobotSpec.from_values(values["spec"]), self._engine, self._emit)
        elif command == "play":
            self._robots[name].speak(values["file"], loop=values.get("loop", True))
        elif command == "call":
            self._robots[name].place_call(values["uri"])
        elif command == "hang_up":
            self._robots[name].hang_up()
        elif command == "report":
            self._report(name)
        elif command == "quit":
            self._running = False
        else:
            raise ValueError("unknown command")

    def _report(self, name: str) -> None:
        ear = self._robots[name].ear
        numbers = {"cpu_s": time.process_time(), "frames_heard": float(ear.frames if ear else 0)}
        self._emit(RobotEvent(EventKind.REPORT, name, time.monotonic(), numbers=numbers))

    def _close(self) -> None:
        for robot in self._robots.values():
            robot.hang_up()
        deadline_s = time.monotonic() + 1.0
        while any(robot.call for robot in self._robots.values()) and time.monotonic() < deadline_s:
            self._engine.poll(POLL_MS)
        for robot in self._robots.values():
            robot.close()
        self._robots.clear()
        self._engine.close()


def main() -> int:
    """Run one worker."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; our end is the end of stdin
    try:
        worker = Worker()
    except ImportError as error:
        print(f"the softphone robots need pjsua2: install the extra `softphone` ({error})", file=sys.stderr)
        return 3
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
