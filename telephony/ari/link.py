"""The one WebSocket: events come in, requests go out, and it comes back by itself when it is lost.

The reader never awaits anybody's code. A ping travels on the same socket as everything else, because Asterisk serves
the requests of one socket one after the other: when one is stuck, all are, and only a ping there shows it. The
questions "is it up, is the secret right, has it restarted" go over plain HTTP, a second way in.
"""

import asyncio
import itertools
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import structlog

from campaigns.clock import Clock
from telephony.ari import requests
from telephony.ari.requests import Reply, Request
from telephony.ari.settings import AriSettings
from telephony.ari.socket import GatheringSocket
from telephony.errors import LinkDown, SetupError, TakenOver
from telephony.events import LinkState

_log = structlog.get_logger(__name__)
_HTTP_TIMEOUT_S = 2.0
_LARGEST_MESSAGE_BYTES = 64 * 2**20  # a list of thousands of channels is one message

RawEvent = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request on its way. due_s: when it is given up, by the event loop's clock."""

    answer: asyncio.Future[Reply]
    request: Request
    due_s: float


class AnswerLost(LinkDown):
    """A request was sent and its answer never came: whether Asterisk did it is unknown."""


class Link:
    """A supervised WebSocket to Asterisk.

    on_event: called by the reader for every event, must not block. on_connected: awaited on each new connection before
    the link counts as up; it is told whether Asterisk itself restarted since the last one. on_stall: called when the
    socket does not answer for `stall_s`. may_take: awaited before the first connection, which takes the application
    away from whoever has it; raises SetupError when that must not be.
    """

    def __init__(
        self,
        settings: AriSettings,
        clock: Clock,
        rng: random.Random,
        on_event: Callable[[RawEvent], None],
        on_connected: Callable[[bool], Awaitable[None]],
        on_stall: Callable[[], object],
        may_take: Callable[[], Awaitable[None]],
    ) -> None:
        self.state = LinkState.DOWN
        self.refusal: SetupError | None = None
        self.late_answers = 0
        self.stalls = 0
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._on_event = on_event
        self._on_connected = on_connected
        self._on_stall = on_stall
        self._may_take = may_take
        self._listeners: list[Callable[[LinkState], None]] = []
        self._numbers = itertools.count(1)
        self._pending: dict[str, _Asked] = {}
        self._alarm: asyncio.TimerHandle | None = None  # one for all requests: a timer each costs more than it is worth
        self._http: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse[bool] | None = None
        self._group: asyncio.TaskGroup | None = None
        self._started_at: str | None = None  # Asterisk's own start time, the name of its life
        self._ping_sent_s: float | None = None

    def on_state(self, listener: Callable[[LinkState], None]) -> None:
        """Call `listener` at every change of the state."""
        self._listeners.append(listener)

    @property
    def silent_s(self) -> float:
        """How long the oldest ping has been waiting for its answer, seconds."""
        return 0.0 if self._ping_sent_s is None else self._clock.monotonic_s() - self._ping_sent_s

    def _enter(self, state: LinkState) -> None:
        if state is self.state:
            return
        self.state = state
        _log.info("ari link", state=state.value)
        for listener in self._listeners:
            listener(state)

    # -- asking

    async def ask(self, request: Request, *, reconciling: bool = False) -> Reply:
        """Send a request and wait for its answer, whatever its status.

        Raises LinkDown when nothing was sent, AnswerLost when it was sent and no answer came.
        """
        if self._socket is None or not (reconciling or self.state is LinkState.UP):
            raise LinkDown(f"{request}: the link to Asterisk is {self.state.value}; it comes back by itself")
        number = str(next(self._numbers))
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Reply] = loop.create_future()
        due_s = loop.time() + self._settings.request_timeout_s
        self._pending[number] = _Asked(answer, request, due_s)
        if self._alarm is None:
            self._alarm = loop.call_at(due_s, self._give_up, loop)
        try:
            await self._socket.send_str(request.encode(number))
            return await answer
        except aiohttp.ClientError as error:
            raise AnswerLost(f"{request}: the link broke while it was being sent") from error
        finally:
            self._pending.pop(number, None)

    async def do(self, request: Request) -> Reply:
        """Like `ask`, and raises RequestRejected when Asterisk says no."""
        reply = await self.ask(request)
        if not reply.ok:
            raise requests.rejection(request, reply)
        return reply

    def post(self, request: Request, on_refused: Callable[[Reply], None] = lambda reply: None) -> None:
        """Send a request and wait for nothing; on a link that is down nothing happens. on_refused must not block."""
        if self._group is not None and self.state is LinkState.UP:
            self._group.create_task(self._send_only(request, on_refused), name=f"ari {request}")

    async def _send_only(self, request: Request, on_refused: Callable[[Reply], None]) -> None:
        try:
            reply = await self.ask(request)
        except LinkDown as error:
            _log.warning("ari request without an answer", error=str(error))
            return
        if not reply.ok:
            on_refused(reply)

    def _give_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up what is due, and come back for the rest."""
        now_s, next_s = loop.time(), math.inf
        for asked in self._pending.values():
            if asked.due_s > now_s:
                next_s = min(next_s, asked.due_s)
            elif not asked.answer.done():
                seconds = self._settings.request_timeout_s
                asked.answer.set_exception(AnswerLost(f"{asked.request}: Asterisk did not answer in {seconds:g} s"))
        self._alarm = loop.call_at(next_s, self._give_up, loop) if next_s < math.inf else None

    def _lose_answers(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        for asked in self._pending.values():
            if not asked.answer.done():
                asked.answer.set_exception(AnswerLost("the link to Asterisk broke before the answer came"))

    # -- living

    async def run(self) -> None:
        """Keep the link up until cancelled. Raises SetupError when only a person can mend it (state REFUSED)."""
        login = {"Authorization": aiohttp.encode_basic_auth(self._settings.user, self._settings.secret)}
        failures = 0
        async with aiohttp.ClientSession(headers=login, ws_response_class=GatheringSocket) as self._http:
            while True:
                lived = await self._one_life()
                failures = 0 if lived else failures + 1
                await asyncio.sleep(self._pause_s(failures))

    def _pause_s(self, failures: int) -> float:
        pause_s = self._settings.backoff_min_s * 2.0 ** min(failures, 16)
        return min(pause_s, self._settings.backoff_max_s) * self._rng.uniform(0.5, 1.0)

    async def _one_life(self) -> bool:
        """Connect and serve until the connection ends; whether it was ever up."""
        try:
            await self._serve()
        except* SetupError as group:
            refusal = group.exceptions[0]
            assert isinstance(refusal, SetupError)
            self._refuse(refusal)
        except* (LinkDown, aiohttp.ClientError, OSError, TimeoutError) as group:
            _log.warning("ari link lost", error=repr(group.exceptions[0]))
        was_up = self.state is LinkState.UP
        if self.refusal is not None:
            raise self.refusal
        self._enter(LinkState.DOWN)
        return was_up

    def _refuse(self, refusal: SetupError) -> None:
        self.refusal = refusal
        self._enter(LinkState.REFUSED)

    async def _serve(self) -> None:
        http = self._http
        assert http is not None
        started_at = await self._look()
        if self._started_at is None:
            await self._may_take()
        url = f"{self._settings.base_url}events"
        try:
            async with http.ws_connect(
                url, params={"app": self._settings.app}, max_msg_size=_LARGEST_MESSAGE_BYTES, decode_text=False
            ) as socket:
                self._socket = socket
                async with asyncio.TaskGroup() as self._group:
                    self._group.create_task(self._read(socket), name="ari reader")
                    self._group.create_task(self._care(started_at), name="ari caretaker")
        finally:
            self._socket = self._group = self._ping_sent_s = None
            self._lose_answers()

    async def _look(self) -> str:
        """Ask over HTTP whether Asterisk is up; returns its start time. Raises SetupError, LinkDown."""
        assert self._http is not None
        timeout = aiohttp.ClientTimeout(total=_HTTP_TIMEOUT_S)
        async with self._http.get(f"{self._settings.base_url}asterisk/info?only=status", timeout=timeout) as answer:
            if answer.status in (401, 403):
                raise SetupError(
                    f"Asterisk at {self._settings.base_url} refuses ARI user {self._settings.user!r} "
                    f"({answer.status}): its secret must be the same in {self._settings.secret_place}"
                )
            if answer.status != 200:
                raise LinkDown(f"Asterisk is not ready: {answer.status}")
            return str(orjson.loads(await answer.read())["status"]["startup_time"])

    async def _read(self, socket: Any) -> None:
        """Take every message off the socket; nothing in here waits for anybody."""
        while True:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                break
            raw = orjson.loads(message.data)
            kind = raw["type"]
            if kind == "RESTResponse":
                self._match(raw)
            elif kind == "ApplicationReplaced":
                raise TakenOver(
                    f"another controller took over the ARI application {self._settings.app!r}: "
                    "stop it, or give this one an application name of its own, then start again"
                )
            else:
                self._on_event(raw)
        raise LinkDown("Asterisk closed the event socket")

    def _match(self, raw: RawEvent) -> None:
        asked = self._pending.get(raw.get("request_id", ""))
        if asked is None or asked.answer.done():
            self.late_answers += 1
        else:
            asked.answer.set_result(requests.read_reply(raw))

    async def _care(self, started_at: str) -> None:
        """Make the new connection whole, then watch over it."""
        restarted = self._started_at is not None and self._started_at != started_at
        if restarted:
            self._enter(LinkState.LOST_STATE)
        await self._on_connected(restarted)
        self._started_at = started_at
        self._enter(LinkState.UP)
        while True:
            await asyncio.sleep(self._settings.ping_every_s)
            await self._ping()

    async def _ping(self) -> None:
        """One ping, waited for as long as it takes to be sure. Raises LinkDown when the socket is to be given up."""
        assert self._group is not None
        self._ping_sent_s = self._clock.monotonic_s()
        ping = self._group.create_task(self._ask_ping(), name="ari ping")
        for wait_s, verdict in (
            (self._settings.stall_s, self._stalled),
            (self._settings.wedged_s - self._settings.stall_s, self._wedged),
            (self._settings.cut_s - self._settings.wedged_s, self._cut),
        ):
            await asyncio.wait((ping,), timeout=wait_s)
            if ping.done():
                self._ping_sent_s = None
                return
            await verdict()

    async def _ask_ping(self) -> None:
        assert self._socket is not None
        number = str(next(self._numbers))
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending[number] = _Asked(answer, requests.PING, math.inf)  # it is waited for in steps of its own
        try:
            await self._socket.send_str(requests.PING.encode(number))
            await answer
        finally:
            self._pending.pop(number, None)

    async def _stalled(self) -> None:
        self.stalls += 1
        _log.error("ari socket does not answer, waking the taps", silent_s=round(self.silent_s, 1))
        self._on_stall()

    async def _wedged(self) -> None:
        try:
            await self._look()
        except (LinkDown, aiohttp.ClientError, OSError, TimeoutError):
            return  # all of Asterisk is slow or stopped: cutting the link would not help it
        raise LinkDown("the ARI socket is stuck while Asterisk answers over HTTP: taking a new one")

    async def _cut(self) -> None:
        raise LinkDown(f"Asterisk did not answer a ping in {self._settings.cut_s:g} s")
