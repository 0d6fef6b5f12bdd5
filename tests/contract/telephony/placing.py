"""Contract: placing calls, and how they end."""

import pytest

from telephony.errors import DuplicateChannel, EndpointRefused
from telephony.events import Answered, Dtmf, EarlyMedia, HungUp, LinkState, Ringing
from tests.contract.telephony.harness import (
    Behaviour,
    ExchangeHarness,
    channel_state,
    ended,
    order_for,
    placed,
    until_no_channel,
)


class PlacingCalls:
    async def test_link_is_up_at_the_start(self, harness: ExchangeHarness) -> None:
        assert harness.control.link_state is LinkState.UP

    async def test_answered_call_reports_ringing_answer_and_hang_up_in_this_order(
        self, harness: ExchangeHarness
    ) -> None:
        async with placed(harness, Behaviour.HANGS_UP) as call:
            last = await call.until(HungUp)
        kinds = call.kinds()
        assert kinds.index(Ringing) < kinds.index(Answered) < kinds.index(HungUp) == len(kinds) - 1
        assert last.q850 == 16 and not last.lost
        assert all(event.channel_id == call.channel_id for event in call.seen)
        assert [event.at_s for event in call.seen] == sorted(event.at_s for event in call.seen)

    async def test_answered_call_stays_up_until_we_hang_up(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            assert await channel_state(harness, call.channel_id) == "up"
            await ended(harness, call)
            await until_no_channel(harness, call.channel_id)

    @pytest.mark.parametrize(
        ("behaviour", "q850"),
        [
            (Behaviour.BUSY, {17}),
            (Behaviour.UNALLOCATED, {1}),
            (Behaviour.CONGESTION, {34}),
            (Behaviour.REJECTED, {21}),
        ],
    )
    async def test_refused_call_ends_with_the_networks_cause(
        self, harness: ExchangeHarness, behaviour: Behaviour, q850: set[int]
    ) -> None:
        async with placed(harness, behaviour) as call:
            last = await call.until(HungUp)
        assert last.q850 in q850
        assert Answered not in call.kinds()

    async def test_ring_timeout_ends_an_unanswered_call_as_no_answer(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.NO_ANSWER, ring_timeout_s=2.0) as call:
            last = await call.until(HungUp)
        assert last.q850 == 19
        assert Ringing in call.kinds() and Answered not in call.kinds()

    async def test_hanging_up_a_ringing_call_ends_it(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.NO_ANSWER) as call:
            await call.until(Ringing)
            await ended(harness, call)
        assert Answered not in call.kinds()

    async def test_announcement_before_answer_is_early_media_and_then_the_cause(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.ANNOUNCEMENT) as call:
            await call.until(EarlyMedia)
            last = await call.until(HungUp)
        assert last.q850 == 1
        assert Answered not in call.kinds()

    async def test_hanging_up_twice_and_hanging_up_nobody_are_successes(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await ended(harness, call)
            await harness.control.hang_up(call.channel_id)
        await harness.control.hang_up("nobody-has-this-id-xxxxxxxxxxxx")

    @pytest.mark.parametrize("reason", ["normal", "busy", "congestion", "no_answer"])
    async def test_every_reason_to_hang_up_is_understood(self, harness: ExchangeHarness, reason: str) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await harness.control.hang_up(call.channel_id, reason)
            await call.until(HungUp)

    async def test_a_second_originate_with_a_live_id_places_nothing(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            with pytest.raises(DuplicateChannel):
                await harness.control.originate(call.order)
            state = await harness.control.snapshot()
            assert [channel.channel_id for channel in state.channels].count(call.channel_id) == 1

    async def test_an_id_that_a_live_one_begins_with_is_a_duplicate_whatever_its_case(
        self, harness: ExchangeHarness
    ) -> None:
        async with placed(harness, Behaviour.NO_ANSWER) as call:
            with pytest.raises(DuplicateChannel):
                await harness.control.originate(order_for(call.order.endpoint, call.channel_id[:-1].upper()))

    async def test_unknown_endpoint_is_refused_and_leaves_no_channel(self, harness: ExchangeHarness) -> None:
        order = order_for(await harness.unknown_target())
        with pytest.raises(EndpointRefused):
            await harness.control.originate(order)
        await until_no_channel(harness, order.channel_id)

    async def test_leaving_an_inbox_forgets_it_and_a_new_one_takes_over(self, harness: ExchangeHarness) -> None:
        order = order_for(await harness.target(Behaviour.PERSON))
        with harness.control.inbox(order.channel_id):
            await harness.control.originate(order)
        with harness.control.inbox(order.channel_id) as inbox:
            await harness.control.hang_up(order.channel_id)
            while not isinstance(await inbox.next(), HungUp):
                pass

    async def test_a_snapshot_shows_a_ringing_channel(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.NO_ANSWER) as call:
            await call.until(Ringing)
            state = await harness.control.snapshot()
            info = next(channel for channel in state.channels if channel.channel_id == call.channel_id)
            assert info.state in {"ringing", "down"} and info.name

    async def test_keys_pressed_in_a_bridge_are_reported_in_order(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PRESSES_42, answered=True) as call:
            bridge_id = f"{call.channel_id[:-5]}-keys"
            await harness.control.create_bridge(bridge_id)
            await harness.control.add_to_bridge(bridge_id, call.channel_id)
            first, second = await call.until(Dtmf), await call.until(Dtmf)
            assert (first.digit, second.digit) == ("4", "2")
            await harness.control.destroy_bridge(bridge_id)
