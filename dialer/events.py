"""What the engine tells the rest of the house: frozen facts, after they happened. Listeners must not block."""

from collections.abc import Callable
from dataclasses import dataclass

from agents.agent import AgentMove
from amd.verdict import Verdict
from campaigns.attempt import Attempt, Move
from dialer.pacing.plan import Plan, Snapshot
from telephony.events import LinkState


@dataclass(frozen=True, slots=True)
class DialerEvent:
    """Something that happened in the engine. at_s: seconds since 1970, UTC."""

    at_s: float


@dataclass(frozen=True, slots=True)
class AttemptMoved(DialerEvent):
    """An attempt made a move; `attempt` is how it stands after it."""

    attempt: Attempt
    move: Move


@dataclass(frozen=True, slots=True)
class VerdictSaid(DialerEvent):
    """AMD judged a call. said_at_s is monotonic; trunk: the way out it was dialled by, "" when not known."""

    attempt_id: str
    campaign_id: str
    verdict: Verdict
    said_at_s: float
    trunk: str = ""


@dataclass(frozen=True, slots=True)
class PersonConnected(DialerEvent):
    """A person and an agent are in one bridge.

    verdict_at_s, bridged_at_s: monotonic. agent_was_free: an agent was idle at the verdict.
    """

    attempt_id: str
    campaign_id: str
    agent_id: str
    verdict_at_s: float
    bridged_at_s: float
    agent_was_free: bool


@dataclass(frozen=True, slots=True)
class Doubted(DialerEvent):
    """Who talks with an agent is probably no person: for the agent's screen, which may offer to leave a message.

    verdict: `machine` and the like, or `beep` at its end: a message would be kept from now on. Nobody is hung up on.
    """

    attempt_id: str
    campaign_id: str
    agent_id: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class ConversationEnded(DialerEvent):
    """A conversation ended and the agent wraps up."""

    attempt_id: str
    campaign_id: str
    agent_id: str
    talk_s: float
    recording: str = ""


@dataclass(frozen=True, slots=True)
class AgentMoved(DialerEvent):
    """An agent changed its state."""

    move: AgentMove


@dataclass(frozen=True, slots=True)
class PlanMade(DialerEvent):
    """The pacing law decided; enough to replay it."""

    campaign_id: str
    law: str
    snapshot: Snapshot
    plan: Plan


@dataclass(frozen=True, slots=True)
class LinkChanged(DialerEvent):
    """The link to the exchange changed its state."""

    state: LinkState


@dataclass(frozen=True, slots=True)
class Trouble(DialerEvent):
    """Something went wrong that an operator should know; `words` say what was lost and what goes on."""

    where: str
    words: str
    attempt_id: str = ""


EventSink = Callable[[DialerEvent], None]
