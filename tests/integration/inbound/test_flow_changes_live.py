"""A flow changes while a caller is in it, on real Asterisk."""

import tempfile
from pathlib import Path

import pytest

from dialer.inbound.events import CallOver
from ivr.flow import FlowError
from server.demo.network import Network
from tests.integration.inbound.phone_line import DID, MENU_HZ, ONE_HZ, furnish
from tests.support.inbound_caller import InboundCaller
from tests.support.live_house import live_house
from tests.support.until import until

pytestmark = pytest.mark.asterisk


async def test_given_a_caller_in_a_menu_when_a_flow_is_published_broken_and_rolled_back_then_each_call_keeps_its_own(
    inbound_network: Network,
) -> None:
    with tempfile.TemporaryDirectory(prefix="timbre-line-") as name:
        async with live_house(inbound_network, 0, extra_toml=furnish(Path(name))) as live:
            flows = live.house.inbound.flows
            await until(lambda: flows.has("tonos"), 20.0)
            sip = "127.0.0.1", live.folder.settings.asterisk.sip_port
            served = flows.get("tonos")
            assert served is not None
            # In the new version key 1 says the menu's tone once more, and good-bye.
            new = served.source.replace(
                '  uno:\n    do: goodbye\n    text: "{uno:prompt}"',
                '  uno:\n    do: goodbye\n    text: "{menu:prompt}"',
            )
            async with InboundCaller(sip, DID) as first, InboundCaller(sip, DID, caller="+34600111333") as third:
                await first.hears_tone(MENU_HZ)
                await flows.publish("tonos", new)
                with pytest.raises(FlowError, match=r"tonos\.yaml:4: start: there is no node"):
                    await flows.publish("tonos", new.replace("start: menu", "start: nada"))
                async with InboundCaller(sip, DID, caller="+34600111444") as second:
                    await second.hears_tone(MENU_HZ)
                    await flows.roll_back("tonos")
                    pressed_s = await second.press("1")
                    await second.hears_tone(MENU_HZ, since_s=pressed_s + 0.3)
                    await second.ended()
                for caller in (first, third):
                    pressed_s = await caller.press("1")
                    await caller.hears_tone(ONE_HZ, since_s=pressed_s)
                    await caller.ended()
            await until(lambda: len(live.of(CallOver)) == 3)
            assert {event.how for event in live.of(CallOver)} == {"goodbye"} and live.troubles() == []
            assert flows.get("tonos") is not served and len(await flows.versions("tonos")) == 3
