"""What happens in a flow, for KPIs: containment, the funnel of where callers leave, survey results.

at_s: seconds since 1970 (UTC). No event holds a digit, a name or a phone number.
"""

from dataclasses import dataclass
from enum import StrEnum


class Exit(StrEnum):
    """How a session ended. Each is legal: the caller chose it or was told."""

    GOODBYE = "goodbye"  # the flow said good-bye
    TALKED = "talked"  # somebody talked with the caller and the flow had nothing more to do
    CALLBACK = "callback"  # a callback was promised
    MESSAGE = "message"  # the caller left a message
    TOLD = "told"  # nothing worked; the caller was told so, and told what to do
    CALLER_LEFT = "caller_left"  # the caller hung up in the flow
    BROKEN = "broken"  # the line could not even be told (link lost, node stopped)


@dataclass(frozen=True, slots=True)
class FlowEvent:
    """Something that happened in one session. flow and version: what the session began with."""

    call_id: str
    flow: str
    version: str
    at_s: float


@dataclass(frozen=True, slots=True)
class SessionStarted(FlowEvent):
    """A caller entered a flow."""

    language: str = ""


@dataclass(frozen=True, slots=True)
class NodeEntered(FlowEvent):
    """A caller came to a node."""

    node: str = ""
    kind: str = ""


@dataclass(frozen=True, slots=True)
class NodeLeft(FlowEvent):
    """A caller left a node by a branch. branch "" with caller_left: hung up there."""

    node: str = ""
    kind: str = ""
    branch: str = ""
    spent_s: float = 0.0
    caller_left: bool = False


@dataclass(frozen=True, slots=True)
class NodeTrouble(FlowEvent):
    """Something failed in a node. what: a message without caller data."""

    node: str = ""
    what: str = ""


@dataclass(frozen=True, slots=True)
class SurveyAnswered(FlowEvent):
    """An answer was kept."""

    node: str = ""
    question: str = ""
    scale: str = ""
    score: int = 0
    agent_id: str = ""


@dataclass(frozen=True, slots=True)
class SessionEnded(FlowEvent):
    """The session is over. contained: nobody of the house talked with the caller and no callback was promised."""

    exit: Exit = Exit.GOODBYE
    node: str = ""
    spent_s: float = 0.0
    contained: bool = False
