"""The chance that more people answer than agents come free: exact for small teams, a bent normal for large ones."""

import math

import numpy as np

from dialer.pacing.compiled import lean
from dialer.pacing.shapes import Floats


@lean
def normal_risk(surplus, mean, variance, third):  # type: ignore[no-untyped-def]
    """P(people - freed agents >= surplus): normal with continuity and skewness correction.

    mean, variance, third central moment of people - freed agents.
    """
    if variance < 1e-9:
        return 1.0 if mean >= surplus - 0.5 else 0.0
    deviation = math.sqrt(variance)
    x = (surplus - 0.5 - mean) / deviation
    bent = third / (6.0 * variance * deviation) * (1.0 - x * x) * math.exp(-0.5 * x * x) * 0.3989422804014327
    return min(1.0, max(0.0, 0.5 * math.erfc(x * 0.7071067811865476) - bent))


@lean
def spread(distribution, count, p):  # type: ignore[no-untyped-def]
    """Add one coin with chance p to the distribution of a sum of `count` coins, in place."""
    distribution[count + 1] = distribution[count] * p
    for index in range(count, 0, -1):
        distribution[index] = distribution[index] * (1.0 - p) + distribution[index - 1] * p
    distribution[0] *= 1.0 - p


@lean
def _eight(row):  # type: ignore[no-untyped-def]
    """Eight columns of a row at once: only what is read before anything is written becomes one vector."""
    return (row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7])


@lean
def _put(row, values):  # type: ignore[no-untyped-def]
    for column in range(8):
        row[column] = values[column]


@lean
def _times(x, y):  # type: ignore[no-untyped-def]
    return (x[0] * y[0], x[1] * y[1], x[2] * y[2], x[3] * y[3], x[4] * y[4], x[5] * y[5], x[6] * y[6], x[7] * y[7])


@lean
def _plus(x, y):  # type: ignore[no-untyped-def]
    return (x[0] + y[0], x[1] + y[1], x[2] + y[2], x[3] + y[3], x[4] + y[4], x[5] + y[5], x[6] + y[6], x[7] + y[7])


@lean
def _one_less(x):  # type: ignore[no-untyped-def]
    return (1.0 - x[0], 1.0 - x[1], 1.0 - x[2], 1.0 - x[3], 1.0 - x[4], 1.0 - x[5], 1.0 - x[6], 1.0 - x[7])


@lean
def spread_all(distributions, count, p):  # type: ignore[no-untyped-def]
    """`spread` at all eight horizons: distributions float64[sums, 8], p float64[8 or more]."""
    a = _eight(p)
    q = _one_less(a)
    below = _eight(distributions[count])
    _put(distributions[count + 1], _times(below, a))
    for index in range(count, 0, -1):
        here, below = below, _eight(distributions[index - 1])
        _put(distributions[index], _plus(_times(here, q), _times(below, a)))
    _put(distributions[0], _times(below, q))


@lean
def add_moments(sums, p, sign):  # type: ignore[no-untyped-def]
    """Add one coin at eight horizons to sums float64[3, 8]: mean, variance, third central moment.

    sign: 1.0 for a call that may become a person, -1.0 for an agent that may come free.
    """
    a = (p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7])
    for column in range(8):
        sums[0, column] += sign * a[column]
    for column in range(8):
        sums[1, column] += a[column] * (1.0 - a[column])
    for column in range(8):
        sums[2, column] += sign * (a[column] * (1.0 - a[column]) * (1.0 - 2.0 * a[column]))


@lean
def cumulate_all(distributions, count):  # type: ignore[no-untyped-def]
    """Turn eight distributions over 0..count into P(at most), in place."""
    total = _eight(distributions[0])
    for index in range(1, count + 1):
        total = _plus(_eight(distributions[index]), total)
        _put(distributions[index], total)


@lean
def exact_risks(people, n_people, freed_by, n_freed, surplus, out):  # type: ignore[no-untyped-def]
    """P(people - freed >= surplus) at eight horizons, into out float64[8].

    people: distributions; freed_by: P(at most so many agents freed).
    """
    total = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for index in range(max(0, surplus), n_people + 1):
        at_most = min(index - surplus, n_freed)
        total = _plus(total, _times(_eight(people[index]), _eight(freed_by[at_most])))
    _put(out, total)


def exact_risk(people: Floats, n_people: int, freed_by: Floats, n_freed: int, surplus: int) -> float:
    """`exact_risks` at one horizon, in plain words."""
    total = 0.0
    for index in range(max(0, surplus), n_people + 1):
        total += float(people[index] * freed_by[min(index - surplus, n_freed)])
    return total


def coins(chances: list[float]) -> Floats:
    """The distribution of how many of these independent events happen."""
    distribution = np.zeros(len(chances) + 1)
    distribution[0] = 1.0
    for count, chance in enumerate(chances):
        spread(distribution, count, chance)
    return distribution
