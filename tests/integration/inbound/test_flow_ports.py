"""A caller hears what other systems know: sources, mail, webhooks and a payment provider that really run."""

import asyncio
import json
import logging
import re
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web

from dialer.inbound.events import CallOver
from ivr.port import SayAs, Spoken
from ivr.secret import Secret
from ivr.signing import is_signed
from media import soundfiles
from media.levels import find
from server.demo.network import Network
from server.logs import configure
from server.settings import LogSettings
from server.token import api_token
from tests.support.inbound_caller import InboundCaller
from tests.support.line_folder import CARRIER
from tests.support.live_house import LiveHouse, live_house
from tests.support.mail_server import MailServer, mail_server
from tests.support.until import until

pytestmark = pytest.mark.asterisk

DID, KEY = "+34910000009", "a secret of both sides"
STEREO_BYTES_A_SECOND = 32_000
PIN, CARD = "739154820617", "5105105105105100"
SETTINGS = """
[ivr]
flows = "{folder}/flows"
[[ivr.sources]]
kind = "http"
name = "pins"
url = "{url}/pins"
method = "POST"
repeatable = true
retries = 1
[[ivr.sources]]
kind = "http"
name = "balances"
url = "{url}/balances"
timeout_s = 2
[[ivr.hooks]]
name = "crm"
url = "{url}/crm"
secret = "{key}"
[ivr.mail]
host = "127.0.0.1"
port = {mail}
security = "none"
sender = "no-reply@shop.example"
[ivr.payment]
url = "{url}/cards"
secret = "{key}"
[[lines]]
number = "{did}"
flow = "saldo"
language = "es"
[[queues]]
queue_id = "sales"
"""
FLOW = """
flow: saldo
language: es
start: cuenta
rescue: {queue: sales}
variables:
  cuenta: {type: digits}
  correo: {type: text}
  saldo: {type: number}
  pago: {type: text}
nodes:
  cuenta:
    do: collect
    text: Marque su cuenta.
    into: cuenta
    length: 4
    next: identidad
  identidad:
    do: authenticate
    method: pin
    account: cuenta
    text: Marque su clave.
    length: 12
    source: pins
    into: {correo: mail}
    next: codigo
  codigo:
    do: authenticate
    method: one_time_code
    account: cuenta
    length: 6
    channel: email
    to: correo
    next: busca
  busca:
    do: lookup
    source: balances
    ask: {account: cuenta}
    into: {saldo: balance}
    next: dice
  dice:
    do: say
    text: "Su saldo es {saldo}."
    barge_in: false
    next: paga
  paga:
    do: payment
    amount: saldo
    currency: EUR
    into: pago
    next: avisa
  avisa:
    do: escalate
    event: paid
    hook: crm
    data: {token: pago}
    next: adios
  adios:
    do: goodbye
    text: Gracias.
"""


@dataclass
class Systems:
    """What the other systems were asked. signed: bodies of hooks and cards, each with a good signature."""

    pins: list[dict[str, Any]] = field(default_factory=list)
    balances: list[str] = field(default_factory=list)
    signed: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    down: int = 0

    async def pin(self, request: web.Request) -> web.Response:
        if self.down:
            self.down -= 1
            return web.Response(status=503)
        asked = await request.json()
        self.pins.append(asked)
        return web.json_response({"ok": asked["pin"] == PIN, "mail": "eva@customers.example"})

    async def balance(self, request: web.Request) -> web.Response:
        self.balances.append(request.query["account"])
        return web.json_response({"balance": 1250})

    async def take_signed(self, request: web.Request) -> web.Response:
        body = await request.read()
        loop_s = float(request.headers["X-Timbre-Time"])
        assert is_signed(body, request.headers, Secret(KEY), loop_s)
        self.signed.append(json.loads(body))
        return web.json_response({"token": "tok_81"})


@asynccontextmanager
async def systems() -> AsyncIterator[Systems]:
    taken, app = Systems(), web.Application()
    app.router.add_post("/pins", taken.pin)
    app.router.add_get("/balances", taken.balance)
    app.router.add_post("/crm", taken.take_signed)
    app.router.add_post("/cards", taken.take_signed)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    taken.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield taken
    finally:
        await runner.cleanup()


@dataclass
class Desk:
    """A node and the systems around it."""

    live: LiveHouse
    systems: Systems
    mail: MailServer

    async def reached(self, node: str) -> None:
        """Wait until the only call came to a node."""

        async def there() -> bool:
            (call,) = self.live.house.inbound.reception.calls.values()
            return call.journal.call.flow_node == node

        await until(there, 30.0)

    async def recording(self) -> Path:
        """The only call is recorded from now on, as if the end of a talk's recording had been lost; its file."""
        (call,) = self.live.house.inbound.reception.calls.values()
        base = self.live.folder.settings.recordings_dir / "left-over"
        await self.live.house.control.start_recording(call.line.channel_id, str(base))
        file = base.with_name("left-over.raw")
        await until(lambda: file.exists() and file.stat().st_size > 0)
        return file

    async def pages(self) -> str:
        """Every page of the house that tells of calls, and the metrics, as text."""
        settings = self.live.folder.settings
        base = f"http://127.0.0.1:{settings.http.port}"
        headers = {"Authorization": f"Bearer {api_token(settings)}"}
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30.0) as client:
            (call,) = (await client.get("/api/v1/inbound/calls")).json()
            paths = [f"/api/v1/inbound/{name}" for name in ("calls", f"calls/{call['call_id']}", "funnel", "ends")]
            answers = [await client.get(path) for path in (*paths, "/metrics", "/api/v1/status")]
        assert all(answer.status_code == 200 for answer in answers)
        return "\n".join(answer.text for answer in answers)

    def code(self) -> str:
        """The one-time code of the last letter."""
        found = re.search(r"\b\d{6}\b", self.mail.letters[-1].get_content())
        assert found is not None
        return found[0]


@asynccontextmanager
async def desk(network: Network) -> AsyncIterator[Desk]:
    with tempfile.TemporaryDirectory(prefix="timbre-ports-") as name:
        async with systems() as others, mail_server() as mail:
            (Path(name) / "flows").mkdir()
            (Path(name) / "flows" / "saldo.yaml").write_text(FLOW)
            settings = SETTINGS.format(folder=name, url=others.url, key=KEY, mail=mail.port, did=DID) + CARRIER
            async with live_house(network, 0, extra_toml=settings) as live:
                with everything_logged(live.folder.path / "node.log"):
                    await until(lambda: live.house.inbound.flows.has("saldo"), 20.0)
                    yield Desk(live, others, mail)


@contextmanager
def everything_logged(path: Path) -> Iterator[None]:
    """All that the house and its libraries say at level debug goes to a file; the mail server is not ours and mute."""
    root, mail = logging.getLogger(), logging.getLogger("mail.log")
    before = root.level, mail.disabled
    with path.open("w") as stream:
        handler = logging.StreamHandler(stream)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        mail.disabled = True
        configure(LogSettings(level="debug", format="json"), stream)
        try:
            yield
        finally:
            configure(LogSettings())
            root.removeHandler(handler)
            root.level, mail.disabled = before


def whole_number(digits: str) -> re.Pattern[bytes]:
    """Digits that are no part of longer ones (a moment in a log may hold any six)."""
    return re.compile(rb"(?<![0-9])" + digits.encode() + rb"(?![0-9])")


async def test_given_systems_that_answer_when_somebody_calls_then_the_balance_is_heard_and_no_digit_is_kept(
    inbound_network: Network,
) -> None:
    async with desk(inbound_network) as all_of_it:
        live, others = all_of_it.live, all_of_it.systems
        others.down = 1  # the first answer about the PIN is a fault: the source may be asked again
        world = live.house.inbound.flows.world
        assert world is not None
        said = [Spoken(SayAs.TEXT, "Su saldo es"), Spoken(SayAs.NUMBER, 1250), Spoken(SayAs.TEXT, ".")]
        wanted = await world.speech.render(said, "es")
        async with InboundCaller(("127.0.0.1", live.folder.settings.asterisk.sip_port), DID) as caller:
            await all_of_it.reached("cuenta")
            began_s = time.monotonic()
            left_over = await all_of_it.recording()
            await caller.press("1357")
            await all_of_it.reached("identidad")
            recorded_s = time.monotonic() - began_s
            await caller.press(PIN)
            await until(lambda: bool(all_of_it.mail.letters), 20.0)
            await caller.press(all_of_it.code())
            await all_of_it.reached("paga")
            heard = caller.audio()
            await caller.press(f"{CARD}#1230123#")
            await caller.ended(40.0)
        await until(lambda: len(live.of(CallOver)) == 1)
        assert others.pins == [{"account": "1357", "pin": PIN}] and others.balances == ["1357"]
        card, paid = others.signed
        assert (card["number"], card["amount"], paid["data"]) == (CARD, "1250", {"token": "tok_81"})
        phrase = soundfiles.load(Path(wanted[0].removeprefix("sound:") + ".wav"))
        assert find(phrase[:6400], heard).similarity > 0.8
        assert live.troubles() == []
        (call,) = await live.house.stores.calls.list(0.0)
        assert call.ended_how == "goodbye"
        told = repr(live.events) + await all_of_it.pages()
        held = {"what is told": told.encode()} | await asyncio.to_thread(files_below, live.folder.path)
        assert all(part in " ".join(held) for part in ("node.log", "timbre.db", "messages.log"))
        # The account is not sensitive: that it is found shows that the search looks where a leak would be.
        assert any(whole_number("1357").search(text) for where, text in held.items() if "timbre.db" in where)
        secrets = {"PIN": PIN, "card": CARD, "half a card": CARD[:10], "code": all_of_it.code()}
        leaks = [
            (what, where)
            for what, digits in secrets.items()
            for where, text in held.items()
            if whole_number(digits).search(text)
        ]
        assert leaks == []
        # One key at a time would tell as much.
        keys = re.compile(rb"DTMF (begin|end) '|Dtmf[(]|\"digit\"", re.IGNORECASE)
        assert [where for where, text in held.items() if keys.search(text)] == []
        files = [path for path in live.folder.settings.recordings_dir.rglob("*") if path.is_file()]
        assert files == [left_over]
        # It ended before the PIN was asked: of the seconds that followed it holds nothing.
        assert left_over.stat().st_size / STEREO_BYTES_A_SECOND < recorded_s + 0.5


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file that the node wrote: database, logs of Asterisk and Redis, its own log, prompts. Blocking."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
