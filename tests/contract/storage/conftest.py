import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from campaigns.attempt import Attempt, AttemptState
from campaigns.ids import new_id
from campaigns.lead import Lead, LeadChange, LeadState
from campaigns.outcome import Outcome
from storage.port import LeadList, StoredCampaign
from storage.sql.store import SqlStorage, open_storage


@pytest.fixture
def new_database(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[str], str]:
    """URL of an empty database of a kind."""
    rng = random.Random()

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path}/timbre.db"
        server = make_url(request.getfixturevalue("postgres_server"))
        name = f"t{rng.getrandbits(64):x}"
        engine = create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        return server.set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    return new_database(request.param)


@pytest.fixture
async def storage(url: str) -> AsyncIterator[SqlStorage]:
    opened = await open_storage(url, gather_s=0.0)
    yield opened
    await opened.close()


class House:
    """A campaign `c` over the lists `l1` and `l2`, and short ways to fill them."""

    def __init__(self, storage: SqlStorage) -> None:
        self.storage = storage
        self.rng = random.Random(5)

    async def build(self) -> "House":
        for name in ("l1", "l2"):
            await self.storage.lists.put(LeadList(name, name, 1.0))
        await self.storage.campaigns.put(StoredCampaign("c", "C", "x = 1", 1.0, 1.0, list_ids=("l1", "l2")))
        return self

    def lead(self, number: int, list_id: str = "l1", **given: object) -> Lead:
        return Lead(f"{list_id}-{number:06d}", list_id, f"+5255{number:08d}", **given)  # type: ignore[arg-type]

    async def add(self, *leads: Lead) -> None:
        await self.storage.leads.add(leads)

    def attempt(self, lead: Lead, at_s: float = 100.0, node: str = "n1") -> Attempt:
        return Attempt(new_id(at_s, self.rng), "c", lead.lead_id, lead.phone, node, at_s)

    async def play(
        self,
        lead: Lead,
        outcome: Outcome,
        at_s: float = 100.0,
        answered: bool = False,
        detail: tuple[tuple[str, str | int | float], ...] = (),
    ) -> Attempt:
        attempt = self.attempt(lead, at_s)
        assert await self.storage.attempts.plan(attempt)
        for state in (AttemptState.DIALING, *([AttemptState.ANSWERED] if answered else [])):
            attempt, move = attempt.move(state, at_s + 1)
            await self.storage.attempts.record(move)
        attempt, move = attempt.move(AttemptState.ENDED, at_s + 2, outcome, detail=detail)
        await self.storage.attempts.end(move, LeadChange(lead.lead_id, LeadState.RETRY, at_s + 60, outcome.value))
        return attempt


@pytest.fixture
async def house(storage: SqlStorage) -> House:
    return await House(storage).build()
