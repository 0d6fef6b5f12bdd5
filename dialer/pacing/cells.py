"""What the hazard law learns of each list and each hour of the day, drawn towards the campaign as a whole. Compiled.

A cell is a life table (see `shapes`) of each of four durations, for one list at one hour, or for one list at all hours.
What is believed of a bin is a chain: the campaign's share; drawn from it, the list's; drawn from that, the list's at
this hour. Each step is the mean of a beta distribution whose prior is the step before, worth some facts: with none of
its own a cell says what the step before says, with many it says what it saw.

Facts fade by newer facts, not by time: the n-th fact of a part weighs (1 + 1/memory)^n, so that no old sum need be
touched when a new fact comes in.
"""

from typing import NamedTuple

import numpy as np

from dialer.pacing.compiled import bare, lean
from dialer.pacing.shapes import (
    RING_BINS,
    RING_MEMORY,
    SCREEN_BINS,
    SCREEN_MEMORY,
    TALK_BINS,
    TALK_MEMORY,
    WRAP_BINS,
    WRAP_MEMORY,
    Floats,
)

# Parts of a cell.
RING, SCREEN, TALK, WRAP = 0, 1, 2, 3
BINS = (RING_BINS, SCREEN_BINS, TALK_BINS, WRAP_BINS)
# Ways a duration of that part can end.
WAYS = (2, 2, 1, 1)
# Where a part's rows begin in a cell: how many came into each bin, then how many ended in it in each way.
STARTS = (0, 3 * RING_BINS, 3 * (RING_BINS + SCREEN_BINS), 3 * (RING_BINS + SCREEN_BINS) + 2 * TALK_BINS)
WEIGHTS = STARTS[WRAP] + 2 * WRAP_BINS
CELL = WEIGHTS + 4
_GROWTH = tuple(1.0 / (1.0 - 1.0 / memory) for memory in (RING_MEMORY, SCREEN_MEMORY, TALK_MEMORY, WRAP_MEMORY))
_TOO_HEAVY = 1e100
# Cells of a list: its hours, then all hours together.
HOURS = 24
ALL_HOURS = HOURS
SLOTS = HOURS + 1
# Lists that are told apart; further ones are learned together with the first.
MOST_LISTS = 12
# Facts that a belief weighs towards which a list, or a list's hour, is drawn.
LIST_FACTS, HOUR_FACTS = 30.0, 600.0
# Rows of beliefs: chances of each way in each bin, one part after the other.
AT = (0, 2 * RING_BINS, 2 * (RING_BINS + SCREEN_BINS), 2 * (RING_BINS + SCREEN_BINS) + TALK_BINS)
BELIEFS = AT[WRAP] + WRAP_BINS


class Grain(NamedTuple):
    """How finely is looked. lists: told apart (1: the campaign is one); hour: of the day, negative when not looked at.

    list_facts, hour_facts: facts that the belief weighs which a list, or a list's hour, is drawn towards.
    """

    lists: int
    hour: int
    list_facts: float
    hour_facts: float


def blank(lists: int) -> Floats:
    """Cells that saw nothing, float64[lists * SLOTS, CELL]."""
    cells = np.zeros((lists * SLOTS, CELL))
    cells[:, WEIGHTS:] = 1.0
    return cells


def fade(cells: Floats, of_lists: float, of_hours: float) -> None:
    """Let every part of every cell weigh no more than so many facts: of a list, of one of its hours."""
    most = np.where(np.arange(len(cells)) % SLOTS == ALL_HOURS, of_lists, of_hours)
    for part, at in enumerate(STARTS):
        rows = slice(at, at + (1 + WAYS[part]) * BINS[part])
        seen = cells[:, at] / cells[:, WEIGHTS + part]
        cells[:, rows] *= np.minimum(1.0, most / np.maximum(seen, 1e-9))[:, np.newaxis]


@lean
def note(cells, slot, part, last_bin, way):  # type: ignore[no-untyped-def]
    """Add one duration to a cell. way: 1 or 2, or 0 when it was cut off in its last bin (censored)."""
    bins, at, weight_at = BINS[part], STARTS[part], WEIGHTS + part
    weight = cells[slot, weight_at] * _GROWTH[part]
    if weight > _TOO_HEAVY:
        for index in range(at, at + (1 + WAYS[part]) * bins):
            cells[slot, index] /= weight
        weight = 1.0
    cells[slot, weight_at] = weight
    last = min(max(last_bin, 0), bins - 1)
    for index in range(at, at + last):
        cells[slot, index] += weight
    if way > 0:
        cells[slot, at + last] += weight
        cells[slot, at + way * bins + last] += weight


@bare
def learn(cells, grain, which, part, last_bin, way):  # type: ignore[no-untyped-def]
    """Add one duration to the cells of its list (by number), as finely as `grain` says."""
    if grain.lists > 1:
        note(cells, which * SLOTS + ALL_HOURS, part, last_bin, way)
    if grain.hour >= 0:
        note(cells, which * SLOTS + grain.hour, part, last_bin, way)


@lean
def finely(grain):  # type: ignore[no-untyped-def]
    """Whether lists or hours are told apart at all."""
    return grain.lists > 1 or grain.hour >= 0


@lean
def draw_towards(beliefs, cells, slot, part, still_open, facts):  # type: ignore[no-untyped-def]
    """Change the beliefs of a part (float64[BELIEFS]) by what a cell saw; they were worth so many facts.

    still_open: float64[bins], durations going on now that lived through each bin.
    """
    bins, at, out, seen = BINS[part], STARTS[part], AT[part], cells[slot]
    # In units of the newest fact, so that sums need not be divided by its weight bin by bin.
    weight = seen[WEIGHTS + part]
    believed = facts * weight
    for index in range(bins):
        share = 1.0 / (seen[at + index] + still_open[index] * weight + believed)
        beliefs[out + index] = (seen[at + bins + index] + believed * beliefs[out + index]) * share
        if WAYS[part] == 2:
            second = out + bins + index
            beliefs[second] = (seen[at + 2 * bins + index] + believed * beliefs[second]) * share
