"""Contract: who talks with whom."""

import pytest

from telephony.errors import ChannelGone
from telephony.events import BridgeEntered, BridgeLeft, HungUp
from tests.contract.telephony.harness import (
    Behaviour,
    ExchangeHarness,
    channel_state,
    ended,
    fresh_id,
    placed,
    until_heard,
    until_members,
)


class Bridging:
    async def test_two_calls_in_one_bridge_hear_each_other(self, harness: ExchangeHarness) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        async with (
            placed(harness, Behaviour.AGENT, answered=True) as agent,
            placed(harness, Behaviour.PERSON, answered=True) as person,
        ):
            for call in (agent, person):
                await harness.control.add_to_bridge(bridge_id, call.channel_id)
                assert (await call.until(BridgeEntered)).bridge_id == bridge_id
            await until_members(harness, bridge_id, {agent.channel_id, person.channel_id})
            await until_heard(harness, agent.channel_id, person.channel_id)
            await until_heard(harness, person.channel_id, agent.channel_id)
        await harness.control.destroy_bridge(bridge_id)

    async def test_adding_to_another_bridge_moves_the_call(self, harness: ExchangeHarness) -> None:
        first, second = f"{fresh_id()}-talk", f"{fresh_id()}-talk"
        await harness.control.create_bridge(first)
        await harness.control.create_bridge(second)
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await harness.control.add_to_bridge(first, call.channel_id)
            await call.until(BridgeEntered, lambda event: event.bridge_id == first)
            await harness.control.add_to_bridge(second, call.channel_id)
            await call.until(BridgeLeft, lambda event: event.bridge_id == first)
            await call.until(BridgeEntered, lambda event: event.bridge_id == second)
            await until_members(harness, first, set())
            await until_members(harness, second, {call.channel_id})
        for bridge_id in (first, second):
            await harness.control.destroy_bridge(bridge_id)

    async def test_a_call_that_ends_leaves_its_bridge_and_then_hangs_up(self, harness: ExchangeHarness) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await harness.control.add_to_bridge(bridge_id, call.channel_id)
            await call.until(BridgeEntered)
            await ended(harness, call)
            assert call.kinds()[-1] is HungUp
            await until_members(harness, bridge_id, set())
        await harness.control.destroy_bridge(bridge_id)

    async def test_destroying_a_bridge_leaves_its_calls_up(self, harness: ExchangeHarness) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await harness.control.add_to_bridge(bridge_id, call.channel_id)
            await call.until(BridgeEntered)
            await harness.control.destroy_bridge(bridge_id)
            await call.until(BridgeLeft)
            await until_members(harness, bridge_id, None)
            assert await channel_state(harness, call.channel_id) == "up"

    async def test_removing_takes_a_call_out_and_removing_twice_is_a_success(self, harness: ExchangeHarness) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await harness.control.add_to_bridge(bridge_id, call.channel_id)
            await call.until(BridgeEntered)
            await harness.control.remove_from_bridge(bridge_id, call.channel_id)
            await call.until(BridgeLeft)
            await harness.control.remove_from_bridge(bridge_id, call.channel_id)
            assert await channel_state(harness, call.channel_id) == "up"
        await harness.control.destroy_bridge(bridge_id)

    async def test_making_and_destroying_a_bridge_twice_are_successes(self, harness: ExchangeHarness) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        await harness.control.create_bridge(bridge_id)
        state = await harness.control.snapshot()
        assert [bridge.bridge_id for bridge in state.bridges].count(bridge_id) == 1
        await harness.control.destroy_bridge(bridge_id)
        await harness.control.destroy_bridge(bridge_id)
        await until_members(harness, bridge_id, None)

    async def test_a_call_that_is_gone_cannot_be_bridged(self, harness: ExchangeHarness) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        async with placed(harness, Behaviour.HANGS_UP) as call:
            await call.until(HungUp)
            with pytest.raises(ChannelGone):
                await harness.control.add_to_bridge(bridge_id, call.channel_id)
        await harness.control.destroy_bridge(bridge_id)

    async def test_nobody_can_be_added_to_a_bridge_that_is_not_there(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            with pytest.raises(ChannelGone):
                await harness.control.add_to_bridge(f"{fresh_id()}-talk", call.channel_id)

    async def test_the_one_who_stays_in_the_bridge_stays_up(self, harness: ExchangeHarness) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        async with placed(harness, Behaviour.AGENT, answered=True) as agent:
            await harness.control.add_to_bridge(bridge_id, agent.channel_id)
            async with placed(harness, Behaviour.HANGS_UP, answered=True) as person:
                await harness.control.add_to_bridge(bridge_id, person.channel_id)
                await person.until(HungUp)
            await until_members(harness, bridge_id, {agent.channel_id})
            assert await channel_state(harness, agent.channel_id) == "up"
        await harness.control.destroy_bridge(bridge_id)
