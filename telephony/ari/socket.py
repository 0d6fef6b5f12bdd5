"""Fewer system calls on the one WebSocket: requests of one turn of the event loop leave in one piece.

A tick's calls are placed together. Each small write to a loopback socket costs the kernel's whole way to the other side
and wakes it up: five requests in one write cost what one does.
"""

import asyncio
from typing import Any, Literal

import aiohttp


class _Gathering:
    """Stands where a WebSocket writer expects its transport, and hands on once a turn what was written."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._written: list[bytes] = []

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def write(self, data: bytes) -> None:
        if not self._written:
            self._loop.call_soon(self._flush)
        self._written.append(data)

    def _flush(self) -> None:
        written, self._written = self._written, []
        if not self._transport.is_closing():
            self._transport.write(b"".join(written))


class GatheringSocket(aiohttp.ClientWebSocketResponse[Literal[True]]):
    """A client's WebSocket whose frames leave at the end of the turn in which they were sent."""

    def __init__(self, reader: Any, writer: Any, *args: Any, **kwargs: Any) -> None:
        """Made by aiohttp (`ws_response_class`)."""
        super().__init__(reader, writer, *args, **kwargs)
        writer.transport = _Gathering(writer.transport)
