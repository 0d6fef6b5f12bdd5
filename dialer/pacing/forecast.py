"""From life tables to answers: will this call be a person within t seconds, will this agent be free? Compiled.

Tables are built once a minute from the life tables and looked up every second. Columns are horizons: seconds from now
at which a call placed now would become a person (quantiles of that time, equally likely), and last the give-up horizon.
"""

import math

import numpy as np

from dialer.pacing.cells import ALL_HOURS, AT, BELIEFS, BINS, RING, SCREEN, SLOTS, TALK, WRAP, draw_towards
from dialer.pacing.compiled import compiled, lean
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
# Seconds at the end of the wrap-up's bins that tell how fast longer wrap-ups end.
_TAIL_S = 30
# Agents and calls together up to which the distribution is exact; above, a normal with its skewness.
EXACT_UP_TO = 60


# Rows of the lookup table. Row 0: the horizons in seconds. By bins of age: P(a person by the horizon) of calls that
# ring and that are screened, P(free by the horizon + connect_s) of agents that talk and that wrap up. Where lists are
# told apart, each has such ROWS, one list after the other; the horizons are the same for all.
RING_ROW = 1
SCREEN_ROW = RING_ROW + RING_BINS
TALK_ROW = SCREEN_ROW + SCREEN_BINS
WRAP_ROW = TALK_ROW + TALK_BINS
ROWS = WRAP_ROW + WRAP_BINS


def blank(lists: int = 1) -> Floats:
    """A table of zeros, float64[lists * ROWS, COLUMNS], to be filled by `rebuild`."""
    return np.zeros((lists * ROWS, COLUMNS))


@compiled
def rebuild(shapes, cells, grain, mix, out, calls, agents, connect_s):  # type: ignore[no-untyped-def]
    """Fill `out` from `shapes`, `cells` and what goes on now (rows of `hazard_core.View`).

    mix: float64[lists], shares of the lists among the next calls.
    """
    lists = grain.lists
    beliefs = believed(shapes, cells, grain, calls, agents)
    answer, left = np.zeros((lists, RING_BINS)), np.zeros((lists, RING_BINS + 1))
    density, unsaid = np.zeros((lists, SCREEN_BINS)), np.zeros((lists, SCREEN_BINS + 1))
    person_by = np.zeros((lists, SCREEN_BINS))
    cumulative = np.zeros(_LONGEST_S)
    for each in range(lists):
        _screened(beliefs[each], density[each], unsaid[each])
        person_by[each] = np.cumsum(density[each])
        _answered(beliefs[each], answer[each], left[each])
        _persons(answer[each], person_by[each], 1.0 if lists == 1 else mix[each], cumulative)
    _choose_horizons(cumulative, out)
    for each in range(lists):
        mine = out[each * ROWS : (each + 1) * ROWS]
        for column in range(COLUMNS):
            mine[0, column] = out[0, column]
        _rung(answer[each], left[each], person_by[each], mine)
        _fill_screen(density[each], unsaid[each], mine)
        _busy(beliefs[each], connect_s, mine)


@compiled
def believed(shapes, cells, grain, calls, agents):  # type: ignore[no-untyped-def]
    """What is believed of each list, float64[lists, BELIEFS]: chances that a duration ends in a bin it came into."""
    beliefs = np.empty((grain.lists, BELIEFS))
    opened = np.zeros(BELIEFS)
    _going_on(opened, calls, agents, -1)
    _of_all(shapes, opened, beliefs[0])
    for each in range(1, grain.lists):
        beliefs[each] = beliefs[0]
    for each in range(grain.lists):
        if grain.lists > 1:
            opened[:] = 0.0
            _going_on(opened, calls, agents, each)
            _draw_all(beliefs[each], cells, each * SLOTS + ALL_HOURS, opened, grain.list_facts)
        if grain.hour >= 0:
            _draw_all(beliefs[each], cells, each * SLOTS + grain.hour, opened, grain.hour_facts)
    return beliefs


@lean
def _going_on(opened, calls, agents, which):  # type: ignore[no-untyped-def]
    """Count what goes on now by the bins it lived through; which: of that list only, all when negative."""
    for i in range(len(calls)):
        if which >= 0 and calls[i, 4] != which:
            continue
        if calls[i, 0] == 0.0:
            _lived(opened[AT[RING] : AT[RING] + RING_BINS], int(calls[i, 1]))
        elif calls[i, 0] == 1.0:
            _lived(opened[AT[SCREEN] : AT[SCREEN] + SCREEN_BINS], int(calls[i, 1] / SCREEN_BIN_S))
    for i in range(len(agents)):
        if which >= 0 and agents[i, 3] != which:
            continue
        if agents[i, 0] == 1.0:
            _lived(opened[AT[TALK] : AT[TALK] + TALK_BINS], talk_bin(agents[i, 1]))
        elif agents[i, 0] == 2.0:
            _lived(opened[AT[WRAP] : AT[WRAP] + WRAP_BINS], int(agents[i, 1]))


@lean
def _of_all(shapes, opened, beliefs):  # type: ignore[no-untyped-def]
    """The campaign as a whole."""
    for index in range(RING_BINS):
        open_here = opened[AT[RING] + index]
        beliefs[AT[RING] + index] = end_probability(shapes.ring, FIRST, index, open_here)
        beliefs[AT[RING] + RING_BINS + index] = end_probability(shapes.ring, SECOND, index, open_here)
    for index in range(SCREEN_BINS):
        open_here = opened[AT[SCREEN] + index]
        beliefs[AT[SCREEN] + index] = end_probability(shapes.screen, FIRST, index, open_here)
        beliefs[AT[SCREEN] + SCREEN_BINS + index] = end_probability(shapes.screen, SECOND, index, open_here)
    for index in range(TALK_BINS):
        beliefs[AT[TALK] + index] = end_probability(shapes.talk, FIRST, index, opened[AT[TALK] + index])
    for index in range(WRAP_BINS):
        beliefs[AT[WRAP] + index] = end_probability(shapes.wrap, FIRST, index, opened[AT[WRAP] + index])


@lean
def _draw_all(beliefs, cells, slot, opened, facts):  # type: ignore[no-untyped-def]
    for part in range(4):
        draw_towards(beliefs, cells, slot, part, opened[AT[part] : AT[part] + BINS[part]], facts)


@lean
def _lived(counts, last):  # type: ignore[no-untyped-def]
    for index in range(min(last, len(counts))):
        counts[index] += 1.0


@lean
def _screened(beliefs, density, left):  # type: ignore[no-untyped-def]
    """Of a fresh answer, by bins of 0.25 s: density of "a person", and the share without a verdict yet."""
    left[0] = 1.0
    for index in range(SCREEN_BINS):
        person, other = beliefs[AT[SCREEN] + index], beliefs[AT[SCREEN] + SCREEN_BINS + index]
        density[index] = left[index] * person
        left[index + 1] = left[index] * max(0.0, 1.0 - person - other)


@lean
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


@lean
def _answered(beliefs, answer, left):  # type: ignore[no-untyped-def]
    """Of a fresh call, by seconds: density of an answer, and the share that still rings."""
    left[0] = 1.0
    for index in range(RING_BINS):
        answered, failed = beliefs[AT[RING] + index], beliefs[AT[RING] + RING_BINS + index]
        answer[index] = left[index] * answered
        left[index + 1] = left[index] * max(0.0, 1.0 - answered - failed)


@compiled
def _rung(answer, left, person_by, out):  # type: ignore[no-untyped-def]
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
def _persons(answer, person_by, share, cumulative):  # type: ignore[no-untyped-def]
    """Add a list's share of the chance that a fresh call is a person by each second."""
    by_half = np.zeros(_LONGEST_S)
    for t in range(_LONGEST_S):
        by_half[t] = _person_by(person_by, t - 0.5)
    for second in range(min(_LONGEST_S, RING_BINS)):
        density = share * answer[second]
        for t in range(_LONGEST_S - second):
            cumulative[second + t] += density * by_half[t]


@lean
def _choose_horizons(cumulative, out):  # type: ignore[no-untyped-def]
    """Mid-quantiles of the time from originate to a person, in whole seconds."""
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
def _busy(beliefs, connect_s, out):  # type: ignore[no-untyped-def]
    per_second = np.zeros(TALK_BINS)
    for index in range(TALK_BINS):
        q = beliefs[AT[TALK] + index]
        width_s = (TALK_EDGES_S[index + 1] if index + 1 < TALK_BINS else 2880.0) - TALK_EDGES_S[index]
        per_second[index] = 1.0 - math.exp(math.log(max(1e-9, 1.0 - q)) / width_s)
    longest_s = 0
    for column in range(COLUMNS):
        longest_s = max(longest_s, int(out[0, column] + connect_s))
    wrap_left = _wrapping(beliefs, longest_s)
    ends = np.zeros((longest_s, TALK_BINS))
    for index in range(TALK_BINS):
        _talk_ends(index, per_second, ends)
    free = np.zeros(TALK_BINS)
    for column in range(COLUMNS):
        within_s = int(out[0, column] + connect_s)
        for age in range(WRAP_BINS):
            left = wrap_left[age]
            out[WRAP_ROW + age, column] = 1.0 - wrap_left[age + within_s] / left if left > 1e-9 else 1.0
        free[:] = 0.0
        for second in range(within_s):
            wrapped_up = 1.0 - wrap_left[within_s - second - 1]
            for index in range(TALK_BINS):
                free[index] += ends[second, index] * wrapped_up
        for index in range(TALK_BINS):
            out[TALK_ROW + index, column] = free[index]


@compiled
def _wrapping(beliefs, longest_s):  # type: ignore[no-untyped-def]
    """Share of wrap-ups that last so many seconds, float64[WRAP_BINS + longest_s + 1].

    The last bin holds all that lasted longer: how fast those end is taken from the bins before it.
    """
    left = np.zeros(WRAP_BINS + longest_s + 1)
    left[0] = 1.0
    for index in range(WRAP_BINS - 1):
        left[index + 1] = left[index] * (1.0 - beliefs[AT[WRAP] + index])
    last, before = left[WRAP_BINS - 1], left[WRAP_BINS - 1 - _TAIL_S]
    stays = 0.0
    if last > 1e-9:
        stays = (last / before) ** (1.0 / _TAIL_S)
    for index in range(WRAP_BINS - 1, len(left) - 1):
        left[index + 1] = left[index] * stays
    return left


@lean
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
