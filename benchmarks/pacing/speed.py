"""How fast the simulator and `plan` are: `python -m benchmarks.pacing.speed`.

Processor time of one core, the best of a few six-hour shifts of base25: simulated agent-hours a second by law and team,
everything counted (building the world, summing up), compiling not.
"""

import argparse
import random
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from dialer.pacing.hazard import HazardLaw, hazard_law
from dialer.pacing.plan import (
    AgentActivity,
    AgentView,
    FlightStage,
    FlightView,
    Limits,
    PacingEvent,
    PacingEventKind,
    Snapshot,
    Tally,
)
from dialer.pacing.sim.laws import LAWS, SimLaw
from dialer.pacing.sim.run import simulate
from dialer.pacing.sim.scenario import Scenario, read

TEAMS = (2, 5, 10, 20, 50, 100, 200)
_BASE = Path(__file__).parent / "scenarios" / "base25.toml"
_AGENTS, _CALLS, _TICKS = 500, 2000, 1000


def agent_hours_per_s(scenario: Scenario, law: SimLaw, agents: int, shifts: int = 4) -> float:
    """The best of so many shifts, of processor time."""
    simulate(scenario, law, agents, 1)  # compiled, and the tables of the distributions made
    best_s = float("inf")
    for seed in range(shifts):
        began_s = time.process_time()
        simulate(scenario, law, agents, seed)
        best_s = min(best_s, time.process_time() - began_s)
    return scenario.hours * agents / best_s


def crowd(rng: random.Random, now_s: float, lists: int = 1) -> Snapshot:
    """500 agents, 2,000 calls of so many lists that ring, all of ages that chance gave."""
    kinds = (AgentActivity.IDLE,) * 25 + (AgentActivity.TALKING,) * 400 + (AgentActivity.WRAP_UP,) * 75
    agents = tuple(AgentView(f"a{index}", kind, rng.uniform(1.0, 200.0)) for index, kind in enumerate(kinds))
    ages_s = [rng.uniform(0.0, 25.0) for _ in range(_CALLS)]
    flights = tuple(
        FlightView(f"c{index}", FlightStage.RINGING, age, age, f"list{index % lists}")
        for index, age in enumerate(ages_s)
    )
    limits = Limits(channels=5000, calls_per_s=500.0)
    return Snapshot(now_s, int(now_s), agents, flights, 0, Tally(5000, 2500, 1000, 1500, 20), limits, 100_000)


def taught(rng: random.Random, lists: int = 1) -> HazardLaw:
    """A law that has seen 400 calls: a quarter people, a third machines."""
    law = hazard_law(zone="Europe/Madrid")
    for index in range(400):
        name, ring_s, fate = f"t{index}", rng.uniform(5.0, 20.0), rng.random()
        law.observe(PacingEvent(PacingEventKind.PLACED, 0.0, 0.0, name, list_id=f"list{index % lists}"))
        answered = PacingEventKind.ANSWERED if fate < 0.6 else PacingEventKind.UNANSWERED
        law.observe(PacingEvent(answered, ring_s, ring_s, name))
        if fate < 0.6:
            verdict = PacingEventKind.PERSON if fate < 0.25 else PacingEventKind.MACHINE
            law.observe(PacingEvent(verdict, ring_s + 1.0, 1.0, name))
    return law


def plan_ms(lists: int, ticks: int = _TICKS) -> dict[str, list[float]]:
    """What `plan` took, in milliseconds, by the wall and by the processor's clock."""
    rng = random.Random(1)
    law = taught(rng, lists)
    took_ms: dict[str, list[float]] = {"wall": [], "processor": []}
    for tick in range(ticks):
        snapshot = crowd(rng, float(tick), lists)
        wall_s, processor_s = time.perf_counter(), time.process_time()
        law.plan(snapshot)
        took_ms["processor"].append(1000.0 * (time.process_time() - processor_s))
        took_ms["wall"].append(1000.0 * (time.perf_counter() - wall_s))
    return took_ms


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laws", default=",".join(LAWS))
    parser.add_argument("--agents", default=",".join(map(str, TEAMS)))
    chosen = parser.parse_args()
    teams = [int(part) for part in chosen.agents.split(",")]
    table = Table("law", *(str(team) for team in teams), title="simulated agent-hours a second, by agents")
    scenario = read(_BASE)
    for name in chosen.laws.split(","):
        speeds = [agent_hours_per_s(scenario, LAWS[name], team) for team in teams]
        table.add_row(name, *(f"{speed:,.0f}" for speed in speeds))
    console = Console(width=110)
    console.print(table)
    for lists in (1, 3):
        for clock, took_ms in plan_ms(lists).items():
            median_ms, p99_ms = np.quantile(took_ms, (0.5, 0.99))
            console.print(
                f"plan for {_AGENTS} agents and {_CALLS:,} calls of {lists} lists in flight, {_TICKS:,} times, "
                f"{clock} time: median {median_ms:.2f} ms, p99 {p99_ms:.2f} ms, worst {max(took_ms):.2f} ms"
            )


if __name__ == "__main__":
    main()
