"""What a flow asks of the world besides the caller's line: speech, look-ups, messages, stores, switches.

The engine (`ivr.session`) knows only these protocols and `ivr.line`; `server` composes the real ones, `ivr.simulate`
scripted ones. A method that could not do its work raises PortTrouble (nothing else): the flow has a branch for it.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from campaigns.clock import Clock
from ivr.events import FlowEvent
from ivr.line import Queues
from ivr.secret import Secret
from ivr.values import Fields, Value


class SayAs(StrEnum):
    """How a value is spoken."""

    TEXT = "text"  # text to speech, or the recorded prompt of this exact text when there is one
    PROMPT = "prompt"  # the name of a recorded prompt of the house
    NUMBER = "number"  # 1234 -> one thousand two hundred thirty-four
    MONEY = "money"  # Decimal + currency (ISO 4217)
    DATE = "date"
    TIME = "time"
    PHONE = "phone"  # in groups, as people of the country say it
    DIGITS = "digits"  # one by one
    DURATION = "duration"  # seconds, rounded as a person says it ("about three minutes")
    LETTERS = "letters"  # one by one, with digits among them: a code
    ORDINAL = "ordinal"  # primero, first
    # Before a Spanish noun; in English the plain number or ordinal.
    ORDINAL_FEMININE = "ordinal_feminine"  # primera
    ORDINAL_MASCULINE = "ordinal_masculine"  # primer
    NUMBER_FEMININE = "number_feminine"  # veintiuna llamadas
    NUMBER_MASCULINE = "number_masculine"  # veintiún pedidos


@dataclass(frozen=True, slots=True)
class Spoken:
    """A piece of speech.

    value: str for TEXT, PROMPT, PHONE, DIGITS, LETTERS; int or Decimal for MONEY, DURATION, each NUMBER and ORDINAL;
    date or datetime for DATE; time or datetime for TIME.

    private: of one caller (an amount, a name): may be synthesised, but is kept in no shared cache and no log.
    """

    kind: SayAs
    value: Value
    currency: str = ""
    private: bool = False


class SpeechOut(Protocol):
    """Turns pieces into media URIs that CallerLine.play takes, volume normalised."""

    async def render(self, parts: Sequence[Spoken], language: str) -> tuple[str, ...]:
        """Media in order. Raises PortTrouble when a piece cannot be spoken (the message names it unless private)."""
        ...


# --- look-ups, messages, stores -----------------------------------------------------------------------------------


class Lookup(Protocol):
    """Named data sources: HTTP, SQL, Python plugins. Timeout, retries and breaker are the engine's (`ivr.guard`)."""

    def knows(self, source: str) -> bool:
        """Whether a source of this name exists."""
        ...

    def repeatable(self, source: str) -> bool:
        """Whether asking twice is harmless (a read): only then does the engine try again."""
        ...

    async def ask(self, source: str, question: Mapping[str, Value | Secret]) -> Fields | None:
        """One attempt. None: the source answered that there is no such thing. Raises PortTrouble."""
        ...


class MessageChannel(StrEnum):
    """How a message goes."""

    EMAIL = "email"
    WHATSAPP = "whatsapp"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message. to: an e-mail address or E.164 number. A Secret text (a one-time code) is logged and stored nowhere.

    message_key: the same key is the same message: sent once.
    """

    message_key: str
    channel: MessageChannel
    to: str
    subject: str
    text: str | Secret
    language: str


class MessagePort(Protocol):
    """Sends messages."""

    async def send(self, message: OutgoingMessage) -> str:
        """Hand the message over durably; returns a reference. Raises PortTrouble when it was not accepted."""
        ...


class Webhooks(Protocol):
    """Tells another system; hooks are named in the settings, each with its address and secret."""

    async def post(self, hook: str, body: bytes, event_id: str) -> None:
        """Deliver to the named hook, signed by `ivr.signing`; event_id lets the receiver drop a repeat. PortTrouble."""
        ...


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """Call this person back. wanted_at_s: None keeps the place in line that began at since_s (seconds since 1970)."""

    request_id: str
    call_id: str
    phone: str
    queue: str
    since_s: float
    wanted_at_s: float | None
    language: str
    priority: int = 0
    data: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """One answer. scale: "csat" (1-5), "nps" (0-10) or "keys"; agent_id "" when no agent talked."""

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
class VoiceMessage:
    """A message for a mailbox."""

    message_id: str
    call_id: str
    mailbox: str
    caller: str
    recording: str
    length_s: float
    at_s: float
    language: str = ""


class AnswerStore(Protocol):
    """What callers gave us.

    A method that returned has committed: it survives kill -9. The same id again is kept once. Raises PortTrouble.
    """

    async def callback(self, request: CallbackRequest) -> None:
        """Keep a callback request."""
        ...

    async def survey(self, answer: SurveyAnswer) -> None:
        """Keep a survey answer."""
        ...

    async def voicemail(self, message: VoiceMessage) -> None:
        """Keep a mailbox message."""
        ...


class Locks(Protocol):
    """Failed identity checks, across calls. key: a hash made by the engine, never an account number."""

    async def locked_until_s(self, key: str) -> float | None:
        """Seconds since 1970 until which this key is locked, or None."""
        ...

    async def failed(self, key: str, at_s: float, most: int, lock_s: float) -> bool:
        """Count one failure; the `most`-th within lock_s locks the key for lock_s, and every one then returns True."""
        ...

    async def clear(self, key: str) -> None:
        """The identity was proved: forget the failures."""
        ...


class CardPart(StrEnum):
    """What a payment node collects."""

    NUMBER = "number"
    EXPIRY = "expiry"  # MMYY
    CODE = "code"  # CVV


class Tokeniser(Protocol):
    """The payment provider's hook: the only place where card digits go."""

    async def tokenise(self, card: Mapping[CardPart, Secret], amount: Decimal, currency: str, key: str) -> str | None:
        """A token for the card (not sensitive); None when it was refused. key makes a repeated request the same one."""
        ...


@dataclass(frozen=True, slots=True)
class Emergency:
    """A switch that a supervisor flipped on. message: what to say; None: what the flow's node says."""

    message: Spoken | None = None


class Switches(Protocol):
    """Emergency switches."""

    def on(self, name: str) -> Emergency | None:
        """The switch's state now (kept in memory, never waits); None when it is off."""
        ...


class EventSink(Protocol):
    """Where KPIs come from. Never blocks, never raises, never gets a sensitive value."""

    def note(self, event: FlowEvent) -> None:
        """Take an event."""
        ...


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where a caller is in a flow, so that another process can go on there. variables: only those not sensitive.

    passes: how often the caller came to each node that acts (`ivr.nodes.base`), this time included. asked: a question
    that must not be asked twice was about to be asked.
    """

    call_id: str
    flow: str
    version: str
    node: str
    language: str
    variables: Fields
    passes: Mapping[str, int] = field(default_factory=dict)
    asked: bool = False


class Bookmarks(Protocol):
    """Keeps bookmarks of live calls. Best effort: never blocks, never raises."""

    def keep(self, bookmark: Bookmark) -> None:
        """Replace the call's bookmark; called at every node."""
        ...

    async def kept(self, call_id: str) -> bool:
        """Whether the last bookmark would survive kill -9; a store that is down is waited for a moment only."""
        ...

    def drop(self, call_id: str) -> None:
        """The session is over."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """All that a session needs besides the caller's line. rng: random.SystemRandom in production (one-time codes)."""

    speech: SpeechOut
    lookup: Lookup
    messages: MessagePort
    webhooks: Webhooks
    queues: Queues
    answers: AnswerStore
    locks: Locks
    tokeniser: Tokeniser
    switches: Switches
    events: EventSink
    bookmarks: Bookmarks
    clock: Clock
    rng: random.Random
