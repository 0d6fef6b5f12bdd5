"""What is learned of lists and hours, live: which call and which agent is of which list, the hour, and their cells.

Everything follows from the events and snapshots the law is given, so a recorded trace gives the same plans again.
"""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from dialer.pacing import cells
from dialer.pacing.cells import Grain
from dialer.pacing.hazard_core import MIX_MEMORY
from dialer.pacing.plan import Snapshot
from dialer.pacing.shapes import Floats

# Zones differ by whole quarters of an hour: the hour of the day changes with one.
_QUARTER_S = 900.0
# So many of them after the first moment the same hour of another day was seen, or soon will be.
_ANOTHER_DAY = 80


@dataclass(slots=True)
class ListBook:
    """Lists by number, in the order they were first dialled, and the cells of each.

    by_list: whether lists are told apart; zone: IANA name of the campaign's time zone, "" when hours are not. Hours are
    learned at once, and looked at when they say more than the day does: when hours_told by another day.
    mix: float64[lists], shares of the lists among the calls placed last. of_call: number of the list and when it was
    placed, until the call is connected or over; of_agent: whose talk or wrap-up is of which list.
    """

    by_list: bool = True
    zone: str = ""
    list_facts: float = cells.LIST_FACTS
    hour_facts: float = cells.HOUR_FACTS
    numbers: dict[str, int] = field(default_factory=dict)
    cells: Floats = field(default_factory=lambda: cells.blank(1))
    mix: Floats = field(default_factory=lambda: np.ones(1))
    hour: int = -1
    hours_told: bool = False
    of_call: dict[str, tuple[int, float]] = field(default_factory=dict)
    of_agent: dict[str, int] = field(default_factory=dict)
    _quarter: int = -1
    _first_quarter: int = -1
    _connected: dict[str, int] = field(default_factory=dict)

    @property
    def grain(self) -> Grain:
        """How finely is looked now."""
        return Grain(len(self.mix), self.hour if self.hours_told else -1, self.list_facts, self.hour_facts)

    def number(self, list_id: str) -> int:
        """The list's number; a list that is dialled for the first time gets the next one."""
        if not self.by_list:
            return 0
        if (number := self.numbers.get(list_id)) is not None:
            return number
        number = self.numbers[list_id] = len(self.numbers) if len(self.numbers) < cells.MOST_LISTS else 0
        if number > 0:
            self.cells = np.vstack((self.cells, cells.blank(1)))
            self.mix = np.append(self.mix, 0.0)
        return number

    def placed(self, attempt_id: str, list_id: str, at_s: float) -> None:
        """A call was placed."""
        number = self.number(list_id)
        self.of_call[attempt_id] = (number, at_s)
        if len(self.mix) > 1:
            self.mix *= 1.0 - 1.0 / MIX_MEMORY
            self.mix[number] += 1.0 / MIX_MEMORY

    def connected(self, attempt_id: str, agent_id: str) -> None:
        """The agent talks with this call from the next snapshot on."""
        if call := self.of_call.pop(attempt_id, None):
            self._connected[agent_id] = call[0]

    def over(self, attempt_id: str) -> None:
        """The call will not be connected."""
        self.of_call.pop(attempt_id, None)

    def learn_call(self, attempt_id: str, part: int, last_bin: int, way: int) -> None:
        """A stage of the call is over."""
        if call := self.of_call.get(attempt_id):
            self.learn(call[0], part, last_bin, way)

    def learn_agent(self, agent_id: str, part: int, last_bin: int, way: int) -> None:
        """A talk or a wrap-up of the agent is over; that of another campaign's call is of no list."""
        if (number := self.of_agent.get(agent_id)) is not None:
            self.learn(number, part, last_bin, way)

    def learn(self, number: int, part: int, last_bin: int, way: int) -> None:
        """Add a duration to the cells of a list, by number (see `cells.note`)."""
        if self.by_list or self.hour >= 0:
            # A list that is alone is kept as well: a second one may come.
            lists = max(2, len(self.mix)) if self.by_list else 1
            grain = Grain(lists, self.hour, self.list_facts, self.hour_facts)
            cells.learn(self.cells, grain, number, part, last_bin, way)

    def turn(self, snapshot: Snapshot, idle: list[str]) -> None:
        """A new moment: agents talk with those they were connected with. idle: agents who came free since the last."""
        for agent_id in idle:
            self.of_agent.pop(agent_id, None)
        self.of_agent |= self._connected
        self._connected.clear()
        quarter = int(snapshot.wall_s // _QUARTER_S)
        if self.zone and quarter != self._quarter:
            self._quarter = quarter
            self._first_quarter = quarter if self._first_quarter < 0 else self._first_quarter
            self.hours_told = self.hours_told or quarter - self._first_quarter >= _ANOTHER_DAY
            self.hour = datetime.fromtimestamp(snapshot.wall_s, ZoneInfo(self.zone)).hour

    def forget(self, before_s: float) -> None:
        """Calls placed before then whose end never came."""
        self.of_call = {name: call for name, call in self.of_call.items() if call[1] > before_s}
