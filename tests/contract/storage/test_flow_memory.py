"""What menus remember, on both databases."""

import asyncio
from dataclasses import replace

from storage.flows import StoredSwitch
from storage.sql.store import SqlStorage, open_storage


async def test_given_switches_when_flipped_then_those_that_are_on_outlive_the_server(
    storage: SqlStorage, url: str
) -> None:
    fire = StoredSwitch("fire", "The building is closed.", "", 10.0, "ana")
    await storage.switches.put(replace(fire, text="first words"))
    await storage.switches.put(fire)
    await storage.switches.put(StoredSwitch("storm", "", "storm_warning", 11.0))
    assert await storage.switches.remove("storm") and not await storage.switches.remove("storm")
    again = await open_storage(url, gather_s=0.0)
    try:
        assert await again.switches.list() == [fire]
    finally:
        await again.close()


async def test_given_failures_when_the_last_one_allowed_comes_then_the_key_is_locked_and_a_restart_forgets_nothing(
    storage: SqlStorage, url: str
) -> None:
    assert await storage.locks.locked_until_s("k") is None
    assert [await storage.locks.failed("k", at_s, 3, 100.0) for at_s in (10.0, 20.0)] == [False, False]
    again = await open_storage(url, gather_s=0.0)
    try:
        assert await again.locks.failed("k", 30.0, 3, 100.0)
        assert await again.locks.locked_until_s("k") == 130.0
    finally:
        await again.close()
    assert await storage.locks.locked_until_s("k") == 130.0 and await storage.locks.locked_until_s("other") is None


async def test_given_failures_that_lie_long_apart_or_were_cleared_when_counted_then_they_lock_nothing(
    storage: SqlStorage,
) -> None:
    assert [await storage.locks.failed("k", at_s, 2, 100.0) for at_s in (10.0, 111.0, 212.0)] == [False] * 3
    await storage.locks.clear("k")
    assert not await storage.locks.failed("k", 213.0, 2, 100.0)


async def test_given_failures_at_once_when_counted_then_none_is_lost(storage: SqlStorage) -> None:
    answers = await asyncio.gather(*(storage.locks.failed("k", 10.0 + n, 4, 100.0) for n in range(4)))
    assert sorted(answers) == [False, False, False, True]


async def test_given_keys_of_long_ago_when_somebody_fails_today_then_they_are_swept(storage: SqlStorage) -> None:
    await storage.locks.failed("old", 10.0, 1, 100.0)
    await storage.locks.failed("new", 10.0 + 90_000.0, 3, 100.0)
    assert await storage.locks.locked_until_s("old") is None
