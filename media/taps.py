"""Live audio of many calls, read as one block of numbers per 20 ms.

A tap is a one-way copy of what a far end says. Whoever carries the audio (AudioSocket server, simulated exchange)
implements `TapAudio`; whoever listens (the dialer's listening loop) calls `read_tick` once per 20 ms of wall time.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class TapTick:
    """One 20 ms step of every open tap. Arrays are views into reused buffers: valid until the next read.

    slots: (n,) int64, the slot of each open tap. frames: (n, 160) int16, 8 kHz; zeros where no frame came.
    present: (n,) bool, False where the far end sent nothing in this tick (silence suppression, loss).
    """

    slots: NDArray[np.int64]
    frames: NDArray[np.int16]
    present: NDArray[np.bool_]


class TapAudio(Protocol):
    """Where live tap audio is read from."""

    def open(self, tap_id: str) -> int:
        """Expect a tap with this id (a UUID in canonical text form) and return its slot, stable until `close`.

        Raises TapsExhausted when no slot is free, ValueError when the id is already open.
        """
        ...

    def close(self, tap_id: str) -> None:
        """Forget the tap, close its link and free its slot. Closing an unknown tap does nothing."""
        ...

    def read_tick(self) -> TapTick:
        """Take one 20 ms frame of every open tap."""
        ...


class TapsExhausted(Exception):
    """Every tap slot is in use: raise `media.tap_slots` in the settings, or dial with fewer calls in flight."""
