"""What storage costs per call: `python -m benchmarks.storage.cost [URL] [--calls 500] [--rate 50]`.

Plays calls whose moves are spread over seconds, as live ones are, first without and then with the writes; prints CPU
milliseconds per call (this process, all threads) and how long the callers waited for their commits.
"""

import argparse
import asyncio
import random
import resource
import tempfile
import time
from collections.abc import Coroutine
from typing import Any

from campaigns.attempt import Attempt, AttemptState
from campaigns.ids import new_id
from campaigns.lead import Lead, LeadChange, LeadState
from campaigns.outcome import Outcome
from storage.port import LeadList, StoredCampaign
from storage.sql.store import SqlStorage, open_storage

_S = AttemptState
_WALK = (
    (_S.DIALING, 0.05),
    (_S.RINGING, 1),
    (_S.ANSWERED, 2),
    (_S.SCREENING, 0.02),
    (_S.CONNECTING, 1),
    (_S.BRIDGED, 0.01),
)
_ANSWER_RATIO = 0.4


class Players:
    """Plays calls against a storage, or only pretends to write."""

    def __init__(self, storage: SqlStorage, rng: random.Random, really: bool) -> None:
        self._storage, self._rng, self._really = storage, rng, really
        self.waits_s: dict[bool, list[float]] = {True: [], False: []}

    async def _write(self, writing: Coroutine[Any, Any, Any], urgent: bool = False) -> None:
        if not self._really:
            writing.close()
            return
        begun_s = time.perf_counter()
        await writing
        self.waits_s[urgent].append(time.perf_counter() - begun_s)

    async def call(self, lead: Lead) -> None:
        """One call: planned, moved along at random intervals, ended."""
        log, now_s = self._storage.attempts, time.time()
        attempt = Attempt(new_id(now_s, self._rng), "bench", lead.lead_id, lead.phone, "n", now_s)
        await self._write(log.plan(attempt))
        steps = _WALK if self._rng.random() < _ANSWER_RATIO else _WALK[:2]
        for state, longest_s in steps:
            await asyncio.sleep(longest_s * self._rng.random())
            attempt, move = attempt.move(state, time.time())
            await self._write(log.record(move), state not in (_S.DIALING, _S.RINGING))
        await asyncio.sleep(self._rng.random())
        _, move = attempt.move(_S.ENDED, time.time(), Outcome.BUSY)
        await self._write(log.end(move, LeadChange(lead.lead_id, LeadState.RETRY, 9e9, "busy")))


def cpu_s() -> float:
    """CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(players: Players, leads: list[Lead], rate: float) -> float:
    """CPU milliseconds per call."""
    begun_s = cpu_s()
    async with asyncio.TaskGroup() as group:
        for lead in leads:
            group.create_task(players.call(lead))
            await asyncio.sleep(1 / rate)
    return (cpu_s() - begun_s) * 1000 / len(leads)


async def run(url: str, calls: int, rate: float) -> None:
    """Print the report."""
    storage, rng = await open_storage(url), random.Random(time.time_ns())
    list_id = new_id(time.time(), rng)
    await storage.lists.put(LeadList(list_id, "bench", time.time()))
    await storage.campaigns.put(StoredCampaign("bench", "bench", "", 1.0, 1.0, list_ids=(list_id,)))
    leads = [Lead(new_id(time.time(), rng), list_id, f"+5255{n:08d}") for n in range(calls)]
    await storage.leads.add(leads)
    without = await measure(Players(storage, rng, False), leads, rate)
    players = Players(storage, rng, True)
    whole = await measure(players, leads, rate)
    print(f"{calls} calls at {rate:g}/s: {whole - without:.2f} ms of CPU per call for storage ({without:.2f} without)")
    for urgent, waits_s in players.waits_s.items():
        waits_s.sort()
        p50, p99 = (waits_s[len(waits_s) * part // 100] * 1000 for part in (50, 99))
        print(f"  {'urgent' if urgent else 'patient'} writes: {len(waits_s)}, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    await storage.close()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", nargs="?")
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--rate", type=float, default=50.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(given.url or f"sqlite:///{folder}/bench.db", given.calls, given.rate))


if __name__ == "__main__":
    main()
