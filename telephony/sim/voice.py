"""What one far end says, as samples on a time line."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from media.frames import FRAME_SAMPLES, SAMPLE_RATE_HZ
from telephony.sim.far_end import Sound


class Voice:
    """A far end's audio. Sounds are said one after the other; between them it sends silence, or nothing at all."""

    def __init__(self, sends_audio: bool) -> None:
        """Nothing can be heard before `open`."""
        self._sends_audio = sends_audio
        self._open_since_s: float | None = None
        self._sounds: deque[tuple[int, NDArray[np.int16]]] = deque()

    def open(self, now_s: float) -> None:
        """Audio flows from now on (183 or answer)."""
        if self._open_since_s is None:
            self._open_since_s = now_s

    def say(self, now_s: float, sound: Sound) -> None:
        """Say something from now on. Seconds instead of samples are silence and need no place."""
        if not isinstance(sound, int | float):
            self._sounds.append((round(now_s * SAMPLE_RATE_HZ), sound))

    def frame(self, start: int, out: NDArray[np.int16]) -> bool:
        """Fill `out`, (160,) int16, with the samples from sample number `start` (8000 a second of monotonic time).

        Returns False, leaving zeros, when nothing is sent then. Forgets what lies before: ask in order of time.
        """
        out[:] = 0
        if not self._sends_audio or self._open_since_s is None:
            return False
        while self._sounds and self._sounds[0][0] + len(self._sounds[0][1]) <= start:
            self._sounds.popleft()
        for begin, samples in self._sounds:
            low, high = max(begin, start), min(begin + len(samples), start + FRAME_SAMPLES)
            if low >= high:
                break
            out[low - start : high - start] = samples[low - begin : high - begin]
        return True
