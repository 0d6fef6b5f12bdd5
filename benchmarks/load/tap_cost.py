"""What 100 live taps cost in Python: sockets drained once per tick against asyncio, same frames, same run.

Run: `python benchmarks/load/tap_cost.py [--taps 100] [--seconds 10]`. A second process plays Asterisk: it connects and
sends every tap one frame per 20 ms. CPU is this process's own (user + system), read_tick and silence included.
"""

import argparse
import asyncio
import contextlib
import multiprocessing
import resource
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import uvloop

from media.audiosocket import AUDIO_MESSAGE_BYTES, HEADER_BYTES, SILENCE_MESSAGE
from media.frames import FRAME_S
from media.tap_hub import TapHub
from media.tap_ring import TapRing

WARM_UP_S = 1.5


class MachineClock:
    """The machine's own clock."""

    def now_s(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()


def feed(port: int, tap_ids: list[str], seconds: float) -> None:
    """Play Asterisk: one connection per tap, the UUID, then a frame per 20 ms; what comes back is read and dropped."""
    socks = []
    for tap_id in tap_ids:
        sock = socket.create_connection(("127.0.0.1", port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(b"\x01\x00\x10" + uuid.UUID(tap_id).bytes)
        socks.append(sock)
    start = time.monotonic() + 0.3
    for tick in range(int(seconds / FRAME_S)):
        time.sleep(max(0.0, start + tick * FRAME_S - time.monotonic()))
        for index, sock in enumerate(socks):
            if index % 10 == 0:  # real taps do not send in one burst
                time.sleep(0.001)
            sock.sendall(SILENCE_MESSAGE)
            with contextlib.suppress(BlockingIOError):
                sock.recv(4096, socket.MSG_DONTWAIT)
    time.sleep(0.3)


@dataclass
class AsyncioTaps:
    """The other way: one `asyncio.BufferedProtocol` per connection, the same ring behind it."""

    tap_ids: list[str]
    ring: TapRing = field(init=False)
    transports: list[asyncio.Transport] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the ring."""
        self.ring = TapRing(len(self.tap_ids))
        self.slots = np.arange(len(self.tap_ids), dtype=np.int64)
        self.ticks = 0

    def read_tick(self) -> None:
        """Take a frame of each tap and send silence to every fifth."""
        self.ring.take(self.slots)
        self.ticks += 1
        for transport in self.transports[self.ticks % 5 :: 5]:
            transport.write(SILENCE_MESSAGE)


class AsyncioTap(asyncio.BufferedProtocol):
    """One connection: asyncio reads into the buffer and wakes us for each frame."""

    def __init__(self, taps: AsyncioTaps) -> None:
        """Belong to `taps`."""
        self.taps = taps
        self.slot = -1
        self.buffer = memoryview(bytearray(16 * AUDIO_MESSAGE_BYTES))
        self.fill = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.taps.transports.append(cast(asyncio.Transport, transport))

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read to."""
        return self.buffer[self.fill :]

    def buffer_updated(self, nbytes: int) -> None:
        """Take every whole message."""
        self.fill += nbytes
        if self.slot < 0:
            if self.fill < 19:
                return
            self.slot = self.taps.tap_ids.index(str(uuid.UUID(bytes=bytes(self.buffer[3:19]))))
            self._forget(19)
        while self.fill >= AUDIO_MESSAGE_BYTES:
            frame = np.frombuffer(self.buffer[HEADER_BYTES:AUDIO_MESSAGE_BYTES], "<i2")
            self.taps.ring.push_one(self.slot, frame)
            self._forget(AUDIO_MESSAGE_BYTES)

    def _forget(self, count: int) -> None:
        self.buffer[: self.fill - count] = bytes(self.buffer[count : self.fill])
        self.fill -= count


def cpu_s() -> float:
    """CPU seconds used by this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def timed(read: Callable[[], object], seconds: float) -> float:
    """CPU share (0..1 of one core) of calling `read` once per 20 ms for `seconds`."""
    await ticks(read, WARM_UP_S)
    start, used = time.monotonic(), cpu_s()
    await ticks(read, seconds)
    return (cpu_s() - used) / (time.monotonic() - start)


async def ticks(read: Callable[[], object], seconds: float) -> None:
    """Call `read` once per 20 ms for `seconds`."""
    start = time.monotonic()
    for tick in range(int(seconds / FRAME_S)):
        await asyncio.sleep(max(0.0, start + tick * FRAME_S - time.monotonic()))
        read()


async def cost_of_hub(tap_ids: list[str], seconds: float) -> tuple[float, int]:
    """CPU share and frames received of the tap hub."""
    async with TapHub(MachineClock(), slot_count=len(tap_ids)) as hub:
        for tap_id in tap_ids:
            hub.open(tap_id)
        with feeder(hub.port, tap_ids, seconds + WARM_UP_S):
            share = await timed(hub.read_tick, seconds)
        totals = hub.totals()
        print(f"  {totals}")
        return share, totals.received


async def cost_of_asyncio(tap_ids: list[str], seconds: float) -> tuple[float, int]:
    """CPU share and frames received of one protocol object per connection."""
    taps = AsyncioTaps(tap_ids)
    server = await asyncio.get_running_loop().create_server(lambda: AsyncioTap(taps), "127.0.0.1", 0)
    async with server:
        with feeder(server.sockets[0].getsockname()[1], tap_ids, seconds + WARM_UP_S):
            share = await timed(taps.read_tick, seconds)
        for transport in taps.transports:
            transport.close()
    return share, sum(taps.ring.counters(slot).received for slot in range(len(tap_ids)))


@contextlib.contextmanager
def feeder(port: int, tap_ids: list[str], seconds: float):  # type: ignore[no-untyped-def]
    """A process that feeds `port` while the context lasts."""
    process = multiprocessing.get_context("spawn").Process(target=feed, args=(port, tap_ids, seconds), daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


def main() -> None:
    """Measure all variants in one run and print them with their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--taps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    tap_ids = [str(uuid.uuid4()) for _ in range(options.taps)]
    variants: dict[str, tuple[Callable[[list[str], float], Awaitable[tuple[float, int]]], object]] = {
        "drained per tick, asyncio loop": (cost_of_hub, asyncio.new_event_loop),
        "drained per tick, uvloop": (cost_of_hub, uvloop.new_event_loop),
        "BufferedProtocol, asyncio loop": (cost_of_asyncio, asyncio.new_event_loop),
        "BufferedProtocol, uvloop": (cost_of_asyncio, uvloop.new_event_loop),
    }
    shares: dict[str, float] = {}
    for name, (measure, factory) in variants.items():
        with asyncio.Runner(loop_factory=factory) as runner:  # type: ignore[arg-type]
            shares[name], received = runner.run(measure(tap_ids, options.seconds))  # type: ignore[arg-type]
        print(f"{name:34s} {100 * shares[name]:6.2f} % of a core, {received} frames")
    best = min(shares["BufferedProtocol, asyncio loop"], shares["BufferedProtocol, uvloop"])
    print(f"ratio to the better asyncio variant: {best / shares['drained per tick, uvloop']:.1f}")


if __name__ == "__main__":
    main()
