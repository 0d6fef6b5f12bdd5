"""The wait of a call: rung, too late, rung again; on virtual time."""

import asyncio

import pytest

from dialer.bell import Bell
from tests.support.virtual import virtual


@virtual
async def test_given_a_bell_rung_before_then_the_next_wait_is_over_at_once_and_the_one_after_is_not() -> None:
    bell, loop = Bell(), asyncio.get_running_loop()
    bell.set()
    await bell.heard(5.0)
    with pytest.raises(TimeoutError):
        await bell.heard(5.0)
    assert loop.time() == pytest.approx(5.0, abs=0.01)


@virtual
async def test_given_waits_of_several_lengths_then_each_ends_when_it_is_due_whatever_timer_there_is() -> None:
    bell, loop = Bell(), asyncio.get_running_loop()
    loop.call_later(1.0, bell.set)
    await bell.heard(20.0)
    with pytest.raises(TimeoutError):
        await bell.heard(2.0)  # sooner than the timer of the first
    assert loop.time() == pytest.approx(3.0, abs=0.01)
    loop.call_later(1.0, bell.set)
    await bell.heard(3.0)
    with pytest.raises(TimeoutError):
        await bell.heard(30.0)  # later than the timer of the one before
    assert loop.time() == pytest.approx(34.0, abs=0.01)


@virtual
async def test_given_a_bell_that_is_closed_then_no_timer_stays_behind() -> None:
    bell, loop = Bell(), asyncio.get_running_loop()
    loop.call_later(1.0, bell.set)
    await bell.heard(1e6)
    bell.close()
    await asyncio.sleep(1.0)
    assert bell._timer is None and loop.time() < 10.0
