"""Trunks that refuse or cannot be reached, and a disk without room for recordings, on real Asterisk."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio

from campaigns.lead import Lead
from campaigns.outcome import Outcome
from server.demo.behaviours import Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from telephony.asterisk import ports
from tests.support.live_house import LiveHouse, campaign_text, live_house
from tests.support.sipp_far_end import sipp_far_end
from tests.support.until import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
_TRUNK = """
[[trunks]]
name = "{name}"
host = "127.0.0.1"
port = {port}
qualify_s = {qualify_s}
"""
_FULL_DISK = "\n[media]\nmin_free_mb = 1000000000\n"
_ANSWERS = {"unauthorised": "401 Unauthorized", "forbidden": "403 Forbidden"}
_TRUNKS = (*_ANSWERS, "nobody", "seen-down")


@dataclass
class BadWorld:
    """A node with good and bad trunks and no room for recordings."""

    house: LiveHouse

    async def over(self, trunk: str, leads: int = 9) -> list[Lead]:
        """A campaign over one trunk, until the node says what is wrong with it."""
        text = campaign_text(trunk, amd=False).replace('["network"]', f'["{trunk}"]')
        first = 10 * _TRUNKS.index(trunk)  # a number is called so often a day
        numbers = [DemoNumber.of(Behaviour.BUSY, serial=first + serial) for serial in range(leads)]
        await self.house.campaign(text, numbers)
        try:
            await until(lambda: self.said(trunk) != [], 30.0)
        except TimeoutError:
            attempts = await self.house.house.stores.attempts.list(trunk, 1000)
            moves = [await self.house.house.stores.attempts.moves(each.attempt_id) for each in attempts]
            raise AssertionError(f"nothing was said of {trunk}: {[own[-1] for own in moves]}") from None
        await until(lambda: self.house.house.engine.runs[trunk].idle, 20.0)
        await self.house.house.engine.stop(trunk)
        return await self.house.house.stores.leads.list(trunk, 1000)

    def said(self, trunk: str) -> list[str]:
        """What the operator was told of a trunk."""
        return [words for words in self.house.troubles() if f"trunk {trunk} " in words]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def world(telephone_network: Network) -> AsyncIterator[BadWorld]:
    async with AsyncExitStack() as stack:
        toml = _FULL_DISK
        for name, status in _ANSWERS.items():
            address = await stack.enter_async_context(sipp_far_end("refuse", status=status))
            toml += _TRUNK.format(name=name, port=address.rpartition(":")[2], qualify_s=0)
        toml += _TRUNK.format(name="nobody", port=ports.free_udp_port(), qualify_s=0)
        toml += _TRUNK.format(name="seen-down", port=ports.free_udp_port(), qualify_s=1)
        yield BadWorld(await stack.enter_async_context(live_house(telephone_network, 1, extra_toml=toml)))


@pytest.mark.parametrize("trunk", _TRUNKS)
async def test_given_a_trunk_that_refuses_or_is_out_of_reach_then_one_message_says_so_and_no_lead_is_used_up(
    world: BadWorld, trunk: str
) -> None:
    leads = await world.over(trunk)
    attempts = await world.house.house.stores.attempts.list(trunk, 1000)
    outcomes = {attempt.outcome for attempt in attempts}
    assert len(attempts) >= 5
    assert outcomes <= {Outcome.FAILED, Outcome.REJECTED, Outcome.CONGESTION}, outcomes
    (said,) = world.said(trunk)
    assert "username and secret in the settings" in said
    assert {lead.state.value for lead in leads} <= {"new", "retry"}
    assert len(leads) == 9
    assert await world.house.leaks() == []


async def test_given_no_room_for_recordings_then_conversations_go_on_and_one_message_says_so(world: BadWorld) -> None:
    numbers = [DemoNumber.of(Behaviour.PERSON_TWO_WORDS, serial=serial, ring=1, stay=2) for serial in range(2)]
    await world.house.campaign(campaign_text("full-disk"), numbers)
    attempts = await world.house.dialled("full-disk", 2)
    assert Outcome.BRIDGED in {attempt.outcome for attempt in attempts}
    (said,) = [words for words in world.house.troubles() if words.startswith("recordings:")]
    assert "free some disk or move media.recordings_folder; calls go on without recording" in said
    assert list(world.house.folder.settings.recordings_dir.glob("*")) == []
