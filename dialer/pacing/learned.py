"""What a centre's own past attempts teach before the first call: the start-up belief of each list and hour.

The past is told in order, as the law would have been told it, and then faded: it weighs as much as some dozens of
today's calls, so that a day which is otherwise is believed soon.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from campaigns.attempt import AttemptState
from campaigns.outcome import Outcome
from dialer.pacing import cells, shapes
from dialer.pacing import hazard_core as core
from dialer.pacing.by_list import ListBook
from dialer.pacing.shapes import Floats, Shapes
from storage.history import PastCall

# Fewer calls say too little to begin with.
FEWEST_CALLS = 100
# Facts that the past of the campaign, of each list, and of a list's hour weighs at the most. An hour's is worth more:
# it is the only one that says how this hour differs from others.
_WHOLE_FACTS, _LIST_FACTS, _HOUR_FACTS = 150.0, 50.0, 300.0
_S = AttemptState
_NEVER_PLACED = frozenset({Outcome.REFUSED, Outcome.LOST, Outcome.FAILED})
# A machine's verdict stands at the latest after so long; where a message was left, the end of the call does not tell.
_LONGEST_VERDICT_S, _TYPICAL_VERDICT_S = 8.0, 3.0


@dataclass(frozen=True, slots=True)
class Learned:
    """What so many past calls taught. whole: life tables of the campaign; book: lists, their cells and shares."""

    calls: int
    whole: Shapes
    book: ListBook

    def into(self, believed: Shapes, book: ListBook) -> None:
        """Add it to a start-up belief and to an empty book."""
        for table, seen in zip(believed, self.whole, strict=True):
            counted = (len(table) + 1) // 2
            table[:counted] += seen[:counted]
        if book.by_list:
            book.numbers = dict(self.book.numbers)
            book.cells = self.book.cells.copy()
            book.mix = self.book.mix.copy()
            book.hours_told = True


def learn_past(
    calls: Sequence[PastCall], wrap_ups_s: Sequence[float], lists: Sequence[str], time_zone: str
) -> Learned | None:
    """Past calls of a campaign, oldest first, and wrap-ups (seconds) of its agents; None when they are too few.

    lists: the campaign's present ones; calls of others are left out. A dead network's calls teach nothing, as live.
    """
    placed = [
        call
        for call in calls
        if call.list_id in lists and call.outcome not in _NEVER_PLACED and _S.DIALING in call.moved_s
    ]
    if len(placed) < FEWEST_CALLS:
        return None
    start = shapes.fresh(shapes.StartUp())
    pupil = _Pupil(Shapes(*(np.zeros_like(table) for table in start)), ListBook(), core.memory(), ZoneInfo(time_zone))
    for call in placed:
        pupil.hear(call)
    for lasted_s in wrap_ups_s:
        shapes.note(pupil.whole.wrap, int(lasted_s), shapes.FIRST, shapes.WRAP_MEMORY)
    whole = Shapes(*(_faded(table, _WHOLE_FACTS) for table in pupil.whole))
    cells.fade(pupil.book.cells, _LIST_FACTS, _HOUR_FACTS)
    pupil.book.of_call.clear()
    return Learned(len(placed), whole, pupil.book)


@dataclass(slots=True)
class _Pupil:
    whole: Shapes
    book: ListBook
    memory: Floats
    zone: ZoneInfo

    def hear(self, call: PastCall) -> None:
        """One call from its originate to its end."""
        self.book.hour = datetime.fromtimestamp(call.planned_at_s, self.zone).hour
        self.book.placed(call.attempt_id, call.list_id, call.planned_at_s)
        number = self.book.of_call.pop(call.attempt_id)[0]
        way, rang_s = _ringing(call)
        if core.rang(self.whole.ring, self.memory, rang_s, way):
            self.book.learn(number, cells.RING, int(rang_s), way)
        if _S.ANSWERED in call.moved_s:
            self._screened(call, number)
        talk_s = call.between(_S.BRIDGED, _S.ENDED)
        if talk_s is not None and call.outcome is Outcome.BRIDGED:
            last_bin = shapes.talk_bin(talk_s)
            shapes.note(self.whole.talk, last_bin, shapes.FIRST, shapes.TALK_MEMORY)
            self.book.learn(number, cells.TALK, last_bin, shapes.FIRST)

    def _screened(self, call: PastCall, number: int) -> None:
        way, delay_s = shapes.FIRST, call.between(_S.ANSWERED, _S.CONNECTING)
        if not call.outcome.answered_by_person:
            way, delay_s = shapes.SECOND, _TYPICAL_VERDICT_S
            if call.outcome is Outcome.MACHINE:
                delay_s = min(_LONGEST_VERDICT_S, call.between(_S.ANSWERED, _S.ENDED) or delay_s)
        if delay_s is None:
            return  # hung up before the verdict: nobody knows what it was
        last_bin = int(delay_s / shapes.SCREEN_BIN_S)
        shapes.note(self.whole.screen, last_bin, way, shapes.SCREEN_MEMORY)
        self.book.learn(number, cells.SCREEN, last_bin, way)


def _ringing(call: PastCall) -> tuple[int, float]:
    """How ringing ended (as in `shapes.note`), and after how many seconds."""
    answered_s = call.between(_S.DIALING, _S.ANSWERED)
    if answered_s is not None:
        return shapes.FIRST, answered_s
    way = 0 if call.outcome is Outcome.GIVEN_UP else shapes.SECOND
    return way, call.between(_S.DIALING, _S.ENDED) or 0.0


def _faded(table: Floats, most: float) -> Floats:
    counted = (len(table) + 1) // 2
    table[:counted] *= min(1.0, most / max(table[shapes.ENTERED, 0], 1e-9))
    return table
