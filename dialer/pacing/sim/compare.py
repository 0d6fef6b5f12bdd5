"""Laws side by side on the same shifts: means with intervals, the worst seed, how long agents waited."""

import math
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any

import numpy as np

from dialer.pacing.sim import floor as hall
from dialer.pacing.sim.laws import SimLaw
from dialer.pacing.sim.run import ShiftResult, simulate_floor
from dialer.pacing.sim.scenario import Scenario

# Two-sided 95 % of Student's t for 1 to 30 degrees of freedom, then the normal.
_T95 = (
    12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13,
    2.12, 2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LawRow:
    """One law on all seeds. *_half: half of the 95 % interval of the mean; percentages unless named otherwise."""

    law: str
    occupancy: float
    occupancy_half: float
    productive: float
    abandonment: float
    abandonment_half: float
    worst_abandonment: float
    seeds_over: int
    mean_idle_s: float
    interrupted: float
    results: tuple[ShiftResult, ...]
    idle_spells: tuple[float, ...]  # share of idle spells by whole seconds, the last for 300 s and more
    trajectory: tuple[float, ...]  # abandonment of the first seed so far, in percent, minute by minute


@dataclass(frozen=True, slots=True)
class Comparison:
    """Laws on one scenario and team."""

    scenario: str
    agents: int
    cap_pct: float
    seeds: tuple[int, ...]
    rows: tuple[LawRow, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain data, with every seed's result."""
        return asdict(self)


def compare_laws(scenario: Scenario, laws: list[SimLaw], agents: int, seeds: list[int]) -> Comparison:
    """Run every law on every seed."""
    cap_pct = 100.0 * scenario.rules.cap
    rows = tuple(_row(scenario, law, agents, seeds, cap_pct) for law in laws)
    return Comparison(scenario.name, agents, cap_pct, tuple(seeds), rows)


def half_interval(values: list[float]) -> float:
    """Half of the 95 % interval of the mean; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    t = _T95[len(values) - 2] if len(values) - 2 < len(_T95) else 1.96
    return t * stdev(values) / math.sqrt(len(values))


def _row(scenario: Scenario, law: SimLaw, agents: int, seeds: list[int], cap_pct: float) -> LawRow:
    results, floors = zip(*(simulate_floor(scenario, law, agents, seed) for seed in seeds), strict=True)
    occupancy = [each.occupancy_pct for each in results]
    # With two campaigns, each has to hold its own cap.
    abandonment = [each.worst_campaign_pct for each in results]
    spells = sum(floor.sums[hall.SUMS :] for floor in floors)
    so_far = np.cumsum(floors[0].minutes, axis=0)
    trajectory = 100.0 * (so_far[:, 1] + so_far[:, 2]) / np.maximum(so_far[:, 0], 1.0)
    return LawRow(
        law=law.name,
        occupancy=fmean(occupancy),
        occupancy_half=half_interval(occupancy),
        productive=fmean(each.productive_pct for each in results),
        abandonment=fmean(abandonment),
        abandonment_half=half_interval(abandonment),
        worst_abandonment=max(abandonment),
        seeds_over=sum(value > cap_pct + 1e-9 for value in abandonment),
        mean_idle_s=fmean(each.mean_idle_s for each in results),
        interrupted=fmean(each.interrupted_pct for each in results),
        results=results,
        idle_spells=tuple((spells / max(1.0, spells.sum())).round(6).tolist()),
        trajectory=tuple(trajectory.round(4).tolist()),
    )
