"""Hundreds of live taps, fed by Asterisk's AudioSocket channels and read as one block of numbers per 20 ms.

Sockets are not handed to asyncio: once per tick every socket is read straight into its row of one preallocated array,
and numpy checks and stores all rows at once. asyncio wakes once per frame, which costs several times more; run
`python benchmarks/load/tap_cost.py` for the ratio on your machine (figures in docs/media.md).

An AudioSocket channel whose far end never sends can lock Asterisk's ARI for good (docs/media.md), so every connection
gets a frame of silence every `SILENCE_EVERY_TICKS`. When `read_tick` stays away, a guard drains and sends instead.
"""

import asyncio
import contextlib
import socket
import uuid
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from campaigns.clock import Clock
from media.audiosocket import (
    AUDIO_HEADER,
    AUDIO_MESSAGE_BYTES,
    HEADER_BYTES,
    RECEIVE_BYTES,
    AudioSocketError,
    AudioSocketLink,
    Kind,
    listen,
    messages,
    tap_id_of,
)
from media.frames import FRAME_BYTES
from media.tap_ring import TapCounters, TapRing
from media.taps import TapsExhausted, TapTick

SILENCE_EVERY_TICKS = 8
"""160 ms: every 20 to 200 ms kept 2,400 short taps clean."""
UUID_TIMEOUT_S = 5.0
GUARD_S = 0.05
IDLE_GUARD_S = 0.25
"""How often connections are looked for while no tap is open: only one that nobody waits for can come."""
MAX_PENDING = 256
_AUDIO_HEADER = np.frombuffer(AUDIO_HEADER, np.uint8)


class TapHub:
    """An AudioSocket server that implements `media.taps.TapAudio`. Use: `async with TapHub(clock) as hub`.

    slot_count: taps open at once. host, port: where Asterisk connects to; port 0 takes a free one (see `port`).
    Not thread-safe: everything happens on the event loop's thread, and nothing blocks.
    """

    def __init__(self, clock: Clock, *, slot_count: int = 512, host: str = "127.0.0.1", port: int = 0) -> None:
        self._clock = clock
        self._address = (host, port)
        self._ring = TapRing(slot_count)
        self._raw = np.zeros((slot_count, RECEIVE_BYTES), np.uint8)
        self._rows = [memoryview(row) for row in self._raw]  # type: ignore[arg-type]
        self._free = list(range(slot_count - 1, -1, -1))
        self._slot_of: dict[str, int] = {}
        self._slots = np.zeros(0, np.int64)
        self._links: dict[int, AudioSocketLink] = {}
        self._pending: list[AudioSocketLink] = []
        self._listener: socket.socket | None = None
        self._guard_task: asyncio.Task[None] | None = None
        self._ticks = 0
        self._drained_at_s = clock.monotonic_s()
        self._retired = TapCounters()
        self.refused = 0

    async def __aenter__(self) -> Self:
        """Listen, and start the guard. Raises OSError when the address is taken."""
        self._listener = listen(*self._address)
        self._guard_task = asyncio.create_task(self._guard(), name="tap-hub-guard")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection. Raises what the guard died of, should it have died."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for link in (*self._links.values(), *self._pending):
            link.close()
        self._links.clear()
        self._pending.clear()
        if self._guard_task is not None:
            self._guard_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._guard_task

    @property
    def port(self) -> int:
        """The port that Asterisk connects to."""
        if self._listener is None:
            raise RuntimeError("the tap hub is not listening: enter it with `async with` first")
        return int(self._listener.getsockname()[1])

    # --- TapAudio

    def open(self, tap_id: str) -> int:
        """Expect a tap with this id; its slot. Raises TapsExhausted, ValueError (open already, or not a UUID)."""
        if str(uuid.UUID(tap_id)) != tap_id:
            raise ValueError(f"tap id {tap_id!r} is not a UUID in canonical text form (lower case, with hyphens)")
        if tap_id in self._slot_of:
            raise ValueError(f"tap {tap_id} is open already")
        if not self._free:
            raise TapsExhausted(f"all {len(self._slot_of)} tap slots are in use")
        slot = self._free.pop()
        self._slot_of[tap_id] = slot
        self._ring.reset(slot)
        self._index_slots()
        return slot

    def close(self, tap_id: str) -> None:
        """Forget the tap, close its link and free its slot."""
        slot = self._slot_of.pop(tap_id, None)
        if slot is None:
            return
        self._unlink(slot)
        self._retired += self._ring.counters(slot)
        self._free.append(slot)
        self._index_slots()

    def read_tick(self) -> TapTick:
        """Take one 20 ms frame of every open tap. Call it once per 20 ms of wall time, also when catching up."""
        self._drain()
        frames, present = self._ring.take(self._slots)
        return TapTick(self._slots, frames, present)

    # --- beyond the port

    def nudge(self) -> int:
        """Send a frame of silence into every connection at once (frees an Asterisk whose ARI is locked); how many."""
        self._send_silence(list(self._links.items()))
        for link in self._pending:
            link.send_silence()
        return len(self._links) + len(self._pending)

    def is_linked(self, tap_id: str) -> bool:
        """Whether Asterisk's connection for this tap is up."""
        return self._slot_of.get(tap_id) in self._links

    def counters(self, tap_id: str) -> TapCounters:
        """The frame counters of one open tap. Raises KeyError when it is not open."""
        return self._ring.counters(self._slot_of[tap_id])

    def totals(self) -> TapCounters:
        """The frame counters of all taps, closed ones included."""
        return sum((self._ring.counters(slot) for slot in self._slot_of.values()), self._retired)

    # --- inside

    def _index_slots(self) -> None:
        self._slots = np.fromiter(self._slot_of.values(), np.int64, len(self._slot_of))

    async def _guard(self) -> None:
        while True:
            await asyncio.sleep(GUARD_S if self._slot_of or self._links or self._pending else IDLE_GUARD_S)
            if self._clock.monotonic_s() - self._drained_at_s >= GUARD_S:
                self._drain()
                self.nudge()

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(64):
            try:
                link = AudioSocketLink(listener.accept()[0], self._clock.monotonic_s())
            except OSError:  # nothing waits, or it went away, or no descriptor is free: the next tick tries again
                return
            if len(self._pending) < MAX_PENDING:
                self._pending.append(link)
            else:
                self._refuse(link)

    def _drain(self) -> None:
        """Read every socket once and store what came; every few ticks send silence to a share of them."""
        self._drained_at_s = self._clock.monotonic_s()
        self._ticks += 1
        if self._listener is not None:
            self._accept(self._listener)
        if self._pending:
            self._pending = [link for link in self._pending if self._still_pending(link)]
        whole: dict[int, list[int]] = {}  # by how many messages came at once
        for slot, link in list(self._links.items()):
            started_clean = link.fill == 0 and not link.rest
            count = link.receive()
            if count > 0 and started_clean and count % AUDIO_MESSAGE_BYTES == 0:
                whole.setdefault(count // AUDIO_MESSAGE_BYTES, []).append(slot)
            elif count:
                self._take_apart(slot, link, ended=count < 0)
        for count, slots in whole.items():
            self._store(np.array(slots, np.int64), count)
        turn = self._ticks % SILENCE_EVERY_TICKS
        self._send_silence([item for item in self._links.items() if item[0] % SILENCE_EVERY_TICKS == turn])

    def _store(self, slots: NDArray[np.int64], count: int) -> None:
        """The usual case, all rows at once: each of `slots` received exactly `count` messages of frame length."""
        received = self._raw[slots, : count * AUDIO_MESSAGE_BYTES].reshape(len(slots), count, AUDIO_MESSAGE_BYTES)
        audio = (received[:, :, :HEADER_BYTES] == _AUDIO_HEADER).all(axis=(1, 2))
        for slot in slots[~audio].tolist():
            self._take_apart(slot, self._links[slot], ended=False)
        slots = slots[audio]
        if not slots.size:
            return
        for slot in slots.tolist():
            self._links[slot].fill = 0
        for number in range(count):
            self._ring.push(slots, received[audio, number, HEADER_BYTES:].view("<i2"))

    def _take_apart(self, slot: int, link: AudioSocketLink, ended: bool) -> None:
        """The unusual case, one link: several messages, torn ones, other lengths, the end."""
        used = 0
        try:
            for kind, payload, following in messages(link.buffer[: link.fill]):
                used = following
                if kind is Kind.AUDIO:
                    self._push_audio(slot, link, payload)
                elif kind in (Kind.HANG_UP, Kind.ERROR):
                    ended = True
        except AudioSocketError:
            self.refused += 1
            ended = True
        link.consume(used)
        if ended:
            if link.fill:
                self._ring.count_lost(slot)
            self._unlink(slot)

    def _push_audio(self, slot: int, link: AudioSocketLink, payload: memoryview) -> None:
        """Cut audio of any packet time into frames of 20 ms."""
        link.rest += payload
        while len(link.rest) >= FRAME_BYTES:
            self._ring.push_one(slot, np.frombuffer(bytes(link.rest[:FRAME_BYTES]), "<i2"))
            del link.rest[:FRAME_BYTES]

    def _still_pending(self, link: AudioSocketLink) -> bool:
        """Read a new connection's UUID and give it its slot. False when it is claimed, refused or too slow."""
        ended = link.receive() < 0
        try:
            first = next(messages(link.buffer[: link.fill]), None)
            if first is not None:
                kind, payload, following = first
                if kind is not Kind.UUID:
                    raise AudioSocketError("the first message has to be the UUID")
                return self._claim(tap_id_of(payload), link, following)
            ended = ended or self._clock.monotonic_s() - link.opened_at_s >= UUID_TIMEOUT_S
        except AudioSocketError:
            ended = True
        if ended:
            self._refuse(link)
        return not ended

    def _claim(self, tap_id: str, link: AudioSocketLink, used: int) -> bool:
        slot = self._slot_of.get(tap_id)
        if slot is None or slot in self._links:
            self._refuse(link)
            return False
        link.consume(used)
        link.move_to(self._rows[slot])
        self._links[slot] = link
        link.send_silence()
        if link.fill:
            self._take_apart(slot, link, ended=False)
        return False

    def _refuse(self, link: AudioSocketLink) -> None:
        self.refused += 1
        link.close()

    def _unlink(self, slot: int) -> None:
        self._ring.stop(slot)
        link = self._links.pop(slot, None)
        if link is not None:
            link.close()

    def _send_silence(self, links: list[tuple[int, AudioSocketLink]]) -> None:
        for slot, link in links:
            if not link.send_silence():
                self._unlink(slot)
