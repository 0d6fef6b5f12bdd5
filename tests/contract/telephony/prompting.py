"""Contract: prompts, and calls from outside."""

import asyncio

import pytest

from telephony.errors import ChannelGone
from telephony.events import Answered, Arrived, BridgeEntered, HungUp, PlaybackEnded
from tests.contract.telephony.harness import (
    Behaviour,
    Call,
    ExchangeHarness,
    channel_state,
    ended,
    fresh_id,
    order_for,
    placed,
    until_heard,
)


class Prompting:
    async def test_a_prompt_is_heard_and_its_end_is_reported(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            playback_id = f"{fresh_id()}-play"
            await harness.control.play(call.channel_id, [harness.prompt], playback_id)
            await until_heard(harness, call.channel_id, harness.prompt)
            end = await call.until(PlaybackEnded)
        assert (end.playback_id, end.failed) == (playback_id, False)

    async def test_several_sounds_are_one_prompt(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            began = call.seen[-1].at_s
            await harness.control.play(call.channel_id, [harness.prompt, harness.prompt], f"{fresh_id()}-play")
            end = await call.until(PlaybackEnded)
            assert end.at_s - began >= 2.0 and not end.failed

    async def test_a_stopped_prompt_ends_at_once_and_did_not_fail(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            playback_id = f"{fresh_id()}-play"
            await harness.control.play(call.channel_id, [harness.long_prompt], playback_id)
            await until_heard(harness, call.channel_id, harness.long_prompt)
            await harness.control.stop_playback(playback_id)
            end = await call.until(PlaybackEnded)
            assert end.playback_id == playback_id and not end.failed
            await harness.control.stop_playback(playback_id)

    async def test_a_missing_sound_fails_loudly(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await harness.control.play(call.channel_id, [harness.missing_prompt], f"{fresh_id()}-play")
            assert (await call.until(PlaybackEnded)).failed

    async def test_two_prompts_are_played_one_after_the_other(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            ids = [f"{fresh_id()}-play", f"{fresh_id()}-play"]
            for playback_id in ids:
                await harness.control.play(call.channel_id, [harness.prompt], playback_id)
            ends = [await call.until(PlaybackEnded), await call.until(PlaybackEnded)]
            assert [end.playback_id for end in ends] == ids
            assert ends[1].at_s - ends[0].at_s >= 0.8

    async def test_a_prompt_on_a_call_that_hangs_up_ends_before_the_hang_up(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.HANGS_UP, answered=True) as call:
            await harness.control.play(call.channel_id, [harness.long_prompt], f"{fresh_id()}-play")
            await call.until(HungUp)
        assert call.kinds().count(PlaybackEnded) == 1

    async def test_a_prompt_for_nobody_is_refused(self, harness: ExchangeHarness) -> None:
        with pytest.raises(ChannelGone):
            await harness.control.play(f"{fresh_id()}-call", [harness.prompt], f"{fresh_id()}-play")


async def arrived(harness: ExchangeHarness, called: str) -> Arrived:
    """Let somebody call in and take the arrival."""
    arrivals = harness.control.arrivals()
    await harness.call_in(called, "+34611111111")
    try:
        async with asyncio.timeout(harness.patience_s):
            return await anext(arrivals)
    except TimeoutError:
        raise AssertionError(f"nobody arrived within {harness.patience_s} s") from None


class Arriving:
    async def test_a_call_from_outside_arrives_and_can_be_answered(self, harness: ExchangeHarness) -> None:
        arrival = await arrived(harness, "910000001")
        assert arrival.called.endswith("910000001") and arrival.caller.endswith("611111111")
        with harness.control.inbox(arrival.channel_id) as inbox:
            call = Call(harness, order_for("", arrival.channel_id), inbox)
            assert await channel_state(harness, arrival.channel_id) == "ring"
            await harness.control.answer(arrival.channel_id)
            await call.until(Answered)
            assert await channel_state(harness, arrival.channel_id) == "up"
            await ended(harness, call)

    async def test_an_answered_caller_can_talk_with_an_agent(self, harness: ExchangeHarness) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        arrival = await arrived(harness, "910000002")
        with harness.control.inbox(arrival.channel_id) as inbox:
            caller = Call(harness, order_for("", arrival.channel_id), inbox)
            await harness.control.answer(arrival.channel_id)
            await caller.until(Answered)
            async with placed(harness, Behaviour.AGENT, answered=True) as agent:
                for channel_id in (agent.channel_id, arrival.channel_id):
                    await harness.control.add_to_bridge(bridge_id, channel_id)
                await caller.until(BridgeEntered)
                await until_heard(harness, agent.channel_id, arrival.channel_id)
            await ended(harness, caller)
        await harness.control.destroy_bridge(bridge_id)

    async def test_a_caller_who_gives_up_is_gone(self, harness: ExchangeHarness) -> None:
        arrival = await arrived(harness, "910000003")
        with harness.control.inbox(arrival.channel_id) as inbox:
            call = Call(harness, order_for("", arrival.channel_id), inbox)
            await harness.caller_hangs_up()
            await call.until(HungUp)
        with pytest.raises(ChannelGone):
            await harness.control.answer(arrival.channel_id)
