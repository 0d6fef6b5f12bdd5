"""Worlds drawn by lot, in which the abandonment cap has to hold: `python -m benchmarks.pacing.stress --scenarios 200`.

Rates, ringing, talk, wrap-up, AMD's errors, bursts, pauses, breaks, dead carriers, changes of list, lengths of shift
and teams are drawn from `--set`; the guard was fitted on set 1. A shift counts as too small to promise anything when
AMD's errors alone take the whole budget in more than one of a hundred, or the cap allows fewer than three abandoned
calls (of two campaigns the smaller one is taken to have a quarter of the people): those are counted by themselves, and
so are worlds in which two campaigns share the agents.
"""

import argparse
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from dialer.pacing.sim.laws import law_named
from dialer.pacing.sim.run import ShiftResult, simulate
from dialer.pacing.sim.scenario import Scenario, parse

_TEAMS = (2, 3, 5, 7, 10, 15, 20, 30, 50, 80, 120)
# One-sided quantile of a normal for one in a hundred.
_Z99 = 2.33


@dataclass(frozen=True, slots=True)
class Outcome:
    """One shift of one drawn world."""

    world: dict[str, Any]
    result: ShiftResult
    promisable: bool

    @property
    def shared(self) -> bool:
        """Whether two campaigns dialled for the same agents."""
        return "second_list" in self.world

    @property
    def over(self) -> bool:
        """Whether a campaign ended over its cap."""
        return self.result.worst_campaign_pct > 3.0 + 1e-9


def draw_world(rng: random.Random, name: str) -> dict[str, Any]:
    """A scenario as data."""
    first = _draw_list(rng, "first")
    lists = [first]
    world: dict[str, Any] = {"name": name, "hours": rng.choice((3.0, 4.0, 6.0, 6.0, 8.0)), "agents": rng.choice(_TEAMS)}
    length_s = 3600.0 * world["hours"]
    if rng.random() < 0.4:
        lists.append({**_draw_list(rng, "second"), "hang_up_early": first["hang_up_early"]})
        if rng.random() < 0.3:
            world["second_list"] = "second"
            world["segments"] = [{"at_s": 0.0, "mix": {"first": 1.0}}]
        else:
            world["segments"] = [
                {"at_s": at_s, "mix": {"first": rng.random() + 0.01, "second": rng.random()}}
                for at_s in (0.0, *sorted(rng.uniform(0.0, length_s) for _ in range(rng.randrange(1, 4))))
            ]
    world["lists"] = lists
    world["rules"] = {"ring_timeout_s": rng.uniform(18.0, 45.0), "clock": rng.choice(("verdict", "answer"))}
    world["rules"]["connect_max_s"] = 2.0 if world["rules"]["clock"] == "verdict" else 3.0
    world["amd"] = {
        "person_as_machine": rng.choice((0.0, 0.0, rng.uniform(0.0, 0.02))),
        "machine_as_person": rng.choice((0.0, rng.uniform(0.0, 0.05))),
    }
    if rng.random() < 0.4:
        world["bursts"] = {
            "factor": rng.uniform(0.2, 4.0),
            "every": {"kind": "exponential", "mean_s": rng.uniform(200.0, 1500.0)},
            "length": {"kind": "exponential", "mean_s": rng.uniform(15.0, 240.0)},
        }
    if rng.random() < 0.4:
        world["pauses"] = {
            "share": rng.uniform(0.0, 0.25),
            "length": {"kind": "exponential", "mean_s": rng.uniform(20, 400)},
        }
    if rng.random() < 0.4:
        world["breaks"] = [_fault(rng, length_s) | {"share": rng.uniform(0.1, 0.9)} for _ in range(rng.randrange(1, 4))]
    if rng.random() < 0.2:
        world["dead"] = [_fault(rng, length_s)]
    return world


def _draw_list(rng: random.Random, name: str) -> dict[str, Any]:
    people = rng.uniform(0.04, 0.5)
    talk: dict[str, Any] = {"kind": "lognormal", "mean_s": rng.uniform(25.0, 320.0), "cv": rng.uniform(0.3, 2.0)}
    if rng.random() < 0.2:
        talk = {"kind": "pareto", "mean_s": talk["mean_s"], "shape": rng.uniform(1.4, 3.0)}
    return {
        "name": name,
        "people": people,
        "machines": rng.uniform(0.0, 0.85 - people),
        "bad": rng.uniform(0.0, 0.15),
        "hang_up_early": rng.choice((0.0, rng.uniform(0.0, 0.15))),
        "ring": {"kind": "lognormal", "mean_s": rng.uniform(5.0, 18.0), "cv": rng.uniform(0.2, 0.9)},
        "talk": talk,
        "wrap_up": {"kind": "gamma", "mean_s": rng.uniform(2.0, 60.0), "cv": rng.uniform(0.3, 1.2)},
    }


def _fault(rng: random.Random, length_s: float) -> dict[str, float]:
    return {"at_s": rng.uniform(0.05, 0.9) * length_s, "for_s": rng.uniform(120.0, 3600.0)}


def promisable(scenario: Scenario, result: ShiftResult) -> bool:
    """Whether so few people and so many AMD errors leave a budget at all."""
    people = result.people_answered * (0.25 if scenario.second_list else 1.0)
    budget, mistakes = scenario.rules.cap * people, scenario.amd.person_as_machine * people
    return budget >= 3.0 and mistakes + _Z99 * math.sqrt(mistakes) <= budget


def stress(scenarios: int, which: int, law: str, seeds: int) -> Iterator[Outcome]:
    """Every shift of so many drawn worlds."""
    for index in range(scenarios):
        world = draw_world(random.Random(f"{which}/{index}"), f"set {which}, world {index}")
        scenario = parse(world, world["name"])
        for seed in range(1, seeds + 1):
            result = simulate(scenario, law_named(law), scenario.agents, seed)
            yield Outcome(world, result, promisable(scenario, result))


def _print(outcomes: list[Outcome], worst: int) -> None:
    console = Console(width=130)
    over = sorted((each for each in outcomes if each.over), key=lambda each: -each.result.worst_campaign_pct)
    table = Table(
        "world", "agents", "seed", "people", "abandoned", "AMD errors", "%", "occupancy", "promisable", "what"
    )
    for each in over[:worst]:
        table.add_row(*_row(each))
    if over:
        console.print(table)
    for words, part in (
        ("one campaign, cap can be promised", [each for each in outcomes if each.promisable and not each.shared]),
        ("two campaigns, cap can be promised", [each for each in outcomes if each.promisable and each.shared]),
        ("too small to promise anything", [each for each in outcomes if not each.promisable]),
    ):
        if part:
            mean = sum(each.result.occupancy_pct for each in part) / len(part)
            console.print(
                f"{words}: {len(part)} shifts, {sum(each.over for each in part)} over the cap, "
                f"mean occupancy {mean:.2f} %"
            )


def _row(each: Outcome) -> list[str]:
    result = each.result
    parts = [name for name in ("second_list", "segments", "bursts", "pauses", "breaks", "dead") if name in each.world]
    return [
        each.world["name"], str(result.agents), str(result.seed), str(result.people_answered), str(result.abandoned),
        str(result.amd_false_positives), f"{result.worst_campaign_pct:.3f}", f"{result.occupancy_pct:.1f}",
        str(each.promisable), " ".join(parts),
    ]  # fmt: skip


def main() -> None:
    """Draw, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenarios", type=int, default=200)
    parser.add_argument("--set", type=int, default=2, help="which drawing of worlds; the guard was fitted on 1")
    parser.add_argument("--law", default="hazard")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--worst", type=int, default=25, help="how many of the worst to show")
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    outcomes = list(stress(chosen.scenarios, chosen.set, chosen.law, chosen.seeds))
    _print(outcomes, chosen.worst)
    if chosen.json:
        rows = [
            {"world": each.world, "result": each.result.as_json(), "promisable": each.promisable} for each in outcomes
        ]
        chosen.json.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))


if __name__ == "__main__":
    main()
