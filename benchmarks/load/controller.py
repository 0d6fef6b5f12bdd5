"""The child process: a whole node (engine, API server, logs), and one job done with it. Run by `stage.Stage.play`.

Reads the job as JSON from stdin. Writes lines of JSON to stdout: begin and end of the measured window, then what was
found. Redis and Asterisk run already and stay up.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import orjson
import uvloop

from benchmarks.load import jobs
from benchmarks.load.window import Window
from server.house import House
from server.logs import configure
from server.run import open_node
from server.settings import LogSettings, Settings

Job = Callable[[House, dict[str, Any], Window], Awaitable[dict[str, Any]]]
JOBS: dict[str, Job] = {"listen": jobs.listen, "originate": jobs.originate, "converse": jobs.converse}


def _say(event: str, **more: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps({"event": event, **more}) + b"\n")
    sys.stdout.buffer.flush()


async def _run(spec: dict[str, Any]) -> None:
    settings = Settings(**spec["settings"])
    async with open_node(settings, lambda words: None, keep=True) as house:
        options = spec["options"]
        window = Window(_say, float(options["seconds"]))
        found = await JOBS[spec["job"]](house, options, window)
        found["lag_ms"] = window.lag_ms
        found["troubles"] = [f"{each.where}: {each.words}" for each in house.hub.troubles()][:20]
        _say("found", found=found)


def main() -> None:
    """Do the job of stdin."""
    spec = orjson.loads(sys.stdin.buffer.read())
    configure(LogSettings(level="info"))
    with suppress(BrokenPipeError), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(spec))
    os._exit(0)


if __name__ == "__main__":
    main()
