"""The API's description as clients know it: a change of it must be meant."""

import json
from pathlib import Path

import httpx

from tests.unit.server.test_api import client

__all__ = ["client"]
SNAPSHOT = Path(__file__).with_name("openapi.json")


async def test_given_the_api_then_its_openapi_description_is_the_one_that_was_agreed(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/api/openapi.json")
    assert answer.status_code == 200
    described = answer.json()
    described["info"].pop("version")
    refreshed = Path(str(SNAPSHOT) + ".new")
    if described != json.loads(SNAPSHOT.read_text()):
        refreshed.write_text(json.dumps(described, indent=1, sort_keys=True, ensure_ascii=False) + "\n")  # noqa: ASYNC240 - nothing else runs
        raise AssertionError(
            f"the API changed: if that is meant, go to tests/unit/server and `mv {refreshed.name} {SNAPSHOT.name}`"
        )
