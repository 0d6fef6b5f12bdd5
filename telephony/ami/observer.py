"""The manager interface as an observer: it listens, records and reloads, and can never place a call.

panoramisk speaks the protocol; three habits of it are held in check here. It sends unanswered actions again after a
reconnect: our connections never reconnect, each life gets a new Manager. It lets CR/LF in a value add headers: refused.
It never notices an unanswered ping: every action has its own timeout, and a lost ping ends the connection.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from panoramisk import Manager

from campaigns.clock import Clock
from telephony.ami.events import WANTED, AmiEvent, Registration, read_event
from telephony.ami.settings import AmiSettings
from telephony.errors import ChannelGone, LinkDown, RequestRejected, SetupError

_log = structlog.get_logger(__name__)
_FORBIDDEN_ACTIONS = frozenset({"originate", "redirect", "bluehangup", "setvar", "userevent"})
_BREAKS = ("\r", "\n", "\0")


class ForbiddenAction(ValueError):
    """An action that the observer must never send, or a value that would smuggle another one in."""


def checked(action: str, values: Mapping[str, str]) -> dict[str, str]:
    """The action as a dictionary, or ForbiddenAction."""
    if action.lower() in _FORBIDDEN_ACTIONS:
        raise ForbiddenAction(f"{action} is not for the observer: calls are placed and moved through ARI alone")
    for name, value in (("Action", action), *values.items()):
        if any(mark in name or mark in value for mark in _BREAKS):
            raise ForbiddenAction(f"{action}: {name} holds a line break, which would add a header of its own")
    return {"Action": action, **values}


class _OneLife(Manager):  # type: ignore[misc]
    """A panoramisk connection that never comes back by itself and keeps nothing to send again."""

    pinger: Any

    def __init__(self, settings: AmiSettings, on_event: Callable[[Mapping[str, str]], None]) -> None:
        super().__init__(
            host=settings.host,
            port=settings.port,
            ping_delay=10**6,  # our own ping has a timeout
            ping_interval=10**6,
            loop=asyncio.get_running_loop(),
            log=_Quiet(),
        )
        self.ended = asyncio.Event()
        for name in WANTED:
            self.register_event(name, lambda _manager, message: on_event(message))

    def connection_made(self, f: asyncio.Future[Any]) -> None:
        """Take a connection over; a failed one is for whoever awaits it, not for a timer that connects once more."""
        if not f.cancelled() and f.exception() is None:
            super().connection_made(f)

    def connection_lost(self, exc: object) -> None:
        """Give up: no reconnect, no repeated action."""
        self.awaiting_actions.clear()
        self.ended.set()


class _Quiet:
    """panoramisk logs messages whole, secrets included: none of it goes anywhere."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


class AmiObserver:
    """Listens to Asterisk's manager interface. Also the `Recorder` of `telephony.ari.control`.

    Run it with `group.create_task(observer.run())` and wait with `await observer.wait_up()`.
    on_event: called for every typed event, must not block.
    """

    def __init__(
        self, settings: AmiSettings, clock: Clock, rng: random.Random, on_event: Callable[[AmiEvent], None]
    ) -> None:
        self.refusal: SetupError | None = None
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._on_event = on_event
        self._manager: _OneLife | None = None
        self._settled = asyncio.Event()

    # -- living

    @property
    def is_up(self) -> bool:
        """Whether actions are answered."""
        return self._manager is not None and self._settled.is_set()

    async def wait_up(self) -> None:
        """Wait until actions are answered. Raises SetupError when Asterisk refuses us."""
        await self._settled.wait()
        if self.refusal is not None:
            raise self.refusal

    async def run(self) -> None:
        """Keep the connection until cancelled. Raises SetupError on a wrong secret."""
        failures = 0
        while True:
            try:
                await self._one_life()
                failures = 0
            except SetupError as refusal:
                self.refusal = refusal
                self._settled.set()
                raise
            except (LinkDown, OSError) as error:
                failures += 1
                _log.warning("ami link lost", at=f"{self._settings.host}:{self._settings.port}", error=str(error))
            await asyncio.sleep(self._pause_s(failures))

    def _pause_s(self, failures: int) -> float:
        pause_s = self._settings.backoff_min_s * 2.0 ** min(failures, 16)
        return min(pause_s, self._settings.backoff_max_s) * self._rng.uniform(0.5, 1.0)

    async def _one_life(self) -> None:
        manager = _OneLife(self._settings, self._see)
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                await manager.connect()
            self._manager = manager
            await self._login()
            self._settled.set()
            _log.info("ami link", state="up")
            await self._watch(manager)
        except TimeoutError as error:
            raise LinkDown("Asterisk's manager interface did not answer") from error
        finally:
            self._settled.clear()
            self._manager = None
            manager.close()

    async def _login(self) -> None:
        reply = await self._send("Login", {"Username": self._settings.user, "Secret": self._settings.secret})
        if not reply.success:
            raise SetupError(
                f"Asterisk's manager interface at {self._settings.host}:{self._settings.port} refuses user "
                f"{self._settings.user!r}: its secret must be the same in {self._settings.secret_place}"
            )

    async def _watch(self, manager: _OneLife) -> None:
        """Ping until the connection ends. Raises LinkDown when a ping is not answered."""
        while True:
            try:
                async with asyncio.timeout(self._settings.ping_every_s):
                    await manager.ended.wait()
                    return
            except TimeoutError:
                await self._send("Ping", {})

    def _see(self, message: Mapping[str, str]) -> None:
        event = read_event({key.lower(): value for key, value in message.items()}, self._clock.monotonic_s())
        if event is not None:
            self._on_event(event)

    # -- asking

    async def _send(self, action: str, values: Mapping[str, str]) -> Any:
        manager = self._manager
        if manager is None or manager.ended.is_set():
            raise LinkDown(f"AMI {action}: the manager interface is down; it comes back by itself")
        answer = manager.send_action(checked(action, values))
        ended = asyncio.ensure_future(manager.ended.wait())
        try:
            async with asyncio.timeout(self._settings.request_timeout_s):
                await asyncio.wait((answer, ended), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise LinkDown(f"AMI {action}: no answer in {self._settings.request_timeout_s:g} s") from error
        finally:
            ended.cancel()
            if not answer.done():
                answer.cancel()
        if answer.cancelled():
            raise LinkDown(f"AMI {action}: the manager interface went down before it answered")
        return answer.result()

    async def _do(self, action: str, **values: str) -> Any:
        reply = await self._send(action, values)
        first = reply[0] if isinstance(reply, list) else reply
        if first.response == "Success":
            return reply
        words = str(first.message)
        kind = ChannelGone if "no such channel" in words.lower() else RequestRejected
        raise kind(404 if kind is ChannelGone else 400, words, f"AMI {action}")

    async def mix_monitor(self, channel_id: str, path: str) -> None:
        """Record a channel in stereo, raw s16le at 8 kHz, left what it says, into `path`.raw. Raises ChannelGone.

        channel_id: ARI's id is AMI's unique id, which serves as a name. Asterisk answers "Success" for a folder it
        cannot write to as well: whoever needs certainty looks for the file.
        """
        await self._do("MixMonitor", Channel=channel_id, File=f"{path}.raw", Options="D")

    async def stop_mix_monitor(self, channel_id: str) -> None:
        """End a recording; a channel that is gone or is not recorded is a success."""
        try:
            await self._do("StopMixMonitor", Channel=channel_id)
        except RequestRejected as error:
            if not isinstance(error, ChannelGone) and "could not stop monitoring" not in error.reason.lower():
                raise

    async def command(self, line: str) -> list[str]:
        """Run a command of Asterisk's command line; returns what it prints, line by line."""
        reply = await self._do("Command", Command=line)
        output = reply.get("Output", [])
        return [output] if isinstance(output, str) else list(output)

    async def reload(self, module: str) -> None:
        """Make a module read its configuration again ("res_pjsip.so")."""
        await self._do("Reload", Module=module)

    async def registrations(self) -> list[Registration]:
        """Our registrations at carriers."""
        reply = await self._do("PJSIPShowRegistrationsOutbound")
        events = reply if isinstance(reply, list) else [reply]
        return [
            Registration(event["ObjectName"], event["ServerUri"], event["Status"])
            for event in events
            if event.event == "OutboundRegistrationDetail"
        ]
