import asyncio
import time

import pytest

from telephony.sim.virtual_time import (
    EPOCH0_S,
    VirtualClock,
    VirtualDeadlock,
    VirtualLivelock,
    VirtualTimeExceeded,
    VirtualTimeLoop,
    run_virtual,
)
from tests.support.virtual import virtual


@virtual
async def test_a_day_passes_at_once() -> None:
    clock = VirtualClock()
    began = time.perf_counter()
    await asyncio.sleep(86400)
    assert clock.monotonic_s() == 86400
    assert clock.now_s() == EPOCH0_S + 86400
    assert time.perf_counter() - began < 1


@virtual
async def test_timers_fire_in_order_at_their_very_time() -> None:
    loop = asyncio.get_running_loop()
    fired: list[tuple[str, float]] = []
    for name, delay_s in (("b", 0.3), ("a", 0.1), ("c", 5000.7)):
        loop.call_later(delay_s, lambda name=name: fired.append((name, loop.time())))
    await asyncio.sleep(6000)
    assert [name for name, _ in fired] == ["a", "b", "c"]
    assert [at_s for _, at_s in fired] == pytest.approx([0.1, 0.3, 5000.7], abs=1e-9)


@virtual
async def test_a_timeout_ends_a_wait_that_nothing_else_would() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3):
            await asyncio.Event().wait()
    assert asyncio.get_running_loop().time() == 3


@virtual
async def test_work_for_threads_runs_inline_and_brings_result_or_error() -> None:
    def fail() -> None:
        raise KeyError("x")

    assert await asyncio.to_thread(sum, [1, 2, 3]) == 6
    with pytest.raises(KeyError):
        await asyncio.to_thread(fail)
    assert asyncio.get_running_loop().time() == 0


@virtual
async def test_a_cancelled_wait_for_a_thread_is_cancelled() -> None:
    task = asyncio.create_task(asyncio.to_thread(sum, [1]))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def _nobody_will_set_this() -> None:
    await asyncio.Event().wait()


def test_a_deadlock_is_found_and_names_the_task_and_its_line() -> None:
    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_nobody_will_set_this(), name="the waiter")

    with pytest.raises(VirtualDeadlock, match=r"the waiter: _nobody_will_set_this at .*test_virtual_time"):
        run_virtual(main())


def test_a_run_ends_at_its_bound() -> None:
    with pytest.raises(VirtualTimeExceeded, match="passed its bound"):
        run_virtual(asyncio.sleep(100), limit_s=10)


def test_a_loop_that_never_lets_time_pass_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.sim.virtual_time._STEPS_WITHOUT_TIME", 1000)

    async def spin() -> None:
        while True:  # noqa: ASYNC110 - the mistake that is to be found
            await asyncio.sleep(0)

    with pytest.raises(VirtualLivelock, match="time stands still at"):
        run_virtual(spin())


def test_two_runs_are_the_same() -> None:
    async def main() -> list[tuple[int, float]]:
        seen: list[tuple[int, float]] = []

        async def worker(number: int) -> None:
            for _ in range(5):
                await asyncio.sleep(0.1 * (number % 3))
                seen.append((number, asyncio.get_running_loop().time()))

        async with asyncio.TaskGroup() as group:
            for number in range(6):
                group.create_task(worker(number))
        return seen

    assert run_virtual(main()) == run_virtual(main())


class TestMarkedClass:
    virtual_time = True

    async def test_runs_on_virtual_time(self) -> None:
        assert isinstance(asyncio.get_running_loop(), VirtualTimeLoop)


async def test_an_unmarked_test_runs_on_real_time() -> None:
    assert not isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
