"""SIPp as the far end of a call: one scenario per behaviour, on a free port."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from telephony.asterisk import ports

_SCENARIOS = Path(__file__).parent / "sipp"
_TRIES = 3


@asynccontextmanager
async def sipp_far_end(scenario: str, *, status: str = "", duration_ms: int = 100) -> AsyncIterator[str]:
    """Run a scenario; yields its address as "127.0.0.1:port". status: the final one ("486 Busy Here")."""
    with tempfile.TemporaryDirectory(prefix="timbre-sipp-") as folder:
        rendered = Path(folder) / f"{scenario}.xml"
        rendered.write_text((_SCENARIOS / f"{scenario}.xml").read_text().replace("@STATUS@", status))
        process, port = await _listening(rendered, duration_ms)
        try:
            yield f"127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _listening(scenario: Path, duration_ms: int) -> tuple[asyncio.subprocess.Process, int]:
    """Start SIPp on a free port. Somebody else may take a port between the look and the use: then on another."""
    for _ in range(_TRIES):
        port, media_port = ports.free_udp_port(), ports.free_udp_port()
        process = await asyncio.create_subprocess_exec(
            *("sipp", "-sf", str(scenario), "-d", str(duration_ms), "-i", "127.0.0.1", "-p", str(port)),
            *("-mp", str(media_port), "-nostdin"),
            cwd=scenario.parent,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await _holds(process, port):
            return process, port
    raise RuntimeError(f"SIPp ended at once {_TRIES} times, last with status {process.returncode}")


async def _holds(process: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until the process holds its UDP port; False when it ended instead."""
    wanted = f":{port:04X} "
    async with asyncio.timeout(30):
        while not any(wanted in line for line in _udp_sockets()):
            if process.returncode is not None:
                return False
            await asyncio.sleep(0.01)
    return True


def _udp_sockets() -> list[str]:
    return Path("/proc/net/udp").read_text().splitlines()
