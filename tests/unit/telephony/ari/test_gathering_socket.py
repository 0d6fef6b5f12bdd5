"""Frames of one turn of the loop leave in one piece, in order, and a closed socket still says so."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from telephony.ari.socket import GatheringSocket


@asynccontextmanager
async def far_end(heard: list[str]) -> AsyncIterator[TestServer]:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            heard.append(message.data)
            if message.data == "last":
                await socket.send_str("all here")
        return socket

    app = web.Application()
    app.router.add_get("/", serve)
    async with TestServer(app) as server:
        yield server


async def test_given_requests_of_one_turn_when_sent_then_they_arrive_in_order_in_one_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    heard: list[str] = []
    async with (
        far_end(heard) as server,
        aiohttp.ClientSession(ws_response_class=GatheringSocket) as session,
        session.ws_connect(server.make_url("/")) as socket,
    ):
        pieces: list[bytes] = []
        gathering = socket._writer.transport  # type: ignore[attr-defined]
        beneath = gathering._transport

        class Counting:
            def is_closing(self) -> bool:
                return bool(beneath.is_closing())

            def write(self, data: bytes) -> None:
                pieces.append(data)
                beneath.write(data)

        monkeypatch.setattr(gathering, "_transport", Counting())

        for words in ("first", "second", "last"):
            await socket.send_str(words)  # nothing is waited for: the same turn
        answer = await socket.receive_str()

        assert answer == "all here"
        assert heard == ["first", "second", "last"]
        assert len(pieces) == 1


async def test_given_a_socket_that_was_closed_when_something_is_sent_then_it_fails_as_ever() -> None:
    async with (
        far_end([]) as server,
        aiohttp.ClientSession(ws_response_class=GatheringSocket) as session,
        session.ws_connect(server.make_url("/")) as socket,
    ):
        await socket.close()

        with pytest.raises(aiohttp.ClientConnectionResetError):
            await socket.send_str("too late")
