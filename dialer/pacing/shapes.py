"""What the hazard law learns: how long calls ring, answers are screened, agents talk and wrap up. Compiled.

Every duration is kept as a life table: how many came into each bin of age, how many of them ended in it and how. Life
tables take censored durations (calls given up, talks still going on) without bias. Old facts fade, one per new fact.
Arrays are float64; a bin is 1 s (ring, wrap-up), 0.25 s (screening) or grows with age (talk).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialer.pacing.compiled import bare, lean

Floats = NDArray[np.float64]

RING_BINS = 64
SCREEN_BINS = 40
SCREEN_BIN_S = 0.25
WRAP_BINS = 96
TALK_EDGES_S = np.array([0, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 360, 480, 720, 960, 1440], np.float64)
TALK_BINS = len(TALK_EDGES_S)
_TALK_STEP_S = 5.0  # every edge is a multiple of it
_TALK_LOOKUP = np.searchsorted(TALK_EDGES_S, np.arange(0, TALK_EDGES_S[-1] + 1, _TALK_STEP_S), side="right") - 1
# Rows of a life table.
ENTERED, FIRST, SECOND = 0, 1, 2
# Facts after which an old one counts 1/e: of ring and screening, of talks, of wrap-ups.
RING_MEMORY, SCREEN_MEMORY, TALK_MEMORY, WRAP_MEMORY = 1500.0, 300.0, 400.0, 400.0
# Weight, in facts, that a bin's start-up value never falls below: an empty bin keeps it.
_FLOOR = 0.3


class Shapes(NamedTuple):
    """Life tables: rows are entered, ends in the first way, in the second, then start-up probability of each way.

    ring: bins of 1 s since originate; ends answered, or failed. screen: since answer; ends as a person, or as anything
    else. talk, wrap: one way to end, so three rows.
    """

    ring: Floats
    screen: Floats
    talk: Floats
    wrap: Floats


class StartUp(NamedTuple):
    """What is believed before anything is seen, and how many facts that belief weighs.

    answered: share of calls answered; person: share of answers that are people. Both are high on purpose: a list
    that answers more than expected is the only one that hurts.
    """

    answered: float = 0.8
    person: float = 0.6
    ring_mean_s: float = 11.0
    ring_timeout_s: float = 25.0
    talk_mean_s: float = 90.0
    wrap_mean_s: float = 15.0
    calls: float = 12.0
    talks: float = 4.0


def fresh(start: StartUp) -> Shapes:
    """Life tables that hold the start-up belief and nothing else."""
    ring = _life(*_ring_prior(start), start.calls)
    screen = _life(*_screen_prior(start), start.calls * 0.7)
    talk = _life(_ends(1.0 / start.talk_mean_s, np.diff(TALK_EDGES_S, append=2880.0)), None, start.talks)
    wrap = _life(_ends(1.0 / start.wrap_mean_s, np.ones(WRAP_BINS)), None, start.talks)
    return Shapes(*(np.vstack((table, table[1:] / table[ENTERED])) for table in (ring, screen, talk, wrap)))


def _ends(hazard_per_s: float, widths_s: Floats) -> Floats:
    return np.asarray(1.0 - np.exp(-hazard_per_s * widths_s), np.float64)


def _ring_prior(start: StartUp) -> tuple[Floats, Floats]:
    """Answers spread like a gamma density of shape 4, failures at 3 to 4 s and at the time-out."""
    age_s = np.arange(RING_BINS) + 0.5
    scale_s = start.ring_mean_s / 4.0
    density = age_s**3 * np.exp(-age_s / scale_s)
    density[int(start.ring_timeout_s) :] = 0.0
    answers = start.answered * density / density.sum()
    failures = np.zeros(RING_BINS)
    failures[3] = (1.0 - start.answered) / 2
    left = 1.0 - np.concatenate(([0.0], np.cumsum(answers + failures)))[:-1]
    left = np.maximum(left, 1e-9)
    answer_q, failure_q = answers / left, failures / left
    failure_q[int(start.ring_timeout_s) :] = 0.9
    answer_q[int(start.ring_timeout_s) :] = 0.05
    return answer_q, failure_q


def _screen_prior(start: StartUp) -> tuple[Floats, Floats]:
    """People are told within two seconds, everything else within four."""
    age_s = np.arange(SCREEN_BINS) * SCREEN_BIN_S
    people = np.where((age_s >= 0.5) & (age_s < 2.0), start.person / 6, 1e-4)
    others = np.where((age_s >= 1.5) & (age_s < 4.0), (1 - start.person) / 10, 1e-4)
    left = np.maximum(1.0 - np.concatenate(([0.0], np.cumsum(people + others)))[:-1], 1e-3)
    return np.minimum(people / left, 0.5), np.minimum(others / left, 0.5)


def _life(first_q: Floats, second_q: Floats | None, weight: float) -> Floats:
    table = np.zeros((3 if second_q is not None else 2, len(first_q)))
    left = weight
    for index, q in enumerate(first_q):
        other = 0.0 if second_q is None else float(second_q[index])
        table[ENTERED, index] = max(left, _FLOOR)
        table[FIRST, index] = table[ENTERED, index] * q
        if second_q is not None:
            table[SECOND, index] = table[ENTERED, index] * other
        left *= max(0.0, 1.0 - float(q) - other)
    return table


@lean
def talk_bin(age_s: float) -> int:
    """The bin of a talk's age."""
    step = int(age_s / _TALK_STEP_S)
    return int(_TALK_LOOKUP[min(max(step, 0), len(_TALK_LOOKUP) - 1)])


@bare
def note(table: Floats, last_bin: int, way: int, memory: float) -> None:
    """Add one duration that ended in `last_bin`. way: FIRST, SECOND, or 0 when it was cut off (censored) there."""
    keep = 1.0 - 1.0 / memory
    bins, counted = table.shape[1], (table.shape[0] + 1) // 2
    last = min(max(last_bin, 0), bins - 1)
    for row in range(counted):
        for index in range(bins):
            table[row, index] *= keep
    for index in range(last):
        table[ENTERED, index] += 1.0
    if way > 0:
        table[ENTERED, last] += 1.0
        table[way, last] += 1.0


@lean
def end_probability(table: Floats, way: int, index: int, still_open: float) -> float:
    """P(ends this way in this bin | came into it). still_open: durations going on now that lived through the bin."""
    prior = table[(table.shape[0] - 1) // 2 + way, index]
    return float((table[way, index] + _FLOOR * prior) / (table[ENTERED, index] + still_open + _FLOOR))
