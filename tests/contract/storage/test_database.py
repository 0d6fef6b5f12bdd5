"""Group commit, waiting for company, cancellation, lost servers and virtual time."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from storage.errors import StorageUnavailable
from storage.port import LeadList
from storage.sql.database import Database
from storage.sql.engine import make_engine
from storage.sql.migrate import upgrade
from storage.sql.statement import Tx
from storage.sql.store import open_storage
from tests.contract.storage.conftest import House
from tests.support.virtual import virtual


def counting(tmp_path: Path, gather_s: float) -> tuple[Database, list[int]]:
    """A database that notes how many jobs each transaction had."""
    engine = make_engine(f"sqlite:///{tmp_path}/x.db")
    upgrade(engine)
    database = Database(engine, gather_s=gather_s)
    groups: list[int] = []
    plain = database._commit
    database._commit = lambda jobs: groups.append(len(jobs)) or plain(jobs)  # type: ignore[assignment, func-returns-value]
    return database, groups


def nothing(tx: Tx) -> None:
    """A job."""


async def test_given_writes_of_many_callers_at_once_then_they_share_a_transaction(tmp_path: Path) -> None:
    database, groups = counting(tmp_path, 0.0)
    await asyncio.gather(*(database.write(nothing) for _ in range(300)))
    assert groups == [256, 44]
    await database.close()


async def test_given_load_then_unheard_writes_wait_for_company_and_an_urgent_one_takes_them_along(
    tmp_path: Path,
) -> None:
    database, groups = counting(tmp_path, 30.0)
    await database.write(nothing)
    patient = [asyncio.ensure_future(database.write(nothing)) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert groups == [1]
    await database.write(nothing, urgent=True)
    await asyncio.gather(*patient)
    assert groups == [1, 4]
    await database.close()


async def test_given_a_cancelled_caller_then_the_others_of_its_group_get_their_answer(tmp_path: Path) -> None:
    database, _ = counting(tmp_path, 0.0)
    writes = [asyncio.ensure_future(database.write(lambda tx: 7)) for _ in range(3)]
    await asyncio.sleep(0)
    writes[1].cancel()
    first, cancelled, last = await asyncio.gather(*writes, return_exceptions=True)
    assert (first, last) == (7, 7)
    assert isinstance(cancelled, asyncio.CancelledError)
    await database.close()


async def test_given_a_bug_in_a_job_then_its_caller_sees_the_bug_itself(tmp_path: Path) -> None:
    database, _ = counting(tmp_path, 0.0)

    def bug(tx: Tx) -> None:
        raise ZeroDivisionError("mine")

    results = await asyncio.gather(database.write(bug), database.write(lambda tx: 1), return_exceptions=True)
    assert isinstance(results[0], ZeroDivisionError)
    assert results[1] == 1
    with pytest.raises(ZeroDivisionError):
        await database.read(bug)
    await database.close()


@virtual
async def test_given_a_virtual_time_loop_then_storage_works_on_it() -> None:
    storage = await open_storage("sqlite://")
    house = await House(storage).build()
    lead = house.lead(1)
    await house.add(lead)
    assert await storage.attempts.plan(house.attempt(lead))
    assert len(await storage.attempts.unfinished("n1")) == 1
    await storage.close()


async def test_given_a_postgres_that_drops_its_connections_then_one_clear_error_and_it_goes_on(
    new_database: object, postgres_server: str
) -> None:
    url = new_database("postgresql")  # type: ignore[operator]
    storage = await open_storage(url, gather_s=0.0)
    await storage.lists.put(LeadList("l", "before", 1.0))
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"),
            {"name": url.rpartition("/")[2]},
        )
    engine.dispose()
    with pytest.raises(StorageUnavailable, match="cannot be reached"):
        await storage.lists.put(LeadList("l", "lost", 1.0))
    await storage.lists.put(LeadList("l", "after", 1.0))
    found = await storage.lists.get("l")
    assert found is not None and found.name == "after"
    await storage.close()
