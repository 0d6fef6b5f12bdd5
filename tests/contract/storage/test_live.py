"""The hopper's contract on Redis and in memory; leases, counters, presence, trace, and Redis going away."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from storage.errors import LiveStoreDown
from storage.live.connection import RedisLink
from storage.live.hopper import RedisHopper
from storage.live.lease import RedisLeases
from storage.live.memory import MemoryHopper
from storage.live.state import RedisLiveState
from storage.port import Hopper
from tests.support.databases import redis_server as start_redis


class HandClock:
    """A clock that a test turns by hand."""

    def __init__(self) -> None:
        self.at_s = 1000.0

    def now_s(self) -> float:
        return self.at_s

    def monotonic_s(self) -> float:
        return self.at_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def link(redis_server: str, clock: HandClock) -> AsyncIterator[RedisLink]:
    opened = RedisLink(redis_server, clock)
    await opened.execute("FLUSHDB")
    yield opened
    await opened.close()


@pytest.fixture(params=["redis", "memory"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hopper(kind: str, clock: HandClock, link: RedisLink) -> Hopper:
    return RedisHopper(link) if kind == "redis" else MemoryHopper(clock)


@pytest.fixture
def hasty_hopper(kind: str, clock: HandClock, link: RedisLink) -> Hopper:
    """Its loans are over at once."""
    return RedisHopper(link, loan_s=0.0) if kind == "redis" else MemoryHopper(clock, loan_s=0.0)


async def test_given_leads_when_taken_then_oldest_first_and_never_queued_twice(hopper: Hopper) -> None:
    assert await hopper.put("c", ["a", "b", "c", "a"]) == 3
    assert await hopper.put("c", ["b", "d"]) == 1
    assert await hopper.put("other", ["a"]) == 1
    assert await hopper.take("c", 2) == ["a", "b"]
    assert await hopper.put("c", ["a", "e"]) == 1
    assert (await hopper.size("c"), sorted(await hopper.members("c"))) == (3, ["a", "b", "c", "d", "e"])
    await hopper.done("c", ["a"])
    assert await hopper.put("c", ["a"]) == 1
    assert await hopper.take("c", 9) == ["c", "d", "e", "a"]
    assert await hopper.take("c", 9) == []
    await hopper.clear("c")
    assert await hopper.members("c") == []
    assert await hopper.size("other") == 1


async def test_given_a_node_that_died_with_a_loan_then_the_lead_comes_back_to_the_front(hasty_hopper: Hopper) -> None:
    await hasty_hopper.put("c", ["a", "b"])
    assert await hasty_hopper.take("c", 1) == ["a"]
    assert await hasty_hopper.take("c", 1) == ["a"]
    await hasty_hopper.done("c", ["a"])
    assert await hasty_hopper.take("c", 1) == ["b"]


async def test_given_many_takers_then_no_lead_goes_to_two(hopper: Hopper) -> None:
    await hopper.put("c", [f"l{n:03d}" for n in range(200)])
    taken = await asyncio.gather(*(hopper.take("c", 7) for _ in range(40)))
    flat = [lead for batch in taken for lead in batch]
    assert len(flat) == len(set(flat)) == 200


async def test_given_nothing_to_do_then_nothing_is_asked(hopper: Hopper) -> None:
    assert await hopper.put("c", []) == 0
    assert await hopper.take("c", 0) == []
    await hopper.done("c", [])


async def test_given_a_leader_then_another_waits_and_every_new_leader_has_a_greater_fence(link: RedisLink) -> None:
    leases = RedisLeases(link)
    first = await leases.take("pacing", "n1", 30.0)
    assert first is not None
    assert await leases.take("pacing", "n1", 30.0) == first
    assert await leases.take("pacing", "n2", 30.0) is None
    assert not await leases.give_back("pacing", "n2")
    assert await leases.give_back("pacing", "n1")
    second = await leases.take("pacing", "n2", 30.0)
    assert second is not None and second > first


async def test_given_live_state_then_counted_seen_traced_and_rebuilt(link: RedisLink) -> None:
    state = RedisLiveState(link)
    await state.count("c", {"dialing": 2, "busy": 1})
    await state.count("c", {"dialing": -1})
    assert await state.counters("c") == {"dialing": 1, "busy": 1}
    await state.rebuild_counters("c", {"ended": 7})
    assert await state.counters("c") == {"ended": 7}
    await state.rebuild_counters("c", {})
    assert await state.counters("c") == {}
    await state.beat("agent", "anna", "ready", 30.0)
    assert await state.present("agent", "anna") == "ready"
    assert await state.present("agent", "bo") is None
    for n in range(3):
        await state.trace("c", {"dial": n, "limit": "agents"})
    assert await state.recent_trace("c", 2) == [{"dial": "2", "limit": "agents"}, {"dial": "1", "limit": "agents"}]


async def test_given_redis_gone_then_clear_and_quick_errors_and_it_works_again_after(clock: HandClock) -> None:
    link = RedisLink("redis://127.0.0.1:9/0", clock)
    hopper = RedisHopper(link)
    begun_s = time.monotonic()
    for _ in range(50):
        with pytest.raises(LiveStoreDown) as caught:
            await hopper.take("c", 1)
    assert time.monotonic() - begun_s < 1.0
    assert caught.value.retryable
    assert (link.up, link.failures) == (False, 1)
    clock.at_s += 0.11
    assert not await link.ping()
    assert link.failures == 2
    await link.close()


async def test_given_redis_killed_and_restarted_empty_then_the_hopper_is_filled_again(clock: HandClock) -> None:
    with start_redis() as url:
        link = RedisLink(url, clock)
        hopper = RedisHopper(link)
        await hopper.put("c", ["a"])
        with pytest.raises(LiveStoreDown, match="no business fact is lost"):
            await link.execute("SHUTDOWN", "NOSAVE")
            await hopper.size("c")
        clock.at_s += 10.0
        with pytest.raises(LiveStoreDown):
            await hopper.size("c")
        await link.close()
    with start_redis() as url:
        link = RedisLink(url, clock)
        hopper = RedisHopper(link)
        assert await hopper.size("c") == 0
        assert await hopper.put("c", ["a"]) == 1
        await link.close()


async def test_given_a_redis_that_hangs_then_the_answer_is_down_within_the_timeout(clock: HandClock) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = RedisLink(f"redis://127.0.0.1:{port}/0", clock)
    begun_s = time.monotonic()
    with pytest.raises(LiveStoreDown):
        await RedisHopper(link).size("c")
    assert time.monotonic() - begun_s < 3.0
    await link.close()
    server.close()
    await server.wait_closed()
