"""A flow without a telephone: a caller who acts by a script or a terminal, a world that answers as it is told.

Runs on virtual time (`telephony.sim.virtual_time`): prompts and silences take their time, and no time at all.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal

from ivr.events import FlowEvent, NodeEntered, NodeTrouble, SessionEnded
from ivr.flow import LoadedFlow
from ivr.given import Answer, Given, QueueGiven, Service
from ivr.line import (
    CallFacts,
    KeyRequest,
    Keys,
    KeysEnd,
    Played,
    Queued,
    QueueEnd,
    QueueOrder,
    QueuePlace,
    QueueState,
    Recorded,
    RecordRequest,
    TransferEnd,
    TransferOrder,
    Transferred,
)
from ivr.locks import MemoryLocks
from ivr.port import (
    Bookmark,
    CallbackRequest,
    CardPart,
    Emergency,
    OutgoingMessage,
    SayAs,
    Spoken,
    SurveyAnswer,
    VoiceMessage,
    World,
)
from ivr.secret import Secret
from ivr.session import Session
from ivr.values import CallerGone, Fields, PortTrouble, Value
from telephony.sim.virtual_time import VirtualClock, run_virtual

_S_PER_CHARACTER = 0.065  # about 150 words a minute
_LONGEST_BUFFER = 40


@dataclass(frozen=True, slots=True)
class Act:
    """What the caller does when the flow waits. press: keys; speaks_s: how long a recording is; both empty: silence."""

    press: str = ""
    speaks_s: float = 0.0
    hang_up: bool = False


Actor = Callable[["Walk", KeyRequest | RecordRequest], Awaitable[Act]]
Narrator = Callable[[str], None]


@dataclass
class Walk:
    """What happened in one simulated call."""

    heard: list[str] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    events: list[FlowEvent] = field(default_factory=list)
    messages: list[OutgoingMessage] = field(default_factory=list)
    hooks: list[str] = field(default_factory=list)
    callbacks: list[CallbackRequest] = field(default_factory=list)
    surveys: list[SurveyAnswer] = field(default_factory=list)
    voicemails: list[VoiceMessage] = field(default_factory=list)
    variables: dict[str, Value] = field(default_factory=dict)
    hung_up: bool = False
    code: str = ""
    ended: SessionEnded | None = None


def walk(loaded: LoadedFlow, given: Given, actor: Actor, narrate: Narrator = lambda line: None, seed: int = 1) -> Walk:
    """Walk a simulated caller through a flow, on virtual time."""
    return run_virtual(_walk(loaded, given, actor, narrate, seed))


async def _walk(loaded: LoadedFlow, given: Given, actor: Actor, narrate: Narrator, seed: int) -> Walk:
    taken = Walk()
    line = SimulatedLine(given, actor, taken, narrate)
    world = simulated_world(given, taken, VirtualClock(given.epoch_s(loaded.flow.zone)), random.Random(seed), narrate)
    session = Session(loaded, line, world)
    taken.ended = await session.run()
    return taken


class SimulatedLine:
    """A `CallerLine` without a telephone."""

    def __init__(self, given: Given, actor: Actor, taken: Walk, narrate: Narrator) -> None:
        """A caller who acts by `actor`."""
        self._given = given
        self._actor = actor
        self._taken = taken
        self._narrate = narrate
        self._buffer = ""
        self._facts = CallFacts("simulated", given.called, given.caller, given.language, {**given.data})

    @property
    def facts(self) -> CallFacts:
        """What is known of the call."""
        return self._facts

    async def play(self, media: Sequence[str], *, barge_in: bool = True) -> Played:
        """Hear."""
        self._there()
        words = " ".join(media)
        self._taken.heard.append(words)
        self._narrate(f"▶ {words}")
        if self._buffer and barge_in:
            return Played.INTERRUPTED
        await asyncio.sleep(len(words) * _S_PER_CHARACTER)
        return Played.ENDED

    async def keys(self, request: KeyRequest) -> Keys:
        """Take keys from the buffer, else from the actor."""
        self._there()
        if not self._buffer:
            await self._act(request)
        typed, ended = self._take(request)
        if ended is KeysEnd.TIMEOUT:
            await asyncio.sleep(request.between_timeout_s if typed else request.first_timeout_s)
        return Keys(Secret(typed), ended)

    async def _act(self, request: KeyRequest | RecordRequest) -> Act:
        act = await self._actor(self._taken, request)
        if act.hang_up:
            self._taken.hung_up = True
        self._there()
        self._buffer = (self._buffer + act.press)[:_LONGEST_BUFFER]
        return act

    def _take(self, request: KeyRequest) -> tuple[str, KeysEnd]:
        typed = ""
        while self._buffer:
            key, self._buffer = self._buffer[0], self._buffer[1:]
            if key == request.terminator:
                return typed, KeysEnd.TERMINATOR
            typed += key
            if len(typed) == request.most:
                return typed, KeysEnd.FULL
        return typed, KeysEnd.TIMEOUT

    async def forget_keys(self) -> None:
        """Empty the buffer."""
        self._there()
        self._buffer = ""

    @asynccontextmanager
    async def _private(self) -> AsyncIterator[None]:
        yield

    def private(self) -> AbstractAsyncContextManager[None]:
        """Nothing is recorded here anyway."""
        return self._private()

    async def record(self, request: RecordRequest) -> Recorded:
        """Record as long as the actor speaks."""
        self._there()
        act = await self._act(request)
        self._buffer = ""  # keys end a recording or are forgotten
        length_s = min(act.speaks_s, request.longest_s)
        await asyncio.sleep(length_s)
        self._narrate(f"● recorded {length_s:g} s")
        return Recorded(f"recording-{request.purpose}", length_s)

    async def transfer(self, order: TransferOrder) -> Transferred:
        """Talk, or not, as given."""
        self._there()
        end = self._given.transfers.get(order.target, self._given.transfer)
        self._narrate(f"☎ transfer to {order.kind}: {end}")
        await asyncio.sleep(5.0 if end is not TransferEnd.TALKED else 60.0)
        return Transferred(end, 55.0 if end is TransferEnd.TALKED else 0.0, "ana" if end is TransferEnd.TALKED else "")

    async def wait_in_queue(self, order: QueueOrder) -> Queued:
        """Wait as given."""
        self._there()
        given = self._given.queues.get(order.queue, QueueGiven())
        if given.end in {QueueEnd.TALKED, QueueEnd.TIMEOUT, QueueEnd.ESCAPED} and order.announce is not None:
            await self._announce(order, given)
        waited_s = order.longest_s if given.end is QueueEnd.TIMEOUT else given.waited_s
        await asyncio.sleep(waited_s)
        self._taken.hung_up = self._taken.hung_up or given.hangs_up
        self._there()
        self._narrate(f"☎ queue {order.queue}: {given.end} after {waited_s:g} s")
        if given.end is QueueEnd.TALKED:
            await asyncio.sleep(given.talk_s)
            return Queued(given.end, waited_s, given.talk_s, "ana", to_survey=given.to_survey)
        return Queued(given.end, waited_s, key=given.key or order.escape_keys[:1])

    async def _announce(self, order: QueueOrder, given: QueueGiven) -> None:
        assert order.announce is not None
        try:
            media = await order.announce(QueuePlace(given.position, 0.0, given.wait_s))
        except PortTrouble:
            return
        if media:
            await self.play(media)

    async def set_language(self, language: str) -> None:
        """Heard by the texts alone."""
        self._there()

    async def hang_up(self) -> None:
        """The end."""
        self._taken.hung_up = True

    def _there(self) -> None:
        if self._taken.hung_up:
            raise CallerGone("the caller hung up")


def simulated_world(
    given: Given, taken: Walk, clock: VirtualClock, rng: random.Random, narrate: Narrator = lambda line: None
) -> World:
    """A world that answers as `given` says and writes what happened into `taken`."""
    everything = _Everything(given, taken, narrate)
    return World(
        speech=everything,
        lookup=_Sources(given, narrate),
        messages=everything,
        webhooks=everything,
        queues=everything,
        answers=everything.store,
        locks=MemoryLocks(clock),
        tokeniser=everything,
        switches=everything,
        events=everything,
        bookmarks=everything,
        clock=clock,
        rng=rng,
    )


class _Sources:
    def __init__(self, given: Given, narrate: Narrator) -> None:
        self._given = given
        self._narrate = narrate

    def knows(self, source: str) -> bool:
        return source in self._given.lookups

    def repeatable(self, source: str) -> bool:
        return True

    async def ask(self, source: str, question: Mapping[str, Value | Secret]) -> Fields | None:
        answer = self._answer(source, question)
        await asyncio.sleep(answer.slow_s)
        if answer.down:
            raise PortTrouble(f"source {source!r} is down")
        self._narrate(f"⇄ {source}: {'found' if answer.found is not None else 'not found'}")
        return answer.found

    def _answer(self, source: str, question: Mapping[str, Value | Secret]) -> Answer:
        for answer in self._given.lookups.get(source, ()):
            if all(_plain(question.get(name)) == str(value) for name, value in answer.when.items()):
                return answer
        return Answer() if source in self._given.lookups else Answer(down=True)


def _plain(value: Value | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


class _Everything:
    """The rest of the world, small enough for one class."""

    def __init__(self, given: Given, taken: Walk, narrate: Narrator) -> None:
        self._given = given
        self._taken = taken
        self._narrate = narrate
        self.store = _Store(given, taken)

    async def render(self, parts: Sequence[Spoken], language: str) -> tuple[str, ...]:
        if "speech" in self._given.down:
            raise PortTrouble("speech is down")
        return tuple(_as_words(part) for part in parts)

    async def _late(self, service: Service) -> None:
        await asyncio.sleep(self._given.slow.get(service, 0.0))

    async def send(self, message: OutgoingMessage) -> str:
        await self._late("messages")
        if "messages" in self._given.down:
            raise PortTrouble("messages are down")
        self._taken.messages.append(message)
        if isinstance(message.text, Secret):
            self._taken.code = "".join(sign for sign in message.text.reveal() if sign.isdigit())
            self._narrate(f"✉ {message.channel}: a one-time code, {self._taken.code}")
        else:
            self._narrate(f"✉ {message.channel}: {message.text}")
        return "sent"

    async def post(self, hook: str, body: bytes, event_id: str) -> None:
        await self._late("hooks")
        if "hooks" in self._given.down:
            raise PortTrouble("hooks are down")
        self._taken.hooks.append(hook)
        self._narrate(f"⇢ hook {hook}")

    async def state(self, queue: str) -> QueueState | None:
        given = self._given.queues.get(queue)
        return QueueState(given.position - 1, 1, given.wait_s) if given else None

    async def tokenise(self, card: Mapping[CardPart, Secret], amount: Decimal, currency: str, key: str) -> str | None:
        await self._late("payments")
        if "payments" in self._given.down:
            raise PortTrouble("payments are down")
        return None if self._given.card_refused else "token-1"

    def on(self, name: str) -> Emergency | None:
        if name not in self._given.switches:
            return None
        text = self._given.switches[name]
        return Emergency(Spoken(SayAs.TEXT, text) if text else None)

    def note(self, event: FlowEvent) -> None:
        self._taken.events.append(event)
        if isinstance(event, NodeEntered):
            self._taken.nodes.append(event.node)
        elif isinstance(event, NodeTrouble):
            self._taken.troubles.append(f"{event.node}: {event.what}")
            self._narrate(f"! {event.node}: {event.what}")

    def keep(self, bookmark: Bookmark) -> None:
        self._taken.variables = dict(bookmark.variables)

    async def kept(self, call_id: str) -> bool:
        return True

    def drop(self, call_id: str) -> None:
        pass


class _Store:
    def __init__(self, given: Given, taken: Walk) -> None:
        self._given = given
        self._taken = taken

    async def _up(self) -> None:
        await asyncio.sleep(self._given.slow.get("store", 0.0))
        if "store" in self._given.down:
            raise PortTrouble("the store is down")

    async def callback(self, request: CallbackRequest) -> None:
        await self._up()
        self._taken.callbacks.append(request)

    async def survey(self, answer: SurveyAnswer) -> None:
        await self._up()
        self._taken.surveys.append(answer)

    async def voicemail(self, message: VoiceMessage) -> None:
        await self._up()
        self._taken.voicemails.append(message)


def _as_words(part: Spoken) -> str:
    value = part.value
    match part.kind:
        case SayAs.PROMPT:
            return f"[{value}]"
        case SayAs.MONEY:
            return f"{value} {part.currency}".strip()
        case SayAs.DURATION:
            return f"{value} s"
        case SayAs.TIME if isinstance(value, datetime | time):
            return value.strftime("%H:%M")
        case SayAs.DATE if isinstance(value, date):
            return value.strftime("%Y-%m-%d")
        case _:
            return str(value)
