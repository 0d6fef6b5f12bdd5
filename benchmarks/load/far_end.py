"""SIPp as the telephone network: one process, one scenario, one UDP port."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.load.folders import tail
from media.frames import SAMPLE_RATE_HZ
from media.g711 import alaw_encode
from media.soundfiles import load
from server.demo import voices
from telephony.asterisk import ports

_SCENARIOS = Path(__file__).parent / "scenarios"
_VOICES = Path(voices.__file__).parent / "voices"
_START_TIMEOUT_S = 10.0
_PORTS_PER_CALL = 4


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What every call meets. answer: share of calls that are answered; the others get 486 after `ring_ms`."""

    ring_ms: int = 200
    answer: float = 1.0
    talk_ms: int = 3_600_000
    calls: int = 100

    @property
    def scenario(self) -> str:
        """The scenario file."""
        return "talk.xml" if self.answer > 0 else "reject.xml"


@dataclass(frozen=True, slots=True)
class FarEnd:
    """A running SIPp."""

    pid: int
    port: int


def greeting_and_talk(path: Path) -> Path:
    """Write the called side's audio as A-law: a short greeting, a pause for the verdict, then talk. 18 s."""
    parts = [
        _quiet(0.3),
        load(_VOICES / "word-2-3.flac"),
        _quiet(2.5),
        load(_VOICES / "sentence-2-talk.flac"),
        _quiet(1.0),
        load(_VOICES / "agent-5.flac"),
    ]
    path.write_bytes(alaw_encode(np.concatenate(parts)))
    return path


def _quiet(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    noise = np.random.default_rng(1).normal(0, 8, int(seconds * SAMPLE_RATE_HZ))
    return noise.astype(np.int16)


@asynccontextmanager
async def far_end(folder: Path, name: str, behaviour: Behaviour) -> AsyncIterator[FarEnd]:
    """Run SIPp until the context is left. Raises RuntimeError with what it printed when it does not come up."""
    scenario = await asyncio.to_thread(_write_scenario, folder, name, behaviour)
    port = ports.free_udp_port()
    media = ports.free_rtp_range(random.Random(), behaviour.calls * _PORTS_PER_CALL)
    log = folder / f"{name}.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *("sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port), "-mp", str(media.first)),
            *("-nostdin", "-nd", "-l", "100000"),
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        await _listens(process, port, log)
        yield FarEnd(process.pid, port)
    finally:
        if process.returncode is None:
            process.kill()
        with contextlib.suppress(ProcessLookupError):
            await process.wait()


def _write_scenario(folder: Path, name: str, behaviour: Behaviour) -> Path:
    sound = greeting_and_talk(folder / f"{name}.alaw")
    text = (_SCENARIOS / behaviour.scenario).read_text()
    values = {"RING_MS": behaviour.ring_ms, "ANSWER": behaviour.answer, "TALK_MS": behaviour.talk_ms, "SOUND": sound}
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    scenario = folder / f"{name}.xml"
    scenario.write_text(text)
    return scenario


def _holds_udp(port: int) -> bool:
    wanted = f":{port:04X} "
    return any(wanted in line for line in Path("/proc/net/udp").read_text().splitlines())


async def _listens(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    """Wait until the process holds its UDP port."""
    async with asyncio.timeout(_START_TIMEOUT_S):
        while not _holds_udp(port):
            if process.returncode is not None:
                raise RuntimeError(f"SIPp ended with {process.returncode}: {tail(log)}")
            await asyncio.sleep(0.02)
