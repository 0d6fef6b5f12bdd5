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
from ivr.sources import HttpSource, Sources
from telephony.asterisk import ports

SECRET = "a secret of walked calls"


@dataclass
class Backend:
    """Answers `/CALL/ask/SOURCE` and `/CALL/hook/NAME` by the world given for the call."""

    port: int
    clock: Clock
    worlds: dict[str, Given] = field(default_factory=dict)
    hooks: dict[str, list[str]] = field(default_factory=dict)

    def sources(self, call: str, given: Given) -> Sources:
        """The sources of one call. One that is down refuses connections, or (every other call) answers 503."""
        self.worlds[call] = given
        closed = ports.free_tcp_port() if len(self.worlds) % 2 else self.port
        return Sources(
            HttpSource(
                name=name,
                kind="http",
                method="POST",
                repeatable=True,
                timeout_s=60.0,
                url=f"http://127.0.0.1:{closed if _all_down(given, name) else self.port}/{call}/ask/{name}",
            )
            for name in given.lookups
        )

    def webhooks(self, call: str, given: Given, names: set[str]) -> HttpHooks:
        """The hooks of one call."""
        self.worlds[call] = given
        base = f"http://127.0.0.1:{self.port}/{call}/hook/"
        return HttpHooks(
            [Hook.model_validate({"name": n, "url": base + n, "secret": SECRET}) for n in names], self.clock
        )

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a question as `ivr.simulate` would."""
        given, name = self.worlds[request.match_info["call"]], request.match_info["name"]
        question = await request.json()
        for answer in given.lookups.get(name, ()):
            if all(str(question.get(key)) == str(value) for key, value in answer.when.items()):
                await asyncio.sleep(answer.slow_s)
                if answer.down:
                    return web.Response(status=503)
                return _json(answer.found) if answer.found is not None else web.Response(status=404)
        return web.Response(status=404)

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


def _all_down(given: Given, name: str) -> bool:
    return all(answer.down for answer in given.lookups[name]) and bool(given.lookups[name])


def _json(found: Mapping[str, Any]) -> web.Response:
    return web.Response(text=json.dumps(dict(found), default=str), content_type="application/json")


@asynccontextmanager
async def backend(clock: Clock) -> AsyncIterator[Backend]:
    """A running one, on a free port of loopback."""
    made = Backend(ports.free_tcp_port(), clock)
    app = web.Application()
    app.router.add_post("/{call}/ask/{name}", made.answer)
    app.router.add_post("/{call}/hook/{name}", made.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", made.port).start()
    try:
        yield made
    finally:
        await runner.cleanup()
