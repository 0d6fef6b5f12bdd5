"""Which law a simulated shift is under, what that law remembers, and its table."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialer.pacing.desk import Desk, desk
from dialer.pacing.shapes import Floats

# Laws by number.
MANUAL, PREVIEW, RATIO, VICIDIAL, WOMBAT, ISSABEL, AVERAGES, HAZARD = range(8)
ORACLE_CALLS, ORACLE_AGENTS = 1, 2  # bits


class Choice(NamedTuple):
    """Which law, and its settings. knob: calls per agent, boost, highest level, or 1 to divide by the answer ratio."""

    law: int
    mode: int
    knob: float
    think_s: float  # manual, preview: an agent's seconds before each call
    oracle: int
    start_ratio: float
    give_up: bool
    mistaken_share: float  # upper bound of people among machine verdicts, as the centre knows it
    mistaken_z: float
    machine_share: float  # upper bound of machines among person verdicts, as agents tell it
    by_list: bool  # what is learned is kept for each list
    by_hour: bool  # and for each hour
    list_facts: float
    hour_facts: float


class Mind(NamedTuple):
    """What the law remembers, a first axis for campaigns: life tables as in `Shapes`, lookup tables, small states.

    memory: that of the law, then the shares of the lists among the calls placed last.
    """

    ring: Floats
    screen: Floats
    talk: Floats
    wrap: Floats
    tables: Floats
    memory: Floats
    states: Floats
    vicidial: Floats
    cells: Floats  # of the only campaign: those that share agents are learned as a whole each


class Table(NamedTuple):
    """Room for what a law looks at, made once: rows as in `View`, bool[calls], and its desk."""

    calls: Floats
    agents: Floats
    chosen: NDArray[np.bool_]
    desk: Desk


def lay(agents: int, capacity: int) -> Table:
    """A table for so many agents and calls in flight."""
    chosen: NDArray[np.bool_] = np.zeros(capacity, np.bool_)
    return Table(np.zeros((capacity, 6)), np.zeros((agents, 4)), chosen, desk(agents + capacity))
