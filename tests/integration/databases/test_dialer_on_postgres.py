"""The whole engine over PostgreSQL: the same outcomes as over SQLite, and the rows to prove it."""

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text

from campaigns.attempt import AttemptState
from campaigns.outcome import Outcome
from telephony.sim.far_end import FarEnd
from telephony.sim.virtual_time import run_virtual
from tests.unit.dialer.house import House

FAR_ENDS = [
    FarEnd.person(),
    FarEnd.voicemail(),
    FarEnd.busy(),
    FarEnd.no_answer(),
    FarEnd.refused(404),
    FarEnd.silent(),
    FarEnd.person_who_hangs_up(),
]


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """A database of the test's own."""
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE IF EXISTS dialer_test WITH (FORCE)"))
        connection.execute(text("CREATE DATABASE dialer_test"))
    yield postgres_server.rpartition("/")[0] + "/dialer_test"
    with admin.connect() as connection:
        connection.execute(text("DROP DATABASE dialer_test WITH (FORCE)"))
    admin.dispose()


async def _campaign(url: str) -> tuple[list[Outcome | None], int, list[AttemptState]]:
    house = await House(engine_url=url).open()
    outcomes = await house.dial(FAR_ENDS, agents=2)
    attempts = await house.log.list("c1")
    unfinished = len(await house.log.unfinished("node1"))
    await house.database.close()
    return outcomes, unfinished, [attempt.state for attempt in attempts]


def test_given_postgresql_a_campaign_ends_as_it_does_on_sqlite(empty_database: str) -> None:
    on_postgresql, unfinished, states = run_virtual(_campaign(empty_database))
    on_sqlite, _, _ = run_virtual(_campaign("sqlite://"))

    assert on_postgresql == on_sqlite
    assert on_postgresql[:5] == [
        Outcome.BRIDGED, Outcome.MACHINE, Outcome.BUSY, Outcome.NO_ANSWER, Outcome.UNALLOCATED,
    ]  # fmt: skip
    assert unfinished == 0
    assert states == [AttemptState.ENDED] * len(FAR_ENDS)
