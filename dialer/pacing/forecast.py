"""From life tables to answers: will this call be a person within t seconds, will this agent be free? Compiled.

Tables are built once a minute from the life tables and looked up every second. Columns are horizons: seconds from now
at which a call placed now would become a person (quantiles of that time, equally likely), and last the give-up horizon.
"""

import math

import numpy as np

from dialer.pacing.compiled import compiled
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
    end_probability,
    talk_bin,
)

HORIZONS = 8
COLUMNS = HORIZONS + 1
GIVE_UP_HORIZON_S = 5
_LONGEST_S = 62
# Agents and calls together up to which the distribution is exact; above, a normal with its skewness.
EXACT_UP_TO = 60


# Rows of the lookup table. Row 0: the horizons in seconds. By bins of age: P(a person by the horizon) of calls that
# ring and that are screened, P(free by the horizon + connect_s) of agents that talk and that wrap up.
RING_ROW = 1
SCREEN_ROW = RING_ROW + RING_BINS
TALK_ROW = SCREEN_ROW + SCREEN_BINS
WRAP_ROW = TALK_ROW + TALK_BINS
ROWS = WRAP_ROW + WRAP_BINS


def blank() -> Floats:
    """A table of zeros, float64[ROWS, COLUMNS], to be filled by `rebuild`."""
    return np.zeros((ROWS, COLUMNS))


@compiled
def rebuild(shapes, out, calls, agents, connect_s):  # type: ignore[no-untyped-def]
    """Fill `out` from `shapes` and from what goes on now (rows of `hazard_core.View`)."""
    ring_open = np.zeros(RING_BINS)
    screen_open = np.zeros(SCREEN_BINS)
    talk_open = np.zeros(TALK_BINS)
    wrap_open = np.zeros(WRAP_BINS)
    for i in range(len(calls)):
        if calls[i, 0] == 0.0:
            _lived(ring_open, int(calls[i, 1]))
        elif calls[i, 0] == 1.0:
            _lived(screen_open, int(calls[i, 1] / SCREEN_BIN_S))
    for i in range(len(agents)):
        if agents[i, 0] == 1.0:
            _lived(talk_open, talk_bin(agents[i, 1]))
        elif agents[i, 0] == 2.0:
            _lived(wrap_open, int(agents[i, 1]))
    density = np.zeros(SCREEN_BINS)
    left = np.zeros(SCREEN_BINS + 1)
    _screened(shapes.screen, screen_open, density, left)
    _rung(shapes.ring, ring_open, np.cumsum(density), out)
    _fill_screen(density, left, out)
    _busy(shapes, talk_open, wrap_open, connect_s, out)


@compiled
def _lived(counts, last):  # type: ignore[no-untyped-def]
    for index in range(min(last, len(counts))):
        counts[index] += 1.0


@compiled
def _screened(screen, still_open, density, left):  # type: ignore[no-untyped-def]
    """Of a fresh answer, by bins of 0.25 s: density of "a person", and the share without a verdict yet."""
    left[0] = 1.0
    for index in range(SCREEN_BINS):
        person = end_probability(screen, FIRST, index, still_open[index])
        other = end_probability(screen, SECOND, index, still_open[index])
        density[index] = left[index] * person
        left[index + 1] = left[index] * max(0.0, 1.0 - person - other)


@compiled
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


@compiled
def _rung(ring, still_open, person_by, out):  # type: ignore[no-untyped-def]
    answer = np.zeros(RING_BINS)
    left = np.zeros(RING_BINS + 1)
    left[0] = 1.0
    for index in range(RING_BINS):
        answered = end_probability(ring, FIRST, index, still_open[index])
        failed = end_probability(ring, SECOND, index, still_open[index])
        answer[index] = left[index] * answered
        left[index + 1] = left[index] * max(0.0, 1.0 - answered - failed)
    _choose_horizons(answer, person_by, out)
    # Horizons and ages are whole seconds, so a person's delay is needed at whole seconds only; an answer in the very
    # second that a call is in comes after a third of it on average.
    by_whole = np.zeros(_LONGEST_S + 1)
    for second in range(_LONGEST_S + 1):
        by_whole[second] = _person_by(person_by, float(second))
    total = np.zeros(RING_BINS)
    for column in range(COLUMNS):
        horizon_s = int(out[0, column])
        soon = _person_by(person_by, horizon_s - 0.3)
        for age in range(RING_BINS):  # all ages side by side: a vector
            total[age] = answer[age] * soon
        for later in range(1, min(horizon_s + 1, RING_BINS)):
            by_then = by_whole[horizon_s - later]
            for age in range(RING_BINS - later):
                total[age] += answer[age + later] * by_then
        for age in range(RING_BINS):
            out[RING_ROW + age, column] = min(1.0, total[age] / left[age]) if left[age] >= 1e-6 else 0.0


@compiled
def _choose_horizons(answer, person_by, out):  # type: ignore[no-untyped-def]
    """Mid-quantiles of the time from originate to a person, in whole seconds."""
    cumulative, by_half = np.zeros(_LONGEST_S), np.zeros(_LONGEST_S)
    for t in range(_LONGEST_S):
        by_half[t] = _person_by(person_by, t - 0.5)
    for second in range(min(_LONGEST_S, RING_BINS)):
        for t in range(_LONGEST_S - second):
            cumulative[second + t] += answer[second] * by_half[t]
    total = max(cumulative[_LONGEST_S - 1], 1e-9)
    t = 0
    for column in range(HORIZONS):
        while t < _LONGEST_S - 1 and cumulative[t] < total * (column + 0.5) / HORIZONS:
            t += 1
        out[0, column] = max(1.0, float(t))
    out[0, HORIZONS] = GIVE_UP_HORIZON_S


@compiled
def _fill_screen(density, left, out):  # type: ignore[no-untyped-def]
    within = np.zeros(SCREEN_BINS + 1)
    for age in range(SCREEN_BINS):
        within[0] = 0.0
        for bins in range(SCREEN_BINS - age):
            within[bins + 1] = within[bins] + density[age + bins]
        for column in range(COLUMNS):
            total = within[min(SCREEN_BINS - age, int(out[0, column] / SCREEN_BIN_S))]
            out[SCREEN_ROW + age, column] = min(1.0, total / left[age]) if left[age] > 1e-6 else 0.5


@compiled
def _busy(shapes, talk_open, wrap_open, connect_s, out):  # type: ignore[no-untyped-def]
    wrap_left = np.zeros(WRAP_BINS + 1)
    wrap_left[0] = 1.0
    for index in range(WRAP_BINS):
        q = end_probability(shapes.wrap, FIRST, index, wrap_open[index])
        wrap_left[index + 1] = wrap_left[index] * (1.0 - q)
    per_second = np.zeros(TALK_BINS)
    for index in range(TALK_BINS):
        q = end_probability(shapes.talk, FIRST, index, talk_open[index])
        width_s = (TALK_EDGES_S[index + 1] if index + 1 < TALK_BINS else 2880.0) - TALK_EDGES_S[index]
        per_second[index] = 1.0 - math.exp(math.log(max(1e-9, 1.0 - q)) / width_s)
    longest_s = 0
    for column in range(COLUMNS):
        longest_s = max(longest_s, int(out[0, column] + connect_s))
    ends = np.zeros((longest_s, TALK_BINS))
    for index in range(TALK_BINS):
        _talk_ends(index, per_second, ends)
    free = np.zeros(TALK_BINS)
    for column in range(COLUMNS):
        within_s = int(out[0, column] + connect_s)
        for age in range(WRAP_BINS):
            then = min(WRAP_BINS, age + within_s)
            out[WRAP_ROW + age, column] = 1.0 - wrap_left[then] / wrap_left[age] if wrap_left[age] > 1e-9 else 1.0
        free[:] = 0.0
        for second in range(within_s):
            wrapped_up = 1.0 - wrap_left[min(WRAP_BINS, within_s - second - 1)]
            for index in range(TALK_BINS):
                free[index] += ends[second, index] * wrapped_up
        for index in range(TALK_BINS):
            out[TALK_ROW + index, column] = free[index]


@compiled
def _talk_ends(index, per_second, ends):  # type: ignore[no-untyped-def]
    """P(a talk in the middle of a bin of age ends in each of the next seconds), into ends[:, index]."""
    upper_s = TALK_EDGES_S[index + 1] if index + 1 < TALK_BINS else TALK_EDGES_S[index] + 480.0
    age_s = (TALK_EDGES_S[index] + upper_s) / 2
    talking, at = 1.0, index
    for second in range(len(ends)):
        while at + 1 < TALK_BINS and age_s + second >= TALK_EDGES_S[at + 1]:
            at += 1
        ends[second, index] = talking * per_second[at]
        talking -= ends[second, index]
