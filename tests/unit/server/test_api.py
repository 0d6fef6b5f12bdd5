"""The JSON API over a real database, with an exchange that is out of reach: who may ask, and what is answered."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from media.tap_hub import TapHub
from server.access import ExchangeAccess
from server.api.app import make_app
from server.clock import SystemClock
from server.event_hub import EventHub
from server.house import _ami, _ari, _compose
from server.metrics import Metrics
from server.settings import load
from server.stores import open_stores
from storage.port import StoredAgent
from telephony.ami.observer import AmiObserver
from telephony.ari.control import AriCallControl
from tests.support.live_house import campaign_text

NOWHERE = ExchangeAccess("127.0.0.1", 9, 9, "timbre", "secret", "timbre", "secret", "nowhere", "nowhere")


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    path = tmp_path / "timbre.toml"
    path.write_text(
        f'var = "{tmp_path / "var"}"\n[redis]\nport = 9\n[[trunks]]\nname = "network"\nhost = "127.0.0.1"\n'
    )
    settings = load(path)
    settings.var_dir.mkdir()
    clock, rng = SystemClock(), random.Random(1)
    async with (
        open_stores(settings.database_url, settings.database) as stores,
        TapHub(clock, slot_count=8, host="127.0.0.1", port=0) as taps,
    ):
        ami = AmiObserver(_ami(NOWHERE), clock, rng, lambda event: None)
        control = AriCallControl(_ari(settings, NOWHERE, taps), clock, rng, ami, taps.nudge)
        house = _compose(settings, clock, rng, EventHub(), Metrics(), stores, taps, control, ami)
        await stores.agents.put(StoredAgent("ana", "Ana", "PJSIP/ana"))
        transport = httpx.ASGITransport(make_app(house, "token"))
        headers = {"Authorization": "Bearer token"}
        async with httpx.AsyncClient(transport=transport, base_url="http://timbre", headers=headers) as client:
            yield client
        await house.redis.close()


async def test_every_route_but_health_and_metrics_wants_the_token(client: httpx.AsyncClient) -> None:
    schema = (await client.get("/api/openapi.json")).json()
    asked = 0
    for path, methods in schema["paths"].items():
        for method in methods:
            answer = await client.request(method, path.replace("{", "").replace("}", ""), headers={"Authorization": ""})
            assert answer.status_code == 401, path
            assert "timbre token" in answer.json()["detail"]
            asked += 1
    assert asked > 20
    wrong = await client.get("/api/v1/status", headers={"Authorization": "Bearer tokem"})
    assert wrong.status_code == 401


async def test_without_the_exchange_the_node_says_that_it_is_not_ready(client: httpx.AsyncClient) -> None:
    health = await client.get("/healthz")
    assert (health.status_code, health.json()["ready"]) == (503, False)
    status = (await client.get("/api/v1/status")).json()
    assert status["may_dial"] is False
    assert "timbre_exchange_link_up" in (await client.get("/metrics")).text


async def test_a_campaign_goes_in_and_comes_out_word_for_word(client: httpx.AsyncClient) -> None:
    text = campaign_text("spring")
    assert (await client.put("/api/v1/campaigns", content=text)).status_code == 200
    assert (await client.get("/api/v1/campaigns/spring")).json()["definition"] == text
    assert [each["campaign_id"] for each in (await client.get("/api/v1/campaigns")).json()] == ["spring"]


async def test_a_wrong_campaign_is_refused_with_every_line(client: httpx.AsyncClient) -> None:
    text = (
        campaign_text("spring")
        .replace('mode = "ratio"', 'mode = "psychic"')
        .replace("ring_timeout_s = 15", 'ring_timeout_s = "long"')
    )
    answer = await client.put("/api/v1/campaigns", content=text)
    assert answer.status_code == 422
    assert "mode" in answer.json()["detail"]
    assert "ring_timeout_s" in answer.json()["detail"]
    assert (await client.get("/api/v1/campaigns")).json() == []


async def test_a_campaign_that_breaks_a_rule_by_its_file_is_not_started_and_says_what_to_write(
    client: httpx.AsyncClient,
) -> None:
    text = campaign_text("spring").replace('purpose = "research"', 'purpose = "marketing"')
    assert (await client.put("/api/v1/campaigns", content=text)).status_code == 200
    answer = await client.post("/api/v1/campaigns/spring/start")
    assert answer.status_code == 409
    assert "scrubbed = { lista_robinson =" in answer.json()["detail"]
    assert (await client.get("/api/v1/campaigns/spring")).json()["wanted"] == "stopped"


async def test_a_consent_and_its_withdrawal_are_kept_with_where_the_proof_is(client: httpx.AsyncClient) -> None:
    for given in (True, False):
        body = {"phones": ["612 345 678"], "purpose": "marketing", "given": given, "source": "form 12"}
        assert (await client.post("/api/v1/consents", json=body)).json() == {"recorded": 1}
    said = (await client.get("/api/v1/consents/+34612345678")).json()
    assert [(each["given"], each["source"]) for each in said] == [(True, "form 12"), (False, "form 12")]


@pytest.mark.parametrize("path", ["/dnc", "/consents"])
async def test_a_number_that_cannot_be_read_is_named_by_its_place_and_nothing_is_written(
    client: httpx.AsyncClient, path: str
) -> None:
    body = {"phones": ["612 345 678", "hello"], "purpose": "marketing", "given": True, "source": "form 12"}
    answer = await client.post(f"/api/v1{path}", json=body if path == "/consents" else body["phones"])
    assert answer.status_code == 422
    assert "number 2 cannot be read" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/campaigns/none", None, 404),
        ("GET", "/leads/none", None, 404),
        ("GET", "/calls/none", None, 404),
        ("POST", "/campaigns/none/start", None, 404),
        ("POST", "/agents/none/sign-in", None, 404),
        ("POST", "/agents/ana/ready", None, 409),
        ("POST", "/agents/ana/hang-up", None, 409),
        ("POST", "/agents/ana/call", {"campaign_id": "none", "lead_id": "none"}, 409),
        ("POST", "/agents/ana/call", {"campaign_id": "none"}, 422),
        ("GET", "/campaigns/none/attempts?limit=0", None, 422),
        ("POST", "/lists/spring/import?region=Spain", None, 422),
    ],
)
async def test_what_cannot_be_done_is_refused_in_words(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, str] | None, status: int
) -> None:
    answer = await client.request(method, f"/api/v1{path}", json=body)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


async def test_leads_are_imported_and_every_bad_row_is_named(client: httpx.AsyncClient) -> None:
    csv = "phone;name\n612 345 678;Ana\nhello;Luis\n612345678;Ana again\n"
    report = (await client.post("/api/v1/lists/spring/import", content=csv.encode("latin-1"))).json()
    assert report["added"] == 1
    assert report["duplicates"] + report["rejected"] == 2
    leads = (await client.get("/api/v1/lists/spring/leads")).json()
    assert [lead["name"] for lead in leads] == ["Ana"]


async def test_a_column_that_nobody_would_guess_is_mapped(client: httpx.AsyncClient) -> None:
    csv, path = b"ref;whom\n612345678;Ana\n", "/api/v1/lists/spring/import"
    refused = await client.post(path, content=csv)
    assert (refused.status_code, "--column phone=COLUMN" in refused.json()["detail"]) == (422, True)
    mapped = {"column": ["phone=ref", "name=whom"]}
    assert (await client.post(path, content=csv, params=mapped)).json()["added"] == 1
    assert [lead["name"] for lead in (await client.get("/api/v1/lists/spring/leads")).json()] == ["Ana"]
    assert (await client.post(path, content=csv, params={"column": "ref"})).status_code == 422


async def test_a_list_that_is_no_text_is_refused_and_changes_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/lists/spring/import", content=bytes(range(256)) * 50)
    assert answer.status_code == 422, answer.text
    assert (await client.get("/api/v1/lists/spring/leads")).json() == []


async def test_given_numbers_on_the_do_not_call_list_when_they_come_off_then_it_is_known_who_did_it_and_why(
    client: httpx.AsyncClient,
) -> None:
    mistaken, asked = "+34612345678", "+34612345679"
    await client.post("/api/v1/dnc", json=[mistaken], params={"source": "list of +34 612 345 670"})
    await client.post("/api/v1/dnc", json=[asked], params={"source": "agent ana, dnc"})
    said = {"phones": ["612 345 678", asked], "by": "eva"}
    refused = await client.post("/api/v1/dnc/removals", json=said)
    assert refused.status_code == 409
    assert "+34******679 (agent ana, dnc)" in refused.json()["detail"] and "--because" in refused.json()["detail"]
    assert (await client.get("/api/v1/dnc/removals")).json() == []
    done = await client.post("/api/v1/dnc/removals", json=said | {"phones": [mistaken, mistaken, "+34612345000"]})
    assert done.json() == {"removed": 1, "not_listed": 1, "leads": 0}
    done = await client.post("/api/v1/dnc/removals", json=said | {"because": "rang us from 612345679 and asked"})
    assert done.json() == {"removed": 1, "not_listed": 1, "leads": 0}
    first, second = (await client.get("/api/v1/dnc/removals")).json()
    assert (first["by"], first["phone"], first["because"]) == ("eva", "+34******678", "")
    assert "345" not in first["source"] and first["at_s"] >= first["put_at_s"]
    assert (second["phone"], second["because"]) == ("+34******679", "rang us from 61****679 and asked")
    assert (await client.post("/api/v1/dnc/removals", json={"phones": ["hello"], "by": "eva"})).status_code == 422
