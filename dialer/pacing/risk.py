"""The chance that more people answer than agents come free: exact for small teams, a bent normal for large ones."""

import math

import numpy as np

from dialer.pacing.compiled import compiled


@compiled
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


@compiled
def spread(distribution, count, p):  # type: ignore[no-untyped-def]
    """Add one coin with chance p to the distribution of a sum of `count` coins, in place."""
    distribution[count + 1] = distribution[count] * p
    for index in range(count, 0, -1):
        distribution[index] = distribution[index] * (1.0 - p) + distribution[index - 1] * p
    distribution[0] *= 1.0 - p


@compiled
def cumulate(distribution, count):  # type: ignore[no-untyped-def]
    """Turn a distribution over 0..count into P(at most), in place."""
    for index in range(1, count + 1):
        distribution[index] += distribution[index - 1]


@compiled
def exact_risk(people, n_people, freed_by, n_freed, surplus):  # type: ignore[no-untyped-def]
    """P(people - freed >= surplus). people: distribution; freed_by: P(at most so many agents freed)."""
    total = 0.0
    for index in range(max(0, surplus), n_people + 1):
        total += people[index] * freed_by[min(index - surplus, n_freed)]
    return total


def coins(chances: list[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The distribution of how many of these independent events happen."""
    distribution = np.zeros(len(chances) + 1)
    distribution[0] = 1.0
    for count, chance in enumerate(chances):
        spread(distribution, count, chance)
    return distribution
