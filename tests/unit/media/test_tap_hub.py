"""The tap hub over real loopback sockets, with a clock that the test moves."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.audiosocket import SILENCE_MESSAGE
from media.tap_hub import TapHub
from media.tap_ring import RING_FRAMES, STANDING_FRAMES
from media.taps import TapsExhausted

TAP = "12345678-1234-5678-9abc-123456789abc"
OTHER = "00000000-0000-4000-8000-000000000001"


class HandClock:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.time_s = 1000.0

    def now_s(self) -> float:
        return self.time_s

    def monotonic_s(self) -> float:
        return self.time_s


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def hub(clock: HandClock) -> AsyncIterator[TapHub]:
    async with TapHub(clock, slot_count=4) as hub:
        yield hub


class FarEnd:
    """Plays Asterisk's side of one connection."""

    def __init__(self, hub: TapHub) -> None:
        self.sock = socket.create_connection(("127.0.0.1", hub.port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(2)

    def __del__(self) -> None:
        self.sock.close()

    def say_uuid(self, tap_id: str) -> None:
        self.sock.sendall(b"\x01\x00\x10" + uuid.UUID(tap_id).bytes)

    def say(self, value: int, samples: int = 160) -> None:
        self.sock.sendall(audio(value, samples))

    def is_closed(self) -> bool:
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(65536):
                assert data
        return True


def audio(value: int, samples: int = 160) -> bytes:
    return b"\x10" + (2 * samples).to_bytes(2, "big") + np.full(samples, value, "<i2").tobytes()


@pytest.fixture
def far_end(hub: TapHub) -> FarEnd:
    hub.open(TAP)
    return FarEnd(hub)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110 - what is waited for happens in sockets, not in this loop
            await asyncio.sleep(0.002)


async def values_heard(hub: TapHub, count: int) -> list[int]:
    """The first sample of the next `count` frames of the first slot."""
    heard: list[int] = []

    def read() -> bool:
        tick = hub.read_tick()
        if tick.present[0]:
            heard.append(int(tick.frames[0, 0]))
        return len(heard) >= count

    await until(read)
    return heard


async def test_given_a_tap_when_frames_come_then_each_tick_has_one(hub: TapHub, far_end: FarEnd) -> None:
    far_end.say_uuid(TAP)
    for value in (1, 2, 3):
        far_end.say(value)
    assert await values_heard(hub, 3) == [1, 2, 3]
    counters = hub.counters(TAP)
    assert (counters.received, counters.late, counters.lost) == (3, 0, 0)


async def test_given_a_silent_far_end_when_read_then_zeros_and_missing_are_counted(
    hub: TapHub, far_end: FarEnd
) -> None:
    far_end.say_uuid(TAP)
    far_end.say(7)
    await values_heard(hub, 1)
    tick = hub.read_tick()
    assert not tick.present[0]
    assert not tick.frames[0].any()
    assert hub.counters(TAP).missing == 1


@pytest.mark.parametrize("samples", [80, 240, 480, 100])
async def test_given_another_packet_time_then_frames_of_20_ms_come_out(
    hub: TapHub, far_end: FarEnd, samples: int
) -> None:
    far_end.say_uuid(TAP)
    for _ in range(4 * 160 // samples + 1):
        far_end.say(5, samples)
    assert await values_heard(hub, 4) == [5, 5, 5, 5]


@given(cuts=st.lists(st.integers(1, 700), max_size=12))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_given_torn_messages_then_no_sample_is_lost(cuts: list[int]) -> None:
    async with TapHub(HandClock(), slot_count=1) as hub:
        hub.open(TAP)
        far_end = FarEnd(hub)
        stream = b"\x01\x00\x10" + uuid.UUID(TAP).bytes + b"".join(audio(value) for value in range(1, 9))
        heard: list[int] = []
        for cut in [*cuts, len(stream)]:
            far_end.sock.sendall(stream[:cut])
            stream = stream[cut:]
            tick = hub.read_tick()
            heard += tick.frames[tick.present, 0].tolist()
        heard += await values_heard(hub, 8 - len(heard))
        assert heard == list(range(1, 9))
        far_end.sock.close()


@given(garbage=st.binary(min_size=1, max_size=4000), claimed=st.booleans())
@settings(max_examples=80, deadline=None)
async def test_given_garbage_then_the_server_lives_and_another_tap_hears(garbage: bytes, claimed: bool) -> None:
    async with TapHub(HandClock(), slot_count=2) as hub:
        hub.open(TAP)
        hub.open(OTHER)
        bad, good = FarEnd(hub), FarEnd(hub)
        if claimed:
            bad.say_uuid(OTHER)
        with contextlib.suppress(OSError):
            bad.sock.sendall(garbage)
        good.say_uuid(TAP)
        hub.read_tick()
        good.say(9)
        assert await values_heard(hub, 1) == [9]
        bad.sock.close()
        good.sock.close()


async def test_given_an_unknown_uuid_then_it_is_refused_and_closed(hub: TapHub) -> None:
    far_end = FarEnd(hub)
    far_end.say_uuid(OTHER)
    await until(lambda: hub.read_tick() is not None and hub.refused == 1)
    assert far_end.is_closed()


async def test_given_no_uuid_when_five_seconds_pass_then_it_is_closed(hub: TapHub, clock: HandClock) -> None:
    far_end = FarEnd(hub)
    await until(lambda: hub.read_tick() is not None and hub.nudge() == 1)
    clock.time_s += 4.9
    hub.read_tick()
    assert hub.nudge() == 1
    clock.time_s += 0.2
    hub.read_tick()
    assert hub.nudge() == 0
    assert far_end.is_closed()


async def test_given_an_open_tap_when_a_second_link_claims_it_then_the_first_stays(
    hub: TapHub, far_end: FarEnd
) -> None:
    far_end.say_uuid(TAP)
    await until(lambda: hub.read_tick() is not None and hub.is_linked(TAP))
    thief = FarEnd(hub)
    thief.say_uuid(TAP)
    await until(lambda: hub.read_tick() is not None and hub.refused == 1)
    far_end.say(3)
    assert await values_heard(hub, 1) == [3]


@pytest.mark.parametrize("ending", [b"\x00\x00\x00", b"\xff\x00\x01\x01", None], ids=["hang-up", "error", "closed"])
async def test_given_a_link_that_ends_then_the_slot_stays_and_nothing_is_missed(
    hub: TapHub, far_end: FarEnd, ending: bytes | None
) -> None:
    far_end.say_uuid(TAP)
    far_end.say(4)
    await values_heard(hub, 1)
    if ending is None:
        far_end.sock.close()
    else:
        far_end.sock.sendall(ending)
    await until(lambda: hub.read_tick() is not None and not hub.is_linked(TAP))
    missing = hub.counters(TAP).missing
    assert not hub.read_tick().present[0]
    assert hub.counters(TAP).missing == missing
    hub.close(TAP)
    assert hub.totals().received == 1


async def test_given_nobody_reads_then_silence_is_still_sent(hub: TapHub, far_end: FarEnd, clock: HandClock) -> None:
    far_end.say_uuid(TAP)
    far_end.sock.setblocking(False)
    received = bytearray()

    def read() -> bool:
        clock.time_s += 0.01
        with contextlib.suppress(BlockingIOError):
            received.extend(far_end.sock.recv(4096))
        return len(received) >= 2 * len(SILENCE_MESSAGE)

    await until(read)
    assert received[: 2 * len(SILENCE_MESSAGE)] == 2 * SILENCE_MESSAGE


async def test_given_a_far_end_that_never_reads_then_the_link_stays_whole(hub: TapHub, far_end: FarEnd) -> None:
    far_end.say_uuid(TAP)
    await until(lambda: hub.read_tick() is not None and hub.is_linked(TAP))
    for _ in range(20000):
        hub.nudge()
    received = b""
    far_end.sock.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        while data := far_end.sock.recv(1 << 20):
            received += data
    hub.nudge()
    received += far_end.sock.recv(1 << 20)
    assert len(received) > 10 * len(SILENCE_MESSAGE)
    assert received == (SILENCE_MESSAGE * (len(received) // len(SILENCE_MESSAGE) + 1))[: len(received)]


async def test_given_a_backlog_that_stays_then_it_is_dropped_as_late(hub: TapHub, far_end: FarEnd) -> None:
    far_end.say_uuid(TAP)
    await until(lambda: hub.read_tick() is not None and hub.is_linked(TAP))
    for value in range(10):
        far_end.say(value + 1)
    heard = await values_heard(hub, 1)
    for value in range(130):
        far_end.say(value + 11)
        heard += await values_heard(hub, 1)
    counters = hub.counters(TAP)
    assert counters.late > 0
    assert counters.lost == 0
    assert 140 - heard[-1] <= STANDING_FRAMES + 1, "the listener is at most a few frames behind"


async def test_given_a_burst_that_drains_then_nothing_is_late(hub: TapHub, far_end: FarEnd) -> None:
    far_end.say_uuid(TAP)
    for value in range(12):
        far_end.say(value)
    assert await values_heard(hub, 12) == list(range(12))
    for _ in range(120):
        hub.read_tick()
    assert (hub.counters(TAP).late, hub.counters(TAP).lost) == (0, 0)


async def test_given_no_free_slot_or_a_bad_id_then_open_says_so(hub: TapHub) -> None:
    for _ in range(4):
        hub.open(str(uuid.uuid4()))
    with pytest.raises(TapsExhausted, match="all 4 tap slots"):
        hub.open(TAP)
    with pytest.raises(ValueError, match="UUID"):
        hub.open("nonsense")
    with pytest.raises(ValueError, match="canonical"):
        hub.open(TAP.upper())


async def test_given_a_tap_is_closed_then_its_slot_is_used_again_and_clean(hub: TapHub, far_end: FarEnd) -> None:
    far_end.say_uuid(TAP)
    far_end.say(8)
    far_end.say(8)
    await values_heard(hub, 1)
    hub.close(TAP)
    hub.close(TAP)
    assert far_end.is_closed()
    hub.open(OTHER)
    assert not hub.read_tick().present.any()
    assert hub.counters(OTHER).received == 0


async def test_given_a_taken_port_then_the_error_names_address_and_setting(hub: TapHub, clock: HandClock) -> None:
    with pytest.raises(OSError, match=rf"127.0.0.1:{hub.port}.*media.audiosocket_port"):
        async with TapHub(clock, port=hub.port):
            pass


async def test_given_a_listener_held_up_for_a_second_when_it_catches_up_then_nothing_is_lost(
    hub: TapHub, far_end: FarEnd
) -> None:
    far_end.say_uuid(TAP)
    await until(lambda: hub.read_tick() is not None and hub.is_linked(TAP))
    for value in range(50):
        far_end.say(value)
    assert await values_heard(hub, 50) == list(range(50))
    assert (hub.counters(TAP).late, hub.counters(TAP).lost) == (0, 0)


async def test_given_nobody_reads_for_long_then_the_newest_audio_is_kept_and_the_rest_is_lost(
    hub: TapHub, far_end: FarEnd, clock: HandClock
) -> None:
    far_end.say_uuid(TAP)
    await until(lambda: hub.read_tick() is not None and hub.is_linked(TAP))
    for value in range(100):
        far_end.say(value)
    clock.time_s += 1

    def all_received() -> bool:
        clock.time_s += 1
        return hub.counters(TAP).received == 100

    await until(all_received)
    assert hub.counters(TAP).lost == 100 - RING_FRAMES
    assert hub.read_tick().frames[0, 0] == 100 - RING_FRAMES
