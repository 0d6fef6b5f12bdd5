"""A loopback port in front of another one, that can be shut."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self


class TcpGate:
    """Forwards connections to 127.0.0.1:`target` until `shut`; `open` lets new ones in again on the same port."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shut()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        assert self._server is not None
        self._server.close()
        for _ in range(5):  # who was accepted in this very moment gets its handler, and is ended with the others
            await asyncio.sleep(0)
        for writer in tuple(self._writers):
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            async with _closing(self._writers, writer):
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
                async with _closing(self._writers, far_writer):
                    await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        except OSError:
            pass  # the target is down: so is whoever asked for it
        finally:
            self._tasks.discard(task)


@asynccontextmanager
async def _closing(writers: set[asyncio.StreamWriter], writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    writers.add(writer)
    try:
        yield
    finally:
        writers.discard(writer)
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
