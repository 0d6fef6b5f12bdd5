"""Ticks at which nothing can change are passed over: a shift whose every tick is looked at comes out the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from dialer.pacing.sim.choice import HAZARD
from dialer.pacing.sim.laws import LAWS
from dialer.pacing.sim.run import simulate_floor
from dialer.pacing.sim.scenario import Break, Scenario, read

SCENARIOS = Path(__file__).parents[3] / "benchmarks" / "pacing" / "scenarios"
COUNTING = [name for name, law in LAWS.items() if law.law != HAZARD]


def with_every_tick_looked_at(world: Scenario) -> Scenario:
    """A break of nobody: with a break in the scenario no tick is passed over."""
    return replace(world, breaks=(Break(at_s=600.0, for_s=60.0, share=0.0),))


@pytest.mark.parametrize("tick_s", [0.3, 1.0])
@pytest.mark.parametrize("agents", [2, 9])
@pytest.mark.parametrize("scenario", ["base25", "twocampaigns", "pauses"])
@pytest.mark.parametrize("name", COUNTING)
def test_given_a_law_that_counts_when_quiet_ticks_are_passed_over_then_the_shift_is_the_same(
    name: str, scenario: str, agents: int, tick_s: float
) -> None:
    world = read(SCENARIOS / f"{scenario}.toml")
    world = replace(world, hours=2.0, rules=replace(world.rules, tick_s=tick_s))
    result, floor = simulate_floor(world, LAWS[name], agents, 3)
    slow, held_against = simulate_floor(with_every_tick_looked_at(world), LAWS[name], agents, 3)
    assert result == slow
    for part, other in zip(floor, held_against, strict=True):
        assert part.tobytes() == other.tobytes()
