"""Flows over the API: publishing, versions, roll-back, the funnel's picture, switches, figures of calls."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from xml.etree import ElementTree

import httpx
import pytest

from agents.first_contact import DAY_S
from server.first_contacts import FirstContactGauges
from server.house import House
from server.settings import load
from server.stores import open_stores
from storage.calls import CallStage, CallStep, StoredCall
from tests.unit.server.test_api import client as plain_client

__all__ = ["plain_client"]


def text_of(words: str, name: str = "hello", queue: str = "sales") -> str:
    return (
        f"flow: {name}\nlanguage: en\nstart: a\nrescue: {{queue: {queue}}}\n"
        f'nodes:\n  a: {{do: menu, text: {words}, keys: {{"1": b}}}}\n  b: {{do: goodbye, text: Bye.}}\n'
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "flows"
    path.mkdir()
    (path / "hello.yaml").write_text(text_of("One."))
    monkeypatch.setenv("TIMBRE_IVR__FLOWS", str(path))
    monkeypatch.setenv("TIMBRE_QUEUES", '[{"queue_id": "sales"}]')
    return path


@pytest.fixture
async def client(folder: Path, plain_client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    answer = await plain_client.post("/api/v1/flows/reload")
    assert answer.json() == {"flows": ["hello"], "taken": ["hello"], "removed": [], "problems": []}
    yield plain_client


def house_of(client: httpx.AsyncClient) -> House:
    house: House = client._transport.app.state.house  # type: ignore[attr-defined]
    return house


async def test_given_a_new_text_when_published_and_rolled_back_then_versions_tell_it(
    client: httpx.AsyncClient, folder: Path
) -> None:
    first = (await client.get("/api/v1/flows")).json()[0]["version"]
    done = await client.put("/api/v1/flows/hello", json={"text": text_of("Two."), "by": "ana"})
    assert done.status_code == 200 and (folder / "hello.yaml").read_text() == text_of("Two.")
    assert (await client.get(f"/api/v1/flows/hello/versions/{first}")).json()["text"] == text_of("One.")
    back = await client.post("/api/v1/flows/hello/roll-back", json={})
    assert back.json()["version"] == first and (folder / "hello.yaml").read_text() == text_of("One.")
    known = (await client.get("/api/v1/flows/hello/versions")).json()
    assert [(each["number"], each["served"]) for each in known] == [(1, False), (2, False), (3, True)]
    audited = await house_of(client).stores.audit.of_subject("hello")
    assert [(event.actor, event.action) for event in audited] == [
        ("ana", "flow published"),
        ("api", "flow rolled back"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (text_of("Two.").replace("start: a", "start: c"), "hello.yaml:3: start: there is no node 'c'"),
        (text_of("Two.", queue="sale"), "the settings know no queue 'sale': did you mean 'sales'?"),
        (text_of("Two.", name="other"), "'other', not 'hello'"),
        ("nodes: [", "hello.yaml:1"),
    ],
)
async def test_given_a_broken_text_when_published_then_it_is_refused_in_words_and_nothing_changes(
    client: httpx.AsyncClient, folder: Path, text: str, words: str
) -> None:
    answer = await client.put("/api/v1/flows/hello", json={"text": text})
    assert answer.status_code == 422 and words in answer.json()["detail"], answer.text
    assert (folder / "hello.yaml").read_text() == text_of("One.")


async def test_given_a_broken_file_when_reloaded_then_the_old_flow_goes_on_and_one_message_names_the_line(
    client: httpx.AsyncClient, folder: Path
) -> None:
    (folder / "hello.yaml").write_text(text_of("Two.").replace("start: a", "start: c"))
    answer = (await client.post("/api/v1/inbound/flows/reload")).json()
    assert answer["flows"] == ["hello"] and answer["taken"] == []
    (problem,) = answer["problems"]
    assert problem.startswith(f"{folder / 'hello.yaml'}:3: start: there is no node 'c'")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/flows/none", 404),
        ("GET", "/flows/none/picture.svg", 404),
        ("GET", "/flows/hello/versions/000000000000", 404),
        ("GET", "/flows/none/versions", 404),
        ("GET", "/flows/hello/versions/..%2F..%2Fx", 404),
        ("GET", "/flows/..%2Fhello", 404),
        ("GET", "/flows/.versions", 422),
        ("POST", "/flows/none/roll-back", 404),
    ],
)
async def test_given_what_is_not_there_when_asked_then_it_is_refused_in_words(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, f"/api/v1{path}", json={} if method == "POST" else None)
    assert answer.status_code == status and answer.json()["detail"], answer.text


async def test_given_callers_who_left_when_the_funnel_is_drawn_then_the_picture_has_the_numbers(
    client: httpx.AsyncClient,
) -> None:
    stores, now_s = house_of(client).stores, time.time()
    for number in range(7):
        call_id = f"c{number}"
        left = number < 3
        await stores.calls.put(
            StoredCall(
                call_id, "n", f"ch{number}", "+34910000001", f"+3460011122{number}", now_s - 60, CallStage.ENDED,
                flow="hello", ended_at_s=now_s, ended_how="caller_left" if left else "goodbye",
            )
        )  # fmt: skip
        await stores.calls.step(CallStep(call_id, 1, now_s - 50, "hello", "a", "menu", "", 2.0, caller_left=left))
    answer = await client.get("/api/v1/flows/hello/picture.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
    words = " ".join(ElementTree.fromstring(answer.text).itertext())
    assert "7" in words and "3" in words
    (ends,) = (await client.get("/api/v1/inbound/ends")).json()
    assert (ends["calls"], ends["contained"], ends["left"], ends["to_people"]) == (7, 4, 3, 0)
    assert ends["containment"] == pytest.approx(4 / 7)


ALARM = (
    "flow: alarm\nlanguage: en\nlanguages: [es]\nstart: a\nrescue: {queue: sales}\nnodes:\n"
    "  a: {do: emergency, switch: fire, text: {en: Fire., es: Fuego.}, on: b, next: b}\n"
    "  b: {do: goodbye, text: {en: Bye., es: Adiós.}}\n"
)


@pytest.mark.parametrize(
    ("name", "body", "status", "words"),
    [
        ("fyre", {"on": True}, 404, "no flow looks at a switch 'fyre'; flows look at: fire"),
        ("fire", {"on": True, "prompt": "nowhere"}, 422, "callers would not hear it: cannot speak"),
    ],
)
async def test_given_a_switch_that_would_do_nothing_when_flipped_on_then_it_is_refused_in_words(
    client: httpx.AsyncClient, folder: Path, name: str, body: dict[str, object], status: int, words: str
) -> None:
    (folder / "alarm.yaml").write_text(ALARM)
    await client.post("/api/v1/flows/reload")
    answer = await client.put(f"/api/v1/inbound/emergency/{name}", json=body)
    assert answer.status_code == status and words in answer.text, answer.text
    assert (await client.get("/api/v1/inbound/emergency")).json() == []


async def test_given_a_switch_when_flipped_then_flows_see_it_at_once_and_the_next_server_too(
    client: httpx.AsyncClient, tmp_path: Path, folder: Path
) -> None:
    (folder / "alarm.yaml").write_text(ALARM)
    await client.post("/api/v1/flows/reload")
    switches = house_of(client).inbound.switches
    said = {"on": True, "text": "Fire drill.", "by": "eva"}
    assert (await client.put("/api/v1/inbound/emergency/fire", json=said)).json() == {"on": True}
    now = switches.on("fire")
    assert now is not None and now.message is not None and now.message.value == "Fire drill."
    async with open_stores(load(tmp_path / "timbre.toml").database_url) as stores:
        (kept,) = await stores.switches.list()
    assert (kept.name, kept.text, kept.flipped_by) == ("fire", "Fire drill.", "eva")
    (shown,) = (await client.get("/api/v1/inbound/emergency")).json()
    assert shown["text"] == "Fire drill."
    assert (await client.put("/api/v1/inbound/emergency/fire", json={"on": False})).json() == {"on": False}
    assert switches.on("fire") is None and (await client.get("/api/v1/inbound/emergency")).json() == []


async def test_given_people_who_call_again_when_first_contacts_are_counted_then_only_settled_ones_count(
    client: httpx.AsyncClient,
) -> None:
    house, now_s = house_of(client), time.time()
    callers = {"+34a": [9.0], "+34b": [9.0, 8.5], "+34c": [9.0, 0.5], "+34d": [1.0], "+34e": [9.0], "": [9.0, 8.9]}
    for name, days in callers.items():
        for number, ago in enumerate(days):
            how, began_s = "caller_left" if name == "+34e" else "goodbye", now_s - ago * DAY_S
            await house.stores.calls.put(
                StoredCall(
                    f"{name}{number}", "n", f"ch-{name}{number}", "+34910000001", name, began_s, CallStage.ENDED,
                    ended_at_s=began_s + 60, ended_how=how,
                )
            )  # fmt: skip
    answer = (await client.get("/api/v1/inbound/first-contact")).json()
    counted = {"contacts": 3, "came_back": 1, "anonymous": 2, "resolution": pytest.approx(2 / 3)}
    assert {name: answer[name] for name in counted} == counted and answer["within_days"] == 7.0
    assert answer["until_s"] == pytest.approx(now_s - 7 * DAY_S, abs=60.0)
    assert answer["lines"] == [counted | {"line": "+34910000001"}]
    longer = (await client.get("/api/v1/inbound/first-contact?within_days=8.9")).json()
    assert (longer["contacts"], longer["came_back"]) == (3, 2)
    assert "timbre_first_contact_resolution_ratio{" not in (await client.get("/metrics")).text
    await FirstContactGauges(7.0, house.stores.calls, house.clock, house.hub.take, house.metrics).count()
    shown = (await client.get("/metrics")).text
    assert f'timbre_first_contact_resolution_ratio{{days="7"}} {1 - 1 / 3}' in shown
    assert 'timbre_first_contacts{what="anonymous"} 2.0' in shown


async def test_given_queues_when_metrics_are_read_then_what_nobody_counts_for_is_left_out(
    client: httpx.AsyncClient,
) -> None:
    lines = (await client.get("/metrics")).text.splitlines()
    assert 'timbre_queue_waiting{queue="sales"} 0.0' in lines
    assert not any(line.startswith("timbre_queue_service_level{") for line in lines)
