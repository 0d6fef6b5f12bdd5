"""How many live calls one core holds: time per tick of 20 ms, and memory per stream."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from amd.bank import AmdBank
from amd.offline import frames_of
from amd.training.calls import Call
from amd.verdict import AmdSettings

CALL_TICKS = 300  # 6 s: a tap lives from answer to the verdict and a little


@dataclass(frozen=True, slots=True)
class Speed:
    """One size of bank. Times in ms per tick."""

    streams: int
    mean_ms: float
    p50_ms: float
    p99_ms: float
    cpu_p99_ms: float  # the thread's own time: what p99 is where nobody else wants the core
    us_per_frame: float
    bytes_per_stream: int


def measure(calls: Sequence[Call], streams: int, *, ticks: int = 500, seed: int = 0) -> Speed:
    """Play calls that begin at random times into `streams` slots, each closed and opened anew when its call is over."""
    chance = np.random.default_rng(seed)
    cut = []
    for call in calls:
        frames = frames_of(call.samples)[:CALL_TICKS]
        cut.append(np.pad(frames, ((0, CALL_TICKS - len(frames)), (0, 0))))
    sound = np.stack(cut, axis=1)
    bank = AmdBank(streams)
    slots = np.arange(streams, dtype=np.int64)
    for slot in range(streams):
        bank.open(slot, AmdSettings(), answered=True)
    starts = chance.integers(0, CALL_TICKS, streams)
    played = chance.integers(0, len(calls), streams)
    present = np.ones(streams, dtype=np.bool_)
    took, worked = [], []
    for tick in range(ticks + 50):
        at = (tick + starts) % CALL_TICKS
        block = sound[at, played]
        for slot in np.flatnonzero(at == 0):
            bank.close(int(slot))
            bank.open(int(slot), AmdSettings(), answered=True)
        began, began_work = time.perf_counter(), time.thread_time()
        bank.step(slots, block, present)
        took.append(time.perf_counter() - began)
        worked.append(time.thread_time() - began_work)
    times_ms = np.array(took[50:]) * 1e3
    return Speed(
        streams=streams,
        mean_ms=float(times_ms.mean()),
        p50_ms=float(np.median(times_ms)),
        p99_ms=float(np.percentile(times_ms, 99)),
        cpu_p99_ms=float(np.percentile(np.array(worked[50:]) * 1e3, 99)),
        us_per_frame=float(times_ms.mean() * 1e3 / streams),
        bytes_per_stream=bank.bytes_per_slot,
    )
