"""A scenario as arrays for the compiled simulator."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from dialer.pacing.shapes import Floats
from dialer.pacing.sim.distributions import Distribution
from dialer.pacing.sim.scenario import Clock, Scenario

# Columns of World.shares.
PEOPLE, MACHINES, BAD, EARLY, KNOWN_AS = 0, 1, 2, 3, 4
_CLOCKS = {Clock.ANSWER: 0, Clock.VERDICT: 1, Clock.GREETING_END: 2}


# Slots of World.number.
(
    LENGTH_S,
    TICK_S,
    CAMPAIGNS,
    SECOND_LIST,
    PERSON_AS_MACHINE,
    MACHINE_AS_PERSON,
    AMD,
    PAUSE_SHARE,
    BURST_FACTOR,
    CONNECT_MAX_S,
    CLOCK,
    RING_MIN_S,
    RING_TIMEOUT_S,
    CHANNELS,
    CALLS_PER_S,
    CAP,
    INTERRUPT_SHARE,
    INTERRUPT_AFTER_S,
    INTERRUPT_BACK_S,
    DIGITAL,
    SWITCH_S,
    MEAN_RING_S,
    MEAN_TALK_S,
    MEAN_WRAP_S,
) = range(24)
NUMBERS = 24
# Rows of World.tables: four for each list, then these, counted from the end.
RING_TABLE, BAD_AFTER_TABLE, TALK_TABLE, WRAP_TABLE = range(4)
PERSON_DELAY_TABLE, MACHINE_DELAY_TABLE, GREETING_TABLE, PAUSE_TABLE, BURST_EVERY_TABLE, BURST_LENGTH_TABLE = range(
    1, 7
)
BREAK, DEAD = 0, 1


class World(NamedTuple):
    """A scenario in few arrays, float64. tables: quantiles. segments: (from, cumulative weights of the lists).

    faults: (BREAK or DEAD, from, to, agents out).
    """

    number: Floats
    shares: Floats
    tables: Floats
    segments: Floats
    faults: Floats


def build(scenario: Scenario, agents: int) -> World:
    """The arrays of a scenario for so many agents. Raises ValueError when a history file is bad."""
    (tables, means), number = _tables(scenario), _numbers(scenario, agents)
    # What laws that work with averages are told: the first list's.
    number[MEAN_RING_S], number[MEAN_TALK_S], number[MEAN_WRAP_S] = means
    return World(
        number,
        _shares(scenario),
        tables,
        _segments(scenario),
        _faults(scenario, agents),
    )


def _shares(scenario: Scenario) -> Floats:
    known = scenario.known_lists
    return np.array(
        [
            (each.people, each.machines, each.bad, each.hang_up_early, known.index(each.known_as or each.name))
            for each in scenario.lists
        ]
    )


def _numbers(scenario: Scenario, agents: int) -> Floats:
    rules, amd, wrap = scenario.rules, scenario.amd, scenario.interruptible_wrap_up
    number = np.zeros(NUMBERS)
    number[LENGTH_S], number[TICK_S] = scenario.hours * 3600.0, rules.tick_s
    if scenario.second_list:
        number[SECOND_LIST] = [each.name for each in scenario.lists].index(scenario.second_list)
    number[CAMPAIGNS] = 2 if scenario.second_list else 1
    number[AMD], number[PERSON_AS_MACHINE] = amd.enabled, amd.person_as_machine
    number[MACHINE_AS_PERSON] = amd.machine_as_person
    number[PAUSE_SHARE], number[BURST_FACTOR] = scenario.pauses.share, scenario.bursts.factor
    number[CONNECT_MAX_S], number[CLOCK] = rules.connect_max_s, _CLOCKS[rules.clock]
    number[RING_MIN_S], number[RING_TIMEOUT_S] = rules.ring_min_s, rules.ring_timeout_s
    number[CHANNELS] = max(1, round(rules.channels_per_agent * agents))
    number[CALLS_PER_S], number[CAP] = rules.calls_per_s_per_agent * agents, rules.cap
    number[INTERRUPT_SHARE], number[INTERRUPT_AFTER_S] = wrap.share, wrap.after_s
    number[INTERRUPT_BACK_S] = wrap.back_s
    number[DIGITAL], number[SWITCH_S] = scenario.digital.enabled, scenario.digital.switch_s
    return number


def _tables(scenario: Scenario) -> tuple[Floats, tuple[float, float, float]]:
    """Quantiles of every distribution, and the means of the first list's ringing, talk and wrap-up."""
    of_lists = [(each.ring, each.bad_after, each.talk, each.wrap_up) for each in scenario.lists]
    amd, bursts = scenario.amd, scenario.bursts
    last = (
        bursts.length, bursts.every, scenario.pauses.length, scenario.rules.greeting, amd.machine_delay,
        amd.person_delay,
    )  # fmt: skip
    return _stacked((*(table for tables in of_lists for table in tables), *last), scenario.folder)


@lru_cache(maxsize=8)
def _stacked(of: tuple[Distribution, ...], folder: str) -> tuple[Floats, tuple[float, float, float]]:
    # A third of a megabyte that every seed of a scenario shares; nothing writes into it.
    tables = np.array([each.quantiles(folder) for each in of])
    ring_s, talk_s, wrap_s = (
        np.cumsum(tables[row])[-1] / tables.shape[1] for row in (RING_TABLE, TALK_TABLE, WRAP_TABLE)
    )
    return tables, (float(ring_s), float(talk_s), float(wrap_s))


def _segments(scenario: Scenario) -> Floats:
    names = [each.name for each in scenario.lists]
    rows = [[segment.at_s, *(segment.mix.get(name, 0.0) for name in names)] for segment in scenario.segments]
    segments = np.array(sorted(rows) or [[0.0] + [1.0] * len(names)])
    segments[:, 1:] = np.cumsum(segments[:, 1:] / segments[:, 1:].sum(axis=1, keepdims=True), axis=1)
    return segments


def _faults(scenario: Scenario, agents: int) -> Floats:
    rows = [(BREAK, each.at_s, each.at_s + each.for_s, round(each.share * agents)) for each in scenario.breaks]
    rows += [(DEAD, each.at_s, each.at_s + each.for_s, 0) for each in scenario.dead]
    return np.array(rows, np.float64).reshape(-1, 4)
