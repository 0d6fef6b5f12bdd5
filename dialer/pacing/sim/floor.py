"""The simulated centre at a moment: calls in flight, agents, what is counted. What happens to it is in `events`."""

from typing import NamedTuple

import numpy as np

from dialer.pacing.compiled import lean
from dialer.pacing.desk import IDLE, TALKING, WAITING, WRAPPING
from dialer.pacing.shapes import Floats
from dialer.pacing.sim.world import (
    DIGITAL,
    INTERRUPT_AFTER_S,
    INTERRUPT_SHARE,
    SWITCH_S,
)

NEVER = 1e18
PERSON, MACHINE, BAD_NUMBER, NO_ANSWER = 0, 1, 2, 3
# Columns of Floor.tally, for each campaign: what the law is told, and what is true.
PLACED, ANSWERS, SAID_PEOPLE, SAID_MACHINES, SAID_ABANDONED = 0, 1, 2, 3, 4
TRUE_PEOPLE, TRUE_ABANDONED, MISTAKEN, GIVEN_UP, LEFT_EARLY = 5, 6, 7, 8, 9
TALLIES = 10
# Slots of Floor.sums.
TALK_S, WRAP_S, IDLE_S, DIGITAL_S, INTERRUPTED, WRAP_UPS, CALL_COUNT, IDLE_SPELLS, WAIT_S, IN_FLIGHT = range(10)
# How many there are now: callers who wait, and agents of each kind (IDLE, TALKING, WRAPPING, AWAY).
N_WAITING, N_AGENTS = 10, 11
# Where rows of ended calls begin in Floor.calls (0: none are kept), and how many there are.
KEEP_FROM, KEPT = 15, 16
SUMS = 17
IDLE_BINS = 301
# `due` is searched in two steps: the soonest of each block of so many, then that block.
BLOCK = 16


# Columns of Floor.calls: the first IN_FLIGHT rows are calls in flight. Calls that ended may be kept behind the room for
# those: an array of their own would cost every call of a compiled function that takes a floor.
STAGE, CAMPAIGN, KIND, WRONG, PLACED_AT, SINCE, DELAY, GREETING, TALK, WRAP, PERSON_AT, LIST = range(12)
CALL_COLUMNS = 12
# How a call ended. A kept row has this for STAGE, the agent (or -1) for WRONG and when it left the flight for GREETING.
DEAD_NUMBER, NOT_ANSWERED, TAKEN_BACK, HUNG_UP, AS_MACHINE, ABANDONED, TALKED = range(7)
# Columns of Floor.agents.
A_KIND, A_SINCE, A_WRAP, A_LEAVES, A_CALLS, A_INTERRUPTED, A_DEBT, A_LIST = range(8)
AGENT_COLUMNS = 8


class Floor(NamedTuple):
    """All that changes, float64: few arrays, for each costs something at every call of a compiled function.

    due: when the next thing happens, to the agents and then to the calls; soonest: the least of each block of it.
    minutes: rows (true people, true abandoned, mistaken). sums: SUMS numbers, then IDLE_BINS counts of idle spells by
    whole seconds.
    """

    calls: Floats
    agents: Floats
    due: Floats
    soonest: Floats
    tally: Floats
    minutes: Floats
    sums: Floats


def empty(agents: int, campaigns: int, capacity: int, minutes: int, keep: int = 0) -> Floor:
    """Everybody idle, nothing in flight. keep: room for so many calls that ended."""
    sums = np.zeros(SUMS + IDLE_BINS)
    sums[N_AGENTS + IDLE] = agents
    sums[KEEP_FROM] = capacity if keep else 0
    return Floor(
        calls=np.zeros((capacity + keep, CALL_COLUMNS)),
        agents=np.zeros((agents, AGENT_COLUMNS)),
        due=np.full(agents + capacity, NEVER),
        soonest=np.full((agents + capacity) // BLOCK + 1, NEVER),
        tally=np.zeros((campaigns, TALLIES)),
        minutes=np.zeros((minutes, 3)),
        sums=sums,
    )


@lean
def set_due(floor, at, when_s):  # type: ignore[no-untyped-def]
    """When the next thing happens to agent or call `at` (agents first)."""
    due, soonest, block = floor.due, floor.soonest, at // BLOCK
    before_s, due[at] = due[at], when_s
    if when_s <= soonest[block]:
        soonest[block] = when_s
    elif before_s == soonest[block]:
        least_s = NEVER
        for i in range(block * BLOCK, min((block + 1) * BLOCK, len(due))):
            least_s = min(least_s, due[i])
        soonest[block] = least_s


@lean
def blocks_of(floor):  # type: ignore[no-untyped-def]
    """How many blocks of `soonest` are in use."""
    return (len(floor.agents) + int(floor.sums[IN_FLIGHT])) // BLOCK + 1


@lean
def is_due(floor, by_s):  # type: ignore[no-untyped-def]
    """Whether anything happens by then."""
    for block in range(blocks_of(floor)):
        if floor.soonest[block] <= by_s:
            return True
    return False


@lean
def become(floor, agent, kind):  # type: ignore[no-untyped-def]
    """The agent does something else from now on."""
    floor.sums[N_AGENTS + int(floor.agents[agent, A_KIND])] -= 1.0
    floor.sums[N_AGENTS + kind] += 1.0
    floor.agents[agent, A_KIND] = kind


@lean
def draw(table, u):  # type: ignore[no-untyped-def]
    """The value at quantile u of a table of quantiles."""
    x = u * len(table) - 0.5
    if x <= 0.0:
        return table[0]
    low = int(x)
    if low >= len(table) - 1:
        return table[len(table) - 1]
    return table[low] + (x - low) * (table[low + 1] - table[low])


@lean
def _keep(floor, i, end, agent, now_s):  # type: ignore[no-untyped-def]
    row = int(floor.sums[KEEP_FROM] + floor.sums[KEPT])
    floor.sums[KEPT] += 1.0
    for column in range(CALL_COLUMNS):
        floor.calls[row, column] = floor.calls[i, column]
    floor.calls[row, STAGE], floor.calls[row, WRONG], floor.calls[row, GREETING] = end, agent, now_s


@lean
def remove(floor, i, end, agent, now_s):  # type: ignore[no-untyped-def]
    """Take a call out, for it ended: the last one takes its row."""
    if floor.sums[KEEP_FROM] > 0.0:
        _keep(floor, i, end, agent, now_s)
    floor.sums[IN_FLIGHT] -= 1.0
    floor.sums[N_WAITING] -= floor.calls[i, STAGE] == WAITING
    last = int(floor.sums[IN_FLIGHT])
    agents = len(floor.agents)
    if i != last:
        for column in range(CALL_COLUMNS):
            floor.calls[i, column] = floor.calls[last, column]
        set_due(floor, agents + i, floor.due[agents + last])
    set_due(floor, agents + last, NEVER)


@lean
def rest(world, floor, i, now_s):  # type: ignore[no-untyped-def]
    """Book the agent's activity up to now."""
    lasted_s = now_s - floor.agents[i, A_SINCE]
    kind = floor.agents[i, A_KIND]
    if kind == TALKING:
        floor.sums[TALK_S] += lasted_s
    elif kind == WRAPPING:
        floor.sums[WRAP_S] += lasted_s
    elif kind == IDLE:
        floor.sums[IDLE_S] += lasted_s
        if world.number[DIGITAL] > 0:
            floor.sums[DIGITAL_S] += max(0.0, lasted_s - world.number[SWITCH_S])
    floor.agents[i, A_SINCE] = now_s


@lean
def talk(world, floor, agent, call, now_s):  # type: ignore[no-untyped-def]
    """Agent and caller are connected; the call leaves the flight."""
    lasted_s = now_s - floor.agents[agent, A_SINCE]
    if floor.agents[agent, A_KIND] == IDLE:
        floor.sums[SUMS + min(int(lasted_s), IDLE_BINS - 1)] += 1.0
        floor.sums[IDLE_SPELLS] += 1.0
    rest(world, floor, agent, now_s)
    become(floor, agent, TALKING)
    set_due(floor, agent, now_s + floor.calls[call, TALK])
    floor.agents[agent, A_WRAP] = floor.calls[call, WRAP] + floor.agents[agent, A_DEBT]
    floor.agents[agent, A_DEBT] = 0.0
    floor.agents[agent, A_LIST] = floor.calls[call, LIST]
    floor.agents[agent, A_CALLS] += 1
    floor.sums[CALL_COUNT] += 1.0
    floor.sums[WAIT_S] += now_s - floor.calls[call, SINCE]
    remove(floor, call, TALKED, agent, now_s)


@lean
def idle_longest(floor):  # type: ignore[no-untyped-def]
    """The agent idle longest, -1 when nobody is."""
    best, agents = -1, floor.agents
    if floor.sums[N_AGENTS + IDLE] == 0.0:
        return best
    for i in range(len(agents)):
        if agents[i, A_KIND] == IDLE and (best < 0 or agents[i, A_SINCE] < agents[best, A_SINCE]):
            best = i
    return best


@lean
def interruptible(world, floor, now_s):  # type: ignore[no-untyped-def]
    """The agent longest in a wrap-up that may be interrupted, -1 when there is none."""
    best = -1
    if world.number[INTERRUPT_SHARE] <= 0.0:
        return best
    for i in range(len(floor.agents)):
        if (
            floor.agents[i, A_KIND] != WRAPPING
            or floor.agents[i, A_LEAVES]
            or now_s - floor.agents[i, A_SINCE] < world.number[INTERRUPT_AFTER_S]
        ):
            continue
        if floor.agents[i, A_INTERRUPTED] + 1 > world.number[INTERRUPT_SHARE] * (floor.agents[i, A_CALLS] + 3):
            continue
        if best < 0 or floor.agents[i, A_SINCE] < floor.agents[best, A_SINCE]:
            best = i
    return best


@lean
def longest_waiting(floor):  # type: ignore[no-untyped-def]
    """The caller waiting longest, -1 when nobody is."""
    best, calls = -1, floor.calls
    if floor.sums[N_WAITING] == 0.0:
        return best
    for i in range(int(floor.sums[IN_FLIGHT])):
        if calls[i, STAGE] == WAITING and (best < 0 or calls[i, SINCE] < calls[best, SINCE]):
            best = i
    return best
