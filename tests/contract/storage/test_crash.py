"""What was acknowledged survives kill -9 and a full disk."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from campaigns.attempt import AttemptState
from storage.errors import StorageFull
from storage.sql.statement import Statement
from storage.sql.store import SqlStorage, open_storage
from tests.contract.storage.conftest import House

_RANK = {"planned": 0, "dialing": 1, "ended": 7}


def acknowledged_before_kill(url: str, facts: int) -> dict[str, str]:
    """The last fact acknowledged per attempt by a child that is killed after so many facts."""
    command = [sys.executable, "-m", "tests.contract.storage.acknowledger", url]
    last: dict[str, str] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(facts):
            fact, attempt_id = child.stdout.readline().split()
            last[attempt_id] = fact
        child.kill()
        for line in child.stdout:  # what was said between the last line read and the kill counts as well
            if line.endswith("\n"):
                fact, attempt_id = line.split()
                last[attempt_id] = fact
    assert child.returncode == -9
    return last


@pytest.mark.parametrize("facts", [1, 500])
async def test_given_kill_9_when_opened_again_then_every_acknowledged_fact_is_there(url: str, facts: int) -> None:
    last = acknowledged_before_kill(url, facts)
    storage = await open_storage(url)
    states = list(AttemptState)
    for attempt_id, fact in last.items():
        attempt = await storage.attempts.get(attempt_id)
        assert attempt is not None
        assert states.index(attempt.state) >= _RANK[fact]
    live = [attempt.lead_id for attempt in await storage.attempts.unfinished("n")]
    held = [lead.lead_id for lead in await storage.leads.list("l") if lead.state == "in_attempt"]
    assert sorted(live) == sorted(held)
    assert len(set(live)) == len(live)
    await storage.close()


async def fill(house: House, storage: SqlStorage) -> int:
    """Add leads until storage says full; how many chunks were acknowledged."""
    for chunk in range(1000):
        leads = [house.lead(chunk * 500 + n, name="x" * 200) for n in range(500)]
        try:
            await storage.leads.add(leads)
        except StorageFull as full:
            assert "free" in str(full)
            return chunk
    raise AssertionError("never full")


async def test_given_a_full_database_then_a_clear_message_nothing_committed_lost_and_it_goes_on_after(
    new_database: Callable[[str], str], tmp_path: Path
) -> None:
    storage = await open_storage(new_database("sqlite"), gather_s=0.0)
    house = await House(storage).build()
    limit = Statement(text("PRAGMA max_page_count = 400"))
    no_limit = Statement(text("PRAGMA max_page_count = 1000000"))
    await storage.database.write(lambda tx: tx.all(limit, {}))
    chunks = await fill(house, storage)
    assert chunks > 0
    assert (await storage.lists.counts("l1"))["new"] == chunks * 500
    await storage.database.write(lambda tx: tx.all(no_limit, {}))
    await house.add(house.lead(999_999))
    assert (await storage.lists.counts("l1"))["new"] == chunks * 500 + 1
    await storage.close()


def said_by_disk_filler(url: str) -> list[str]:
    command = [sys.executable, "-m", "tests.contract.storage.disk_filler", url, "1500000"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


async def test_given_a_disk_without_room_then_storage_full_and_all_that_was_acknowledged_is_there(
    new_database: Callable[[str], str],
) -> None:
    url = new_database("sqlite")
    lines = said_by_disk_filler(url)
    assert lines[-1].startswith("full ")
    assert "nothing committed is lost" in lines[-1]
    storage = await open_storage(url)
    assert len(lines) > 10
    assert (await storage.lists.counts("l"))["new"] == len(lines) - 1
    await storage.close()
