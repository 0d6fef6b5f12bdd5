"""One agent: who it is, what it does, and which moves between states are legal."""

from dataclasses import dataclass, field
from enum import StrEnum


class AgentState(StrEnum):
    """What a signed-in agent does. Timers are deadlines in server time; a browser that dies loses none of them."""

    SIGNED_OUT = "signed_out"
    PAUSED = "paused"
    IDLE = "idle"
    RESERVED = "reserved"  # a call is on its way, or an agent-placed call is being dialled
    TALKING = "talking"
    WRAP_UP = "wrap_up"


_S = AgentState
AGENT_TRANSITIONS: dict[AgentState, frozenset[AgentState]] = {
    _S.SIGNED_OUT: frozenset({_S.PAUSED}),
    _S.PAUSED: frozenset({_S.IDLE, _S.RESERVED, _S.SIGNED_OUT, _S.TALKING}),
    # To TALKING without a reservation: only when a conversation outlived a restart of the server.
    _S.IDLE: frozenset({_S.RESERVED, _S.PAUSED, _S.SIGNED_OUT, _S.TALKING}),
    _S.RESERVED: frozenset({_S.TALKING, _S.IDLE, _S.PAUSED, _S.SIGNED_OUT}),
    _S.TALKING: frozenset({_S.WRAP_UP}),
    # To RESERVED: a person with nobody idle, when the agents agreed to it (agents.pool.InterruptRule).
    _S.WRAP_UP: frozenset({_S.IDLE, _S.PAUSED, _S.SIGNED_OUT, _S.RESERVED}),
}


class AgentError(Exception):
    """An agent was asked for something that its state forbids; the message says what to do first."""


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """Who an agent is. agent_key: 26-character id, never reused; endpoint: dial string of the agent's phone.

    campaigns: ids this agent works for; empty means every campaign.
    """

    agent_id: str
    agent_key: str
    endpoint: str
    name: str = ""
    skills: frozenset[str] = frozenset()
    campaigns: frozenset[str] = frozenset()

    def serves(self, campaign_id: str, skills: frozenset[str]) -> bool:
        """Whether a call of this campaign that needs these skills may go to the agent."""
        return (not self.campaigns or campaign_id in self.campaigns) and skills <= self.skills


@dataclass(frozen=True, slots=True)
class AgentMove:
    """One step of an agent's state. at_s is monotonic seconds; lasted_s is how long the state before it lasted.

    wrapped_up: calls whose wrap-up is over with this step, those that were interrupted before included.
    """

    agent_id: str
    source: AgentState
    target: AgentState
    at_s: float
    lasted_s: float
    reason: str = ""
    call_id: str = ""
    wrapped_up: tuple[str, ...] = ()


@dataclass(slots=True)
class Seat:
    """The live state of one signed-in agent. Owned by AgentPool: read it, never write it from elsewhere.

    talks, interrupted: conversations, and wrap-ups that were ended for a person; owed_s: what was left of them, given
    back with the next wrap-up; unwrapped: their calls.
    """

    profile: AgentProfile
    state: AgentState
    since_s: float
    reason: str = ""
    call_id: str = ""
    leg_up: bool = False
    after_call: AgentState | None = None  # PAUSED or SIGNED_OUT, asked for during a call
    after_call_reason: str = ""
    wrap_up_until_s: float | None = None
    busy_s: dict[AgentState, float] = field(default_factory=dict)
    talks: int = 0
    interrupted: int = 0
    owed_s: float = 0.0
    unwrapped: tuple[str, ...] = ()
