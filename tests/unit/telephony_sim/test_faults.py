"""What the simulated exchange does when a test breaks something."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from telephony.errors import (
    ChannelGone,
    DuplicateChannel,
    EndpointRefused,
    LinkDown,
    NotInStasis,
    OriginateOutcomeUnknown,
    RequestRejected,
)
from telephony.events import Answered, HungUp, InboxOverflowed, LinkState, Ringing
from telephony.port import OriginateOrder, TapOrder
from telephony.sim.exchange import SimExchange
from telephony.sim.far_end import Answer, FarEnd, HangUp, Press, Ring
from telephony.sim.faults import LostAnswer
from telephony.sim.network import Network
from telephony.sim.virtual_time import VirtualClock

virtual_time = True
CALL = "01ksr49200v3rs3dtr98h6bcfn-call"


def order(number: str = "person", channel_id: str = CALL) -> OriginateOrder:
    return OriginateOrder(channel_id, f"PJSIP/{number}@carrier", "+34910000000", 30.0)


@pytest.fixture
async def exchange() -> AsyncIterator[SimExchange]:
    network = Network()
    network.put("person", FarEnd((Ring(0.1), Answer(2.0), HangUp(10.0))))
    network.put("stays", FarEnd((Ring(0.1), Answer(2.0))))
    network.put("presses", FarEnd((Answer(), Press(0.1, "1" * 50, every_s=0.01))))
    yield SimExchange(VirtualClock(), network, inbox_capacity=10)


async def test_with_the_link_down_requests_raise_and_calls_stay_up(exchange: SimExchange) -> None:
    states: list[LinkState] = []
    exchange.on_link(states.append)
    with exchange.inbox(CALL) as inbox:
        await exchange.originate(order("stays"))
        await asyncio.sleep(3)
        exchange.lose_link()
        for request in (exchange.snapshot(), exchange.hang_up(CALL), exchange.create_bridge("b")):
            with pytest.raises(LinkDown):
                await request
        exchange.restore_link()
        assert [channel.state for channel in (await exchange.snapshot()).channels] == ["up"]
        assert [type(await inbox.next()) for _ in range(2)] == [Ringing, Answered]
    assert states == [LinkState.DOWN, LinkState.UP]


async def test_what_ended_meanwhile_is_told_as_lost_after_the_link_is_back(exchange: SimExchange) -> None:
    with exchange.inbox(CALL) as inbox:
        await exchange.originate(order())
        await asyncio.sleep(1)
        exchange.lose_link()
        await asyncio.sleep(60)
        exchange.restore_link()
        assert isinstance(await inbox.next(), Ringing)
        last = await inbox.next()
    assert isinstance(last, HungUp) and last.lost
    assert exchange.record(CALL).ended_s == pytest.approx(12.1)


async def test_what_was_answered_meanwhile_is_told_after_the_link_is_back(exchange: SimExchange) -> None:
    with exchange.inbox(CALL) as inbox:
        await exchange.originate(order("stays"))
        exchange.lose_link()
        await asyncio.sleep(5)
        exchange.restore_link()
        event = await inbox.next()
    assert isinstance(event, Answered) and event.at_s == 5


async def test_an_inbox_of_a_call_not_yet_placed_gets_nothing_from_reconciliation(exchange: SimExchange) -> None:
    with exchange.inbox(CALL) as inbox:
        exchange.lose_link()
        exchange.restore_link()
        await exchange.originate(order("stays"))
        assert isinstance(await inbox.next(), Ringing)


async def test_after_a_restart_every_channel_is_gone_and_everybody_is_told(exchange: SimExchange) -> None:
    states: list[LinkState] = []
    exchange.on_link(states.append)
    with exchange.inbox(CALL) as inbox:
        await exchange.originate(order("stays"))
        await exchange.create_bridge("b")
        await asyncio.sleep(3)
        await exchange.add_to_bridge("b", CALL)
        exchange.restart()
        events = [await inbox.next() for _ in range(4)]
    assert isinstance(events[-1], HungUp) and events[-1].lost
    assert states == [LinkState.DOWN, LinkState.LOST_STATE, LinkState.UP]
    state = await exchange.snapshot()
    assert (state.channels, state.bridges) == ((), ())
    assert exchange.record(CALL).ended_by == "restart"


@pytest.mark.parametrize(("lost", "channels"), [(LostAnswer.PLACED, 1), (LostAnswer.NOT_PLACED, 0)])
async def test_an_originate_whose_answer_is_lost_has_an_unknown_outcome(
    exchange: SimExchange, lost: LostAnswer, channels: int
) -> None:
    exchange.faults.lost_answers.append(lost)
    with pytest.raises(OriginateOutcomeUnknown):
        await exchange.originate(order())
    assert len((await exchange.snapshot()).channels) == channels


async def test_a_link_lost_after_the_originate_was_sent_leaves_its_outcome_unknown(exchange: SimExchange) -> None:
    exchange.faults.answer_after_s = 2.0
    task = asyncio.create_task(exchange.originate(order()))
    await asyncio.sleep(1.5)
    exchange.lose_link()
    with pytest.raises(OriginateOutcomeUnknown):
        await task
    assert exchange.record(CALL).answered_s is None


async def test_slow_answers_take_their_time(exchange: SimExchange) -> None:
    exchange.faults.answer_after_s = 0.4
    await exchange.snapshot()
    assert exchange.time_s() == pytest.approx(0.4)


async def test_a_trunk_that_is_down_refuses_and_leaves_no_channel(exchange: SimExchange) -> None:
    exchange.faults.refused.add("@carrier")
    with pytest.raises(EndpointRefused):
        await exchange.originate(order())
    assert (await exchange.snapshot()).channels == ()


async def test_a_reader_that_is_too_slow_loses_its_call_loudly(exchange: SimExchange) -> None:
    with exchange.inbox(CALL) as inbox:
        await exchange.originate(order("presses"))
        await asyncio.sleep(5)
        events = [await inbox.next() for _ in range(11)]
        assert isinstance(events[-1], InboxOverflowed)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await inbox.next()
    assert (await exchange.snapshot()).channels == ()


async def test_lost_events_of_one_call_are_lost_for_that_call_only(exchange: SimExchange) -> None:
    other = CALL.replace("01", "02", 1)
    exchange.faults.muted.add(CALL)
    with exchange.inbox(CALL) as muted, exchange.inbox(other) as heard:
        await exchange.originate(order())
        await exchange.originate(order(channel_id=other))
        assert isinstance(await heard.next(), Ringing)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await muted.next()


async def test_a_channel_is_not_under_control_before_its_time(exchange: SimExchange) -> None:
    exchange.faults.stasis_after_s = 1.0
    await exchange.originate(order())
    await exchange.create_bridge("b")
    with pytest.raises(NotInStasis):
        await exchange.add_to_bridge("b", CALL)
    await asyncio.sleep(1)
    await exchange.add_to_bridge("b", CALL)


async def test_a_call_from_outside_while_the_link_is_down_is_turned_away(exchange: SimExchange) -> None:
    exchange.lose_link()
    channel_id = exchange.call_in("910000000", "", FarEnd.caller())
    exchange.restore_link()
    with pytest.raises(ChannelGone):
        await exchange.answer(channel_id)


async def test_one_channel_has_one_reader(exchange: SimExchange) -> None:
    with exchange.inbox(CALL), pytest.raises(ValueError, match="has an inbox already"), exchange.inbox(CALL):
        pass


async def test_a_restart_in_the_middle_of_setting_up_a_tap_is_a_channel_that_is_gone(exchange: SimExchange) -> None:
    await exchange.originate(order("stays"))
    tap = TapOrder(CALL, "tap-id", "tap-channel", "tap-bridge")
    exchange.taps.open(tap.tap_id)
    exchange.faults.tap_after_s = 1.0
    task = asyncio.create_task(exchange.start_tap(tap))
    await asyncio.sleep(0.5)
    exchange.restart()
    with pytest.raises(ChannelGone):
        await task


async def test_a_tap_that_nobody_expects_or_that_runs_already_is_refused(exchange: SimExchange) -> None:
    await exchange.originate(order("stays"))
    tap = TapOrder(CALL, "tap-id", "tap-channel", "tap-bridge")
    with pytest.raises(RequestRejected, match="open it at media"):
        await exchange.start_tap(tap)
    exchange.taps.open(tap.tap_id)
    await exchange.start_tap(tap)
    with pytest.raises(DuplicateChannel):
        await exchange.start_tap(tap)


async def test_a_refused_link_refuses_requests_and_tells_nothing(exchange: SimExchange) -> None:
    states: list[LinkState] = []
    exchange.on_link(states.append)
    with exchange.inbox(CALL) as inbox:
        await exchange.originate(order())
        exchange.refuse_link()
        with pytest.raises(LinkDown, match="refused"):
            await exchange.snapshot()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await inbox.next()
    assert states == [LinkState.REFUSED]


async def test_we_cannot_answer_in_the_place_of_a_far_end(exchange: SimExchange) -> None:
    await exchange.originate(order())
    with pytest.raises(RequestRejected, match="only an incoming call"):
        await exchange.answer(CALL)
