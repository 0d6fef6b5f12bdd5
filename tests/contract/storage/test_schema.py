"""Migrations build what the program believes, on both databases."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from storage.errors import BadDatabaseUrl, SchemaTooNew, StorageError, StorageUnavailable
from storage.sql.engine import make_engine
from storage.sql.migrate import upgrade
from storage.sql.schema import metadata
from storage.sql.store import open_storage


def test_given_an_empty_database_when_upgraded_then_it_is_exactly_the_schema_and_twice_is_once(url: str) -> None:
    engine = make_engine(url)
    upgrade(engine)
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_given_two_nodes_that_start_together_then_both_find_the_schema(url: str) -> None:
    opened = await asyncio.gather(open_storage(url), open_storage(url))
    for storage in opened:
        assert await storage.lists.list() == []
        await storage.close()


async def test_given_a_database_of_a_newer_timbre_then_refused_with_a_way_out(url: str) -> None:
    await (await open_storage(url)).close()
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SchemaTooNew, match="schema 9999"):
        await open_storage(url)


@pytest.mark.parametrize("wrong", ["", "mysql://x/y", "nonsense", "redis://x"])
async def test_given_a_wrong_address_then_told_what_is_right(wrong: str) -> None:
    with pytest.raises(BadDatabaseUrl, match="sqlite:///"):
        await open_storage(wrong)


async def test_given_no_postgres_at_the_address_then_unavailable_and_retryable() -> None:
    with pytest.raises(StorageUnavailable, match="check that its server runs") as caught:
        await open_storage("postgresql://timbre@127.0.0.1:9/none")
    assert caught.value.retryable


async def test_given_a_file_that_is_no_database_then_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database at all, but long enough to look like one" * 20)
    with pytest.raises(StorageError, match="SQLite"):
        await open_storage(f"sqlite:///{tmp_path}/x.db")


async def test_given_memory_when_closed_then_nothing_is_left_and_later_use_is_refused() -> None:
    storage = await open_storage("sqlite://")
    assert await storage.lists.list() == []
    await storage.close()
    with pytest.raises(StorageUnavailable, match="was closed"):
        await storage.lists.list()


def test_given_sqlite_then_the_write_ahead_log_and_foreign_keys_are_on(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/x.db")
    with engine.connect() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    engine.dispose()
    assert found == ["wal", 1, 1, 10_000]
    assert sqlite3.threadsafety > 0
