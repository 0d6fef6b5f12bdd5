"""The back ends of walked calls: real HTTP, good, slow or down as each call's world says."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from campaigns.clock import Clock
from ivr.given import Given
from ivr.hooks import Hook, HttpHooks
from ivr.secret import Secret
from ivr.signing import is_signed
from tests.support.walk_sources import LANES

SECRET = "a secret of walked calls"


@dataclass
class Backend:
    """Answers `/LANE/ask/SOURCE` and `/CALL/hook/NAME` by the world given for the call."""

    port: int
    clock: Clock
    worlds: dict[str, Given] = field(default_factory=dict)
    hooks: dict[str, list[str]] = field(default_factory=dict)
    refused: int = 0

    def webhooks(self, call: str, given: Given, names: set[str]) -> HttpHooks:
        """The hooks of one call."""
        self.worlds[call] = given
        base = f"http://127.0.0.1:{self.port}/{call}/hook/"
        return HttpHooks(
            [Hook.model_validate({"name": n, "url": base + n, "secret": SECRET}) for n in names], self.clock
        )

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a lane's question as `ivr.simulate` would. What is down answers 503 or (every other) hangs up."""
        lane, name = LANES[request.match_info["lane"]], request.match_info["name"]
        answer = lane.answer(name, await request.json())
        await asyncio.sleep(answer.slow_s)
        if answer.down:
            self.refused += 1
            if self.refused % 2 and request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        return _json(answer.found) if answer.found is not None else web.Response(status=404)

    async def take(self, request: web.Request) -> web.Response:
        """Take a webhook."""
        call, name = request.match_info["call"], request.match_info["name"]
        given, body = self.worlds[call], await request.read()
        await asyncio.sleep(given.slow.get("hooks", 0.0))
        if "hooks" in given.down:
            return web.Response(status=503)
        if not is_signed(body, request.headers, Secret(SECRET), self.clock.now_s()):
            return web.Response(status=401)
        self.hooks.setdefault(call, []).append(name)
        return web.Response()


def _json(found: Mapping[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(dict(found), default=str), content_type="application/json")


@asynccontextmanager
async def backend(clock: Clock, port: int) -> AsyncIterator[Backend]:
    """A running one, on a port of loopback."""
    made = Backend(port, clock)
    app = web.Application()
    app.router.add_post("/{lane}/ask/{name}", made.answer)
    app.router.add_post("/{call}/hook/{name}", made.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", made.port).start()
    try:
        yield made
    finally:
        await runner.cleanup()
