"""Run shifts: scenario, law, seed in; counts out."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from dialer.pacing import baselines_core as base
from dialer.pacing import cells, forecast, guarantee, shapes
from dialer.pacing.hazard_core import memory
from dialer.pacing.sim import floor as hall
from dialer.pacing.sim.choice import HAZARD, Choice, Mind, lay
from dialer.pacing.sim.laws import SimLaw
from dialer.pacing.sim.scenario import Scenario
from dialer.pacing.sim.shift import run_shift
from dialer.pacing.sim.world import CAMPAIGNS, INTERRUPT_SHARE, LENGTH_S, RING_TIMEOUT_S, build

WINDOW_MIN = 60
_WINDOW_PEOPLE = 30


@dataclass(frozen=True, slots=True)
class ShiftResult:
    """One shift, as counted by the truth: people answered hold AMD's false positives, which count as abandoned too.

    abandonment_pct: (abandoned + false positives) / people answered; max_window_abandonment_pct: the worst hour with
    at least 30 people. productive_pct: voice and, with blending, digital work; else as occupancy.
    """

    scenario: str
    law: str
    agents: int
    seed: int
    people_answered: int
    abandoned: int
    amd_false_positives: int
    abandonment_pct: float
    occupancy_pct: float
    productive_pct: float
    mean_idle_s: float
    calls_placed: int
    given_up: int
    max_window_abandonment_pct: float
    interrupted_pct: float
    worst_campaign_pct: float

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def simulate(scenario: Scenario, law: SimLaw, agents: int, seed: int) -> ShiftResult:
    """One shift."""
    result, _ = simulate_floor(scenario, law, agents, seed)
    return result


def simulate_floor(
    scenario: Scenario, law: SimLaw, agents: int, seed: int, keep: int = 0
) -> tuple[ShiftResult, hall.Floor]:
    """One shift, and all that was counted. keep: room for the rows of so many calls (see `records`)."""
    world = build(scenario, agents)
    if law.interrupt_share:
        world.number[INTERRUPT_SHARE] = law.interrupt_share
    settings = law.guarantee(scenario.rules.cap)
    if scenario.second_list:
        settings = guarantee.shared(settings)
    campaigns = int(world.number[CAMPAIGNS])
    capacity = 60 * agents + 1000
    floor = hall.empty(agents, campaigns, capacity, int(world.number[LENGTH_S] // 60) + 1, keep)
    table = lay(agents, capacity)
    calls_rng = np.random.Generator(np.random.PCG64([seed, 1]))
    agents_rng = np.random.Generator(np.random.PCG64([seed, 2]))
    lists = len(scenario.known_lists) if law.law == HAZARD and law.by_list and campaigns == 1 else 1
    make = _mind if law.law == HAZARD else _small_mind
    mind = make(campaigns, settings, float(world.number[RING_TIMEOUT_S]), lists)
    run_shift(world, _choice(law, scenario, seed), settings, mind, floor, table, calls_rng, agents_rng)
    return _result(scenario, law, agents, seed, floor), floor


def _mind(campaigns: int, settings: guarantee.Guarantee, ring_timeout_s: float, lists: int) -> Mind:
    believed = _believed(min(ring_timeout_s, 60.0))
    mix = np.full(lists, 1.0 / lists)
    remembered = np.concatenate((memory(), mix))
    rows = (*believed, forecast.blank(lists), remembered, guarantee.fresh(settings), base.fresh_vicidial())
    return Mind._make((*(np.repeat(row[np.newaxis], campaigns, axis=0) for row in rows), cells.blank(lists)))


def _small_mind(campaigns: int, settings: guarantee.Guarantee, ring_timeout_s: float, lists: int) -> Mind:
    """Simple laws keep nothing but VICIdial's state and the averages' guarantee."""
    vicidial = np.repeat(base.fresh_vicidial()[np.newaxis], campaigns, axis=0)
    states = np.repeat(guarantee.fresh(settings)[np.newaxis], campaigns, axis=0)
    return _unread_mind(campaigns, settings, ring_timeout_s, lists)._replace(vicidial=vicidial, states=states)


@lru_cache(maxsize=8)
def _unread_mind(campaigns: int, settings: guarantee.Guarantee, ring_timeout_s: float, lists: int) -> Mind:
    return _mind(campaigns, settings, ring_timeout_s, lists)


@lru_cache(maxsize=32)
def _believed(ring_timeout_s: float) -> shapes.Shapes:
    return shapes.fresh(shapes.StartUp(ring_timeout_s=ring_timeout_s))


def _choice(law: SimLaw, scenario: Scenario, seed: int) -> Choice:
    amd, lists = scenario.amd, scenario.lists
    mistaken = _audited(scenario, amd.person_as_machine, [(each.people, each.machines) for each in lists], [seed, 3])
    machines = _audited(scenario, amd.machine_as_person, [(each.machines, each.people) for each in lists], [seed, 4])
    return Choice(
        law.law, law.mode, law.knob, law.think_s, law.oracle, law.start_ratio, law.give_up,
        mistaken, guarantee.MISTAKEN_Z if 0.0 < mistaken < 1.0 else 0.0, machines, law.by_list, law.by_hour,
        law.list_facts, law.hour_facts,
    )  # fmt: skip


def _audited(scenario: Scenario, error: float, weights: list[tuple[float, float]], seed: list[int]) -> float:
    """Upper bound of the wrong ones among verdicts of a kind, from an audit drawn by seed: (wrong, right) by list."""
    amd = scenario.amd
    if not amd.enabled or error == 0.0:
        return 0.0
    share = max(wrong * error / max(wrong * error + right, 1e-9) for wrong, right in weights)
    if amd.audited == 0:
        return 1.0
    found = int(np.random.default_rng(seed).binomial(amd.audited, share))
    bound = (found + 1.0) / (amd.audited + 2.0)
    bound += 1.645 * np.sqrt(bound * (1 - bound) / amd.audited)
    return float(min(1.0, bound))


def _result(scenario: Scenario, law: SimLaw, agents: int, seed: int, floor: hall.Floor) -> ShiftResult:
    tally, sums = floor.tally, floor.sums
    total = tally.sum(axis=0)
    people, mistaken = total[hall.TRUE_PEOPLE], total[hall.MISTAKEN]
    bad = total[hall.TRUE_ABANDONED] + mistaken
    busy_s = sums[hall.TALK_S] + sums[hall.WRAP_S]
    paid_s = max(1e-9, busy_s + sums[hall.IDLE_S])
    shares = (tally[:, hall.TRUE_ABANDONED] + tally[:, hall.MISTAKEN]) / np.maximum(tally[:, hall.TRUE_PEOPLE], 1.0)
    return ShiftResult(
        scenario=scenario.name,
        law=law.name,
        agents=agents,
        seed=seed,
        people_answered=int(people),
        abandoned=int(total[hall.TRUE_ABANDONED]),
        amd_false_positives=int(mistaken),
        abandonment_pct=round(float(100.0 * bad / max(people, 1.0)), 4),
        occupancy_pct=round(float(100.0 * busy_s / paid_s), 3),
        productive_pct=round(float(100.0 * (busy_s + sums[hall.DIGITAL_S]) / paid_s), 3),
        mean_idle_s=round(float(sums[hall.IDLE_S] / max(1.0, sums[hall.IDLE_SPELLS])), 2),
        calls_placed=int(total[hall.PLACED]),
        given_up=int(total[hall.GIVEN_UP]),
        max_window_abandonment_pct=round(_worst_window(floor.minutes), 3),
        interrupted_pct=round(float(100.0 * sums[hall.INTERRUPTED] / max(1.0, sums[hall.CALL_COUNT])), 2),
        worst_campaign_pct=round(100.0 * float(shares.max()), 4),
    )


def _worst_window(minutes: shapes.Floats) -> float:
    """The worst share, in percent, of any WINDOW_MIN minutes in a row with enough people in them."""
    sums = np.concatenate((np.zeros((1, 3)), np.cumsum(minutes, axis=0)))
    window = sums[WINDOW_MIN:] - sums[:-WINDOW_MIN] if len(sums) > WINDOW_MIN else sums[-1:]
    people, bad = window[:, 0], window[:, 1] + window[:, 2]
    enough = people >= _WINDOW_PEOPLE
    return float((100.0 * bad[enough] / people[enough]).max()) if enough.any() else 0.0
