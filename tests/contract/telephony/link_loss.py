"""Contract: a link that is lost and found again, and an exchange that restarts.

A class of its own, because the harness must be able to cut the link: `LinkHarness`.
"""

from typing import Protocol

import pytest

from telephony.errors import LinkDown
from telephony.events import Answered, HungUp, LinkState, Ringing
from tests.contract.telephony.harness import Behaviour, ExchangeHarness, channel_state, eventually, order_for, placed


class LinkHarness(ExchangeHarness, Protocol):
    """An exchange whose link can be cut."""

    async def lose_link(self) -> None:
        """Cut the link and keep it cut; returns when the controller knows."""
        ...

    async def far_end_answered(self, channel_id: str) -> None:
        """Wait, without the link, until the far end of a call has answered."""
        ...

    async def far_end_is_gone(self, channel_id: str) -> None:
        """Wait, without the link, until the far end of a call has hung up."""
        ...

    async def restore_link(self) -> None:
        """Let the controller connect again; returns at once or later."""
        ...

    async def restart_exchange(self) -> None:
        """Kill the exchange and start it again; returns at once or later."""
        ...


async def until_up(harness: LinkHarness) -> None:
    async def up() -> bool:
        return harness.control.link_state is LinkState.UP

    await eventually(harness, up, "the link is up")


class SurvivingLinkLoss:
    async def test_while_the_link_is_down_nothing_can_be_asked(self, harness: LinkHarness) -> None:
        await harness.lose_link()
        order = order_for(await harness.target(Behaviour.PERSON))
        for request in (harness.control.originate(order), harness.control.snapshot()):
            with pytest.raises(LinkDown):
                await request
        await harness.restore_link()
        await until_up(harness)
        assert await channel_state(harness, order.channel_id) is None

    async def test_a_call_that_is_up_stays_up_and_can_be_used_again(self, harness: LinkHarness) -> None:
        states: list[LinkState] = []
        harness.control.on_link(states.append)
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await harness.lose_link()
            await harness.restore_link()
            await until_up(harness)
            assert await channel_state(harness, call.channel_id) == "up"
            await harness.control.hang_up(call.channel_id)
            assert not (await call.until(HungUp)).lost
        assert states[0] is LinkState.DOWN and states[-1] is LinkState.UP

    async def test_a_call_that_ended_meanwhile_is_told_as_lost(self, harness: LinkHarness) -> None:
        async with placed(harness, Behaviour.HANGS_UP) as call:
            await call.until(Ringing)
            await harness.lose_link()
            await harness.far_end_is_gone(call.channel_id)
            await harness.restore_link()
            assert (await call.until(HungUp)).lost
            await until_up(harness)

    async def test_a_call_that_was_answered_meanwhile_is_told(self, harness: LinkHarness) -> None:
        async with placed(harness, Behaviour.PERSON) as call:
            await call.until(Ringing)
            await harness.lose_link()
            await harness.far_end_answered(call.channel_id)
            await harness.restore_link()
            await call.until(Answered)
            await until_up(harness)

    async def test_after_a_restart_every_call_is_told_as_lost_and_the_state_is_empty(
        self, harness: LinkHarness
    ) -> None:
        states: list[LinkState] = []
        harness.control.on_link(states.append)
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await harness.restart_exchange()
            assert (await call.until(HungUp)).lost
            await until_up(harness)
            assert await channel_state(harness, call.channel_id) is None
        assert LinkState.LOST_STATE in states and states[-1] is LinkState.UP
