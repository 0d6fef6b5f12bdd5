"""The cap holds in worlds drawn by lot: bursts, pauses, breaks, dead carriers, AMD's errors, lists that change."""

import random

from benchmarks.pacing.stress import Outcome, draw_world, promisable
from dialer.pacing.sim.laws import law_named
from dialer.pacing.sim.run import simulate
from dialer.pacing.sim.scenario import parse


def shifts(worlds: int) -> list[Outcome]:
    """One shift of the hazard law in each drawn world of one campaign and up to fifty agents."""
    outcomes = []
    for index in range(worlds):
        world = draw_world(random.Random(f"suite/{index}"), f"suite {index}")
        scenario = parse(world, world["name"])
        if not scenario.second_list and scenario.agents <= 50:
            result = simulate(scenario, law_named("hazard"), scenario.agents, 1)
            outcomes.append(Outcome(world, result, promisable(scenario, result)))
    return outcomes


def test_no_drawn_world_in_which_the_cap_can_be_promised_ends_over_it() -> None:
    sound = [each for each in shifts(40) if each.promisable]
    assert len(sound) > 20
    assert [(each.world["name"], each.result.worst_campaign_pct) for each in sound if each.over] == []


def test_a_world_is_the_same_whenever_it_is_drawn() -> None:
    assert draw_world(random.Random("1/7"), "w") == draw_world(random.Random("1/7"), "w")
    assert draw_world(random.Random("1/7"), "w") != draw_world(random.Random("1/8"), "w")
