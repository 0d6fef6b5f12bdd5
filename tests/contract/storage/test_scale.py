"""`due` costs the same for a long list as for a short one: it reads index ranges and sorts nothing."""

import sqlite3
from pathlib import Path

import pytest

from storage.sql.attempts import _PAGE, _UNFINISHED
from storage.sql.compliance import _ANSWERED, _CONTACTS
from storage.sql.engine import make_engine
from storage.sql.leads import _DUE, _NEXT_PRIORITY
from storage.sql.migrate import upgrade
from storage.sql.statement import Statement
from storage.sql.store import open_storage
from tests.contract.storage.conftest import House


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (_DUE, "ix_leads_due"),
        (_NEXT_PRIORITY, "ix_leads_due"),
        (_UNFINISHED, "ix_attempts_live_node"),
        (_PAGE, "ix_attempts_page"),
        (_ANSWERED, "ix_attempts_answered"),
        (_CONTACTS, "ix_attempts_phone"),
    ],
)
def test_given_a_hot_query_then_it_searches_its_index(tmp_path: Path, statement: Statement, index: str) -> None:
    engine = make_engine(f"sqlite:///{tmp_path}/x.db")
    upgrade(engine)
    sql, constants = statement.sql(engine.dialect)
    names = ("list_id", "state", "priority", "now_s", "limit", "below", "node", "campaign_id", "after", "since_s")
    with sqlite3.connect(f"{tmp_path}/x.db") as connection:
        given = {**dict.fromkeys((*names, "until_s", "phone"), 1), **constants}
        plan = " / ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", given))
    connection.close()
    engine.dispose()
    assert index in plan
    assert "SCAN leads" not in plan and "SCAN attempts" not in plan
    if statement is _DUE:
        assert "TEMP B-TREE" not in plan


async def rows_stepped(house: House, size: int) -> int:
    """Virtual machine steps of SQLite (in hundreds) that one `due` takes when the list holds `size` leads."""
    known = (await house.storage.lists.counts("l1")).get("new", 0)
    await house.storage.leads.add(house.lead(n) for n in range(known, size))
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    database = house.storage.database
    await database.read(lambda tx: tx._cursor.connection.set_progress_handler(step, 100))
    due = await house.storage.leads.due("c", 1e9, 100)
    assert len(due) == 100
    await database.read(lambda tx: tx._cursor.connection.set_progress_handler(None, 0))
    return steps


async def test_given_lists_of_three_sizes_then_due_takes_the_same_work() -> None:
    storage = await open_storage("sqlite://", gather_s=0.0)
    house = await House(storage).build()
    small, middle, large = [await rows_stepped(house, size) for size in (1_000, 10_000, 50_000)]
    assert small > 0
    assert middle <= small * 1.2
    assert large <= small * 1.2
    await storage.close()
