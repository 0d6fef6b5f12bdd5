"""The jitter buffer of every tap in one array: pure numpy, no I/O and no clock.

Frames go in as the network delivers them and come out one per slot and 20 ms. A slot's ring absorbs bursts; a backlog
that never empties is delay without a use, so the ring catches up: when a slot has held more than `standing_frames`
for `CATCH_UP_TICKS` in a row, the oldest surplus frames are dropped and counted as late.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from media.frames import FRAME_SAMPLES

RING_FRAMES = 64
"""How much one slot can hold: 1.28 s. A listener that was held up and catches up loses nothing before that."""
STANDING_FRAMES = 5
"""A backlog of 100 ms is borne: on a busy machine Asterisk's threads pause so long, and dropped speech harms more."""
CATCH_UP_TICKS = 50
"""A backlog is judged over a second of ticks: a burst, or a pause of the listener under a second, costs nothing."""


@dataclass(frozen=True, slots=True)
class TapCounters:
    """What became of a tap's frames, in frames of 20 ms.

    received: came from the exchange. late: dropped to catch up with real time. lost: dropped because nobody read for
    1.28 s, or cut off inside a frame. missing: ticks for which a running tap had no frame (silence suppression counts).
    """

    received: int = 0
    late: int = 0
    lost: int = 0
    missing: int = 0

    def __add__(self, other: "TapCounters") -> "TapCounters":
        return TapCounters(
            self.received + other.received,
            self.late + other.late,
            self.lost + other.lost,
            self.missing + other.missing,
        )


class TapRing:
    """`slot_count` rings of `RING_FRAMES` frames (160 int16 samples each)."""

    def __init__(self, slot_count: int, standing_frames: int = STANDING_FRAMES) -> None:
        self._standing = standing_frames
        self._frames = np.zeros((slot_count, RING_FRAMES, FRAME_SAMPLES), np.int16)
        self._head = np.zeros(slot_count, np.int64)
        self._depth = np.zeros(slot_count, np.int64)
        self._running = np.zeros(slot_count, np.bool_)
        self._lowest = np.full(slot_count, RING_FRAMES, np.int64)
        self._received = np.zeros(slot_count, np.int64)
        self._late = np.zeros(slot_count, np.int64)
        self._lost = np.zeros(slot_count, np.int64)
        self._missing = np.zeros(slot_count, np.int64)
        self._out = np.zeros((slot_count, FRAME_SAMPLES), np.int16)
        self._present = np.zeros(slot_count, np.bool_)
        self._ticks = 0

    def push(self, slots: NDArray[np.int64], frames: NDArray[np.int16]) -> None:
        """Store one frame for each of `slots` ((n,), no repeats; (n, 160) int16). A full ring loses its oldest."""
        full = slots[self._depth[slots] == RING_FRAMES]
        if full.size:
            self._lost[full] += 1
            self._drop(full, 1)
        self._frames[slots, (self._head[slots] + self._depth[slots]) % RING_FRAMES] = frames
        self._depth[slots] += 1
        self._received[slots] += 1
        self._running[slots] = True

    def push_one(self, slot: int, frame: NDArray[np.int16]) -> None:
        """Store one frame ((160,) int16) of one slot."""
        self.push(np.array([slot], np.int64), frame[np.newaxis])

    def count_lost(self, slot: int, frames: int = 1) -> None:
        """Count frames that came, but not whole."""
        self._lost[slot] += frames

    def stop(self, slot: int) -> None:
        """The slot's link ended: what it still holds is played out, and no further frame is missed."""
        self._running[slot] = False

    def take(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """Take one frame of each of `slots` ((n,)): (n, 160) int16 with zeros where there is none, and (n,) bool.

        Both are views into buffers that the next call overwrites.
        """
        count = len(slots)
        frames, present = self._out[:count], self._present[:count]
        np.greater(self._depth[slots], 0, out=present)
        frames[:] = self._frames[slots, self._head[slots]]
        frames[~present] = 0
        self._missing[slots] += ~present & self._running[slots]
        self._head[slots] = (self._head[slots] + present) % RING_FRAMES
        self._depth[slots] -= present
        self._catch_up(slots)
        return frames, present

    def _catch_up(self, slots: NDArray[np.int64]) -> None:
        self._lowest[slots] = np.minimum(self._lowest[slots], self._depth[slots])
        self._ticks += 1
        if self._ticks % CATCH_UP_TICKS:
            return
        surplus = np.maximum(self._lowest[slots] - self._standing, 0)
        self._late[slots] += surplus
        self._drop(slots, surplus)
        self._lowest[slots] = RING_FRAMES

    def _drop(self, slots: NDArray[np.int64], frames: int | NDArray[np.int64]) -> None:
        self._head[slots] = (self._head[slots] + frames) % RING_FRAMES
        self._depth[slots] -= frames

    def counters(self, slot: int) -> TapCounters:
        """The slot's counters since its last reset."""
        return TapCounters(
            int(self._received[slot]), int(self._late[slot]), int(self._lost[slot]), int(self._missing[slot])
        )

    def reset(self, slot: int) -> None:
        """Empty the slot and its counters for the next tap."""
        for array in (self._head, self._depth, self._received, self._late, self._lost, self._missing):
            array[slot] = 0
        self._running[slot] = False
        self._lowest[slot] = 0
