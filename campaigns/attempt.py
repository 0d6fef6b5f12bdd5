"""One dial of one lead, and the only moves it may make."""

from dataclasses import dataclass
from enum import StrEnum

from campaigns.ids import call_channel_id
from campaigns.outcome import Outcome


class AttemptState(StrEnum):
    """Where an attempt stands."""

    PLANNED = "planned"
    DIALING = "dialing"
    RINGING = "ringing"
    ANSWERED = "answered"
    SCREENING = "screening"  # AMD is listening
    CONNECTING = "connecting"  # a person; an agent is reserved or waited for
    BRIDGED = "bridged"
    ENDED = "ended"


_S = AttemptState
TRANSITIONS: dict[AttemptState, frozenset[AttemptState]] = {
    _S.PLANNED: frozenset({_S.DIALING, _S.ENDED}),
    _S.DIALING: frozenset({_S.RINGING, _S.ANSWERED, _S.ENDED}),
    _S.RINGING: frozenset({_S.ANSWERED, _S.ENDED}),
    _S.ANSWERED: frozenset({_S.SCREENING, _S.CONNECTING, _S.ENDED}),
    _S.SCREENING: frozenset({_S.CONNECTING, _S.ENDED}),
    _S.CONNECTING: frozenset({_S.BRIDGED, _S.ENDED}),
    _S.BRIDGED: frozenset({_S.ENDED}),
    _S.ENDED: frozenset(),
}


class IllegalMove(Exception):
    """An attempt was asked to make a move that the transition table does not hold: a bug in the caller."""


@dataclass(frozen=True, slots=True)
class Move:
    """One step of one attempt: a row in the attempt log and the event that everybody else sees.

    `detail` holds facts worth keeping (cause codes, verdict, agent), never audio, digits or full numbers.
    """

    attempt_id: str
    source: AttemptState
    target: AttemptState
    at_s: float
    outcome: Outcome | None = None
    detail: tuple[tuple[str, str | int | float], ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One dial of one lead. `phone` is E.164; times are seconds since 1970, UTC."""

    attempt_id: str
    campaign_id: str
    lead_id: str
    phone: str
    node: str
    planned_at_s: float
    state: AttemptState = AttemptState.PLANNED
    outcome: Outcome | None = None
    agent_id: str | None = None
    ended_at_s: float | None = None

    @property
    def channel_id(self) -> str:
        """Asterisk's id of this attempt's channel."""
        return call_channel_id(self.attempt_id)

    def move(
        self,
        target: AttemptState,
        at_s: float,
        outcome: Outcome | None = None,
        agent_id: str | None = None,
        detail: tuple[tuple[str, str | int | float], ...] = (),
    ) -> tuple["Attempt", Move]:
        """Return the attempt after the move and the move itself.

        Raises IllegalMove when the table forbids it, or when an end comes without an outcome.
        """
        if target not in TRANSITIONS[self.state]:
            raise IllegalMove(f"attempt {self.attempt_id}: {self.state} -> {target} is not a move")
        if (target is AttemptState.ENDED) != (outcome is not None):
            raise IllegalMove(f"attempt {self.attempt_id}: an outcome belongs to ENDED and only to ENDED")
        step = Move(self.attempt_id, self.state, target, at_s, outcome, detail)
        ended_at_s = at_s if target is AttemptState.ENDED else None
        agent_id = agent_id or self.agent_id
        # Written out: a third of what `replace` costs, and every call makes several moves.
        after = Attempt(
            self.attempt_id, self.campaign_id, self.lead_id, self.phone, self.node, self.planned_at_s,
            target, outcome, agent_id, ended_at_s,
        )  # fmt: skip
        return after, step
