"""The link under every fault that a scripted Asterisk can show."""

import asyncio
import random

import pytest

from telephony.ari.control import AriCallControl
from telephony.ari.settings import AriSettings
from telephony.errors import (
    ChannelGone,
    DuplicateChannel,
    EndpointRefused,
    LinkDown,
    OriginateOutcomeUnknown,
    SetupError,
)
from telephony.events import Answered, Arrived, HungUp, InboxOverflowed, LinkState, Ringing
from telephony.port import OriginateOrder, TapOrder
from tests.unit.telephony.ari.fake_asterisk import FakeAsterisk, NoRecorder, Running, SystemClock, until

CALL = "01m8078pnjv3rs3dtr98h6bcfn-call"
ORDER = OriginateOrder(CALL, "PJSIP/600000000@net", "910000000", 20.0)


def dial(status: str, channel_id: str = CALL) -> dict[str, object]:
    return {"dialstatus": status, "peer": {"id": channel_id}}


async def test_an_order_becomes_one_create_and_one_dial(asterisk: FakeAsterisk, running: Running) -> None:
    async with running() as control:
        with control.inbox(CALL) as inbox:
            await control.originate(ORDER)
            for status in ("", "RINGING", "ANSWER"):
                await asterisk.event("Dial", **dial(status))
            await asterisk.event("ChannelDestroyed", channel={"id": CALL}, cause=17, cause_txt="busy", tech_cause=486)
            kinds = [type(await inbox.next()) for _ in range(2)]
            last = await inbox.next()
    assert kinds == [Ringing, Answered]
    assert isinstance(last, HungUp) and (last.q850, last.sip_status, last.lost) == (17, 486, False)
    assert len(asterisk.asked("POST", "channels/create")) == len(asterisk.asked("POST", f"channels/{CALL}/dial")) == 1


async def test_a_link_lost_in_mid_originate_is_unknown_and_never_sent_again(
    asterisk: FakeAsterisk, running: Running
) -> None:
    asterisk.answers.append(("POST", "channels/create", None))
    async with running() as control:
        with control.inbox(CALL) as inbox:
            calling = asyncio.ensure_future(control.originate(ORDER))
            await until(lambda: bool(asterisk.asked("POST", "channels/create")))
            await asterisk.drop()
            with pytest.raises(OriginateOutcomeUnknown):
                await calling
            await until(lambda: asterisk.connections == 2 and control.link_state is LinkState.UP)
            last = await inbox.next()
    assert isinstance(last, HungUp) and last.lost
    assert len(asterisk.asked("POST", "channels/create")) == 1


async def test_an_answer_that_comes_too_late_is_counted_and_the_call_is_unknown(
    asterisk: FakeAsterisk, running: Running
) -> None:
    asterisk.answers.append(("POST", "channels/create", None))
    async with running(request_timeout_s=0.05) as control:
        with pytest.raises(OriginateOutcomeUnknown):
            await control.originate(ORDER)
        await asterisk.reply(asterisk.asked("POST", "channels/create")[0], 200, {})
        await until(lambda: control.counters["late_answers"] == 1)


async def test_a_channel_that_never_enters_the_application_is_never_dialled(
    asterisk: FakeAsterisk, running: Running
) -> None:
    asterisk.auto_stasis = False
    async with running(request_timeout_s=0.05) as control:
        with pytest.raises(OriginateOutcomeUnknown):
            await control.originate(ORDER)
    assert not asterisk.asked("POST", f"channels/{CALL}/dial")


@pytest.mark.parametrize(("status", "error"), [(409, DuplicateChannel), (500, EndpointRefused)])
async def test_a_refused_order_is_not_dialled(
    asterisk: FakeAsterisk, running: Running, status: int, error: type[Exception]
) -> None:
    asterisk.answers.append(("POST", "channels/create", (status, {"error": "no"})))
    async with running() as control:
        with pytest.raises(error):
            await control.originate(ORDER)
    assert not asterisk.asked("POST", f"channels/{CALL}/dial")


async def test_nothing_is_sent_while_the_link_is_down(asterisk: FakeAsterisk, running: Running) -> None:
    async with running() as control:
        asterisk.info_status = 503
        await asterisk.drop()
        await until(lambda: control.link_state is LinkState.DOWN)
        with pytest.raises(LinkDown):
            await control.originate(ORDER)
        asterisk.info_status = 200
        await control.wait_up()
    assert not asterisk.asked("POST", "channels/create")


async def test_a_reconnect_tells_what_was_missed(asterisk: FakeAsterisk, running: Running) -> None:
    other = CALL.replace("01m", "01n")
    async with running() as control:
        with control.inbox(CALL) as gone, control.inbox(other) as alive:
            asterisk.channels = [{"id": other, "name": "PJSIP/x", "state": "Up"}]
            await asterisk.drop()
            ended, answered = await gone.next(), await alive.next()
    assert isinstance(ended, HungUp) and ended.lost and ended.q850 == 0
    assert isinstance(answered, Answered)


async def test_a_restarted_asterisk_ends_every_call_and_says_so(asterisk: FakeAsterisk, running: Running) -> None:
    states: list[LinkState] = []
    async with running() as control:
        control.on_link(states.append)
        with control.inbox(CALL) as inbox:
            asterisk.startup_time = "2026-01-01T00:00:09.000+0000"
            await asterisk.drop()
            last = await inbox.next()
            await control.wait_up()
    assert isinstance(last, HungUp) and last.lost
    assert states[:3] == [LinkState.DOWN, LinkState.LOST_STATE, LinkState.UP]


async def test_a_wrong_secret_is_refused_once_and_says_how_to_mend_it(
    asterisk: FakeAsterisk, settings: AriSettings
) -> None:
    asterisk.info_status = 401
    control = AriCallControl(settings, SystemClock(), random.Random(1), NoRecorder(), lambda: None)
    with pytest.raises(SetupError, match=r"'timbre'.*ari\.conf"):
        await control.run()
    assert control.link_state is LinkState.REFUSED and asterisk.connections == 0
    with pytest.raises(SetupError):
        await control.wait_up()


async def test_a_replaced_controller_stops_by_itself(asterisk: FakeAsterisk, settings: AriSettings) -> None:
    control = AriCallControl(settings, SystemClock(), random.Random(1), NoRecorder(), lambda: None)
    run = asyncio.ensure_future(control.run())
    await control.wait_up()
    await asterisk.event("ApplicationReplaced")
    with pytest.raises(SetupError, match="another controller"):
        await run
    assert control.link_state is LinkState.REFUSED and asterisk.connections == 1


async def test_a_booting_asterisk_is_waited_for(asterisk: FakeAsterisk, settings: AriSettings) -> None:
    asterisk.info_status = 503
    control = AriCallControl(settings, SystemClock(), random.Random(1), NoRecorder(), lambda: None)
    run = asyncio.ensure_future(control.run())
    await asyncio.sleep(0.05)
    asterisk.info_status = 200
    await control.wait_up()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run


async def test_a_stuck_socket_wakes_the_taps_and_is_replaced(asterisk: FakeAsterisk, running: Running) -> None:
    woken: list[int] = []
    async with running(
        lambda: woken.append(1), ping_every_s=0.02, stall_s=0.05, wedged_s=0.1, cut_s=5.0, request_timeout_s=9.0
    ) as control:
        asterisk.answering = False
        await until(lambda: bool(woken))
        with pytest.raises(LinkDown):
            await control.originate(ORDER)
        await until(lambda: control.link_state is LinkState.DOWN)
        asterisk.answering = True
        await until(lambda: asterisk.connections >= 2 and control.link_state is LinkState.UP, 15.0)
        assert control.counters["stalls"] >= 1
    assert not asterisk.asked("POST", "channels/create")


async def test_a_slow_consumer_ends_its_own_call_only(asterisk: FakeAsterisk, running: Running) -> None:
    other = CALL.replace("01m", "01n")
    async with running(inbox_limit=3) as control:
        with control.inbox(CALL) as slow, control.inbox(other) as fast:
            for _ in range(6):
                await asterisk.event("ChannelDtmfReceived", channel={"id": CALL}, digit="1", duration_ms=80)
            await asterisk.event("Dial", **dial("RINGING", other))
            assert isinstance(await fast.next(), Ringing)
            events = [await slow.next() for _ in range(4)]
            await until(lambda: bool(asterisk.asked("DELETE", f"channels/{CALL}")))
    assert isinstance(events[-1], InboxOverflowed)
    assert control.counters["overflows"] == 1


async def test_a_listener_gets_what_waited_and_then_every_event_as_it_comes_however_many(
    asterisk: FakeAsterisk, running: Running
) -> None:
    heard: list[str] = []
    async with running(inbox_limit=3) as control:
        with control.inbox(CALL) as inbox:
            for digit in "01":
                await asterisk.event("ChannelDtmfReceived", channel={"id": CALL}, digit=digit, duration_ms=80)
            assert (await inbox.next()).digit == "0"  # type: ignore[attr-defined]
            inbox.listen(lambda event: heard.append(event.digit))  # type: ignore[attr-defined]
            for digit in "23456789":
                await asterisk.event("ChannelDtmfReceived", channel={"id": CALL}, digit=digit, duration_ms=80)
            await until(lambda: len(heard) == 9)
    assert "".join(heard) == "123456789"
    assert control.counters["overflows"] == 0


async def test_events_of_a_call_keep_their_order(asterisk: FakeAsterisk, running: Running) -> None:
    async with running() as control:
        with control.inbox(CALL) as inbox:
            for digit in "0123456789" * 10:
                await asterisk.event("ChannelDtmfReceived", channel={"id": CALL}, digit=digit, duration_ms=80)
            heard = [(await inbox.next()).digit for _ in range(100)]  # type: ignore[attr-defined]
    assert "".join(heard) == "0123456789" * 10


async def test_a_call_from_outside_arrives_and_a_stray_is_hung_up(asterisk: FakeAsterisk, running: Running) -> None:
    async with running() as control:
        await asterisk.event("StasisStart", channel={"id": "stray"}, args=["out"])
        await asterisk.event(
            "StasisStart", channel={"id": "in", "caller": {"number": "34600"}}, args=["incoming", "910"]
        )
        arrival = await anext(control.arrivals())
        await until(lambda: bool(asterisk.asked("DELETE", "channels/stray")))
    assert isinstance(arrival, Arrived)
    assert (arrival.channel_id, arrival.called, arrival.caller) == ("in", "910", "34600")


async def test_half_a_tap_is_taken_away_again(asterisk: FakeAsterisk, running: Running) -> None:
    order = TapOrder(CALL, "5f0d9ef6-3a6b-4b53-9a5b-3d8a1f0c2a11", "tap", "bridge")
    asterisk.answers.append(("POST", "bridges/bridge/addChannel", (400, {"message": "Channel not found"})))
    async with running() as control:
        with pytest.raises(ChannelGone):
            await control.start_tap(order)
        await until(lambda: bool(asterisk.asked("DELETE", "channels/tap") and asterisk.asked("DELETE", "bridges/")))


async def test_a_cancelled_originate_leaves_no_call(asterisk: FakeAsterisk, running: Running) -> None:
    asterisk.answers.append(("POST", f"channels/{CALL}/dial", None))
    async with running(request_timeout_s=5.0) as control:
        calling = asyncio.ensure_future(control.originate(ORDER))
        await until(lambda: bool(asterisk.asked("POST", f"channels/{CALL}/dial")))
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await until(lambda: bool(asterisk.asked("DELETE", f"channels/{CALL}")))


async def test_a_caller_who_gives_up_before_anybody_listens_is_told_as_gone(
    asterisk: FakeAsterisk, running: Running
) -> None:
    asterisk.answers.append(("POST", "applications/app/subscription", (404, {"message": "no such channel"})))
    async with running() as control:
        await asterisk.event("StasisStart", channel={"id": "in"}, args=["incoming", "910"])
        arrival = await anext(control.arrivals())
        with control.inbox(arrival.channel_id) as inbox:
            assert isinstance(await inbox.next(), HungUp)
