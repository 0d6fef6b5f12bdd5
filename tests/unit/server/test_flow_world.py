"""The flows' world in the server: what the stores give, in the flow's words."""

from collections.abc import AsyncIterator
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from ivr.port import Bookmark
from ivr.values import PortTrouble
from server.flow_world import DurableLocks, EmergencySwitches, read_bookmark, write_bookmark
from server.stores import Stores, open_stores
from storage.flows import StoredSwitch


class Now:
    at_s = 1000.0

    def __call__(self) -> float:
        return self.at_s


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    async with open_stores(f"sqlite:///{tmp_path}/timbre.db") as opened:
        yield opened


async def test_given_a_lock_when_its_time_is_over_then_the_account_is_free_again(stores: Stores) -> None:
    now = Now()
    locks = DurableLocks(stores.locks, now)
    assert await locks.failed("k", now.at_s, 1, 60.0)
    assert await locks.locked_until_s("k") == 1060.0
    now.at_s = 1061.0
    assert await locks.locked_until_s("k") is None


async def test_given_a_store_that_is_gone_when_identity_is_checked_then_the_flow_is_told_and_nobody_gets_in(
    tmp_path: Path,
) -> None:
    async with open_stores(f"sqlite:///{tmp_path}/timbre.db") as opened:
        locks = DurableLocks(opened.locks, Now())
    for asked in (locks.locked_until_s("k"), locks.failed("k", 1000.0, 3, 60.0), locks.clear("k")):
        with pytest.raises(PortTrouble, match="identity check"):
            await asked


async def test_given_switches_of_before_when_the_server_starts_then_flows_see_them_with_their_words(
    stores: Stores,
) -> None:
    before = EmergencySwitches(stores.switches)
    await before.flip(StoredSwitch("fire", "The building is closed.", "", 10.0))
    await before.flip(StoredSwitch("storm", "not said", "storm_warning", 11.0))
    await before.flip(StoredSwitch("strike", "", "", 12.0))
    switches = EmergencySwitches(stores.switches)
    assert switches.on("fire") is None
    await switches.load()
    said = {each.name: switches.on(each.name) for each in switches.all()}
    assert [on and on.message and (on.message.kind.value, on.message.value) for on in said.values()] == [
        ("text", "The building is closed."),
        ("prompt", "storm_warning"),
        None,
    ]
    assert await switches.off("fire") and not await switches.off("fire")
    await before.load()
    assert before.on("fire") is None and before.on("strike") is not None


def test_given_a_bookmark_when_written_and_read_then_every_kind_of_value_comes_back() -> None:
    values = {
        "text": "Eva", "count": 3, "due": Decimal("12.50"), "yes": True, "no": False, "nothing": None,
        "day": date(2026, 3, 1), "hour": time(9, 30), "moment": datetime(2026, 3, 1, 9, 30),
    }  # fmt: skip
    bookmark = Bookmark("c1", "saldo", "0123456789ab", "menu", "es", values, {"tell": 2})
    back = read_bookmark("c1", write_bookmark(bookmark))
    assert back == bookmark and [type(value) for value in back.variables.values()] == [
        type(value) for value in values.values()
    ]
