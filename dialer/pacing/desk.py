"""The law's desk: calls and agents looked up in the tables, calls placed against a risk, calls given up. Compiled.

D(t) = idle agents - people waiting + agents free by t - calls that become a person by t; a risk is the mean over the
horizons of P(D <= 0).
"""

from typing import NamedTuple

import numpy as np

from dialer.pacing.compiled import compiled, lean
from dialer.pacing.forecast import (
    COLUMNS,
    EXACT_UP_TO,
    HORIZONS,
    RING_ROW,
    ROWS,
    SCREEN_ROW,
    TALK_ROW,
    WRAP_ROW,
)
from dialer.pacing.risk import add_moments, cumulate_all, exact_risks, normal_risk, spread_all
from dialer.pacing.shapes import RING_BINS, SCREEN_BIN_S, SCREEN_BINS, WRAP_BINS, Floats, talk_bin

# Kinds of calls in flight and of agents, as small integers.
RINGING, SCREENING, WAITING = 0, 1, 2
IDLE, TALKING, WRAPPING, AWAY = 0, 1, 2, 3
GIVE_UP_ABOVE = 0.25
# The exact way is taken when it has room for so many new calls in one tick.
_EXACT_AT_LEAST = 20


class View(NamedTuple):
    """What there is now, float64 rows.

    calls in flight, own ones first: (kind; age: since originate while it rings, since answer while it is screened;
    seconds rung, 0 when it may not be given up; seconds until it is a person, for oracles, negative when not known;
    number of its list; 1 when it is a rival's).
    agents: (kind; seconds in it; seconds until free, for oracles, negative when not known; number of the list that
    the call was of).
    """

    calls: Floats
    agents: Floats


# Rows of Desk.sums: distributions of people and of freed agents (each may be EXACT_UP_TO coins), moments, risks.
_PEOPLE, _FREED = 0, EXACT_UP_TO + 2
_MOMENTS = 2 * (EXACT_UP_TO + 2)
_RISKS = _MOMENTS + 3
_NEW = _RISKS + 1


class Desk(NamedTuple):
    """Room to work in, made once: float64[calls and agents at the most, COLUMNS] and float64[sums, HORIZONS].

    odds: what `look_up` found: chances of calls to become a person, then of agents to come free, by the horizons.
    """

    odds: Floats
    sums: Floats


@compiled
def desk(most):  # type: ignore[no-untyped-def]
    """A desk for so many calls and agents together."""
    return Desk(np.empty((most, COLUMNS)), np.empty((_NEW + 1, HORIZONS)))


@lean
def ring_row(age_s):  # type: ignore[no-untyped-def]
    """The table's row of a call that has been ringing for so long."""
    return RING_ROW + min(max(int(age_s), 0), RING_BINS - 1)


@lean
def look_up(tables, view, odds, rival_share):  # type: ignore[no-untyped-def]
    """Fill `odds`: rows of the table for each call and agent that counts; an oracle knows.

    Rivals' calls are taken to ring as the own ones do, and to become people as often as theirs did (`rival_share`).

    Returns (calls, agents looked up, idle agents, people waiting).
    """
    calls, agents = view.calls, view.agents
    at, n_agents, idle, waiting = 0, 0, 0, 0
    factor = 1.0
    if rival_share >= 0.0:
        factor = rival_share / max(1e-3, tables[RING_ROW, HORIZONS - 1] * HORIZONS / (HORIZONS - 0.5))
    for i in range(len(calls)):
        kind = calls[i, 0]
        if kind == WAITING:
            waiting += 1
            continue
        if kind == RINGING:
            row = ring_row(calls[i, 1])
        else:
            row = SCREEN_ROW + min(max(int(calls[i, 1] / SCREEN_BIN_S), 0), SCREEN_BINS - 1)
        row += int(calls[i, 4]) * ROWS
        _note_odds(tables, row, calls[i, 3], odds, at)
        if factor != 1.0 and kind == RINGING and calls[i, 5] > 0.0 and calls[i, 3] < 0.0:
            for column in range(COLUMNS):
                odds[at, column] = min(1.0, factor * odds[at, column])
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
            row += int(agents[i, 3]) * ROWS
            _note_odds(tables, row, agents[i, 2], odds, at)
            at += 1
            n_agents += 1
    return n_calls, n_agents, idle, waiting


@lean
def _note_odds(tables, row, known_s, odds, at):  # type: ignore[no-untyped-def]
    """P(a person, or free, by each horizon; the table gives agents the time that a person may wait).

    An oracle's agents get none: between two horizons people come who would wait longer than that.
    """
    if known_s < 0.0:
        for column in range(COLUMNS):
            odds[at, column] = tables[row, column]
        return
    for column in range(COLUMNS):
        odds[at, column] = 1.0 if known_s <= tables[0, column] else 0.0


@lean
def _look_at_new(tables, mix, desk):  # type: ignore[no-untyped-def]
    """The chances of a call placed now, whichever list it will be of. mix: ends with the shares of the lists."""
    for column in range(HORIZONS):
        desk.sums[_NEW, column] = tables[RING_ROW, column]
    if len(tables) > ROWS:  # most often there is one list, and a division costs as much as all of the above
        lists = len(tables) // ROWS
        for column in range(HORIZONS):
            chance = 0.0
            for each in range(lists):
                chance += mix[len(mix) - lists + each] * tables[each * ROWS + RING_ROW, column]
            desk.sums[_NEW, column] = chance


@lean
def chance_of_new(desk):  # type: ignore[no-untyped-def]
    """The chance of a call that `place_calls` placed to become a person."""
    return desk.sums[_NEW, HORIZONS - 1]


@lean
def place_calls(tables, mix, desk, n_calls, n_agents, theta, surplus, at_most):  # type: ignore[no-untyped-def]
    """How many calls to place while the risk of the next is at most theta, and the risk of the first not placed.

    surplus: idle agents - people waiting.
    """
    if at_most <= 0 or surplus + n_agents <= 0:
        return 0, 1.0
    _look_at_new(tables, mix, desk)
    room = EXACT_UP_TO - n_calls - n_agents
    if room >= min(at_most, _EXACT_AT_LEAST):
        return _place_exact(desk, n_calls, n_agents, theta, surplus, min(at_most, room))
    return _place_normal(desk, n_calls, n_agents, theta, surplus, at_most)


@lean
def _place_exact(desk, n_calls, n_agents, theta, surplus, at_most):  # type: ignore[no-untyped-def]
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
        spread_all(people, n_people, desk.sums[_NEW])
        n_people += 1
        placed += 1
        exact_risks(people, n_people, freed, n_agents, surplus, risks)
        risk = 0.0
        for column in range(HORIZONS):
            risk += risks[column] / HORIZONS
    return placed, risk


@lean
def _place_normal(desk, n_calls, n_agents, theta, surplus, at_most):  # type: ignore[no-untyped-def]
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
        add_moments(moments, desk.sums[_NEW], 1.0)
        risk = 0.0
        for column in range(HORIZONS):
            risk += normal_risk(surplus, moments[0, column], moments[1, column], moments[2, column]) / HORIZONS
        placed += 1
    return placed, risk


@lean
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
    mean, variance, third = _soon(odds, n_calls, n_agents)
    if normal_risk(surplus, mean, variance, third) <= GIVE_UP_ABOVE:
        return 0
    return _mark_oldest(tables, calls, candidates, surplus, mean, variance, third, ring_min_s, chosen)


@compiled
def _mark_oldest(tables, calls, candidates, surplus, mean, variance, third, ring_min_s, chosen):  # type: ignore[no-untyped-def]
    last = COLUMNS - 1
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
        p = tables[ring_row(calls[i, 1]) + int(calls[i, 4]) * ROWS, last]
        if calls[i, 3] >= 0.0:
            p = 1.0 if calls[i, 3] <= tables[0, last] else 0.0
        mean -= p
        variance -= p * (1 - p)
        third -= p * (1 - p) * (1 - 2 * p)
    return count


@lean
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
