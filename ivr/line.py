"""The caller's line as a flow sees it: prompts, keys, recordings, transfers, queues.

Numbers of seconds end in `_s`. Phone numbers are E.164 where known; implementations mask them in logs.
Every method of CallerLine raises CallerGone when the caller hangs up meanwhile, and PortTrouble (nothing else) when the
work could not be done: the flow has a branch for it.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ivr.secret import Secret
from ivr.values import Fields


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known when a call arrives. called: the DID; caller: the caller's number, "" when withheld.

    data: what came with the call (a dialer campaign's lead, a transferring agent's survey request).
    """

    call_id: str
    called: str
    caller: str
    language: str = ""
    data: Fields = field(default_factory=dict)


class Played(StrEnum):
    """How a prompt ended."""

    ENDED = "ended"
    INTERRUPTED = "interrupted"  # a key: it waits in the line's buffer for the next `keys`
    FAILED = "failed"  # the exchange could not play it (file missing)


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """Digits to wait for. Ends at `most` digits at once, at the terminator (not part of the digits), or by time.

    first_timeout_s counts from the call of `keys` (the prompt has ended or was interrupted), between_timeout_s from the
    latest key. terminator "" means none.
    """

    most: int
    first_timeout_s: float = 5.0
    between_timeout_s: float = 3.0
    terminator: str = "#"


class KeysEnd(StrEnum):
    """Why waiting for digits ended."""

    FULL = "full"  # `most` digits
    TERMINATOR = "terminator"
    TIMEOUT = "timeout"  # with what was typed so far, perhaps nothing


@dataclass(frozen=True, slots=True)
class Keys:
    """Digits as typed, always wrapped: the node decides whether they are sensitive."""

    digits: Secret
    ended: KeysEnd


@dataclass(frozen=True, slots=True)
class RecordRequest:
    """A message to record. Ends at a terminator key, after silence_s without speech, or at longest_s."""

    purpose: str  # "voicemail" or the node's id: part of the file's name
    longest_s: float = 120.0
    silence_s: float = 4.0
    terminators: str = "#"
    beep: bool = True


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded message. reference: how the house finds it again; media: what `play` takes to hear it."""

    reference: str
    length_s: float
    media: tuple[str, ...] = ()


class TargetKind(StrEnum):
    """Whom a call is transferred to."""

    AGENT = "agent"  # an agent's id
    NUMBER = "number"  # an outside number
    EXTENSION = "extension"  # a direct extension of the house


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """Ring somebody and join the caller with them. screen: what the agent's screen shows (never sensitive values)."""

    kind: TargetKind
    target: str
    ring_timeout_s: float = 25.0
    screen: Fields = field(default_factory=dict)


class TransferEnd(StrEnum):
    """What came of a transfer. Only after TALKED (the far end hung up first) has the caller talked to somebody."""

    TALKED = "talked"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    UNKNOWN_TARGET = "unknown_target"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Transferred:
    """The end of a transfer, the caller still on the line. agent_id when an agent talked (for the survey)."""

    end: TransferEnd
    talk_s: float = 0.0
    agent_id: str = ""


@dataclass(frozen=True, slots=True)
class QueueState:
    """A queue now.

    agents: signed in for it (talking or free); estimated_wait_s: measured, for a caller who would enter now, None when
    nothing was measured yet.
    """

    waiting: int
    agents: int
    estimated_wait_s: float | None


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """One caller's place: position counts from 1, as it really is now; estimated_wait_s is measured or None."""

    position: int
    waited_s: float
    estimated_wait_s: float | None


Announce = Callable[[QueuePlace], Awaitable[Sequence[str]]]
"""Gives the media to play for a place, () for nothing. On PortTrouble the announcement is left out."""


@dataclass(frozen=True, slots=True)
class QueueOrder:
    """Wait in a queue with music. priority: higher first; skills: needed of the agent.

    escape_keys: keys that take the caller out of the queue ("" none). announce is called at entry and every
    announce_every_s; since_s: when the wait began (seconds since 1970) for one who keeps an older place.
    """

    queue: str
    longest_s: float
    priority: int = 0
    skills: tuple[str, ...] = ()
    escape_keys: str = ""
    announce: Announce | None = None
    announce_every_s: float = 45.0
    music: str = ""
    language: str = ""
    screen: Fields = field(default_factory=dict)
    since_s: float | None = None


class QueueEnd(StrEnum):
    """How waiting in a queue ended, with the caller still on the line."""

    TALKED = "talked"  # an agent talked and hung up first, or sent the caller back
    TIMEOUT = "timeout"
    ESCAPED = "escaped"  # a key of escape_keys
    FULL = "full"
    NO_AGENTS = "no_agents"  # nobody is signed in for it
    UNKNOWN_QUEUE = "unknown_queue"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Queued:
    """The end of waiting. key: the escape key; to_survey: the agent asked for the survey."""

    end: QueueEnd
    waited_s: float = 0.0
    talk_s: float = 0.0
    agent_id: str = ""
    key: str = ""
    to_survey: bool = False


class Queues(Protocol):
    """The queues of the house."""

    async def state(self, queue: str) -> QueueState | None:
        """The queue now; None when there is no such queue."""
        ...


class CallerLine(Protocol):
    """One answered caller. Keys pressed at any time wait in a bounded buffer until `keys` takes them (type-ahead)."""

    @property
    def facts(self) -> CallFacts:
        """What is known of the call."""
        ...

    async def play(self, media: Sequence[str], *, barge_in: bool = True) -> Played:
        """Play media in order. With barge_in a key stops it at once (also one that waits in the buffer already)."""
        ...

    async def keys(self, request: KeyRequest) -> Keys:
        """Take digits: first those in the buffer, then wait."""
        ...

    async def forget_keys(self) -> None:
        """Throw the buffer away (after a wrong entry: what was typed ahead was meant for another question)."""
        ...

    def private(self) -> AbstractAsyncContextManager[None]:
        """Inside, nothing of the call is kept: recordings are muted, keys and audio are in no log, trace or tap."""
        ...

    async def record(self, request: RecordRequest) -> Recorded:
        """Record a message; it is stored durably when this returns."""
        ...

    async def transfer(self, order: TransferOrder) -> Transferred:
        """Ring the target with ring-back or music for the caller; return when it failed or the conversation is over."""
        ...

    async def wait_in_queue(self, order: QueueOrder) -> Queued:
        """Wait for an agent; return when the wait failed or the conversation is over."""
        ...

    async def set_language(self, language: str) -> None:
        """The caller chose a language ("es", "en"): for routing, the agent's screen and what the queue itself says."""
        ...

    async def hang_up(self) -> None:
        """End the call. One that is gone already is a success (this method never raises CallerGone)."""
        ...
