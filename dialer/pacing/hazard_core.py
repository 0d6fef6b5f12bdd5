"""The decision of the hazard law: how many calls now, and which to give up. Compiled; live law and simulator call it.

D(t) = idle agents - people waiting + agents free by t - calls that become a person by t. A call placed now becomes a
person at one of the horizons, equally likely; its risk is the mean over the horizons of P(D <= 0). Calls are placed
while the risk of the next one is at most theta.
"""

import math
from typing import NamedTuple

import numpy as np

from dialer.pacing.compiled import compiled, lean
from dialer.pacing.forecast import (
    COLUMNS,
    EXACT_UP_TO,
    GIVE_UP_HORIZON_S,
    HORIZONS,
    RING_ROW,
    SCREEN_ROW,
    TALK_ROW,
    WRAP_ROW,
    rebuild,
)
from dialer.pacing.guarantee import PEOPLE, may_over_dial, theta_of
from dialer.pacing.risk import add_moments, cumulate_all, exact_risks, normal_risk, spread_all
from dialer.pacing.shapes import RING_BINS, RING_MEMORY, SCREEN_BIN_S, SCREEN_BINS, WRAP_BINS, Floats, note, talk_bin

# Kinds of calls in flight and of agents, as small integers.
RINGING, SCREENING, WAITING = 0, 1, 2
IDLE, TALKING, WRAPPING, AWAY = 0, 1, 2, 3
# Why a number of calls was chosen.
FORECAST, START_UP, BUDGET, FLOOR, ROOM, SILENT, NOT_MY_TURN = 0, 1, 2, 3, 4, 5, 6
GIVE_UP_ABOVE = 0.25
# What a call dialled ahead is taken to risk at the least, whatever the model says.
_RISK_AT_LEAST = 0.03
# Seconds that one of several campaigns that share agents may dial ahead, before the next one may.
TURN_S = 10.0
# The exact way is taken when it has room for so many new calls in one tick.
_EXACT_AT_LEAST = 20
# Of the cap: the risk of a call that is placed though the budget is spent, when agents are shared.
_SAFE_SHARE = 0.05
# Calls whose end was seen before the start-up ceiling is lifted.
LEARNT_CALLS = 15.0
# Tables are rebuilt often while little is known.
# Calls over which the share of answers is averaged that tells a dead network.
_ANSWERED_MEMORY = 300.0
_REBUILD_S, _REBUILD_EARLY_S, _EARLY_S = 60.0, 10.0, 300.0
# So many calls have to have ended since, or five times as long.
_WORTH_REBUILDING = 8.0
# Slots of the law's own memory.
BEGAN_S, REBUILT_S, ENDED_CALLS, STREAK, ANSWERED = 0, 1, 2, 3, 4
WATCHED_S, EXPECTED, PEOPLE_THEN, EXCESS, SQUARE, CHANCE, ENDED_THEN = 5, 6, 7, 8, 9, 10, 11
# Bursts: the rate of answers swings by a factor whose squared coefficient of variation is believed to be so much, and
# learned from what came within seconds beside what was expected; the weight of that belief, and how old facts fade.
_SWING_SQUARED, _SWING_WEIGHT, _SWING_MEMORY = 0.1, 30.0, 1500.0
# The worst is taken to be so many standard deviations, looked at for calls that are answered soon (that column) and for
# those that are answered last.
_WORST_Z, _MIDDLE = 3.0, 3


class View(NamedTuple):
    """What there is now, float64 rows.

    calls in flight, own ones first: (kind; age: since originate while it rings, since answer while it is screened;
    seconds rung, 0 when it may not be given up; seconds until it is a person, for oracles, negative when not known).
    agents: (kind, seconds in it, seconds until free, for oracles, negative when not known).
    """

    calls: Floats
    agents: Floats


class Terms(NamedTuple):
    """What a plan has to respect. room: calls that limits allow now; start_ratio: ceiling while nothing is known.

    shared: other campaigns dial for the same agents; my_turn: one of them dials ahead at a time, else the one that may
    risk more would take every agent. own: this campaign's calls in flight; the others in the view are its rivals'.

    left_s: rest of the window the cap is counted over; connect_s: how long a person may wait.
    """

    room: int
    shared: bool
    my_turn: bool
    start_ratio: float
    left_s: float
    ring_min_s: float
    connect_s: float
    give_up: bool
    own: int


def memory() -> Floats:
    """A law's memory at its start."""
    start = np.zeros(12)
    start[BEGAN_S], start[REBUILT_S], start[ANSWERED], start[WATCHED_S] = -1.0, -1e9, 0.3, -1.0
    start[SQUARE], start[EXCESS] = _SWING_WEIGHT, _SWING_WEIGHT * _SWING_SQUARED
    return start


@compiled
def rang(ring, memory, lasted_s, way):  # type: ignore[no-untyped-def]
    """Learn how a call's ringing ended (way as in `shapes.note`).

    So many failures in a row as a living network never gives are not learnt from: a carrier that is dead for minutes
    says nothing of the list, and whoever believed it would dial everybody at once and be answered at once.
    """
    if way == 2:
        memory[ENDED_CALLS] += 1.0
        memory[STREAK] += 1.0
        if memory[STREAK] >= _longest_streak(memory[ANSWERED]):
            return
        memory[ANSWERED] *= 1.0 - 1.0 / _ANSWERED_MEMORY
    elif way == 1:
        memory[STREAK] = 0.0
        memory[ANSWERED] += (1.0 - memory[ANSWERED]) / _ANSWERED_MEMORY
    else:
        memory[ENDED_CALLS] += 1.0
    note(ring, int(lasted_s), way, RING_MEMORY)


@lean
def _longest_streak(answered):  # type: ignore[no-untyped-def]
    """Failures in a row that a living network gives once in a hundred thousand calls."""
    return max(12.0, math.log(1e-5) / math.log(1.0 - min(0.9, max(0.02, answered))))


# Rows of Desk.sums: distributions of people and of freed agents (each may be EXACT_UP_TO coins), moments, risks.
_PEOPLE, _FREED = 0, EXACT_UP_TO + 2
_MOMENTS = 2 * (EXACT_UP_TO + 2)
_RISKS = _MOMENTS + 3


class Desk(NamedTuple):
    """Room to work in, made once: float64[calls and agents at the most, COLUMNS] and float64[sums, HORIZONS].

    odds: what `look_up` found: chances of calls to become a person, then of agents to come free, by the horizons.
    """

    odds: Floats
    sums: Floats


@compiled
def desk(most):  # type: ignore[no-untyped-def]
    """A desk for so many calls and agents together."""
    return Desk(np.empty((most, COLUMNS)), np.empty((_RISKS + 1, HORIZONS)))


@lean
def ring_row(age_s):  # type: ignore[no-untyped-def]
    """The table's row of a call that has been ringing for so long."""
    return RING_ROW + min(max(int(age_s), 0), RING_BINS - 1)


@lean
def look_up(tables, view, connect_s, odds):  # type: ignore[no-untyped-def]
    """Fill `odds`: rows of the table for each call and agent that counts; an oracle knows.

    Returns (calls, agents looked up, idle agents, people waiting).
    """
    calls, agents = view.calls, view.agents
    at, n_agents, idle, waiting = 0, 0, 0, 0
    for i in range(len(calls)):
        kind = calls[i, 0]
        if kind == WAITING:
            waiting += 1
            continue
        if kind == RINGING:
            row = ring_row(calls[i, 1])
        else:
            row = SCREEN_ROW + min(max(int(calls[i, 1] / SCREEN_BIN_S), 0), SCREEN_BINS - 1)
        _note_odds(tables, row, calls[i, 3], 0.0, odds, at)
        at += 1
    n_calls = at
    for i in range(len(agents)):
        kind = agents[i, 0]
        if kind == IDLE:
            idle += 1
        elif kind == TALKING or kind == WRAPPING:
            if kind == TALKING:
                row = TALK_ROW + talk_bin(agents[i, 1])
            else:
                row = WRAP_ROW + min(max(int(agents[i, 1]), 0), WRAP_BINS - 1)
            _note_odds(tables, row, agents[i, 2], connect_s, odds, at)
            at += 1
            n_agents += 1
    return n_calls, n_agents, idle, waiting


@lean
def _note_odds(tables, row, known_s, grace_s, odds, at):  # type: ignore[no-untyped-def]
    """P(a person, or free, by each horizon, and for agents `grace_s` later)."""
    if known_s < 0.0:
        for column in range(COLUMNS):
            odds[at, column] = tables[row, column]
        return
    for column in range(COLUMNS):
        odds[at, column] = 1.0 if known_s <= tables[0, column] + grace_s else 0.0


@lean
def place_calls(tables, desk, n_calls, n_agents, theta, surplus, at_most):  # type: ignore[no-untyped-def]
    """How many calls to place while the risk of the next is at most theta, and the risk of the first not placed.

    surplus: idle agents - people waiting.
    """
    if at_most <= 0 or surplus + n_agents <= 0:
        return 0, 1.0
    room = EXACT_UP_TO - n_calls - n_agents
    if room >= min(at_most, _EXACT_AT_LEAST):
        return _place_exact(tables, desk, n_calls, n_agents, theta, surplus, min(at_most, room))
    return _place_normal(tables, desk, n_calls, n_agents, theta, surplus, at_most)


@lean
def _place_exact(tables, desk, n_calls, n_agents, theta, surplus, at_most):  # type: ignore[no-untyped-def]
    people, freed, risks = desk.sums[_PEOPLE:_FREED], desk.sums[_FREED:_MOMENTS], desk.sums[_RISKS]
    for column in range(HORIZONS):
        people[0, column] = 1.0
        freed[0, column] = 1.0
    for i in range(n_calls):
        spread_all(people, i, desk.odds[i])
    for i in range(n_agents):
        spread_all(freed, i, desk.odds[n_calls + i])
    cumulate_all(freed, n_agents)
    n_people = n_calls
    exact_risks(people, n_people, freed, n_agents, surplus, risks)
    risk = 0.0
    for column in range(HORIZONS - 1, -1, -1):
        risk += risks[column] / HORIZONS
    placed = 0
    while risk <= theta and placed < at_most:
        spread_all(people, n_people, tables[RING_ROW])
        n_people += 1
        placed += 1
        exact_risks(people, n_people, freed, n_agents, surplus, risks)
        risk = 0.0
        for column in range(HORIZONS):
            risk += risks[column] / HORIZONS
    return placed, risk


@lean
def _place_normal(tables, desk, n_calls, n_agents, theta, surplus, at_most):  # type: ignore[no-untyped-def]
    moments = desk.sums[_MOMENTS:_RISKS]
    for column in range(HORIZONS):
        moments[0, column] = moments[1, column] = moments[2, column] = 0.0
    for i in range(n_calls):
        add_moments(moments, desk.odds[i], 1.0)
    for i in range(n_agents):
        add_moments(moments, desk.odds[n_calls + i], -1.0)
    risk = 0.0
    # The longest horizons carry most of the risk: when they alone are over theta, the rest need not be known.
    for column in range(HORIZONS - 1, -1, -1):
        risk += normal_risk(surplus, moments[0, column], moments[1, column], moments[2, column]) / HORIZONS
        if risk > theta:
            return 0, risk
    placed = 0
    while risk <= theta and placed < at_most:
        add_moments(moments, tables[RING_ROW], 1.0)
        risk = 0.0
        for column in range(HORIZONS):
            risk += normal_risk(surplus, moments[0, column], moments[1, column], moments[2, column]) / HORIZONS
        placed += 1
    return placed, risk


@compiled
def choose_give_ups(tables, view, odds, n_calls, n_agents, surplus, ring_min_s, chosen):  # type: ignore[no-untyped-def]
    """Mark the oldest calls that have rung their legal minimum while a caller would probably find nobody.

    chosen: bool[calls of the view], False everywhere, to fill. Returns how many. One that is given up no longer counts
    (its chance of a person within seconds is small: moments are exact, and exact enough, for teams of any size).
    """
    calls = view.calls
    candidates = 0
    for i in range(len(calls)):
        if calls[i, 0] == RINGING and calls[i, 2] >= ring_min_s:
            candidates += 1
    if candidates == 0:
        return 0
    last = COLUMNS - 1
    mean, variance, third = _soon(odds, n_calls, n_agents)
    if normal_risk(surplus, mean, variance, third) <= GIVE_UP_ABOVE:
        return 0
    rung = np.zeros(len(calls))
    for i in range(len(calls)):
        if calls[i, 0] == RINGING and calls[i, 2] >= ring_min_s:
            rung[i] = -calls[i, 2]
    oldest_first = np.argsort(rung)
    count = 0
    while count < candidates and normal_risk(surplus, mean, variance, third) > GIVE_UP_ABOVE:
        i = oldest_first[count]
        chosen[i] = True
        count += 1
        p = tables[ring_row(calls[i, 1]), last]
        if calls[i, 3] >= 0.0:
            p = 1.0 if calls[i, 3] <= tables[0, last] else 0.0
        mean -= p
        variance -= p * (1 - p)
        third -= p * (1 - p) * (1 - 2 * p)
    return count


@compiled
def _soon(odds, n_calls, n_agents):  # type: ignore[no-untyped-def]
    """Mean, variance, third central moment of people - freed agents within the give-up horizon."""
    mean, variance, third = 0.0, 0.0, 0.0
    for i in range(n_calls + n_agents):
        p, sign = odds[i, COLUMNS - 1], 1.0 if i < n_calls else -1.0
        v = p * (1.0 - p)
        mean += sign * p
        variance += v
        third += sign * (v * (1.0 - 2.0 * p))
    return mean, variance, third


@lean
def must_look_again(memory, now_s):  # type: ignore[no-untyped-def]
    """Whether the tables are due to be rebuilt."""
    early = memory[BEGAN_S] < 0.0 or now_s - memory[BEGAN_S] < _EARLY_S
    if now_s - memory[REBUILT_S] < (_REBUILD_EARLY_S if early else _REBUILD_S):
        return False
    learnt = memory[ENDED_CALLS] - memory[ENDED_THEN]
    return early or learnt >= _WORTH_REBUILDING or now_s - memory[REBUILT_S] >= 5.0 * _REBUILD_S


@compiled
def look_again(shapes, tables, memory, view, now_s, connect_s):  # type: ignore[no-untyped-def]
    """Rebuild the tables when they are due."""
    if memory[BEGAN_S] < 0.0:
        memory[BEGAN_S] = now_s
    if must_look_again(memory, now_s):
        memory[REBUILT_S], memory[ENDED_THEN] = now_s, memory[ENDED_CALLS]
        rebuild(shapes, tables, view.calls, view.agents, connect_s)


@lean
def _watch(memory, state, odds, n_calls, now_s):  # type: ignore[no-untyped-def]
    """Hold the people who came within the give-up horizon against those expected: how much the rate swings."""
    if memory[WATCHED_S] >= 0.0 and now_s - memory[WATCHED_S] < GIVE_UP_HORIZON_S:
        return
    if memory[WATCHED_S] >= 0.0 and now_s - memory[WATCHED_S] <= GIVE_UP_HORIZON_S + 1.5:
        expected, came = memory[EXPECTED], state[PEOPLE] - memory[PEOPLE_THEN]
        keep = 1.0 - 1.0 / _SWING_MEMORY
        memory[EXCESS] = memory[EXCESS] * keep + (came - expected) ** 2 - memory[CHANCE]
        memory[SQUARE] = memory[SQUARE] * keep + expected * expected
    memory[WATCHED_S], memory[PEOPLE_THEN] = now_s, state[PEOPLE]
    memory[EXPECTED], memory[CHANCE] = 0.0, 0.0
    for i in range(n_calls):
        p = odds[i, COLUMNS - 1]
        memory[EXPECTED] += p
        memory[CHANCE] += p * (1.0 - p)


@lean
def _burst(memory, odds, n_calls, n_agents, surplus, sure_freed):  # type: ignore[no-untyped-def]
    """Abandonments, should the worst come of the calls in flight: more answers and fewer agents than expected."""
    swing = min(1.0, max(0.0, memory[EXCESS] / max(memory[SQUARE], 1.0)))
    worst = 0.0
    for column in (_MIDDLE, HORIZONS - 1):
        people, freed, variance = 0.0, 0.0, 0.0
        for i in range(n_calls):
            p = odds[i, column]
            people += p
            variance += p * (1.0 - p)
        for i in range(n_calls, n_calls + n_agents):
            p = odds[i, column]
            freed += p
            variance += p * (1.0 - p)
        spread = _WORST_Z * math.sqrt(variance + swing * people * people)
        worst = max(worst, min(people - sure_freed * freed - surplus + spread, n_calls - surplus))
    return worst


@lean
def _at_risk(theta, ahead):  # type: ignore[no-untyped-def]
    """Abandonments to expect of so many calls more than idle agents."""
    return max(theta, _RISK_AT_LEAST) * max(0, ahead)


@compiled
def decide(shapes, tables, memory, settings, state, view, terms, now_s, chosen):  # type: ignore[no-untyped-def]
    """One tick, after `settle`. Returns (calls to place, why, risk of the next call, calls given up).

    chosen: bool[calls], filled with the calls to give up.
    """
    look_again(shapes, tables, memory, view, now_s, terms.connect_s)
    room_to_work = desk(len(view.calls) + len(view.agents))
    return decide_at(room_to_work, tables, memory, settings, state, view, terms, now_s, chosen)


@lean
def decide_at(desk, tables, memory, settings, state, view, terms, now_s, chosen):  # type: ignore[no-untyped-def]
    """`decide` with the tables looked after, and a desk that is there already."""
    n_calls, n_agents, idle, waiting = look_up(tables, view, terms.connect_s, desk.odds)
    floor = min(max(0, idle - len(view.calls)), terms.room)
    at_most, why = terms.room, ROOM
    if memory[ENDED_CALLS] < LEARNT_CALLS:
        ceiling = int(terms.start_ratio * idle) - len(view.calls)
        if ceiling < at_most:
            at_most, why = ceiling, START_UP
    theta = theta_of(state)
    if not terms.shared:  # rivals' calls are not told apart here
        _watch(memory, state, desk.odds, n_calls, now_s)
    burst = _burst(memory, desk.odds, n_calls, n_agents, idle - waiting, settings.sure_freed)
    if memory[STREAK] >= _longest_streak(memory[ANSWERED]):
        placed, risk, why = floor, 1.0, SILENT
    elif not terms.my_turn:
        placed, risk, why = floor, 1.0, NOT_MY_TURN
    elif may_over_dial(settings, state, _at_risk(theta, len(view.calls) - idle), now_s, terms.left_s, burst):
        placed, risk = place_calls(tables, desk, n_calls, n_agents, theta, idle - waiting, at_most)
        if placed < at_most:
            why = FORECAST
        # The budget must bear the calls about to be placed as well, not only those in flight.
        while placed > floor and not may_over_dial(
            settings, state, _at_risk(theta, len(view.calls) + placed - idle), now_s, terms.left_s, burst + 0.3 * placed
        ):
            placed, why = placed - 1, BUDGET
    elif terms.shared:
        # Nearly without risk, but not only when no other campaign dials: else that one would starve this one, which
        # could never earn its budget again.
        safe = min(theta, settings.cap * _SAFE_SHARE)
        placed, risk = place_calls(tables, desk, n_calls, n_agents, safe, idle - waiting, at_most)
        why = BUDGET
    else:
        placed, risk, why = floor, 1.0, BUDGET
    if placed < floor:
        placed, why = floor, FLOOR
    given_up = 0
    if placed == 0 and terms.give_up:
        given_up = choose_give_ups(tables, view, desk.odds, n_calls, n_agents, idle - waiting, terms.ring_min_s, chosen)
    return placed, why, risk, given_up
