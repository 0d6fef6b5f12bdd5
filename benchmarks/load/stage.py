"""The parts of one run: folder, free ports, Redis, Asterisk, and the controller as a child process of its own."""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.load.folders import open_folder, tail
from benchmarks.load.meter import Cost, Meter
from server.run import asterisk_of, managed_parts, redis_of
from server.settings import AgentPart, AsteriskPart, HttpSettings, RedisSettings, Settings, TrunkPart
from telephony.asterisk import ports

_RTP_PORTS = 1600
_PATIENCE_S = 300.0
_LARGEST_LINE_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the controller gave. found: the controller's own figures; costs: of each process."""

    found: dict[str, Any]
    costs: dict[str, Cost]


class ControllerFailed(RuntimeError):
    """The controller's process ended without figures; the message holds the end of its log."""


@dataclass(slots=True)
class Stage:
    """Redis and Asterisk run. `play` runs a controller and measures it."""

    settings: Settings
    folder: Path
    pids: dict[str, int]

    async def play(self, job: str, options: Mapping[str, Any], pids: Mapping[str, int]) -> Run:
        """Run one job in a controller process. pids: further processes to measure. Raises ControllerFailed."""
        spec = {"settings": json.loads(self.settings.model_dump_json()), "job": job, "options": dict(options)}
        log = self.folder / f"controller-{job}.log"
        with log.open("wb") as errors:
            child = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "benchmarks.load.controller"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                limit=_LARGEST_LINE_BYTES,
            )
        assert child.stdin and child.stdout
        try:
            child.stdin.write(orjson.dumps(spec))
            child.stdin.close()
            async with asyncio.timeout(_PATIENCE_S + float(options["seconds"])):
                return await self._follow(child.stdout, Meter({"controller": child.pid, **self.pids, **pids}), log)
        finally:
            if child.returncode is None:
                child.terminate()
                try:
                    await asyncio.wait_for(child.wait(), 15)
                except TimeoutError:
                    child.kill()
                    await child.wait()

    async def _follow(self, lines: asyncio.StreamReader, meter: Meter, log: Path) -> Run:
        costs: dict[str, Cost] = {}
        async for line in lines:
            said = orjson.loads(line)
            match said["event"]:
                case "begin":
                    meter.begin()
                case "end":
                    costs = meter.end()
                case "found":
                    return Run(said["found"], costs)
        raise ControllerFailed(f"the controller ended without figures:\n{tail(log)}")


@asynccontextmanager
async def stage(
    trunk_port: int, agent_port: int | None = None, agents: int = 0, rate: float = 200.0
) -> AsyncIterator[Stage]:
    """Start Redis and Asterisk in a folder of their own on free ports; stop them and remove it at the end."""
    with open_folder("timbre-load-") as folder:
        trunks = [_trunk("carrier", trunk_port, rate)] + ([_trunk("desks", agent_port, rate)] if agent_port else [])
        settings = _settings(folder, trunks, agents)
        async with managed_parts(settings, lambda words: None, keep=False):
            redis, asterisk = redis_of(settings), await asyncio.to_thread(asterisk_of, settings)
            assert redis and asterisk
            assert redis.pid
            assert asterisk.pid
            yield Stage(settings, folder, {"asterisk": asterisk.pid, "redis": redis.pid})


def _settings(folder: Path, trunks: Sequence[TrunkPart], agents: int) -> Settings:
    rtp = ports.free_rtp_range(random.Random(), _RTP_PORTS)
    return Settings(
        var=folder / "var",
        campaigns=folder / "campaigns",
        http=HttpSettings(port=ports.free_tcp_port()),
        redis=RedisSettings(port=ports.free_tcp_port()),
        asterisk=AsteriskPart(
            http_port=ports.free_tcp_port(),
            ami_port=ports.free_tcp_port(),
            sip_port=ports.free_udp_port(),
            rtp_first=rtp.first,
            rtp_last=rtp.last,
        ),
        trunks=tuple(trunks),
        agents=tuple(AgentPart(name=f"a{i:02d}", endpoint=f"PJSIP/a{i:02d}@desks") for i in range(agents)),
    )


def _trunk(name: str, port: int, rate: float) -> TrunkPart:
    return TrunkPart(
        name=name, host="127.0.0.1", port=port, channels=2000, calls_per_s=rate, codecs=("alaw",), qualify_s=0
    )
