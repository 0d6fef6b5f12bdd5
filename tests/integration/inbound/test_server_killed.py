"""kill -9 of the server while callers are in a menu, in a queue and with an agent: nobody is cut off unexplained."""

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from ivr.secret import Secret
from ivr.signing import EVENT_HEADER, is_signed
from media import soundfiles
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind
from server.demo.network import Network
from tests.integration.inbound.phone_line import (
    CRM_KEY,
    DID,
    MENU_HZ,
    ONE_HZ,
    ORDER_DID,
    OUTSIDE,
    OUTSIDE_DID,
    QUEUE_DID,
    SURVEY_DID,
    TELL_DID,
    furnish,
)
from tests.support.inbound_caller import InboundCaller, tone
from tests.support.line_folder import MUSIC_HZ
from tests.support.live_house import LiveProcess, live_folder
from tests.support.until import until

# Two starts of a server and a hundred seconds of calls, on a machine that has other things to do.
pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(480)]
_START_S = 150.0
# Longer than a caller is left in silence: whoever waits for it would hear something, were there anybody to hear it.
_ANSWERS_AFTER_S = 0.7
_RING_HZ = 425.0


@dataclass
class Crm:
    """A system that is told. open: it answers while that is set; until then everybody waits."""

    url: str = ""
    open: asyncio.Event = field(default_factory=asyncio.Event)
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    orders: list[dict[str, Any]] = field(default_factory=list)

    async def order(self, request: web.Request) -> web.Response:
        self.orders.append(await request.json())
        await self.open.wait()
        return web.json_response({})

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        assert is_signed(body, request.headers, Secret(CRM_KEY), time.time())
        event_id = request.headers[EVENT_HEADER]
        self.taken.append((event_id, json.loads(body)))
        await self.open.wait()
        await asyncio.sleep(_ANSWERS_AFTER_S)
        self.answered.add(event_id)
        return web.Response()

    def told(self, event: str) -> dict[str, list[dict[str, Any]]]:
        """What came of an event, by its id."""
        found: dict[str, list[dict[str, Any]]] = {}
        for event_id, body in self.taken:
            if body["event"] == event:
                found.setdefault(event_id, []).append(body)
        return found


@asynccontextmanager
async def crm() -> AsyncIterator[Crm]:
    made, app = Crm(), web.Application()
    app.router.add_post("/", made.take)
    app.router.add_post("/pedido", made.order)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        yield made
    finally:
        await runner.cleanup()


async def test_given_webhooks_on_their_way_when_the_server_is_killed_then_none_is_lost_and_a_repeat_has_its_id(
    inbound_network: Network,
) -> None:
    with tempfile.TemporaryDirectory(prefix="timbre-line-") as name:
        async with crm() as others:
            settings = await asyncio.to_thread(furnish, Path(name), others.url)
            with live_folder(inbound_network, 0, settings) as folder:
                server = LiveProcess(folder)
                try:
                    await server.start(_START_S)
                    calls = await told_across_a_kill(server, others)
                except BaseException:
                    print(others.taken, server.log_tail())
                    raise
                finally:
                    await server.stop()
        ends = sorted(call["ended_how"] for call in calls)
        assert ends == ["caller_left", "goodbye", "goodbye", "goodbye", "lost"]
        # What must not be ordered twice was not, although nobody knows what came of it.
        assert others.orders == [{"quien": "+34600111666"}]
        # Three callers, three events and three messages, whatever came twice; a repeat says the same.
        events, messages = others.told("pago"), others.told("message")
        assert len(events) == len(messages) == 3 and others.answered == events.keys() | messages.keys()
        assert [{body["data"]["numero"] for body in bodies} for bodies in events.values()] == [{"1"}] * 3
        assert sorted(len(bodies) for bodies in events.values()) == [1, 2, 2]
        assert {body["text"] for bodies in messages.values() for body in bodies} == {"Aviso 1"}


async def rings_at(server: LiveProcess) -> bool:
    """Whether somebody rings whom nobody answered."""
    return "!Ring!" in await server.exchange("core show channels concise")


async def told_across_a_kill(server: LiveProcess, others: Crm) -> list[dict[str, Any]]:
    """One caller was told before; of two whose webhook is on its way one stays on the line. The calls afterwards."""
    sip = "127.0.0.1", server.folder.settings.asterisk.sip_port
    async with (
        InboundCaller(sip, TELL_DID, caller="+34600111444") as was_told,
        InboundCaller(sip, TELL_DID) as stays,
        InboundCaller(sip, TELL_DID, caller="+34600111333") as leaves,
        InboundCaller(sip, ORDER_DID, caller="+34600111666") as orders,
    ):
        for caller in (was_told, stays, leaves, orders):
            await caller.hears_tone(MENU_HZ)
        others.open.set()
        await was_told.press("1")
        await until(lambda: len(others.answered) == 2, 20.0)
        await server.asked_until("/inbound/calls", lambda calls: "otra" in [call["flow_node"] for call in calls])
        others.open.clear()
        await stays.press("1")
        await leaves.press("1")
        await orders.press("1")
        await until(lambda: len(others.taken) == 4 and len(others.orders) == 1, 20.0)
        server.freeze()
        rings = InboundCaller(sip, DID, caller="+34600111888")
        dialling = asyncio.create_task(rings.dial(_START_S), name="rings while the server dies")
        await until(partial(rings_at, server), 20.0)
        await server.kill()
        await leaves.hang_up()
        others.open.set()
        await server.start(_START_S)
        # Nobody had seen this call, let alone written it down.
        await dialling
        await rings.hears_tone(MENU_HZ)
        await rings.hang_up()
        await until(lambda: len(others.told("message")) == 3 and len(others.answered) == 6, 40.0)
        back_s = time.monotonic()
        for caller in (stays, was_told, orders):
            await caller.hears_tone(MENU_HZ, since_s=back_s, timeout_s=20.0)
            await caller.press("2")
            await caller.ended()
        calls: list[dict[str, Any]] = await server.asked_until(
            "/inbound/calls", lambda calls: len(calls) == 5 and all(call["ended_at_s"] for call in calls)
        )
        return calls


async def test_given_callers_in_menu_queue_and_talk_when_the_server_is_killed_then_each_goes_on_where_it_was(
    inbound_network: Network,
) -> None:
    voice = tone(700.0, 2.0)
    with tempfile.TemporaryDirectory(prefix="timbre-line-") as name:
        settings = await asyncio.to_thread(furnish, Path(name))
        with live_folder(inbound_network, 1, settings) as folder:
            server, loop = LiveProcess(folder), asyncio.get_running_loop()
            await server.start(_START_S)
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
                        InboundCaller(sip, OUTSIDE_DID, caller="+34600111777", speak=voice) as outside,
                    ):
                        await fleet.wait(agent, EventKind.FIRST_AUDIO)
                        await waiting.hears_tone(MENU_HZ)
                        await waiting.press("2")
                        await choosing.hears_tone(MENU_HZ)
                        await server.asked_until("/queues", lambda queues: queues[0]["waiting"] == 1)
                        await outside.hears_sound(since_s=0.0, without_hz=_RING_HZ)
                        # Who hears that the answer and the callback are kept must find them kept.
                        await answering.hears_tone(MENU_HZ)
                        answered_s = await answering.press("4")
                        await answering.hears_tone(ONE_HZ, since_s=answered_s)
                        await server.ask("PUT", "/inbound/emergency/fire", json={"on": True, "text": "Hay fuego."})
                        before = await server.asked_until("/inbound/calls", waits_in_menu)
                        killed_s = loop.time()
                        await server.kill()
                        # The talk goes on without the server.
                        await talking.hears_sound(since_s=time.monotonic())
                        await server.start(_START_S)
                        assert {call.ended_s for call in (talking, waiting, choosing, answering, outside)} == {None}
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
                        await fleet.wait(agent, EventKind.FIRST_AUDIO, 2)
                        await server.asked_until("/inbound/calls", talks_after_the_menu)  # no more announcements
                        await waiting.hears_sound(since_s=time.monotonic(), without_hz=MUSIC_HZ)
                        # Put through to somebody outside: no excuse, no second ringing, and both hear each other yet.
                        assert outside.ended_s is None
                        assert outside.share_of_tone(ONE_HZ, back_s) < 0.02  # a good-bye has it for a second
                        assert outside.share_of_tone(_RING_HZ, back_s) < 0.05  # ringing has it a third of the time
                    after = await server.asked_until(
                        "/inbound/calls", lambda calls: all(call["ended_at_s"] for call in calls)
                    )
                    assert [call["call_id"] for call in after] == [call["call_id"] for call in before]
                    assert [call["ended_how"] for call in after] == ["talked", "talked", "goodbye", "goodbye", "talked"]
                    await until(lambda: folder.truth().find(OUTSIDE, after[-1]["started_at_s"]) is not None, 30.0)
                    truth = folder.truth().find(OUTSIDE, after[-1]["started_at_s"])
                    assert truth is not None and truth.answered_s is not None and not truth.ended_by_callee
                    assert truth.heard is not None and truth.ended_s > after[-1]["started_at_s"] + back_s - killed_s
                    heard = await asyncio.to_thread(soundfiles.load, truth.heard)
                    assert np.abs(heard[-3 * 8000 :].astype(int)).max() > 1000  # the caller, to the end
            except BaseException:
                print(server.log_tail())
                raise
            finally:
                await server.stop()


def talks_after_the_menu(calls: list[dict[str, Any]]) -> bool:
    """Whether the caller who waited after the menu talks."""
    return "talk" in [call["stage"] for call in calls if call["flow"] == "tonos"]


def waits_in_menu(calls: list[dict[str, Any]]) -> bool:
    """Whether the caller of the survey has come to its last menu, as far as it is written down."""
    return [call["flow_node"] for call in calls if call["flow"] == "opinion"] == ["espera"]
