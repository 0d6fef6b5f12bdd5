"""The question a pacing law answers once a second, and its answer. Pure data, recorded and replayed bit for bit."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class FlightStage(StrEnum):
    """How far a call in flight has come."""

    DIALING = "dialing"
    RINGING = "ringing"
    EARLY_MEDIA = "early_media"
    SCREENING = "screening"  # answered, AMD is listening
    WAITING = "waiting"  # a person, no agent yet


@dataclass(frozen=True, slots=True)
class FlightView:
    """One call in flight, or about to be placed. age_s: since originate; stage_s: since it entered its stage.

    list_id: of its lead; "" when that is not known (calls of other campaigns).
    """

    attempt_id: str
    stage: FlightStage
    age_s: float
    stage_s: float
    list_id: str = ""


class AgentActivity(StrEnum):
    """What a logged-in agent does, as pacing sees it."""

    IDLE = "idle"
    RESERVED = "reserved"
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class AgentView:
    """One logged-in agent. since_s: how long in this activity; leaving: logs out (or pauses) after this call."""

    agent_id: str
    activity: AgentActivity
    since_s: float
    leaving: bool = False


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts that a law or its guarantee needs. People include the abandoned; answers include machines."""

    placed: int = 0
    answers: int = 0
    people: int = 0
    machines: int = 0
    abandoned: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """Hard bounds on one plan. calls_per_s: originate rate of the trunk; channels: calls in flight or up at once.

    window_left_s: how long dialling goes on in the period the cap is counted over (a shift, at the least).
    abandonment_target: what is aimed at, under the cap; 0: the cap itself. cap_rule: whose past lowered the cap.
    """

    channels: int
    calls_per_s: float
    ring_min_s: float = 15.0
    abandonment_cap: float = 0.03
    window_left_s: float = 14_400.0
    abandonment_target: float = 0.0
    cap_rule: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a law may look at. now_s is monotonic, wall_s is UTC; tick counts plans of this campaign from 0.

    shared: other campaigns dial for the same agents; rivals: their calls in flight; my_turn: whether this campaign may
    dial ahead now (one at a time, or the one that may risk more would take every agent); rival_theta: the least risk
    that a call of theirs may carry now; rival_share: people for each call of theirs, negative when not known;
    rival_owes: one of them has spent its budget and this one has not.
    """

    now_s: float
    tick: int
    agents: tuple[AgentView, ...]
    flights: tuple[FlightView, ...]
    calls_up: int  # bridged calls (they hold trunk channels too)
    today: Tally
    limits: Limits
    leads_ready: int
    rivals: tuple[FlightView, ...] = ()
    shared: bool = False
    my_turn: bool = True
    wall_s: float = 0.0
    rival_theta: float = 1.0
    rival_share: float = -1.0
    rival_owes: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """How many calls to place now, which ringing ones to give up, and the limit that bound the number, in words."""

    place: int
    give_up: tuple[str, ...] = ()
    bound_by: str = ""
    forecast: tuple[tuple[str, float], ...] = ()


class PacingLaw(Protocol):
    """A pacing law: state is fed by events, `plan` itself is pure (same state and snapshot, same plan)."""

    name: str

    def plan(self, snapshot: Snapshot) -> Plan:
        """Decide."""
        ...

    def observe(self, event: "PacingEvent") -> None:
        """Learn from what happened (answer, verdict, connection, abandonment, end of talk or wrap-up)."""
        ...


class WatchingLaw(PacingLaw, Protocol):
    """A law that learns from what it sees of agents, also while another law decides (`dialer.pacing.ab`)."""

    def watch(self, snapshot: Snapshot) -> None:
        """Learn from this moment and plan nothing."""
        ...


class PacingEventKind(StrEnum):
    """What a law may learn from."""

    PLACED = "placed"
    RANG = "rang"
    ANSWERED = "answered"
    PERSON = "person"
    MACHINE = "machine"
    UNANSWERED = "unanswered"  # ended without answer: busy, no answer, bad number
    CONNECTED = "connected"
    ABANDONED = "abandoned"
    TALK_ENDED = "talk_ended"
    WRAP_UP_ENDED = "wrap_up_ended"


@dataclass(frozen=True, slots=True)
class PacingEvent:
    """One fact. duration_s: time since the stage before began (ring time, AMD time, talk, wrap-up).

    list_id: of the lead; told when the call is placed, and not again.
    """

    kind: PacingEventKind
    at_s: float
    duration_s: float = 0.0
    attempt_id: str = ""
    agent_id: str = ""
    list_id: str = ""
