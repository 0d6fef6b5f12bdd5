"""The decision of the hazard law: how many calls now, and which to give up. Compiled; live law and simulator call it.

D(t) = idle agents - people waiting + agents free by t - calls that become a person by t. A call placed now becomes a
person at one of the horizons, equally likely; its risk is the mean over the horizons of P(D <= 0). Calls are placed
while the risk of the next one is at most theta.
"""

import math

import numpy as np
from numba import njit

from dialer.pacing.forecast import COLUMNS, EXACT_UP_TO, HORIZONS
from dialer.pacing.shapes import RING_BINS, SCREEN_BIN_S, SCREEN_BINS, WRAP_BINS, talk_bin

# Kinds of calls in flight and of agents, as small integers.
RINGING, SCREENING, WAITING = 0, 1, 2
IDLE, TALKING, WRAPPING, AWAY = 0, 1, 2, 3
GIVE_UP_ABOVE = 0.25
_SIZE = EXACT_UP_TO + 2
# The exact way is taken when it has room for so many new calls in one tick.
_EXACT_AT_LEAST = 20


@njit(cache=True, inline="always")
def call_row(kind, age_s):  # type: ignore[no-untyped-def]
    """The row of a call in its table."""
    if kind == RINGING:
        return min(max(int(age_s), 0), RING_BINS - 1)
    return min(max(int(age_s / SCREEN_BIN_S), 0), SCREEN_BINS - 1)


@njit(cache=True)
def _tail(value):  # type: ignore[no-untyped-def]
    return 0.5 * math.erfc(value * 0.7071067811865476)


@njit(cache=True)
def normal_risk(surplus, mean, variance, third):  # type: ignore[no-untyped-def]
    """P(people - freed agents >= surplus): normal with continuity and skewness correction (refined normal)."""
    if variance < 1e-9:
        return 1.0 if mean >= surplus - 0.5 else 0.0
    deviation = math.sqrt(variance)
    x = (surplus - 0.5 - mean) / deviation
    bent = third / (6.0 * variance * deviation) * (1.0 - x * x) * math.exp(-0.5 * x * x) * 0.3989422804014327
    return min(1.0, max(0.0, _tail(x) - bent))


@njit(cache=True)
def _spread(distribution, count, p):  # type: ignore[no-untyped-def]
    """Add one coin with chance p to the distribution of a sum of `count` coins, in place."""
    distribution[count + 1] = distribution[count] * p
    for index in range(count, 0, -1):
        distribution[index] = distribution[index] * (1.0 - p) + distribution[index - 1] * p
    distribution[0] *= 1.0 - p


@njit(cache=True)
def exact_risk(people, n_people, freed_by, n_freed, surplus):  # type: ignore[no-untyped-def]
    """P(people - freed >= surplus). people: distribution; freed_by: cumulative distribution of freed agents."""
    total = 0.0
    for index in range(max(0, surplus), n_people + 1):
        total += people[index] * freed_by[min(index - surplus, n_freed)]
    return total


@njit(cache=True)
def column_moments(forecast, column, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents, without):  # type: ignore[no-untyped-def]
    """Mean, variance and third central moment of people - freed agents at one horizon."""
    mean, variance, third = 0.0, 0.0, 0.0
    for i in range(n_calls):
        if call_kind[i] == WAITING or without[i]:
            continue
        row = call_row(call_kind[i], call_age[i])
        p = forecast.ring[row, column] if call_kind[i] == RINGING else forecast.screen[row, column]
        mean += p
        variance += p * (1 - p)
        third += p * (1 - p) * (1 - 2 * p)
    for i in range(n_agents):
        p = free_chance(forecast, column, agent_kind[i], agent_age[i])
        mean -= p
        variance += p * (1 - p)
        third -= p * (1 - p) * (1 - 2 * p)
    return mean, variance, third


@njit(cache=True)
def free_chance(forecast, column, kind, age_s):  # type: ignore[no-untyped-def]
    """P(a busy agent is free by the horizon); 0 for one that is idle (counted as such) or away."""
    if kind == TALKING:
        return forecast.talk[talk_bin(age_s), column]
    if kind == WRAPPING:
        return forecast.wrap[min(int(age_s), WRAP_BINS - 1), column]
    return 0.0


@njit(cache=True)
def column_risk(forecast, column, surplus, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents, without):  # type: ignore[no-untyped-def]
    """P(D <= 0) at one horizon. without: bool[n_calls], calls to leave out."""
    if n_calls + n_agents > EXACT_UP_TO:
        mean, variance, third = column_moments(
            forecast, column, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents, without
        )
        return normal_risk(surplus, mean, variance, third)
    people = np.zeros(_SIZE)
    freed = np.zeros(_SIZE)
    people[0] = freed[0] = 1.0
    n_people, n_freed = 0, 0
    for i in range(n_calls):
        if call_kind[i] == WAITING or without[i]:
            continue
        row = call_row(call_kind[i], call_age[i])
        p = forecast.ring[row, column] if call_kind[i] == RINGING else forecast.screen[row, column]
        _spread(people, n_people, p)
        n_people += 1
    for i in range(n_agents):
        if agent_kind[i] == TALKING or agent_kind[i] == WRAPPING:
            _spread(freed, n_freed, free_chance(forecast, column, agent_kind[i], agent_age[i]))
            n_freed += 1
    for index in range(1, n_freed + 1):
        freed[index] += freed[index - 1]
    return exact_risk(people, n_people, freed, n_freed, surplus)


@njit(cache=True)
def place_calls(forecast, theta, surplus, at_most, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents):  # type: ignore[no-untyped-def]
    """How many calls to place while the risk of the next is at most theta, and the risk of the first not placed.

    surplus: idle agents - people waiting. Returns (calls, risk).
    """
    if at_most <= 0:
        return 0, 1.0
    room = EXACT_UP_TO - n_calls - n_agents
    if room >= min(at_most, _EXACT_AT_LEAST):
        at_most = min(at_most, room)
        return _place_exact(
            forecast, theta, surplus, at_most, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents
        )
    return _place_normal(
        forecast, theta, surplus, at_most, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents
    )


@njit(cache=True)
def _place_exact(forecast, theta, surplus, at_most, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents):  # type: ignore[no-untyped-def]
    people = np.zeros((HORIZONS, _SIZE))
    freed = np.zeros((HORIZONS, _SIZE))
    n_people, n_freed = 0, 0
    people[:, 0] = 1.0
    freed[:, 0] = 1.0
    for i in range(n_calls):
        if call_kind[i] == WAITING:
            continue
        row = call_row(call_kind[i], call_age[i])
        for column in range(HORIZONS):
            p = forecast.ring[row, column] if call_kind[i] == RINGING else forecast.screen[row, column]
            _spread(people[column], n_people, p)
        n_people += 1
    for i in range(n_agents):
        if agent_kind[i] == TALKING:
            row = talk_bin(agent_age[i])
            for column in range(HORIZONS):
                _spread(freed[column], n_freed, forecast.talk[row, column])
            n_freed += 1
        elif agent_kind[i] == WRAPPING:
            row = min(int(agent_age[i]), WRAP_BINS - 1)
            for column in range(HORIZONS):
                _spread(freed[column], n_freed, forecast.wrap[row, column])
            n_freed += 1
    for column in range(HORIZONS):
        for index in range(1, n_freed + 1):
            freed[column, index] += freed[column, index - 1]
    placed = 0
    while True:
        risk = 0.0
        for column in range(HORIZONS):
            risk += exact_risk(people[column], n_people, freed[column], n_freed, surplus)
        risk /= HORIZONS
        if risk > theta or placed >= at_most:
            return placed, risk
        for column in range(HORIZONS):
            _spread(people[column], n_people, forecast.ring[0, column])
        n_people += 1
        placed += 1


@njit(cache=True)
def _place_normal(forecast, theta, surplus, at_most, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents):  # type: ignore[no-untyped-def]
    mean = np.zeros(HORIZONS)
    variance = np.zeros(HORIZONS)
    third = np.zeros(HORIZONS)
    for i in range(n_calls):
        if call_kind[i] == WAITING:
            continue
        row = call_row(call_kind[i], call_age[i])
        for column in range(HORIZONS):
            p = forecast.ring[row, column] if call_kind[i] == RINGING else forecast.screen[row, column]
            mean[column] += p
            variance[column] += p * (1 - p)
            third[column] += p * (1 - p) * (1 - 2 * p)
    for i in range(n_agents):
        if agent_kind[i] != TALKING and agent_kind[i] != WRAPPING:
            continue
        row = talk_bin(agent_age[i]) if agent_kind[i] == TALKING else min(int(agent_age[i]), WRAP_BINS - 1)
        for column in range(HORIZONS):
            p = forecast.talk[row, column] if agent_kind[i] == TALKING else forecast.wrap[row, column]
            mean[column] -= p
            variance[column] += p * (1 - p)
            third[column] -= p * (1 - p) * (1 - 2 * p)
    placed = 0
    while True:
        risk = 0.0
        for column in range(HORIZONS):
            risk += normal_risk(surplus, mean[column], variance[column], third[column])
        risk /= HORIZONS
        if risk > theta or placed >= at_most:
            return placed, risk
        for column in range(HORIZONS):
            p = forecast.ring[0, column]
            mean[column] += p
            variance[column] += p * (1 - p)
            third[column] += p * (1 - p) * (1 - 2 * p)
        placed += 1


@njit(cache=True)
def choose_give_ups(  # type: ignore[no-untyped-def]
    forecast, surplus, ring_min_s, call_kind, call_age, call_rung, n_calls, agent_kind, agent_age, n_agents, chosen
):
    """Mark the oldest calls that have rung their legal minimum while a caller would probably find nobody.

    chosen: bool[n_calls] to fill. Returns how many, and P(D(5 s) <= 0) that is left.
    """
    rung = np.zeros(n_calls)
    candidates = 0
    for i in range(n_calls):
        chosen[i] = False
        if call_kind[i] == RINGING and call_rung[i] >= ring_min_s:
            rung[i] = -call_rung[i]
            candidates += 1
    if candidates == 0:
        return 0, -1.0
    oldest_first = np.argsort(rung)
    exact = n_calls + n_agents <= EXACT_UP_TO
    last = COLUMNS - 1
    mean, variance, third = column_moments(
        forecast, last, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents, chosen
    )
    count = 0
    while True:
        if exact:
            risk = column_risk(
                forecast, last, surplus, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents, chosen
            )
        else:
            risk = normal_risk(surplus, mean, variance, third)
        if risk <= GIVE_UP_ABOVE or count == candidates:
            return count, risk
        i = oldest_first[count]
        chosen[i] = True
        count += 1
        p = forecast.ring[call_row(RINGING, call_age[i]), last]
        mean -= p
        variance -= p * (1 - p)
        third -= p * (1 - p) * (1 - 2 * p)
