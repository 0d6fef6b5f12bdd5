"""Real calls into a node: keys in all three ways, barge-in, queues, agents, audio both ways."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dialer.inbound.events import CallOver
from server.demo.network import Network
from tests.integration.inbound.phone_line import DID, MENU_HZ, ONE_HZ, furnish
from tests.support.inbound_caller import InboundCaller, Keys
from tests.support.live_house import LiveHouse, live_house
from tests.support.until import until

pytestmark = pytest.mark.asterisk


@asynccontextmanager
async def node(network: Network, agents: int = 0) -> AsyncIterator[LiveHouse]:
    with tempfile.TemporaryDirectory(prefix="timbre-line-") as folder:
        Path(folder).chmod(0o755)
        async with live_house(network, agents, extra_toml=furnish(Path(folder))) as live:
            await until(lambda: live.house.inbound.flows.has("tonos"), 20.0)
            yield live


def sip(live: LiveHouse) -> tuple[str, int]:
    return "127.0.0.1", live.folder.settings.asterisk.sip_port


async def test_given_a_menu_when_keys_come_in_any_way_then_the_prompt_stops_and_the_branch_is_heard(
    inbound_network: Network,
) -> None:
    async with node(inbound_network) as live:
        for how in Keys:
            async with InboundCaller(sip(live), DID, keys=how) as caller:
                await caller.hears_tone(MENU_HZ)
                await asyncio.sleep(1.0)
                pressed_s = await caller.press("1")
                heard_s = await caller.hears_tone(ONE_HZ, since_s=pressed_s)
                print(how, "key to next prompt ms", round((heard_s - pressed_s) * 1000))
                assert heard_s - pressed_s < 0.5, how
                await caller.ended()
        await until(lambda: len(live.of(CallOver)) == 3)
        assert live.troubles() == []
