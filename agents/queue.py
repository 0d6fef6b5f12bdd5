"""Queues of callers: who is next, which place a caller has, how long it will take, and how well the queue serves.

Pure: times are passed in (monotonic seconds). A caller's place and its waiting time are told to the caller, so both
are measured: the place is the rank by which `AgentPool.match` serves, the time comes from the pace at which callers of
this queue really moved up.

Blended agents, the rule: a person whom the dialer called and who said "hello" goes first, because a law gives seconds
for it, while a caller hears music; then callers, by priority and by waiting time. In return the dialer counts on no
agent that a waiting caller will take (`claimed_by_callers`), nor on those that a queue keeps free.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from agents.agent import AgentState, Seat
from agents.pool import WaitingCall
from campaigns.calling_window import CallingWindow

# WaitingCall.priority of people whom the dialer called is 0: callers stay below it, unless their queue says otherwise.
_BELOW_OUTBOUND = -100
_ABOVE_OUTBOUND = 100
_WINDOW_S = 1800.0
# Fewer steps than this are no measurement: nothing is announced then.
_FEWEST_STEPS = 3.0
_WORKING = frozenset({AgentState.IDLE, AgentState.RESERVED, AgentState.TALKING, AgentState.WRAP_UP})
# Agents who become free without a word from themselves, soonest first.
_SOON_FREE = {AgentState.IDLE: 0, AgentState.WRAP_UP: 1, AgentState.TALKING: 2, AgentState.RESERVED: 3}


class QueueError(Exception):
    """A queue was asked for something it cannot do; the message says what to mend."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """One queue. priority: 1 (last) to 9 (first) among queues; before_outbound: even before people the dialer called.

    skills: what an agent needs. service_level_s: "answered in time" means within this; service_level_target: share
    aimed at. short_abandon_s: who leaves sooner did not wait (and is not counted as abandoned in the service level).
    max_wait_s, max_waiting: then the caller overflows: to the queue `overflow_to`, else back to the flow.
    hours: when people answer, in `time_zone` (None: always). keep_free: idle agents that the dialer leaves to callers.
    announce_every_s: between two announcements of place and time; music: media URIs, repeated.
    wrap_up_s: time for the agent after a call. dispositions: codes an agent may give; the first is the default.
    """

    queue_id: str
    name: str = ""
    skills: frozenset[str] = frozenset()
    priority: int = 5
    before_outbound: bool = False
    service_level_s: float = 20.0
    service_level_target: float = 0.8
    short_abandon_s: float = 5.0
    max_wait_s: float = 600.0
    max_waiting: int = 200
    overflow_to: str = ""
    hours: CallingWindow | None = None
    time_zone: str = "UTC"
    keep_free: int = 0
    announce_every_s: float = 30.0
    music: tuple[str, ...] = ()
    language: str = "es"
    recording: bool = True
    wrap_up_s: float = 30.0
    dispositions: tuple[str, ...] = ("done", "call_back", "complaint", "wrong_number")

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if not 1 <= self.priority <= 9:
            raise QueueError(f"queue {self.queue_id}: priority {self.priority} is not 1 to 9")
        if self.overflow_to == self.queue_id:
            raise QueueError(f"queue {self.queue_id}: it overflows into itself")
        if not self.dispositions:
            raise QueueError(f"queue {self.queue_id}: it needs at least one disposition, the first is the default")

    @property
    def pool_priority(self) -> int:
        """Where its callers stand among everybody who waits for an agent."""
        return self.priority + (_ABOVE_OUTBOUND if self.before_outbound else _BELOW_OUTBOUND)

    def is_open(self, now_s: float) -> bool:
        """Whether people answer at `now_s` (seconds since 1970, UTC)."""
        return self.hours is None or self.hours.is_open(now_s, self.time_zone)

    def next_open_s(self, now_s: float) -> float | None:
        """When people answer again, UTC; None: not within the horizon of calling windows."""
        return now_s if self.hours is None else self.hours.next_open_s(now_s, self.time_zone)


class Left(StrEnum):
    """How a caller's time in a queue ended."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"  # the caller hung up
    OVERFLOWED = "overflowed"  # it waited too long, or the queue was full or without agents
    CALLBACK = "callback"  # it asked to be called back, and keeps its place
    CHOSE_OUT = "chose_out"  # it pressed a key to leave


@dataclass(frozen=True, slots=True)
class QueueFigures:
    """How a queue served, of callers whose wait ended within the window. Shares are None when nobody counts.

    service_level: answered in time / (answered + abandoned, without those who left at once).
    abandonment: abandoned, without those who left at once / the same sum. asa_s: mean wait of the answered ones.
    longest_s: of those who wait now. pace_s: measured seconds per place, None when too little was seen.
    """

    waiting: int
    longest_s: float
    callbacks_waiting: int
    offered: int
    answered: int
    answered_in_time: int
    abandoned: int
    abandoned_at_once: int
    overflowed: int
    callbacks: int
    chose_out: int
    service_level: float | None
    abandonment: float | None
    asa_s: float | None
    pace_s: float | None


@dataclass(slots=True)
class _Pace:
    """How fast callers move up: places gained by the callers behind, per second in which anybody waited."""

    steps: deque[tuple[float, float]] = field(default_factory=deque)
    busy: deque[tuple[float, float]] = field(default_factory=deque)
    busy_since_s: float | None = None

    def moved(self, now_s: float, share: float) -> None:
        self.steps.append((now_s, share))

    def occupied(self, now_s: float, somebody: bool) -> None:
        if somebody and self.busy_since_s is None:
            self.busy_since_s = now_s
        elif not somebody and self.busy_since_s is not None:
            self.busy.append((self.busy_since_s, now_s))
            self.busy_since_s = None

    def seconds_per_place(self, now_s: float) -> float | None:
        since_s = now_s - _WINDOW_S
        while self.steps and self.steps[0][0] < since_s:
            self.steps.popleft()
        while self.busy and self.busy[0][1] < since_s:
            self.busy.popleft()
        steps = sum(share for _, share in self.steps)
        if steps < _FEWEST_STEPS:
            return None
        busy_s = sum(until_s - max(from_s, since_s) for from_s, until_s in self.busy)
        if self.busy_since_s is not None:
            busy_s += now_s - max(self.busy_since_s, since_s)
        return busy_s / steps


class CallQueue:
    """The callers of one queue. Times are monotonic seconds; a caller that moved here keeps the time it waits since."""

    def __init__(self, settings: QueueSettings) -> None:
        """Start empty."""
        self.settings = settings
        self._waiting: dict[str, WaitingCall] = {}
        self._virtual: set[str] = set()  # callbacks: a place in line without a call
        self._ended: deque[tuple[float, Left, float]] = deque()
        self._pace = _Pace()

    def __len__(self) -> int:
        """Callers who wait, callbacks included."""
        return len(self._waiting)

    @property
    def full(self) -> bool:
        """Whether one more would be too many."""
        return len(self._waiting) >= self.settings.max_waiting

    def enter(
        self, call_id: str, since_s: float, now_s: float, *, virtual: bool = False, boost: int = 0
    ) -> WaitingCall:
        """Let somebody wait; what the pool must serve. virtual: a callback; boost: added to the queue's priority.

        Raises QueueError for somebody who waits already.
        """
        if call_id in self._waiting:
            raise QueueError(f"queue {self.settings.queue_id}: {call_id} waits already")
        settings = self.settings
        call = WaitingCall(call_id, settings.queue_id, since_s, settings.skills, settings.pool_priority + boost)
        self._waiting[call_id] = call
        if virtual:
            self._virtual.add(call_id)
        self._pace.occupied(now_s, True)
        return call

    def leave(self, call_id: str, now_s: float, how: Left) -> float:
        """Somebody's wait ended; how long it was, seconds. Raises QueueError for somebody who does not wait."""
        if call_id not in self._waiting:
            raise QueueError(f"queue {self.settings.queue_id}: {call_id} does not wait here")
        place, count = self.position(call_id), len(self._waiting)
        waited_s = now_s - self._waiting.pop(call_id).since_s
        if count > 1:
            self._pace.moved(now_s, (count - place) / (count - 1))
        elif how is Left.ANSWERED:
            self._pace.moved(now_s, 1.0)
        self._pace.occupied(now_s, bool(self._waiting))
        # A callback was counted when it was asked for; its own end is a new call's.
        if call_id not in self._virtual:
            self._ended.append((now_s, how, waited_s))
        self._virtual.discard(call_id)
        return waited_s

    def position(self, call_id: str) -> int:
        """A caller's place, 1 is next: the order in which the pool serves. Raises QueueError when it is not here."""
        if call_id not in self._waiting:
            raise QueueError(f"queue {self.settings.queue_id}: {call_id} does not wait here")
        # Of two with the same key the one that came first: sorting is stable here and in the pool.
        order = sorted(self._waiting.values(), key=lambda call: (-call.priority, call.since_s))
        return 1 + next(place for place, call in enumerate(order) if call.call_id == call_id)

    def wait_estimate_s(self, place: int, now_s: float) -> float | None:
        """How long somebody at this place will wait, from the measured pace; None when too little was seen."""
        pace_s = self._pace.seconds_per_place(now_s)
        return None if pace_s is None else pace_s * place

    def figures(self, now_s: float, window_s: float = _WINDOW_S) -> QueueFigures:
        """How the queue served in the last `window_s` seconds."""
        while self._ended and self._ended[0][0] < now_s - 86_400.0:
            self._ended.popleft()
        ended = [(how, waited_s) for at_s, how, waited_s in self._ended if at_s >= now_s - window_s]
        answered = [waited_s for how, waited_s in ended if how is Left.ANSWERED]
        gone = [waited_s for how, waited_s in ended if how is Left.ABANDONED]
        at_once = sum(waited_s < self.settings.short_abandon_s for waited_s in gone)
        in_time = sum(waited_s <= self.settings.service_level_s for waited_s in answered)
        counted = len(answered) + len(gone) - at_once
        count = {how: sum(each is how for each, _ in ended) for how in Left}
        return QueueFigures(
            waiting=len(self._waiting) - len(self._virtual),
            longest_s=max((now_s - call.since_s for call in self._waiting.values()), default=0.0),
            callbacks_waiting=len(self._virtual),
            offered=len(ended),
            answered=len(answered),
            answered_in_time=in_time,
            abandoned=len(gone),
            abandoned_at_once=at_once,
            overflowed=count[Left.OVERFLOWED],
            callbacks=count[Left.CALLBACK],
            chose_out=count[Left.CHOSE_OUT],
            service_level=in_time / counted if counted else None,
            abandonment=(len(gone) - at_once) / counted if counted else None,
            asa_s=sum(answered) / len(answered) if answered else None,
            pace_s=self._pace.seconds_per_place(now_s),
        )


def staffed(settings: QueueSettings, seats: Iterable[Seat]) -> int:
    """How many signed-in agents serve the queue and are at work (pausing agents are not)."""
    return sum(
        seat.state in _WORKING and seat.leg_up and seat.profile.serves(settings.queue_id, settings.skills)
        for seat in seats
    )


def claimed_by_callers(
    waiting: Iterable[WaitingCall], seats: Iterable[Seat], queues: Mapping[str, QueueSettings]
) -> frozenset[str]:
    """Agents on whom the dialer must not count: each waiting caller's next one, and those that queues keep free.

    Who becomes free soonest is taken for the caller who is served next.
    """
    soonest = sorted(
        (seat for seat in seats if seat.state in _SOON_FREE and seat.leg_up),
        key=lambda seat: (_SOON_FREE[seat.state], seat.since_s),
    )
    taken: set[str] = set()

    def claim(queue_id: str, skills: frozenset[str], agent_id: str, only: frozenset[AgentState]) -> None:
        for seat in soonest:
            profile = seat.profile
            fits = profile.serves(queue_id, skills) and agent_id in ("", profile.agent_id) and seat.state in only
            if fits and profile.agent_id not in taken:
                taken.add(profile.agent_id)
                return

    for call in waiting:
        if call.campaign_id in queues:
            claim(call.campaign_id, call.skills, call.agent_id, frozenset(_SOON_FREE))
    for settings in queues.values():
        for _ in range(settings.keep_free):
            claim(settings.queue_id, settings.skills, "", frozenset({AgentState.IDLE}))
    return frozenset(taken)
