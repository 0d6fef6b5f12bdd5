"""A whole node in a process of its own, to be killed: `timbre up` over a folder of `live_folder`."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from server.compiled import compiled
from server.run import asterisk_of, redis_of
from server.token import api_token
from tests.support.live_folder import LiveFolder
from tests.support.until import until


class LiveProcess:
    """`timbre up` over a folder, in a process of its own."""

    def __init__(self, folder: LiveFolder) -> None:
        self.folder = folder
        self.log = folder.path / "server.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, timeout_s: float = 60.0, module: str = "server.cli") -> None:
        """Start it and wait until it may dial. module: another than `timbre` itself, with the same commands."""
        await compiled(print)  # new sources take a minute of a busy machine: not out of this patience
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, "up", "--config", str(self.folder.config)),
                cwd=Path(__file__).parents[2],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            await until(self._may_dial, timeout_s)
        except TimeoutError:
            raise AssertionError(f"the server did not come up:\n{self.log_tail()}") from None

    async def kill(self) -> None:
        """KILL it, as a crash would. Asterisk and Redis stay up."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def freeze(self) -> None:
        """STOP it: it sees and does nothing from now on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    async def exchange(self, command: str) -> str:
        """What a command of its Asterisk prints."""
        instance = await asyncio.to_thread(asterisk_of, self.folder.settings)
        assert instance is not None
        return await instance.rx(command)

    async def died(self, timeout_s: float = 60.0) -> None:
        """Wait until it ended by itself."""
        assert self._process is not None
        await asyncio.wait_for(self._process.wait(), timeout_s)

    async def stop(self) -> int:
        """TERM, and wait; its exit status. One that does not run is fine."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()

    async def end(self) -> None:
        """Stop it, and the Asterisk and Redis that are left of one that was killed or never came up."""
        await self.stop()
        for part in (await asyncio.to_thread(asterisk_of, self.folder.settings), redis_of(self.folder.settings)):
            if part:
                await part.stop()

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """One API request; its answer as JSON. Raises httpx.HTTPStatusError with what the server said."""
        settings = self.folder.settings
        headers = {"Authorization": f"Bearer {api_token(settings)}"}
        url = f"http://127.0.0.1:{settings.http.port}/api/v1{path}"
        async with httpx.AsyncClient(headers=headers, timeout=30.0) as client:
            answer = await client.request(method, url, **more)
        answer.raise_for_status()
        return answer.json()

    async def asked_until(self, path: str, condition: Callable[[Any], bool], timeout_s: float = 40.0) -> Any:
        """Ask again and again until the answer is as wanted; that answer."""
        answers: list[Any] = []

        async def holds() -> bool:
            await asyncio.sleep(0.05)
            answers[:] = [await self.ask("GET", path)]
            return condition(answers[0])

        try:
            await until(holds, timeout_s)
        except TimeoutError:
            raise AssertionError(f"{path} stays {answers}\n{self.log_tail()}") from None
        return answers[0]

    def log_tail(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-4000:]

    async def _may_dial(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise AssertionError(f"the server ended with {self._process.returncode}:\n{self.log_tail()}")
        await asyncio.sleep(0.05)
        try:
            return bool((await self.ask("GET", "/status"))["may_dial"])
        except (httpx.HTTPError, OSError):
            return False


def kill_process(pid: int) -> None:
    """KILL one process that the test started."""
    os.kill(pid, signal.SIGKILL)
