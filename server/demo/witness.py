"""Watches a run from its event stream and remembers what the summary and the invariants need."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.agent import AgentState
from amd.verdict import CallClass, Verdict
from campaigns.attempt import Attempt, AttemptState, Move
from campaigns.outcome import Outcome
from dialer.agent_desk import AgentDesk
from dialer.events import AgentMoved, AttemptMoved, DialerEvent, PersonConnected, Trouble, VerdictSaid

_TO_AGENTS = frozenset({CallClass.HUMAN, CallClass.UNKNOWN})


@dataclass(slots=True)
class Seen:
    """One attempt as it was seen. verdict: the first one after answer; idle_at_verdict: agents free at that moment."""

    attempt: Attempt
    moves: list[Move] = field(default_factory=list)
    verdict: Verdict | None = None
    verdict_at_s: float = 0.0
    idle_at_verdict: int = 0
    idle_at_end: int = 0
    connected: PersonConnected | None = None


@dataclass(slots=True)
class Witness:
    """Everything that happened, by attempt; agents' time by state. `take` every event of the hub."""

    desk: AgentDesk
    attempts: dict[str, Seen] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    agent_s: defaultdict[AgentState, float] = field(default_factory=lambda: defaultdict(float))
    first_half_s: dict[AgentState, float] = field(default_factory=dict)

    def take(self, event: DialerEvent) -> None:
        """Remember one event."""
        match event:
            case AttemptMoved(attempt=attempt, move=move):
                seen = self.attempts.setdefault(attempt.attempt_id, Seen(attempt))
                seen.attempt = attempt
                seen.moves.append(move)
                seen.idle_at_end = self._idle()
            case VerdictSaid(attempt_id=attempt_id, verdict=verdict) if not verdict.early_media:
                seen = self.attempts[attempt_id]
                if seen.verdict is None:
                    seen.verdict, seen.verdict_at_s, seen.idle_at_verdict = verdict, event.said_at_s, self._idle()
            case PersonConnected(attempt_id=attempt_id):
                self.attempts[attempt_id].connected = event
            case AgentMoved(move=move):
                self.agent_s[move.source] += move.lasted_s
            case Trouble():
                self.troubles.append(event)
            case _:
                pass

    def states(self) -> Counter[AttemptState]:
        """Live attempts by state, ended ones too."""
        return Counter(seen.attempt.state for seen in self.attempts.values())

    def outcomes(self) -> Counter[Outcome]:
        """Ended attempts by outcome."""
        return Counter(seen.attempt.outcome for seen in self.attempts.values() if seen.attempt.outcome)

    def count_reached(self, state: AttemptState) -> int:
        """Attempts that came at least to this state."""
        return sum(any(move.target is state for move in seen.moves) for seen in self.attempts.values())

    def occupancy(self) -> float:
        """Share of the agents' time that they talked or wrapped up, of the time that they were not paused."""
        return _occupancy(self.agent_s)

    def second_half(self) -> float:
        """The occupancy since `halfway`: pacing has learned by then how many answer."""
        return _occupancy({state: s - self.first_half_s.get(state, 0.0) for state, s in self.agent_s.items()})

    def halfway(self, now_s: float) -> None:
        """Half of the time is over (monotonic)."""
        closed = self.agent_s.copy()
        self.close_books(now_s)
        self.first_half_s, self.agent_s = dict(self.agent_s), closed

    def occupancy_now(self, now_s: float) -> float:
        """The occupancy, with the time of the states that agents are in now (monotonic)."""
        closed = self.agent_s.copy()
        self.close_books(now_s)
        share, self.agent_s = self.occupancy(), closed
        return share

    def close_books(self, now_s: float) -> None:
        """Add the time of the states that agents are in now (monotonic)."""
        for seat in self.desk.pool.seats():
            self.agent_s[seat.state] += now_s - seat.since_s

    def to_agent(self) -> list[Seen]:
        """Attempts whose first verdict sends them to an agent."""
        return [seen for seen in self.attempts.values() if seen.verdict and seen.verdict.call_class in _TO_AGENTS]

    def _idle(self) -> int:
        return sum(seat.state is AgentState.IDLE and seat.leg_up for seat in self.desk.pool.seats())


def _occupancy(agent_s: Mapping[AgentState, float]) -> float:
    busy = agent_s.get(AgentState.TALKING, 0.0) + agent_s.get(AgentState.WRAP_UP, 0.0)
    there = busy + agent_s.get(AgentState.IDLE, 0.0) + agent_s.get(AgentState.RESERVED, 0.0)
    return busy / there if there else 0.0
