"""Digital work between calls: idle agents take messages and e-mails, and a call takes them away at once.

Pure: the time is passed in; `settle` compares with what agents do and tells every step. The rule:

* An agent who is idle for `idle_s`, while nobody waits for an agent, gets the item that it had before, else the one
  with the highest priority that waits longest and that it has the skills for. Its state stays IDLE: the next person is
  put through to it as if it did nothing.
* The moment it is reserved for a call the item is interrupted and kept for it: it goes on where it was after the call.
* An item goes back to the front of its queue when its agent pauses or signs out, or when it was kept for `keep_s`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from agents.agent import AgentState, Seat

_GONE = frozenset({AgentState.PAUSED, AgentState.SIGNED_OUT})


class DigitalError(Exception):
    """An item was asked for something it cannot do; the message says what."""


@dataclass(frozen=True, slots=True)
class DigitalItem:
    """A message or e-mail that wants an answer. queue_id: also what agents serve, like a campaign's id.

    channel: "whatsapp", "email". Higher priority first, then who waits since longest (monotonic seconds).
    """

    item_id: str
    queue_id: str
    channel: str
    since_s: float
    skills: frozenset[str] = frozenset()
    priority: int = 0


@dataclass(frozen=True, slots=True)
class BlendingRule:
    """idle_s: how long an agent is idle before it gets an item. keep_s: how long an interrupted item is kept for it."""

    idle_s: float = 2.0
    keep_s: float = 600.0


class StepKind(StrEnum):
    """What happened to an item."""

    GIVEN = "given"
    INTERRUPTED = "interrupted"
    RESUMED = "resumed"
    RETURNED = "returned"  # to the front of its queue
    DONE = "done"


@dataclass(frozen=True, slots=True)
class DigitalStep:
    """One step of an item. worked_s: what the agent has put into it until now."""

    kind: StepKind
    item: DigitalItem
    agent_id: str
    at_s: float
    worked_s: float = 0.0


@dataclass(slots=True)
class _Held:
    """An item that an agent has. since_s: when its present stretch of work, or of being kept, began."""

    item: DigitalItem
    since_s: float
    working: bool = True
    worked_s: float = 0.0


@dataclass(slots=True)
class DigitalQueue:
    """Items that wait, and those that agents have. digital_s: work put into items, by agent."""

    rule: BlendingRule = field(default_factory=BlendingRule)
    digital_s: dict[str, float] = field(default_factory=dict)
    _waiting: dict[str, DigitalItem] = field(default_factory=dict)
    _front: list[str] = field(default_factory=list)  # items that were begun and came back
    _held: dict[str, _Held] = field(default_factory=dict)

    def __len__(self) -> int:
        """Items without an agent."""
        return len(self._waiting)

    def offer(self, item: DigitalItem) -> None:
        """A new item. Raises DigitalError for one that is here already."""
        if item.item_id in self._waiting or any(held.item.item_id == item.item_id for held in self._held.values()):
            raise DigitalError(f"item {item.item_id} is in the queue already")
        self._waiting[item.item_id] = item

    def withdraw(self, item_id: str) -> None:
        """An item needs no answer any more."""
        self._waiting.pop(item_id, None)
        self._front = [name for name in self._front if name != item_id]
        for agent_id in [name for name, held in self._held.items() if held.item.item_id == item_id]:
            del self._held[agent_id]

    def item_of(self, agent_id: str) -> DigitalItem | None:
        """What an agent has, worked on or kept."""
        held = self._held.get(agent_id)
        return held.item if held else None

    def working(self, agent_id: str) -> bool:
        """Whether an agent works on an item now."""
        held = self._held.get(agent_id)
        return held is not None and held.working

    def worked_s(self, agent_id: str, now_s: float) -> float:
        """All the time an agent has put into items, the present stretch included."""
        held, before_s = self._held.get(agent_id), self.digital_s.get(agent_id, 0.0)
        return before_s + (now_s - held.since_s if held and held.working else 0.0)

    def done(self, agent_id: str, now_s: float) -> DigitalStep:
        """The agent answered its item. Raises DigitalError when it works on none."""
        if not self.working(agent_id):
            raise DigitalError(f"agent {agent_id} works on no item now")
        held = self._held.pop(agent_id)
        self._book(agent_id, held, now_s)
        return DigitalStep(StepKind.DONE, held.item, agent_id, now_s, held.worked_s)

    def settle(self, seats: Iterable[Seat], now_s: float, calls_wait: bool) -> list[DigitalStep]:
        """Make items follow what agents do now; call it after every change, and every second."""
        known = {seat.profile.agent_id: seat for seat in seats}
        steps = [step for agent_id in list(self._held) if (step := self._follow(agent_id, known.get(agent_id), now_s))]
        if not calls_wait:
            free = [seat for seat in known.values() if self._may_work(seat, now_s)]
            steps += [step for seat in sorted(free, key=lambda each: each.since_s) if (step := self._give(seat, now_s))]
        return steps

    def _follow(self, agent_id: str, seat: Seat | None, now_s: float) -> DigitalStep | None:
        held = self._held[agent_id]
        gone = seat is None or seat.state in _GONE
        kept_s = 0.0 if held.working else now_s - held.since_s
        if gone or kept_s > self.rule.keep_s:
            del self._held[agent_id]
            if held.working:
                self._book(agent_id, held, now_s)
            self._waiting[held.item.item_id] = held.item
            self._front.append(held.item.item_id)
            return DigitalStep(StepKind.RETURNED, held.item, agent_id, now_s, held.worked_s)
        if held.working and seat and seat.state is not AgentState.IDLE:
            self._book(agent_id, held, now_s)
            held.working, held.since_s = False, now_s
            return DigitalStep(StepKind.INTERRUPTED, held.item, agent_id, now_s, held.worked_s)
        return None

    def _may_work(self, seat: Seat, now_s: float) -> bool:
        if seat.state is not AgentState.IDLE or self.working(seat.profile.agent_id):
            return False
        return now_s - seat.since_s >= self.rule.idle_s

    def _give(self, seat: Seat, now_s: float) -> DigitalStep | None:
        agent_id = seat.profile.agent_id
        if kept := self._held.get(agent_id):
            kept.working, kept.since_s = True, now_s
            return DigitalStep(StepKind.RESUMED, kept.item, agent_id, now_s, kept.worked_s)
        fitting = [item for item in self._waiting.values() if seat.profile.serves(item.queue_id, item.skills)]
        if not fitting:
            return None
        item = min(fitting, key=lambda each: (each.item_id not in self._front, -each.priority, each.since_s))
        del self._waiting[item.item_id]
        self._front = [name for name in self._front if name != item.item_id]
        self._held[agent_id] = _Held(item, now_s)
        return DigitalStep(StepKind.GIVEN, item, agent_id, now_s)

    def _book(self, agent_id: str, held: _Held, now_s: float) -> None:
        stretch_s = max(0.0, now_s - held.since_s)
        held.worked_s += stretch_s
        self.digital_s[agent_id] = self.digital_s.get(agent_id, 0.0) + stretch_s


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Shares of paid time (idle, reserved, talk, wrap-up). voice: talk, wrap-up; productive: digital work besides."""

    voice: float
    productive: float


def occupancy(seats: Iterable[Seat], queue: DigitalQueue, now_s: float) -> Occupancy | None:
    """Of everybody who is signed in, since each signed in; None when nobody was paid yet."""
    voice_s = digital_s = paid_s = 0.0
    for seat in seats:
        spent = dict(seat.busy_s)
        spent[seat.state] = spent.get(seat.state, 0.0) + max(0.0, now_s - seat.since_s)
        talk_s = spent.get(AgentState.TALKING, 0.0) + spent.get(AgentState.WRAP_UP, 0.0)
        voice_s += talk_s
        paid_s += talk_s + spent.get(AgentState.IDLE, 0.0) + spent.get(AgentState.RESERVED, 0.0)
        digital_s += queue.worked_s(seat.profile.agent_id, now_s)
    if paid_s <= 0.0:
        return None
    return Occupancy(voice_s / paid_s, min(1.0, (voice_s + digital_s) / paid_s))
