"""Is somebody speaking? The WebRTC detector of every call, all asked in one loop of machine code.

Asked one by one from Python, a thousand of them cost as much again for the calls themselves as for what they answer.
"""

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from amd.jit import compiled
from media.frames import FRAME_BYTES, FRAME_SAMPLES, SAMPLE_RATE_HZ

VAD_MODE = 2
Process = Callable[[int, int, int, int], int]


def exported_process() -> Process | None:
    """The detector's C function (detector, rate in Hz, samples, their count); None when a build does not export it."""
    process: Any = getattr(ctypes.CDLL(webrtcvad._webrtcvad.__file__), "WebRtcVad_Process", None)
    if process is not None:
        process.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
        process.restype = ctypes.c_int
    return process  # type: ignore[no-any-return]


class VoiceActivity:
    """One detector for each slot that is open."""

    def __init__(self, capacity: int, process: Process | None) -> None:
        """Nobody is listened to yet; process: see `exported_process`, without it Python asks one after the other."""
        self._process = process
        self._detectors: list[webrtcvad.Vad | None] = [None] * capacity
        self._addresses = np.zeros(capacity, dtype=np.int64)

    def begin(self, slot: int) -> None:
        """Listen to a call that is new."""
        detector = self._detectors[slot] = webrtcvad.Vad(VAD_MODE)
        self._addresses[slot] = _address_of(detector._vad) if self._process else 0

    def end(self, slot: int) -> None:
        """Listen no more. Ending twice does nothing."""
        self._detectors[slot] = None
        self._addresses[slot] = 0

    def hear(
        self, slots: NDArray[np.int64], wanted: NDArray[np.bool_], frames: NDArray[np.int16], speech: NDArray[np.bool_]
    ) -> None:
        """Set `speech` (n,) where `wanted` (n,) and somebody speaks in the frames (n, 160) of `slots` (n,)."""
        if self._process:
            _ask(self._process, self._addresses, slots, wanted, np.ascontiguousarray(frames), speech)
            return
        sound, numbers = frames.tobytes(), slots.tolist()
        for row in np.flatnonzero(wanted).tolist():
            if detector := self._detectors[numbers[row]]:
                start = row * FRAME_BYTES
                speech[row] = detector.is_speech(sound[start : start + FRAME_BYTES], SAMPLE_RATE_HZ, FRAME_SAMPLES)


def _address_of(capsule: object) -> int:
    api = ctypes.pythonapi
    name = ctypes.PYFUNCTYPE(ctypes.c_char_p, ctypes.py_object)(("PyCapsule_GetName", api))
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(("PyCapsule_GetPointer", api))
    return int(pointer(capsule, name(capsule)))


@compiled
def _ask(
    process: Process,
    addresses: NDArray[np.int64],
    slots: NDArray[np.int64],
    wanted: NDArray[np.bool_],
    frames: NDArray[np.int16],
    speech: NDArray[np.bool_],
) -> None:
    for i in range(slots.shape[0]):
        address = addresses[slots[i]]
        if wanted[i] and address != 0:
            speech[i] = process(address, SAMPLE_RATE_HZ, frames[i].ctypes.data, FRAME_SAMPLES) > 0
