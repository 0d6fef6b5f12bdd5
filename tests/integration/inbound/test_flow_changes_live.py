"""A flow changes while a caller is in it, on real Asterisk, by the commands that a person types."""

import asyncio
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from dialer.inbound.events import CallOver
from server.demo.network import Network
from tests.integration.inbound.phone_line import DID, MENU_HZ, ONE_HZ, furnish
from tests.support.inbound_caller import InboundCaller
from tests.support.live_house import LiveHouse, live_house
from tests.support.until import until

pytestmark = pytest.mark.asterisk


async def timbre_ivr(live: LiveHouse, *arguments: str) -> tuple[int, str]:
    """`timbre ivr ...` against the node: its exit status and what it said."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server.cli", "ivr", *arguments, "--config", str(live.folder.config)),
        cwd=Path(__file__).parents[3],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


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
            last_words = '  uno:\n    do: goodbye\n    text: "{%s:prompt}"'
            new, broken = Path(name) / "new.yaml", Path(name) / "broken.yaml"
            new.write_text(served.source.replace(last_words % "uno", last_words % "menu"))
            broken.write_text(served.source.replace("queue: sales\n    announce", "queue: sale\n    announce"))
            async with InboundCaller(sip, DID) as first:
                await first.hears_tone(MENU_HZ)
                status, said = await timbre_ivr(live, "publish", str(new))
                assert status == 0, said
                status, said = await timbre_ivr(live, "publish", str(broken))
                assert status == 1 and said.strip().endswith(
                    "nodes.cola.queue: the settings know no queue 'sale': did you mean 'sales'?"
                ), said
                assert ".yaml:" in said and "Traceback" not in said
                async with InboundCaller(sip, DID, caller="+34600111444") as second:
                    await second.hears_tone(MENU_HZ)
                    status, said = await timbre_ivr(live, "roll-back", "tonos")
                    assert status == 0 and served.version in said, said
                    pressed_s = await second.press("1")
                    await second.hears_tone(MENU_HZ, since_s=pressed_s + 0.3)
                    await second.ended()
                await pressed_in_the_old(first)
            async with InboundCaller(sip, DID, caller="+34600111555") as third:
                await third.hears_tone(MENU_HZ)
                await pressed_in_the_old(third)
            await until(lambda: len(live.of(CallOver)) == 3)
            assert {event.how for event in live.of(CallOver)} == {"goodbye"} and live.troubles() == []
            status, said = await timbre_ivr(live, "funnel", "tonos", "-o", str(Path(name) / "funnel.svg"))
            assert status == 0, said
            words = " ".join(ElementTree.fromstring((Path(name) / "funnel.svg").read_text()).itertext()).split()
            assert "3" in words
            assert [each.number for each in await flows.versions("tonos")] == [1, 2, 3]


async def pressed_in_the_old(caller: InboundCaller) -> None:
    """Key 1 leads where it led in the first version."""
    pressed_s = await caller.press("1")
    await caller.hears_tone(ONE_HZ, since_s=pressed_s)
    await caller.ended()
