"""What the house remembers of calls from outside. Same promises as `storage.port`: what returned is committed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from agents.first_contact import FirstContacts


class CallStage(StrEnum):
    """Where a call from outside is."""

    FLOW = "flow"  # the menu talks
    QUEUE = "queue"
    TALK = "talk"
    TRANSFER = "transfer"  # somebody outside is rung, or talks with the caller
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class StoredCall:
    """One call. caller: as the network gave it, masked wherever it is shown. flow_node: where the flow can go on.

    bookmark: what the flow needs for that, as JSON; it never holds anything sensitive.

    queue_since_s: since when it waits (seconds since 1970), kept when it returns to the same queue. waited_s, talk_s:
    in all queues, with all agents. ended_how: "" while it lives, then an exit of the flow or "abandoned in queue".
    """

    call_id: str
    node: str
    channel_id: str
    did: str
    caller: str
    started_at_s: float
    stage: CallStage = CallStage.FLOW
    flow: str = ""
    flow_node: str = ""
    language: str = ""
    queue: str = ""
    queue_since_s: float | None = None
    agent_id: str = ""
    waited_s: float = 0.0
    talk_s: float = 0.0
    ended_at_s: float | None = None
    ended_how: str = ""
    bookmark: str = ""


@dataclass(frozen=True, slots=True)
class CallStep:
    """One node of the caller's way. step counts from 1; at_s: when it was entered; spent_s: how long it took."""

    call_id: str
    step: int
    at_s: float
    flow: str
    node: str
    kind: str
    branch: str = ""
    spent_s: float = 0.0
    caller_left: bool = False


@dataclass(frozen=True, slots=True)
class QueueWait:
    """One wait in one queue, when it is over. ended_how: agents.queue.Left."""

    wait_id: str
    call_id: str
    queue: str
    since_s: float
    ended_at_s: float
    ended_how: str
    waited_s: float
    agent_id: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """One agent's talk with a caller; a call that is transferred has several. disposition: the agent's code."""

    talk_id: str
    call_id: str
    queue: str
    agent_id: str
    began_at_s: float
    ended_at_s: float | None = None
    ended_how: str = ""
    talk_s: float = 0.0
    recording: str = ""
    disposition: str = ""
    note: str = ""


class CallbackState(StrEnum):
    """How far a promised call is."""

    PENDING = "pending"
    DONE = "done"  # an agent talked with the person
    FAILED = "failed"  # nobody answered, as often as the rule allows


@dataclass(frozen=True, slots=True)
class QueueCallback:
    """A promised call. since_s: the wait it continues; wanted_at_s: None: in line; due_at_s: the next try."""

    request_id: str
    call_id: str
    phone: str
    queue: str
    since_s: float
    wanted_at_s: float | None
    language: str
    priority: int = 0
    fields: Mapping[str, str] = field(default_factory=dict)
    state: CallbackState = CallbackState.PENDING
    attempts: int = 0
    due_at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """One survey answer."""

    answer_id: str
    call_id: str
    flow: str
    node: str
    question: str
    scale: str
    score: int
    at_s: float
    agent_id: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message in a mailbox."""

    message_id: str
    call_id: str
    mailbox: str
    caller: str
    recording: str
    length_s: float
    at_s: float
    language: str = ""
    heard: bool = False


@dataclass(frozen=True, slots=True)
class NodeCount:
    """How callers fared at a node: came, hung up there, and the mean time."""

    flow: str
    node: str
    kind: str
    entered: int
    left: int
    mean_s: float


@dataclass(frozen=True, slots=True)
class EndCount:
    """How many calls of a flow ("" for none) ended in one way. talked: with an agent or somebody outside."""

    flow: str
    ended_how: str
    talked: bool
    count: int


@dataclass(frozen=True, slots=True)
class SurveyCount:
    """One question's answers: how many gave which score."""

    flow: str
    question: str
    scale: str
    score: int
    count: int


class CallStore(Protocol):
    """Calls from outside. Every write may be repeated with the same ids."""

    async def put(self, call: StoredCall) -> None:
        """Add a call or change it."""
        ...

    async def get(self, call_id: str) -> StoredCall | None:
        """One call."""
        ...

    async def live(self, node: str) -> Sequence[StoredCall]:
        """Calls of this node that have not ended: what recovery looks at."""
        ...

    async def list(self, since_s: float, limit: int = 100, after: str = "") -> Sequence[StoredCall]:
        """A page of the calls that began since then, by id (which sorts by time)."""
        ...

    async def of_caller(self, caller: str, limit: int = 20) -> Sequence[StoredCall]:
        """The latest calls of a number, newest first."""
        ...

    async def step(self, step: CallStep) -> None:
        """Add a node of a call's way, or how it was left."""
        ...

    async def steps(self, call_id: str) -> Sequence[CallStep]:
        """A call's way."""
        ...

    async def waited(self, wait: QueueWait) -> None:
        """A wait is over."""
        ...

    async def waits(self, since_s: float, until_s: float, queue: str = "") -> Sequence[QueueWait]:
        """Waits that ended in [since_s, until_s), of one queue or of all."""
        ...

    async def put_talk(self, talk: Talk) -> None:
        """A talk began or ended. A disposition that is there stays."""
        ...

    async def dispose(self, talk_id: str, code: str, note: str) -> bool:
        """The agent's word on a talk; False when that very word was there already."""
        ...

    async def talk(self, talk_id: str) -> Talk | None:
        """One talk."""
        ...

    async def talks(self, call_id: str) -> Sequence[Talk]:
        """A call's talks, oldest first."""
        ...

    async def nodes(self, since_s: float, until_s: float) -> Sequence[NodeCount]:
        """The funnel: every node that callers entered in [since_s, until_s)."""
        ...

    async def ends(self, since_s: float, until_s: float) -> Sequence[EndCount]:
        """How calls from outside that began in [since_s, until_s) ended."""
        ...

    async def first_contacts(self, since_s: float, until_s: float, within_s: float) -> Sequence[FirstContacts]:
        """`agents.first_contact.first_contacts` of the calls that are over, by line."""
        ...


class PromiseStore(Protocol):
    """What callers gave us: callbacks, answers, messages. The same id again is kept once."""

    async def add_callback(self, callback: QueueCallback) -> bool:
        """Keep a promise; False when it was kept before."""
        ...

    async def put_callback(self, callback: QueueCallback) -> None:
        """Change a promise: a try failed, it is done."""
        ...

    async def callbacks(self, state: CallbackState, limit: int = 1000) -> Sequence[QueueCallback]:
        """Promises in a state, the one due soonest first."""
        ...

    async def add_answer(self, answer: StoredAnswer) -> None:
        """Keep a survey answer."""
        ...

    async def survey(self, since_s: float, until_s: float) -> Sequence[SurveyCount]:
        """Answers given in [since_s, until_s), counted."""
        ...

    async def add_message(self, message: StoredMessage) -> None:
        """Keep a mailbox message."""
        ...

    async def messages(self, mailbox: str, limit: int = 100) -> Sequence[StoredMessage]:
        """A mailbox, newest first."""
        ...
