"""What processes cost: CPU seconds over a window, and memory at its end."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Cost:
    """One process over one window. cpu_s: user and system; share: of one core (1.0 is one core busy)."""

    cpu_s: float
    share: float
    rss_mb: float


class Meter:
    """Measures named processes between two moments."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        """Measure these processes; the window begins at `begin`."""
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._used: dict[str, float] = {}
        self._began_s = 0.0

    def begin(self) -> None:
        """The window begins now."""
        self._used = {name: _cpu_s(process) for name, process in self._processes.items()}
        self._began_s = time.monotonic()

    def end(self) -> dict[str, Cost]:
        """The window ends now."""
        lasted_s = time.monotonic() - self._began_s
        costs = {}
        for name, process in self._processes.items():
            used_s = _cpu_s(process) - self._used[name]
            costs[name] = Cost(round(used_s, 3), round(used_s / lasted_s, 4), process.memory_info().rss / _MB)
        return costs


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
