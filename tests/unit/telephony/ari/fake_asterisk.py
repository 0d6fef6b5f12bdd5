"""A scripted Asterisk on loopback: the ARI endpoints that the link uses, and nothing behind them."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from telephony.ari.control import AriCallControl

Running = Callable[..., AbstractAsyncContextManager[AriCallControl]]


class FakeAsterisk:
    """`answers` maps (method, resource prefix) to a reply, first match wins; None never answers."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.answers: list[tuple[str, str, tuple[int, Any] | None]] = []
        self.channels: list[dict[str, Any]] = []
        self.startup_time = "2026-01-01T00:00:00.000+0000"
        self.info_status = 200
        self.connections = 0
        self.auto_stasis = True
        self.answering = True
        self._socket: web.WebSocketResponse | None = None
        app = web.Application()
        app.router.add_get("/ari/asterisk/info", self._info)
        app.router.add_get("/ari/events", self._events)
        self.server = TestServer(app)

    @property
    def port(self) -> int:
        assert self.server.port is not None
        return self.server.port

    async def _info(self, request: web.Request) -> web.Response:
        if self.info_status != 200:
            return web.Response(status=self.info_status)
        return web.json_response({"status": {"startup_time": self.startup_time}})

    async def _events(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._socket = socket
        self.connections += 1
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._serve(json.loads(message.data))
        return socket

    async def _serve(self, asked: dict[str, Any]) -> None:
        self.requests.append(asked)
        if not self.answering:
            return
        reply = self._reply(asked)
        if reply is not None:
            await self.reply(asked, *reply)
        creates = asked["uri"] in ("channels/create", "channels/externalMedia")
        if creates and reply is not None and reply[0] == 200 and self.auto_stasis:
            query = {pair["name"]: pair["value"] for pair in asked["query_strings"]}
            await self.event("StasisStart", channel={"id": query["channelId"]}, args=[])

    def _reply(self, asked: dict[str, Any]) -> tuple[int, Any] | None:
        for method, resource, reply in self.answers:
            if asked["method"] == method and asked["uri"].startswith(resource):
                return reply
        if asked["method"] == "GET":
            return 200, {"channels": self.channels, "bridges": []}.get(asked["uri"], {})
        return (200, {}) if asked["uri"].startswith(("channels/create", "channels/externalMedia")) else (204, None)

    async def reply(self, asked: dict[str, Any], status: int, body: Any) -> None:
        message = {"type": "RESTResponse", "request_id": asked["request_id"], "status_code": status}
        if body is not None:
            message["message_body"] = json.dumps(body)
        assert self._socket is not None
        await self._socket.send_json({**message, "reason_phrase": ""})

    async def event(self, kind: str, **fields: Any) -> None:
        assert self._socket is not None
        await self._socket.send_json({"type": kind, **fields})

    async def drop(self) -> None:
        """Close the event socket, as a killed Asterisk does."""
        assert self._socket is not None
        await self._socket.close()

    def asked(self, method: str, resource: str) -> list[dict[str, Any]]:
        return [one for one in self.requests if one["method"] == method and one["uri"].startswith(resource)]


async def until(condition: Callable[[], bool], patience_s: float = 5.0) -> None:
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110 - the far side of a socket sets no Event
            await asyncio.sleep(0.005)


class SystemClock:
    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()


class NoRecorder:
    async def mix_monitor(self, channel_id: str, path: str) -> None:
        raise AssertionError("not asked for here")

    async def stop_mix_monitor(self, channel_id: str) -> None:
        raise AssertionError("not asked for here")
