import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panoramisk import Manager

from telephony.ami.events import AmiEvent, ContactChanged, ContactState, FullyBooted, MediaQuality, read_event
from telephony.ami.observer import AmiObserver, ForbiddenAction, checked
from telephony.errors import ChannelGone, LinkDown, RequestRejected, SetupError
from tests.unit.telephony.ami.fake_manager import FakeManager
from tests.unit.telephony.ari.fake_asterisk import until


@pytest.mark.parametrize("action", ["Originate", "originate", "Redirect", "ORIGINATE"])
def test_placing_calls_is_refused_by_construction(action: str) -> None:
    with pytest.raises(ForbiddenAction):
        checked(action, {})


@given(st.text(), st.sampled_from("\r\n\0"), st.text())
def test_a_value_with_a_line_break_is_refused(head: str, mark: str, tail: str) -> None:
    with pytest.raises(ForbiddenAction, match="line break"):
        checked("MixMonitor", {"Channel": f"{head}{mark}{tail}"})


async def test_a_recording_is_one_stereo_mix_monitor(manager: FakeManager, running: AmiObserver) -> None:
    manager.answers["mixmonitor"] = ["Response: Success"]
    await running.mix_monitor("some-call", "/recordings/one")
    [action] = manager.asked("mixmonitor")
    assert (action["channel"], action["file"], action["options"]) == ("some-call", "/recordings/one.raw", "D")


async def test_a_recording_of_a_channel_that_is_gone(manager: FakeManager, running: AmiObserver) -> None:
    for action in ("mixmonitor", "stopmixmonitor"):
        manager.answers[action] = ["Response: Error", "Message: No such channel"]
    with pytest.raises(ChannelGone):
        await running.mix_monitor("gone", "/recordings/one")
    await running.stop_mix_monitor("gone")


async def test_a_refused_action_says_why(manager: FakeManager, running: AmiObserver) -> None:
    manager.answers["reload"] = ["Response: Error", "Message: No such module"]
    with pytest.raises(RequestRejected, match="No such module"):
        await running.reload("nothing.so")


async def test_an_unanswered_action_times_out_and_is_never_sent_again(
    manager: FakeManager, running: AmiObserver
) -> None:
    with pytest.raises(LinkDown):
        await running.mix_monitor("some-call", "/recordings/one")
    manager.drop()
    await until(lambda: manager.connections == 2 and running.is_up)
    await until(lambda: len(manager.asked("ping")) >= 2)
    assert len(manager.asked("mixmonitor")) == 1


async def test_an_action_under_way_when_the_link_breaks_fails_at_once(
    manager: FakeManager, running: AmiObserver
) -> None:
    asking = asyncio.ensure_future(running.mix_monitor("some-call", "/recordings/one"))
    await until(lambda: bool(manager.asked("mixmonitor")))
    manager.drop()
    with pytest.raises(LinkDown):
        await asking
    await until(lambda: manager.connections == 2 and running.is_up)
    assert len(manager.asked("mixmonitor")) == 1


async def test_an_unanswered_ping_ends_the_connection(manager: FakeManager, running: AmiObserver) -> None:
    del manager.answers["ping"]
    await until(lambda: manager.connections == 2)


async def test_a_refused_connection_is_tried_again_by_nobody_but_the_observer(
    manager: FakeManager, observer: AmiObserver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(Manager.defaults, "reconnect_timeout", 0)  # the library's own way back, without its 2 s
    await manager.stop()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(observer.run())
        await asyncio.sleep(0.1)  # some refusals
        await manager.start(manager.port)
        await observer.wait_up()
        await until(lambda: len(manager.asked("ping")) >= 3)
        task.cancel()
    assert manager.connections == 1
    assert caplog.records == []


async def test_a_wrong_secret_is_refused_once(manager: FakeManager, observer: AmiObserver) -> None:
    manager.secret = "another"
    with pytest.raises(SetupError, match=r"'timbre'.*manager\.conf"):
        await observer.run()
    assert manager.connections == 1
    with pytest.raises(SetupError):
        await observer.wait_up()


async def test_typed_events_are_told(manager: FakeManager, running: AmiObserver, seen: list[AmiEvent]) -> None:
    manager.say("Event: FullyBooted", "Status: Fully Booted")
    manager.say(
        "Event: ContactStatus", "URI: sip:a@127.0.0.1", "ContactStatus: Reachable", "AOR: a", "RoundtripUsec: 1500"
    )
    manager.say("Event: Newchannel", "Channel: nobody cares")
    await until(lambda: len(seen) == 2)
    assert isinstance(seen[0], FullyBooted)
    assert isinstance(seen[1], ContactChanged)
    assert (seen[1].aor, seen[1].state, seen[1].rtt_ms) == ("a", ContactState.REACHABLE, 1.5)


def test_rtcp_reports_become_media_quality_in_milliseconds() -> None:
    raw = {
        "event": "RTCPReceived",
        "channel": "PJSIP/x",
        "report0iajitter": "80",
        "report0fractionlost": "64",
        "report0cumulativelost": "7",
        "rtt": "0.0250",
    }
    quality = read_event(raw, 1.0)
    assert quality == MediaQuality(1.0, "PJSIP/x", True, 10.0, 0.25, 7, 25.0)


@given(st.dictionaries(st.sampled_from(["event", "rtt", "report0iajitter", "contactstatus", "status"]), st.text()))
def test_no_event_can_break_the_reader(raw: dict[str, str]) -> None:
    for kind in ("FullyBooted", "ContactStatus", "Registry", "RTCPSent", "RTCPReceived", raw.get("event", "")):
        read_event({**raw, "event": kind}, 0.0)
