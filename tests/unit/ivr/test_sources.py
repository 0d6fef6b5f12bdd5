import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from pydantic import TypeAdapter
from pytest import MonkeyPatch, fixture, mark, raises
from sqlalchemy import create_engine, text

from ivr.breaker import BreakingLookup, Rule
from ivr.secret import Secret
from ivr.signing import SIGNATURE_HEADER, event_body, is_signed, signed_headers
from ivr.sources import Source, Sources
from ivr.sources.sql import SqlAsker
from ivr.values import PortTrouble
from telephony.sim.virtual_time import VirtualClock, run_virtual


def sources_of(**fields: Any) -> Sources:
    return Sources([TypeAdapter(Source).validate_python({"name": "s", **fields})])


@fixture
async def service() -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        asked = dict(request.query) if request.method == "GET" else await request.json()
        match asked.get("who"):
            case "nobody":
                return web.json_response(None, status=404)
            case "broken":
                return web.Response(status=500, text="secret stack trace")
            case "text":
                return web.Response(text="hello")
            case "list":
                return web.json_response([1])
            case "large":
                return web.Response(text='"' + "x" * 300_000 + '"')
        return web.json_response({"data": {**asked, "balance": 10.10}})

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


@mark.parametrize("method", ["GET", "POST"])
async def test_given_a_json_service_when_asked_then_its_fields_come(service: str, method: str) -> None:
    async with sources_of(kind="http", url=service, method=method, inside="data") as sources:
        answer = await sources.ask("s", {"who": "Eva"})
        assert answer is not None and answer["who"] == "Eva" and str(answer["balance"]) == "10.1"
        assert await sources.ask("s", {"who": "nobody"}) is None
        assert sources.repeatable("s") is (method == "GET")


@mark.parametrize(
    ("who", "words"),
    [("broken", "status 500"), ("text", "JSON"), ("list", "JSON object"), ("large", "256 KiB")],
)
async def test_given_a_service_that_errs_when_asked_then_the_trouble_holds_no_data(
    service: str, who: str, words: str
) -> None:
    async with sources_of(kind="http", url=service) as sources:
        with raises(PortTrouble, match=words) as caught:
            await sources.ask("s", {"who": who})
    assert "trace" not in str(caught.value)


async def test_given_a_sensitive_value_when_asked_by_get_then_it_is_refused_and_by_post_it_goes(service: str) -> None:
    async with sources_of(kind="http", url=service) as by_get:
        with raises(PortTrouble, match="POST"):
            await by_get.ask("s", {"pin": Secret("4321")})
    async with sources_of(kind="http", url=service, method="POST", inside="data") as by_post:
        answer = await by_post.ask("s", {"pin": Secret("4321")})
    assert answer is not None and answer["pin"] == "4321"


async def test_given_nobody_listens_when_asked_then_it_is_trouble() -> None:
    async with sources_of(kind="http", url="http://127.0.0.1:9/") as sources:
        with raises(PortTrouble, match="cannot be reached"):
            await sources.ask("s", {"who": "Eva"})


@fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/customers.db"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("create table customers (account text, pin text, name text)"))
        connection.execute(text("insert into customers values ('1', '4321', 'Eva')"))
    engine.dispose()
    return url


async def test_given_a_database_when_asked_then_parameters_are_bound_and_the_first_row_comes(database: str) -> None:
    statement = "select name from customers where account = :account and pin = :pin"
    async with sources_of(kind="sql", url=database, statement=statement) as sources:
        assert await sources.ask("s", {"account": "1", "pin": Secret("4321")}) == {"name": "Eva"}
        assert await sources.ask("s", {"account": "1' or '1'='1", "pin": Secret("0")}) is None
        with raises(PortTrouble, match=":pin"):
            await sources.ask("s", {"account": "1"})


async def test_given_a_day_and_an_hour_when_a_database_without_such_types_is_asked_then_they_are_texts(
    database: str,
) -> None:
    statement = "select :day || ' ' || :hour as at, :moment as moment, :sum as total"
    moment = datetime(2026, 3, 1, 9, 30)
    question: dict[str, Any] = {"day": moment.date(), "hour": moment.time(), "moment": moment, "sum": Decimal("1.50")}
    async with sources_of(kind="sql", url=database, statement=statement) as sources:
        answer = await sources.ask("s", question)
    assert answer == {"at": "2026-03-01 09:30:00", "moment": "2026-03-01 09:30:00", "total": "1.50"}


async def test_given_a_statement_that_fails_when_asked_then_the_trouble_holds_no_value(database: str) -> None:
    async with sources_of(kind="sql", url=database, statement="select x from nowhere where y = :pin") as sources:
        with raises(PortTrouble) as caught:
            await sources.ask("s", {"pin": Secret("4321")})
    assert "4321" not in repr(caught.value)


async def test_given_a_statement_that_writes_when_asked_then_it_is_committed_and_not_repeatable(database: str) -> None:
    write = "update customers set name = :name where account = '1'"
    async with sources_of(kind="sql", url=database, statement=write, writes=True) as sources:
        assert await sources.ask("s", {"name": "Ana"}) == {"rows": 1}
        assert not sources.repeatable("s")


async def answer_plainly(question: Mapping[str, Any]) -> dict[str, Any] | None:
    return {"ok": question["pin"].matches("4321")}


async def test_given_a_plugin_when_asked_then_it_gets_secrets_wrapped() -> None:
    async with sources_of(kind="plugin", function=f"{__name__}:answer_plainly") as sources:
        assert await sources.ask("s", {"pin": Secret("4321")}) == {"ok": True}
    with raises(ValueError, match="no_such"):
        sources_of(kind="plugin", function=f"{__name__}:no_such")


class Flaky:
    def __init__(self) -> None:
        self.asked, self.up, self.slow_s = 0, False, 0.0

    def knows(self, source: str) -> bool:
        return True

    def repeatable(self, source: str) -> bool:
        return True

    async def ask(self, source: str, question: Mapping[str, Any]) -> dict[str, Any] | None:
        self.asked += 1
        await asyncio.sleep(self.slow_s)
        if not self.up:
            raise PortTrouble("down")
        return {}


def test_given_a_source_that_fails_in_a_row_when_asked_then_it_rests_and_one_question_tries_it_again() -> None:
    async def work() -> None:
        flaky = Flaky()
        breaker = BreakingLookup(flaky, VirtualClock(), {"s": Rule(most=3)})
        for _ in range(10):
            with raises(PortTrouble):
                await breaker.ask("s", {})
        assert flaky.asked == 3 and not breaker.repeatable("s")
        await asyncio.sleep(31)
        flaky.slow_s = 1.0
        tries = await asyncio.gather(*(breaker.ask("s", {}) for _ in range(5)), return_exceptions=True)
        assert flaky.asked == 4 and all(isinstance(each, PortTrouble) for each in tries)
        await asyncio.sleep(31)
        flaky.up = True
        assert await breaker.ask("s", {}) == {}
        assert await breaker.ask("s", {}) == {} and breaker.repeatable("s")

    run_virtual(work())


def test_given_slow_answers_when_given_up_then_they_count_and_callers_who_hang_up_early_do_not() -> None:
    async def work() -> None:
        flaky = Flaky()
        flaky.up, flaky.slow_s = True, 60.0
        breaker = BreakingLookup(flaky, VirtualClock(), {"s": Rule(most=2)})
        for timeout_s in (0.5, 0.5, 0.5, 4.0, 4.0):
            with raises(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await breaker.ask("s", {})
        with raises(PortTrouble, match="rests"):
            await breaker.ask("s", {})

    run_virtual(work())


def test_given_a_signed_event_when_changed_replayed_or_wrongly_keyed_then_it_is_not_believed() -> None:
    secret = Secret("key")
    body = event_body("paid", "e1", "c1", "f", 1000.0, {"amount": 5, "who": None})
    headers = signed_headers(body, "e1", secret, 1000.0)
    assert is_signed(body, headers, secret, 1100.0)
    assert not is_signed(body + b" ", headers, secret, 1100.0)
    assert not is_signed(body, headers, secret, 1400.0)
    assert not is_signed(body, headers, Secret("other"), 1100.0)
    assert not is_signed(body, {**headers, SIGNATURE_HEADER: "sha256=é"}, secret, 1100.0)


async def test_given_a_source_that_may_be_asked_again_when_it_fails_then_its_retries_are_used_and_others_are_not(
    tmp_path: Path, monkeypatch: MonkeyPatch
) -> None:
    asked: list[str] = []

    async def answer(question: Mapping[str, Any]) -> Mapping[str, Any] | None:
        asked.append(question["who"])
        if question["who"] == "slow":
            await asyncio.sleep(60)
        if len(asked) < 3:
            raise PortTrouble("down")
        return {"ok": True}

    monkeypatch.setitem(sys.modules, "a_plugin", SimpleNamespace(answer=answer))
    rules: dict[str, Any] = {"kind": "plugin", "function": "a_plugin:answer", "retries": 2}
    async with sources_of(**rules, repeatable=True) as patient:
        assert await patient.ask("s", {"who": "eva"}) == {"ok": True} and len(asked) == 3
    asked.clear()
    async with sources_of(**rules) as once:
        with raises(PortTrouble, match="down"):
            await once.ask("s", {"who": "eva"})
    assert len(asked) == 1
    async with sources_of(**rules, timeout_s=0.05) as hurried:
        with raises(PortTrouble, match=r"did not answer in 0\.05 s"):
            await hurried.ask("s", {"who": "slow"})


async def test_given_a_database_that_hangs_when_asked_then_it_is_given_up_and_other_work_in_threads_goes_on() -> None:
    held = threading.Event()
    statement = "SELECT 1 AS ok"
    async with sources_of(kind="sql", url="sqlite://", statement=statement, timeout_s=0.1, connections=1) as sources:
        asker = sources._askers["s"]
        assert isinstance(asker, SqlAsker)
        asker._threads.submit(held.wait)  # the one connection is busy
        with raises(PortTrouble, match="did not answer"):
            await sources.ask("s", {})
        assert await asyncio.to_thread(lambda: "free") == "free"
        held.set()
        assert await sources.ask("s", {}) == {"ok": 1}
