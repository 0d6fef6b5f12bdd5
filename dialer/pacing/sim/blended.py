"""A blended inbound and outbound centre that was published with all its parameters and results, to check ourselves by.

Source: A. Deslauriers, P. L'Ecuyer, J. Pichitlamken, A. Ingolfsson, A. N. Avramidis, "Markov chain models of a
telephone call center with call blending", Computers & Operations Research 34 (2007).
Calls in go to inbound-only agents, then to
blend agents; blend agents take outbound calls, which are dialled when enough agents are free.
"""

from dataclasses import dataclass

import numpy as np

from dialer.pacing.compiled import compiled
from dialer.pacing.shapes import Floats

# Seconds from 08:00; three periods of two hours.
_PERIOD_S, _DAY_S, _DIAL_FROM_S, _DIAL_TO_S = 7200.0, 21600.0, 10800.0, 21300.0
_PER_HALF_HOUR = np.array([68.45, 72.93, 71.92])
_INBOUND = np.array([23, 23, 21])
_BLEND = np.array([16, 18, 16])
_REACHED = np.array([0.28, 0.29, 0.29])
_MOST = 41  # agents ever at work: 23 and 18
_QUEUE = 400
NEVER = 1e18


@dataclass(frozen=True, slots=True)
class DayMeans:
    """Means per day; occupancies in percent."""

    mismatches: float
    tried: float
    inbound_occupancy: float
    blend_occupancy: float


def simulate_days(days: int, seed: int) -> tuple[DayMeans, DayMeans]:
    """Simulate days; returns the means and their standard errors."""
    rows = np.array([_day(np.random.Generator(np.random.PCG64([seed, day]))) for day in range(days)])
    return DayMeans(*rows.mean(axis=0).tolist()), DayMeans(*(rows.std(axis=0, ddof=1) / np.sqrt(days)).tolist())


@compiled
def _day(rng) -> Floats:  # type: ignore[no-untyped-def]
    """One day: (mismatches, calls tried, occupancy of inbound-only agents, of blend agents)."""
    busyness = rng.gamma(29.7, 1.0 / 29.7)
    ends = np.full(_MOST, NEVER)  # agents 0..22 are inbound-only, 23..40 blend
    busy_s, totals = np.zeros(2), np.zeros(4)
    calls_in, calls_out = np.zeros(_QUEUE), np.zeros(_QUEUE)  # when each waiting caller gives up
    waiting = np.zeros(2, np.int64)
    now_s = 0.0
    arrival_s = rng.exponential(1800.0 / (busyness * _PER_HALF_HOUR[0]))
    while now_s < _DAY_S:
        agent = int(np.argmin(ends))
        next_s = min(arrival_s, ends[agent])
        border_s = (int(now_s / _PERIOD_S) + 1) * _PERIOD_S
        if border_s <= next_s:
            now_s = border_s
            if now_s < _DAY_S:  # arrivals are memoryless: begin again at the new rate, and with the new staff
                arrival_s = now_s + rng.exponential(1800.0 / (busyness * _PER_HALF_HOUR[int(now_s / _PERIOD_S)]))
                for i in range(_MOST):
                    if ends[i] == NEVER and _works(i, now_s):
                        _next_call(i, ends, busy_s, calls_in, calls_out, waiting, totals, rng, now_s)
            continue
        now_s = next_s
        if now_s == arrival_s:
            arrival_s = now_s + rng.exponential(1800.0 / (busyness * _PER_HALF_HOUR[int(now_s / _PERIOD_S)]))
            _arrive(ends, busy_s, calls_in, waiting, rng, now_s)
            continue
        ends[agent] = NEVER
        if _works(agent, now_s):
            _next_call(agent, ends, busy_s, calls_in, calls_out, waiting, totals, rng, now_s)
        if _DIAL_FROM_S <= now_s < _DIAL_TO_S:
            _dial(ends, busy_s, calls_out, waiting, totals, rng, now_s)
    staffed_s = np.array([_INBOUND.sum() * _PERIOD_S, _BLEND.sum() * _PERIOD_S])
    return np.array([totals[0], totals[1], 100 * busy_s[0] / staffed_s[0], 100 * busy_s[1] / staffed_s[1]])


@compiled
def _works(agent, now_s):  # type: ignore[no-untyped-def]
    period = min(int(now_s / _PERIOD_S), 2)
    return agent < _INBOUND[period] if agent < 23 else agent - 23 < _BLEND[period]


@compiled
def _serve(agent, length_s, ends, busy_s, now_s):  # type: ignore[no-untyped-def]
    ends[agent] = now_s + length_s
    busy_s[0 if agent < 23 else 1] += min(length_s, _DAY_S - now_s)


@compiled
def _free(ends, first, last, now_s):  # type: ignore[no-untyped-def]
    """(a free agent of a group or -1, how many are free)."""
    found, count = -1, 0
    for i in range(first, last):
        if ends[i] == NEVER and _works(i, now_s):
            count += 1
            if found < 0:
                found = i
    return found, count


@compiled
def _drop_gone(queue, waiting, at, now_s):  # type: ignore[no-untyped-def]
    """Take out who has given up; returns how many."""
    kept = 0
    for i in range(waiting[at]):
        if queue[i] > now_s:
            queue[kept] = queue[i]
            kept += 1
    gone = waiting[at] - kept
    waiting[at] = kept
    return gone


@compiled
def _next_call(agent, ends, busy_s, calls_in, calls_out, waiting, totals, rng, now_s):  # type: ignore[no-untyped-def]
    """A free agent takes whoever waits: blend agents the people dialled first."""
    totals[0] += _drop_gone(calls_out, waiting, 1, now_s)
    _drop_gone(calls_in, waiting, 0, now_s)
    if agent >= 23 and waiting[1] > 0:
        calls_out[: waiting[1] - 1] = calls_out[1 : waiting[1]].copy()
        waiting[1] -= 1
        _serve(agent, rng.exponential(440.2), ends, busy_s, now_s)
    elif waiting[0] > 0:
        calls_in[: waiting[0] - 1] = calls_in[1 : waiting[0]].copy()
        waiting[0] -= 1
        _serve(agent, rng.gamma(0.755, 753.8), ends, busy_s, now_s)


@compiled
def _arrive(ends, busy_s, calls_in, waiting, rng, now_s):  # type: ignore[no-untyped-def]
    agent, _ = _free(ends, 0, 23, now_s)
    if agent < 0:
        agent, _ = _free(ends, 23, _MOST, now_s)
    if agent >= 0:
        _serve(agent, rng.gamma(0.755, 753.8), ends, busy_s, now_s)
    elif rng.random() >= 0.005:
        _drop_gone(calls_in, waiting, 0, now_s)
        if waiting[0] < _QUEUE:
            calls_in[waiting[0]] = now_s + rng.exponential(500.0)
            waiting[0] += 1


@compiled
def _dial(ends, busy_s, calls_out, waiting, totals, rng, now_s):  # type: ignore[no-untyped-def]
    """The published rule: four free agents, one of them blend, and twice the free blend agents are dialled."""
    _, inbound = _free(ends, 0, 23, now_s)
    _, blend = _free(ends, 23, _MOST, now_s)
    if inbound + blend < 4 or blend < 1:
        return
    for _call in range(2 * blend):
        totals[1] += 1.0
        if rng.random() >= _REACHED[int(now_s / _PERIOD_S)]:
            continue
        agent, _ = _free(ends, 23, _MOST, now_s)
        if agent >= 0:
            _serve(agent, rng.exponential(440.2), ends, busy_s, now_s)
            continue
        totals[0] += _drop_gone(calls_out, waiting, 1, now_s)
        if waiting[1] < _QUEUE:
            calls_out[waiting[1]] = now_s + rng.exponential(5.0)
            waiting[1] += 1
