"""Contract: taps and recordings."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from telephony.errors import ChannelGone
from telephony.events import Answered, BridgeEntered, EarlyMedia, HungUp, PlaybackEnded, Ringing
from telephony.port import TapOrder
from tests.contract.telephony.harness import (
    Behaviour,
    Call,
    ExchangeHarness,
    channel_state,
    ended,
    eventually,
    fresh_id,
    placed,
    tap_order_for,
    until_heard,
    until_members,
    until_no_channel,
)

LOUD = 300  # mean absolute sample; silence and comfort noise stay far below


@contextmanager
def open_tap(harness: ExchangeHarness, channel_id: str) -> Iterator[tuple[TapOrder, int]]:
    tap_id = str(uuid.uuid4())
    slot = harness.taps.open(tap_id)
    try:
        yield tap_order_for(channel_id, tap_id), slot
    finally:
        harness.taps.close(tap_id)


async def listen(harness: ExchangeHarness, slot: int, ticks: int) -> list[tuple[bool, float]]:
    """Read `ticks` ticks, one per 20 ms: (present, mean absolute sample) of one slot."""
    heard = []
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    for _ in range(ticks):
        due_s += 0.02
        await asyncio.sleep(max(0.0, due_s - loop.time()))
        tick = harness.taps.read_tick()
        rows = np.flatnonzero(tick.slots == slot)
        assert len(rows) == 1
        frame = tick.frames[rows[0]].astype(np.int32)
        heard.append((bool(tick.present[rows[0]]), float(np.abs(frame).mean())))
    return heard


async def until_loud(harness: ExchangeHarness, slot: int) -> None:
    for _ in range(int(harness.patience_s)):
        if any(level > LOUD for _, level in await listen(harness, slot, 25)):
            return
    raise AssertionError(f"nothing loud on the tap within {harness.patience_s} s")


class Listening:
    async def test_a_tap_on_an_answered_call_hears_the_far_end(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            with open_tap(harness, call.channel_id) as (order, slot):
                await harness.control.start_tap(order)
                await until_loud(harness, slot)
                await until_members(harness, order.bridge_id, {call.channel_id, order.tap_channel_id})
                await harness.control.stop_tap(order)

    async def test_an_announcement_is_heard_before_any_answer(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.ANNOUNCEMENT) as call:
            await call.until(EarlyMedia)
            with open_tap(harness, call.channel_id) as (order, slot):
                await harness.control.start_tap(order)
                await until_loud(harness, slot)
                await harness.control.stop_tap(order)
        assert Answered not in call.kinds()

    async def test_a_tap_begun_while_it_rings_hears_the_answer(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON) as call:
            await call.until(Ringing)
            with open_tap(harness, call.channel_id) as (order, slot):
                await harness.control.start_tap(order)
                await call.until(Answered)
                await until_loud(harness, slot)
                await harness.control.stop_tap(order)

    async def test_frames_come_one_per_tick_from_a_far_end_that_talks(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            with open_tap(harness, call.channel_id) as (order, slot):
                await harness.control.start_tap(order)
                await until_loud(harness, slot)
                # A machine that is busy with other work leaves out frames for a moment, not for seconds.
                for _ in range(4):
                    present = sum(there for there, _ in await listen(harness, slot, 50))
                    if present >= 45:
                        break
                assert present >= 45
                await harness.control.stop_tap(order)

    async def test_a_far_end_without_audio_reads_as_silence(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.MUTE, answered=True) as call:
            with open_tap(harness, call.channel_id) as (order, slot):
                await harness.control.start_tap(order)
                assert all(level < LOUD for _, level in await listen(harness, slot, 50))
                await harness.control.stop_tap(order)

    async def test_a_tapped_call_moves_straight_to_the_agent_and_its_tap_ends_after(
        self, harness: ExchangeHarness
    ) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        async with (
            placed(harness, Behaviour.AGENT, answered=True) as agent,
            placed(harness, Behaviour.PERSON, answered=True) as person,
        ):
            await harness.control.add_to_bridge(bridge_id, agent.channel_id)
            with open_tap(harness, person.channel_id) as (order, slot):
                await harness.control.start_tap(order)
                await until_loud(harness, slot)
                await harness.control.add_to_bridge(bridge_id, person.channel_id)
                await person.until(BridgeEntered, lambda event: event.bridge_id == bridge_id)
                await harness.control.stop_tap(order)
            await until_heard(harness, agent.channel_id, person.channel_id)
            await self._only_the_talk_is_left(harness, order, bridge_id, agent, person)
        await harness.control.destroy_bridge(bridge_id)

    async def test_a_call_that_moved_to_the_agent_is_overheard_until_its_tap_is_stopped(
        self, harness: ExchangeHarness
    ) -> None:
        bridge_id = f"{fresh_id()}-talk"
        await harness.control.create_bridge(bridge_id)
        async with (
            placed(harness, Behaviour.AGENT, answered=True) as agent,
            placed(harness, Behaviour.PERSON, answered=True) as person,
        ):
            await harness.control.add_to_bridge(bridge_id, agent.channel_id)
            with open_tap(harness, person.channel_id) as (order, slot):
                await harness.control.start_tap(order)
                await until_loud(harness, slot)
                await harness.control.add_to_bridge(bridge_id, person.channel_id)
                await harness.control.overhear(order)
                await listen(harness, slot, 15)  # what was on its way before
                await until_loud(harness, slot)
                await until_heard(harness, agent.channel_id, person.channel_id)
                await until_members(harness, bridge_id, {agent.channel_id, person.channel_id})
                await harness.control.stop_tap(order)
            await self._only_the_talk_is_left(harness, order, bridge_id, agent, person)
            await until_no_channel(harness, order.overheard_id)
        await harness.control.destroy_bridge(bridge_id)

    async def test_a_call_is_overheard_while_a_prompt_plays_to_it(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            with open_tap(harness, call.channel_id) as (order, slot):
                await harness.control.start_tap(order)
                await harness.control.overhear(order)
                play_id = f"{fresh_id()}-play"
                await harness.control.play(call.channel_id, [harness.prompt] * 20, play_id)
                await listen(harness, slot, 15)  # what was on its way before
                await until_loud(harness, slot)
                assert PlaybackEnded not in call.kinds(), "heard while it plays"
                await harness.control.stop_playback(play_id)
                await harness.control.stop_tap(order)
            await until_no_channel(harness, order.overheard_id)
            await until_members(harness, order.bridge_id, None)
            assert await channel_state(harness, call.channel_id) == "up"

    async def test_an_overheard_call_that_ends_leaves_nothing_behind(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            with open_tap(harness, call.channel_id) as (order, slot):
                await harness.control.start_tap(order)
                await harness.control.overhear(order)
                await ended(harness, call)
                assert all(level < LOUD for _, level in (await listen(harness, slot, 25))[5:])
                with pytest.raises(ChannelGone):
                    await harness.control.overhear(order)
                await harness.control.stop_tap(order)
            await until_no_channel(harness, order.overheard_id)
            await until_members(harness, order.bridge_id, None)

    async def _only_the_talk_is_left(
        self, harness: ExchangeHarness, order: TapOrder, bridge_id: str, agent: Call, person: Call
    ) -> None:
        await until_members(harness, bridge_id, {agent.channel_id, person.channel_id})
        await until_members(harness, order.bridge_id, None)
        await until_no_channel(harness, order.tap_channel_id)

    async def test_a_stopped_tap_leaves_the_call_up_and_stopping_again_is_a_success(
        self, harness: ExchangeHarness
    ) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            with open_tap(harness, call.channel_id) as (order, _):
                await harness.control.start_tap(order)
                await harness.control.stop_tap(order)
                await harness.control.stop_tap(order)
            assert await channel_state(harness, call.channel_id) == "up"
            await until_members(harness, order.bridge_id, None)

    async def test_a_call_that_ends_under_its_tap_can_be_cleaned_up(self, harness: ExchangeHarness) -> None:
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            with open_tap(harness, call.channel_id) as (order, _):
                await harness.control.start_tap(order)
                await ended(harness, call)
                await harness.control.stop_tap(order)
            await until_members(harness, order.bridge_id, None)

    async def test_a_call_that_is_gone_cannot_be_tapped_and_leaves_nothing_behind(
        self, harness: ExchangeHarness
    ) -> None:
        async with placed(harness, Behaviour.HANGS_UP) as call:
            await call.until(HungUp)
            with open_tap(harness, call.channel_id) as (order, _):
                with pytest.raises(ChannelGone):
                    await harness.control.start_tap(order)
                await harness.control.stop_tap(order)
            await until_members(harness, order.bridge_id, None)
            await until_no_channel(harness, order.tap_channel_id)

    async def test_a_recording_is_written_and_stops(self, harness: ExchangeHarness) -> None:
        path = harness.recording_path("contract")
        async with placed(harness, Behaviour.PERSON, answered=True) as call:
            await harness.control.start_recording(call.channel_id, path)
            await harness.control.play(call.channel_id, [harness.prompt], f"{fresh_id()}-play")

            async def one_second_is_there() -> bool:
                return await harness.recorded_bytes(path) >= 8000 * 2 * 2

            await eventually(harness, one_second_is_there, "one second of stereo is recorded")
            await harness.control.stop_recording(call.channel_id)
            await harness.control.stop_recording(call.channel_id)
            assert await channel_state(harness, call.channel_id) == "up"
        await harness.control.stop_recording(call.channel_id)

    async def test_a_call_that_is_gone_cannot_be_recorded(self, harness: ExchangeHarness) -> None:
        with pytest.raises(ChannelGone):
            await harness.control.start_recording(f"{fresh_id()}-call", harness.recording_path("nobody"))
