"""kill -9 of the server while callers are in a menu, in a queue and with an agent: nobody is cut off unexplained."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind
from server.demo.network import Network
from tests.integration.inbound.phone_line import DID, MENU_HZ, MUSIC_HZ, ONE_HZ, QUEUE_DID, SURVEY_DID, furnish
from tests.support.inbound_caller import InboundCaller, tone
from tests.support.live_house import LiveProcess, live_folder
from tests.support.until import until

pytestmark = pytest.mark.asterisk


async def test_given_callers_in_menu_queue_and_talk_when_the_server_is_killed_then_each_goes_on_where_it_was(
    inbound_network: Network,
) -> None:
    voice = tone(700.0, 2.0)
    with tempfile.TemporaryDirectory(prefix="timbre-line-") as name:
        settings = await asyncio.to_thread(furnish, Path(name))
        with live_folder(inbound_network, 1, settings) as folder:
            server = LiveProcess(folder)
            await server.start(90.0)
            sip = "127.0.0.1", folder.settings.asterisk.sip_port
            try:
                async with RobotFleet(folder.specs()) as fleet:
                    await fleet.wait_all(EventKind.REGISTERED)
                    (agent,) = folder.agents
                    await server.ask("POST", f"/agents/{agent}/sign-in")
                    await server.asked_until("/agents", lambda agents: agents[0]["audio"])
                    await server.ask("POST", f"/agents/{agent}/ready")
                    async with (
                        InboundCaller(sip, QUEUE_DID, speak=voice) as talking,
                        InboundCaller(sip, DID, speak=voice, caller="+34600111333") as waiting,
                        InboundCaller(sip, DID, speak=voice, caller="+34600111444") as choosing,
                        InboundCaller(sip, SURVEY_DID, caller="+34600111555") as answering,
                    ):
                        await fleet.wait(agent, EventKind.FIRST_AUDIO)
                        await waiting.hears_tone(MENU_HZ)
                        await waiting.press("2")
                        await choosing.hears_tone(MENU_HZ)
                        await server.asked_until("/queues", lambda queues: queues[0]["waiting"] == 1)
                        # Who hears that the answer and the callback are kept must find them kept.
                        await answering.hears_tone(MENU_HZ)
                        answered_s = await answering.press("4")
                        await answering.hears_tone(ONE_HZ, since_s=answered_s)
                        await server.ask("PUT", "/inbound/emergency/fire", json={"on": True, "text": "Hay fuego."})
                        before = await server.asked_until("/inbound/calls", waits_in_menu)
                        await server.kill()
                        killed_s = time.monotonic()
                        await asyncio.sleep(1.0)
                        assert rms(talking.audio(killed_s)) > 200, "the talk fell silent with the server"
                        await server.start(90.0)
                        loop = asyncio.get_running_loop()
                        assert {call.ended_s for call in (talking, waiting, choosing, answering)} == {None}
                        back_s = loop.time()
                        # In the menu: the same question again, and it takes the key.
                        await choosing.hears_tone(MENU_HZ, since_s=back_s, timeout_s=20.0)
                        pressed_s = await choosing.press("1")
                        await choosing.hears_tone(ONE_HZ, since_s=pressed_s)
                        await choosing.ended()
                        (switch,) = await server.ask("GET", "/inbound/emergency")
                        assert (switch["name"], switch["text"]) == ("fire", "Hay fuego.")
                        (given,) = await server.ask("GET", "/inbound/survey")
                        assert (given["question"], given["scores"]) == ("trato", {"4": 1})
                        (promised,) = await server.ask("GET", "/inbound/callbacks")
                        assert (promised["queue"], promised["state"]) == ("later", "pending")
                        await answering.hears_tone(MENU_HZ, since_s=back_s, timeout_s=20.0)
                        pressed_s = await answering.press("1")
                        await answering.hears_tone(ONE_HZ, since_s=pressed_s)
                        await answering.ended()
                        # In the queue: music again, with its time kept; then the agent.
                        await waiting.hears_tone(MUSIC_HZ, since_s=back_s, timeout_s=20.0)
                        queues = await server.ask("GET", "/queues")
                        assert queues[0]["waiting"] == 1 and queues[0]["longest_s"] > 3.0
                        await server.asked_until("/agents", lambda agents: agents[0]["state"] == "talking")
                        await server.ask("POST", f"/agents/{agent}/hang-up")
                        await talking.ended()
                        await until(lambda: hears_a_voice(waiting), 20.0)
                    after = await server.asked_until(
                        "/inbound/calls", lambda calls: all(call["ended_at_s"] for call in calls)
                    )
                    assert [call["call_id"] for call in after] == [call["call_id"] for call in before]
                    assert [call["ended_how"] for call in after] == ["talked", "talked", "goodbye", "goodbye"]
            except BaseException:
                print(server.log_tail())
                raise
            finally:
                await server.stop()


def waits_in_menu(calls: list[dict[str, Any]]) -> bool:
    """Whether the caller of the survey has come to its last menu, as far as it is written down."""
    return [call["flow_node"] for call in calls if call["flow"] == "opinion"] == ["espera"]


def hears_a_voice(caller: InboundCaller) -> bool:
    """Whether the caller's last second is a voice and not the music of the queue."""
    since_s = time.monotonic() - 1.0
    return rms(caller.audio(since_s)) > 200 and caller.share_of_tone(MUSIC_HZ, since_s) < 0.1


def rms(sound: NDArray[np.int16]) -> float:
    """How loud a sound is."""
    return float(np.sqrt((sound.astype(float) ** 2).mean())) if len(sound) else 0.0
