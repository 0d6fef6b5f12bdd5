"""From life tables to answers: will this call be a person within t seconds, will this agent be free? Compiled.

Tables are built once a minute from the life tables and looked up every second. Columns are horizons: seconds from now
at which a call placed now would become a person (quantiles of that time, equally likely), and last the give-up horizon.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from dialer.pacing.shapes import (
    FIRST,
    RING_BINS,
    SCREEN_BIN_S,
    SCREEN_BINS,
    SECOND,
    TALK_BINS,
    TALK_EDGES_S,
    WRAP_BINS,
    Floats,
    Shapes,
    end_probability,
    talk_bin,
)

HORIZONS = 8
COLUMNS = HORIZONS + 1
GIVE_UP_HORIZON_S = 5
_LONGEST_S = 62
# Agents and calls together up to which the distribution is exact; above, a normal with its skewness.
EXACT_UP_TO = 60


class Forecast(NamedTuple):
    """Lookup tables. ring, screen: P(a person by the horizon); talk, wrap: P(agent free by horizon + connect_s).

    horizons_s: float64[COLUMNS]. Rows are bins of age as in `Shapes`.
    """

    horizons_s: Floats
    ring: Floats
    screen: Floats
    talk: Floats
    wrap: Floats


def blank() -> Forecast:
    """Tables of zeros, to be filled by `rebuild`."""
    return Forecast(
        np.zeros(COLUMNS),
        np.zeros((RING_BINS, COLUMNS)),
        np.zeros((SCREEN_BINS, COLUMNS)),
        np.zeros((TALK_BINS, COLUMNS)),
        np.zeros((WRAP_BINS, COLUMNS)),
    )


@njit(cache=True)
def rebuild(shapes: Shapes, out: Forecast, call_kind, call_age, n_calls, agent_kind, agent_age, n_agents, connect_s):  # type: ignore[no-untyped-def]
    """Fill `out` from `shapes` and from what goes on now (ages in seconds; kinds as in `hazard_core`)."""
    ring_open = np.zeros(RING_BINS)
    screen_open = np.zeros(SCREEN_BINS)
    talk_open = np.zeros(TALK_BINS)
    wrap_open = np.zeros(WRAP_BINS)
    for i in range(n_calls):
        if call_kind[i] == 0:
            _lived(ring_open, int(call_age[i]))
        elif call_kind[i] == 1:
            _lived(screen_open, int(call_age[i] / SCREEN_BIN_S))
    for i in range(n_agents):
        if agent_kind[i] == 1:
            _lived(talk_open, talk_bin(agent_age[i]))
        elif agent_kind[i] == 2:
            _lived(wrap_open, int(agent_age[i]))
    person_by = _screened(shapes, screen_open, out)
    _rung(shapes, ring_open, person_by, out)
    _busy(shapes, talk_open, wrap_open, connect_s, out)


@njit(cache=True)
def _lived(counts, last):  # type: ignore[no-untyped-def]
    for index in range(min(last, len(counts))):
        counts[index] += 1.0


@njit(cache=True)
def _screened(shapes, still_open, out):  # type: ignore[no-untyped-def]
    """P(person by x) for a fresh answer in bins of 0.25 s; remembers the density for `_fill_screen`."""
    density = np.zeros(SCREEN_BINS + 1)
    left = np.zeros(SCREEN_BINS + 1)
    left[0] = 1.0
    for index in range(SCREEN_BINS):
        person = end_probability(shapes.screen, shapes.screen_prior, FIRST, index, still_open[index])
        other = end_probability(shapes.screen, shapes.screen_prior, SECOND, index, still_open[index])
        density[index] = left[index] * person
        left[index + 1] = left[index] * max(0.0, 1.0 - person - other)
    # screen rows hold (density, left) until the horizons are known: see _fill_screen
    for index in range(SCREEN_BINS):
        out.screen[index, 0] = density[index]
        out.screen[index, 1] = left[index]
    return np.cumsum(density)


@njit(cache=True)
def _person_by(person_by, after_s):  # type: ignore[no-untyped-def]
    """P(person within after_s of the answer), interpolated."""
    x = after_s / SCREEN_BIN_S
    if x <= 0.0:
        return 0.0
    whole = int(x)
    if whole >= SCREEN_BINS:
        return person_by[SCREEN_BINS - 1]
    below = person_by[whole - 1] if whole > 0 else 0.0
    return below + (x - whole) * (person_by[whole] - below)


@njit(cache=True)
def _rung(shapes, still_open, person_by, out):  # type: ignore[no-untyped-def]
    answer = np.zeros(RING_BINS)
    left = np.zeros(RING_BINS + 1)
    left[0] = 1.0
    for index in range(RING_BINS):
        answered = end_probability(shapes.ring, shapes.ring_prior, FIRST, index, still_open[index])
        failed = end_probability(shapes.ring, shapes.ring_prior, SECOND, index, still_open[index])
        answer[index] = left[index] * answered
        left[index + 1] = left[index] * max(0.0, 1.0 - answered - failed)
    _choose_horizons(answer, person_by, out)
    _fill_screen(out)
    for age in range(RING_BINS):
        if left[age] < 1e-6:
            for column in range(COLUMNS):
                out.ring[age, column] = 0.0
            continue
        for column in range(COLUMNS):
            total = 0.0
            horizon_s = out.horizons_s[column]
            for later in range(min(int(horizon_s) + 1, RING_BINS - age)):
                offset_s = float(later) if later > 0 else 0.3
                total += answer[age + later] * _person_by(person_by, horizon_s - offset_s)
            out.ring[age, column] = min(1.0, total / left[age])


@njit(cache=True)
def _choose_horizons(answer, person_by, out):  # type: ignore[no-untyped-def]
    """Mid-quantiles of the time from originate to a person, in whole seconds."""
    cumulative = np.zeros(_LONGEST_S)
    for t in range(_LONGEST_S):
        for second in range(min(t + 1, RING_BINS)):
            cumulative[t] += answer[second] * _person_by(person_by, t - second - 0.5)
    total = max(cumulative[_LONGEST_S - 1], 1e-9)
    t = 0
    for column in range(HORIZONS):
        while t < _LONGEST_S - 1 and cumulative[t] < total * (column + 0.5) / HORIZONS:
            t += 1
        out.horizons_s[column] = max(1.0, float(t))
    out.horizons_s[HORIZONS] = GIVE_UP_HORIZON_S


@njit(cache=True)
def _fill_screen(out):  # type: ignore[no-untyped-def]
    density = out.screen[:, 0].copy()
    left = out.screen[:, 1].copy()
    for age in range(SCREEN_BINS):
        for column in range(COLUMNS):
            last = min(SCREEN_BINS, age + int(out.horizons_s[column] / SCREEN_BIN_S))
            total = density[age:last].sum()
            out.screen[age, column] = min(1.0, total / left[age]) if left[age] > 1e-6 else 0.5


@njit(cache=True)
def _busy(shapes, talk_open, wrap_open, connect_s, out):  # type: ignore[no-untyped-def]
    wrap_left = np.zeros(WRAP_BINS + 1)
    wrap_left[0] = 1.0
    for index in range(WRAP_BINS):
        q = end_probability(shapes.wrap, shapes.wrap_prior, FIRST, index, wrap_open[index])
        wrap_left[index + 1] = wrap_left[index] * (1.0 - q)
    rate = np.zeros(TALK_BINS)
    for index in range(TALK_BINS):
        q = end_probability(shapes.talk, shapes.talk_prior, FIRST, index, talk_open[index])
        width_s = (TALK_EDGES_S[index + 1] if index + 1 < TALK_BINS else 2880.0) - TALK_EDGES_S[index]
        rate[index] = -math.log(max(1e-9, 1.0 - q)) / width_s
    for column in range(COLUMNS):
        within_s = int(out.horizons_s[column] + connect_s)
        for age in range(WRAP_BINS):
            then = min(WRAP_BINS, age + within_s)
            out.wrap[age, column] = 1.0 - wrap_left[then] / wrap_left[age] if wrap_left[age] > 1e-9 else 1.0
        for index in range(TALK_BINS):
            out.talk[index, column] = _free_from_talk(index, within_s, rate, wrap_left)


@njit(cache=True)
def _free_from_talk(index, within_s, rate, wrap_left):  # type: ignore[no-untyped-def]
    """P(the talk ends, and the wrap-up after it, within whole seconds), from the middle of a bin of age."""
    upper_s = TALK_EDGES_S[index + 1] if index + 1 < TALK_BINS else TALK_EDGES_S[index] + 480.0
    age_s = (TALK_EDGES_S[index] + upper_s) / 2
    talking, free, at = 1.0, 0.0, index
    for second in range(within_s):
        while at + 1 < TALK_BINS and age_s + second >= TALK_EDGES_S[at + 1]:
            at += 1
        ends = talking * (1.0 - math.exp(-rate[at]))
        talking -= ends
        free += ends * (1.0 - wrap_left[min(WRAP_BINS, within_s - second - 1)])
    return free
