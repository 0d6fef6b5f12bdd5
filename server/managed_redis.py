"""The Redis that Timbre runs itself. It outlives a crashed server on purpose; what it holds can be rebuilt."""

import asyncio
import os
import shutil
import signal
import socket
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from telephony.asterisk.orphan import start_orphan
from telephony.asterisk.pidfile import PidFile, ended
from telephony.asterisk.ports import PortInUse, is_free
from telephony.errors import SetupError

_BOOT_TIMEOUT_S = 10.0


class ManagedRedis:
    """A Redis of Timbre's own on the loopback. It keeps nothing on disk: what it holds can be rebuilt."""

    def __init__(self, directory: Path, port: int) -> None:
        """Nothing happens before `start`."""
        self._directory = directory
        self._port = port
        self._pid_file = PidFile(directory / "redis.pid")

    @property
    def pid(self) -> int | None:
        """The process, or None when it does not run."""
        return self._pid_file.read()

    async def start(self) -> None:
        """Bring it up and wait until it answers; one that runs already is a success. Raises SetupError, PortInUse."""
        if self.pid is not None and await self._answers():
            return
        await self._pid_file.gone(_BOOT_TIMEOUT_S)
        program = shutil.which("redis-server")
        if program is None:
            raise SetupError("redis-server is missing: run `make setup`, or set redis.url to a Redis of yours")
        if await self._answers():
            raise PortInUse(
                f"port {self._port} is taken by another Redis: set redis.port, or redis.url to use that one"
            )
        if not is_free(self._port, socket.SOCK_STREAM):
            raise PortInUse(
                f"port {self._port} (redis.port) is taken by another program: stop it, or set redis.port "
                "(TIMBRE_REDIS__PORT) to a free one"
            )
        await asyncio.to_thread(self._directory.mkdir, parents=True, exist_ok=True)
        options = f"--port {self._port} --bind 127.0.0.1 --appendonly no --dir {self._directory} --loglevel warning"
        command = f"exec {program} {options} --save ''"
        self._pid_file.write(await start_orphan(command, self._directory / "redis.log"))
        try:
            async with asyncio.timeout(_BOOT_TIMEOUT_S):
                while not await self._answers():
                    if self.pid is None:
                        raise SetupError(f"redis-server ended while starting: see {self._directory / 'redis.log'}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise SetupError(f"redis-server did not answer on port {self._port}") from None

    async def stop(self) -> None:
        """End it; one that does not run is a success."""
        if (pid := self.pid) is not None:
            os.kill(pid, signal.SIGTERM)
            if not await ended(pid, 5.0):
                os.kill(pid, signal.SIGKILL)
            self._pid_file.remove()

    async def _answers(self) -> bool:
        redis = Redis(
            host="127.0.0.1",
            port=self._port,
            socket_connect_timeout=0.5,
            socket_timeout=0.5,
            retry=Retry(NoBackoff(), 0),  # the library's own retries take seconds to say no
        )
        try:
            return await redis.exists("timbre:ping") is not None
        except (RedisError, OSError):
            return False
        finally:
            await redis.aclose()
