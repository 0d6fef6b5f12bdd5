"""How many live calls one core holds: time per tick of 20 ms in wall and CPU time, by its parts, and memory per stream.

python -m benchmarks.amd.speed [--data CLIPS] [--streams 500 1000 2000] [--ticks N] [--json OUT]

CPU time is the thread's own: what a tick takes where nobody else wants the core. Wall time is what was lived through;
on a busy machine its tail is the others'. The share of the core that was ours is told beside it.
"""

import argparse
import gc
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from amd.bank import AmdBank, warm_up
from amd.offline import frames_of
from amd.training.calls import LINES, Call
from amd.training.clips import read_clips
from amd.training.workshop import background_of, test_calls
from amd.verdict import AmdSettings
from benchmarks.amd.live import shipped_calls
from benchmarks.amd.which import model_sha
from server.memory import settle_memory

CALL_TICKS = 300  # 6 s: a tap lives from answer to the verdict and a little
_WARM_UP_TICKS = 50
_TICK_MS = 20.0
_PARTS = ("_listen", "_voice_activity", "_believe", "_judge", "_recognise")


@dataclass(frozen=True, slots=True)
class Speed:
    """One size of bank. Times in ms per tick; parts_ms: mean CPU time of each part of a tick.

    busy: CPU time over wall time of all ticks (1.0: the core was ours alone). over_ms: ticks that took more than 10 ms
    of wall time. bytes_per_stream: arrays of the bank; rss_per_stream: growth of the process, judges and voice activity
    detectors included.
    """

    streams: int
    mean_ms: float
    p50_ms: float
    p99_ms: float
    cpu_p50_ms: float
    cpu_p99_ms: float
    cpu_max_ms: float
    over_10_ms: int
    ticks: int
    busy: float
    us_per_frame: float
    bytes_per_stream: int
    rss_per_stream: int
    parts_ms: dict[str, float] = field(default_factory=dict)


def measure(calls: Sequence[Call], streams: int, *, ticks: int = 500, seed: int = 0, parts: bool = False) -> Speed:
    """Play calls that begin at random times into `streams` slots, each closed and opened anew when its call is over."""
    chance = np.random.default_rng(seed)
    sound = _sound(calls)
    gc.collect()
    rss_before = psutil.Process().memory_info().rss
    bank = AmdBank(streams)
    slots = np.arange(streams, dtype=np.int64)
    for slot in range(streams):
        bank.open(slot, AmdSettings(), answered=True)
    settle_memory()  # as the server does when everything is loaded
    spent = _spy(bank) if parts else {}
    starts = chance.integers(0, CALL_TICKS, streams)
    played = chance.integers(0, len(calls), streams)
    present = np.ones(streams, dtype=np.bool_)
    took, worked = np.zeros(ticks), np.zeros(ticks)
    for tick in range(-_WARM_UP_TICKS, ticks):
        at = (tick + starts) % CALL_TICKS
        block = sound[at, played]
        for slot in np.flatnonzero(at == 0):
            bank.close(int(slot))
            bank.open(int(slot), AmdSettings(), answered=True)
        if tick == 0:
            spent.update(dict.fromkeys(spent, 0.0))
        began, began_work = time.perf_counter(), time.thread_time()
        bank.step(slots, block, present)
        if tick >= 0:
            took[tick], worked[tick] = time.perf_counter() - began, time.thread_time() - began_work
    took, worked = 1e3 * took, 1e3 * worked
    rss = psutil.Process().memory_info().rss - rss_before
    return Speed(
        streams=streams,
        mean_ms=float(took.mean()),
        p50_ms=float(np.median(took)),
        p99_ms=float(np.percentile(took, 99)),
        cpu_p50_ms=float(np.median(worked)),
        cpu_p99_ms=float(np.percentile(worked, 99)),
        cpu_max_ms=float(worked.max()),
        over_10_ms=int((took > _TICK_MS / 2).sum()),
        ticks=ticks,
        busy=float(worked.sum() / took.sum()),
        us_per_frame=float(worked.mean() * 1e3 / streams),
        bytes_per_stream=bank.bytes_per_slot,
        rss_per_stream=rss // streams,
        parts_ms={name.strip("_"): round(1e3 * seconds / ticks, 3) for name, seconds in spent.items()},
    )


def _sound(calls: Sequence[Call]) -> np.ndarray[Any, np.dtype[np.int16]]:
    cut = []
    for call in calls:
        frames = frames_of(call.samples)[:CALL_TICKS]
        cut.append(np.pad(frames, ((0, CALL_TICKS - len(frames)), (0, 0))))
    return np.stack(cut, axis=1)


def _spy(bank: AmdBank) -> dict[str, float]:
    """Count the CPU time of each part of `bank.step`; what is left of a tick is levels and speech."""
    spent: dict[str, float] = {}

    def timed(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            began = time.thread_time()
            result = work(*arguments)
            spent[name] = spent.get(name, 0.0) + time.thread_time() - began
            return result

        return run

    for name in _PARTS:
        setattr(bank, name, timed(name, getattr(bank, name)))
    return spent


def main() -> None:
    """Run it and print what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.amd.speed", description=__doc__)
    parser.add_argument("--data", type=Path, default=None, help="folder of clips; without it what ships is played")
    parser.add_argument("--streams", type=int, nargs="*", default=[500, 1000, 2000])
    parser.add_argument("--ticks", type=int, default=1000)
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    if options.data is None:
        calls = shipped_calls(90)
    else:
        clips = read_clips(options.data)
        calls = test_calls(clips, background_of(clips), 270, 101, LINES.values())
    warm_up()
    rows = [measure(calls, streams, ticks=options.ticks) for streams in options.streams]
    rows.append(measure(calls, options.streams[-1], ticks=options.ticks, parts=True))
    found = [{"model": model_sha()} | asdict(row) for row in rows]
    if options.json is not None:
        options.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    for row in found:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
