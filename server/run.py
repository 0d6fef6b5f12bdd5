"""Run a node: the managed parts, the house, the HTTP server; until it is told to stop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import uvicorn

from dialer.events import Trouble
from server.access import access
from server.api.app import make_app
from server.clock import SystemClock
from server.held_folder import FolderHeld, held
from server.house import House, open_house
from server.logs import logger
from server.managed_asterisk import asterisk_settings
from server.managed_redis import ManagedRedis
from server.memory import settle_memory
from server.narrator import TOLD, narrate
from server.settings import Settings
from server.supervisor import Supervised, keep_running
from server.token import api_token
from telephony.asterisk import install
from telephony.asterisk.ports import PortInUse, free_tcp_port, is_free
from telephony.asterisk.process import AsteriskInstance
from telephony.errors import SetupError, TakenOver

Say = Callable[[str], None]
_HTTP_TICK_S = 1.0


def redis_of(settings: Settings) -> ManagedRedis | None:
    """The Redis that Timbre runs itself, None when the settings name one of yours."""
    return None if settings.redis.url else ManagedRedis(settings.var_dir / "redis", settings.redis.port)


def asterisk_of(settings: Settings) -> AsteriskInstance | None:
    """The Asterisk that Timbre runs itself, None when the settings name one of yours. Blocking."""
    return AsteriskInstance(asterisk_settings(settings), install.require()) if settings.asterisk.managed else None


class AlreadyRunning(SetupError):
    """Another server works in this var folder."""


@contextlib.contextmanager
def only_server(settings: Settings) -> Iterator[None]:
    """Hold the var folder for one server. Raises AlreadyRunning naming the process."""
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    try:
        with held(settings.var_dir / "server.lock"):
            yield
    except FolderHeld as other:
        raise AlreadyRunning(
            f"a server (pid {other.pid}) works in {settings.var_dir}: stop it first, or use another var folder"
        ) from None


@asynccontextmanager
async def managed_parts(settings: Settings, say: Say, *, keep: bool) -> AsyncIterator[list[Supervised]]:
    """Start the parts that Timbre runs itself and yield them; stop them at the end unless `keep`.

    An Asterisk whose application another controller took stays up: its calls are not ours any more.
    """
    parts = []
    redis, asterisk = redis_of(settings), await asyncio.to_thread(asterisk_of, settings)
    try:
        if redis:
            await redis.start()
            lost = "the queues of leads are lost and filled again from the database"
            parts.append(Supervised("Redis", redis, lost))
            say(f"Redis on port {settings.redis.port}")
        if asterisk:
            await asterisk.start()
            parts.append(Supervised("Asterisk", asterisk, "every call that was up is lost, agents are dialled again"))
            where = f"{settings.asterisk.sip_host}:{settings.asterisk.sip_port}"
            say(f"Asterisk {asterisk.installation.version_text}, SIP on {where}")
        yield parts
    except* TakenOver:
        asterisk = None
        raise
    finally:
        if asterisk and not keep:
            await asterisk.stop()
        if redis and not keep:
            await redis.stop()


@asynccontextmanager
async def open_node(settings: Settings, say: Say, *, keep: bool = False) -> AsyncIterator[House]:
    """A whole node with its HTTP server. Raises SetupError, PortInUse, StorageError: a person must mend something."""
    with only_server(settings):
        _require_port(settings)
        async with managed_parts(settings, say, keep=keep) as parts:
            ways_in = await asyncio.to_thread(access, settings)
            async with (
                _supervised(parts, say) as tells,
                open_house(settings, ways_in, say) as house,
                _http(house),
                _narrated(house),
                tells.to(house),
            ):
                settle_memory()
                say(f"API on http://{settings.http.host}:{settings.http.port}/api/docs")
                yield house


def _require_port(settings: Settings) -> None:
    if not is_free(settings.http.port, socket.SOCK_STREAM, settings.http.host):
        raise PortInUse(
            f"port {settings.http.port} (http.port) is taken by another program: stop it, or set http.port in "
            f"timbre.toml or TIMBRE_HTTP__PORT to a free one such as {free_tcp_port()}"
        )


@asynccontextmanager
async def _narrated(house: House) -> AsyncIterator[None]:
    stop = house.hub.listen(narrate(logger("node")), *TOLD)
    try:
        yield
    finally:
        stop()


class _Tells:
    """Whom a supervisor tells: whoever started the node, and the house once there is one."""

    def __init__(self, say: Say) -> None:
        self.say = say

    @asynccontextmanager
    async def to(self, house: House) -> AsyncIterator[None]:
        """Tell `house` inside."""
        before, self.say = self.say, lambda words: house.hub.take(Trouble(house.clock.now_s(), "supervisor", words))
        try:
            yield
        finally:
            self.say = before


@asynccontextmanager
async def _supervised(parts: list[Supervised], say: Say) -> AsyncIterator[_Tells]:
    """Keep the parts running, from before the house waits for them: it would wait for a dead Asterisk for ever."""
    tells = _Tells(say)
    watching = keep_running(parts, lambda words: tells.say(words), SystemClock().monotonic_s)
    task = asyncio.create_task(watching, name="supervisor")
    try:
        yield tells
    finally:
        task.cancel()
        await asyncio.wait({task})


class _HttpServer(uvicorn.Server):
    """Wakes up once a second, for the date in its answers, and at once when it is to end.

    uvicorn's own loop looks ten times a second, in a process whose every wake-up counts.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def end(self) -> None:
        """Finish what is being answered, then end."""
        self.should_exit = True
        self._told.set()

    async def main_loop(self) -> None:
        """Until it is told to end."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_HTTP_TICK_S):
                    await self._told.wait()


@asynccontextmanager
async def _http(house: House) -> AsyncIterator[None]:
    settings = house.settings
    token = await asyncio.to_thread(api_token, settings)
    config = uvicorn.Config(
        make_app(house, token),
        host=settings.http.host,
        port=settings.http.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = _HttpServer(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(), name="http")
    try:
        yield
    finally:
        server.end()
        await asyncio.wait({task}, timeout=5)


async def reload_flows(house: House, say: Say) -> None:
    """Read the flows again, as `POST /api/v1/flows/reload` does; calls in progress keep theirs."""
    try:
        done = await house.inbound.reload_flows()
    except OSError as error:
        say(f"Flows could not be read again, the old ones go on: {error}")
        return
    parts = {"taken": ", ".join(done.taken), "removed": ", ".join(done.removed)}
    parts["refused"] = f"{len(done.refused)}, see the warnings" if done.refused else ""
    words = "; ".join(f"{what}: {which}" for what, which in parts.items() if which)
    say(f"Flows read again: {words or 'nothing changed'}. Other settings need a restart.")
