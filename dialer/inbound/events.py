"""What happens to calls from outside, for screens, metrics and tests. No digit that was keyed is in any of them."""

from dataclasses import dataclass, field

from dialer.events import DialerEvent
from ivr.values import Fields


@dataclass(frozen=True, slots=True)
class CallEventOf(DialerEvent):
    """Something that happened to one call from outside."""

    call_id: str


@dataclass(frozen=True, slots=True)
class CallArrived(CallEventOf):
    """A call came in and was answered. caller: masked."""

    did: str = ""
    caller: str = ""
    flow: str = ""


@dataclass(frozen=True, slots=True)
class CallQueued(CallEventOf):
    """The caller waits in a queue."""

    queue: str = ""
    place: int = 0


@dataclass(frozen=True, slots=True)
class WaitEnded(CallEventOf):
    """The wait is over. how: agents.queue.Left; in_time: answered within the queue's service level."""

    queue: str = ""
    how: str = ""
    waited_s: float = 0.0
    in_time: bool = False


@dataclass(frozen=True, slots=True)
class AgentOffered(CallEventOf):
    """An agent is reserved for the call: the screen pops now, before the audio. caller: the number, not masked."""

    talk_id: str = ""
    agent_id: str = ""
    queue: str = ""
    caller: str = ""
    waited_s: float = 0.0
    screen: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TalkBegan(CallEventOf):
    """Caller and agent are in one bridge."""

    talk_id: str = ""
    agent_id: str = ""
    queue: str = ""


@dataclass(frozen=True, slots=True)
class TalkOver(CallEventOf):
    """An agent's part of the call is over; the agent wraps up. how: "agent", "caller", "transferred", "agent lost"."""

    talk_id: str = ""
    agent_id: str = ""
    queue: str = ""
    talk_s: float = 0.0
    how: str = ""
    recording: str = ""


@dataclass(frozen=True, slots=True)
class CallOver(CallEventOf):
    """The call is over."""

    how: str = ""
    lasted_s: float = 0.0
