"""A call's flow, watched: what it said, when it waited for the caller, and the world that the call was given.

What is below the flow stays real (line, speech, queues, agents, store, HTTP); the answers are the call's own.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from decimal import Decimal

from campaigns.clock import Clock
from dialer.inbound.caller_line import RealCallerLine
from ivr.events import FlowEvent, NodeEntered, NodeTrouble, SessionEnded
from ivr.flow import Flow
from ivr.given import Given, QueueGiven, Service
from ivr.line import (
    CallerLine,
    CallFacts,
    KeyRequest,
    Keys,
    Played,
    Queued,
    QueueEnd,
    QueueOrder,
    QueuePlace,
    Recorded,
    RecordRequest,
    TransferOrder,
    Transferred,
)
from ivr.locks import MemoryLocks
from ivr.port import (
    AnswerStore,
    CallbackRequest,
    CardPart,
    Emergency,
    EventSink,
    OutgoingMessage,
    SayAs,
    SpeechOut,
    Spoken,
    SurveyAnswer,
    VoiceMessage,
    World,
)
from ivr.secret import Secret
from ivr.simulate import Act
from ivr.values import PortTrouble
from tests.support.walk_backend import Backend
from tests.support.walk_sources import Lane, LaneLookup

STAFFED, BUSY, FULL, EMPTY, NOWHERE = "walk_staffed", "walk_busy", "walk_full", "walk_empty", "walk_nowhere"
WAITED_S = 4.0
_QUEUE_OF = {
    QueueEnd.TALKED: STAFFED, QueueEnd.TIMEOUT: BUSY, QueueEnd.ESCAPED: BUSY, QueueEnd.FULL: FULL,
    QueueEnd.NO_AGENTS: EMPTY,
}  # fmt: skip


@dataclass
class Said:
    """Something the caller should have heard. Times are monotonic seconds; ended_s None: not told (announcements)."""

    parts: tuple[Spoken, ...]
    language: str
    began_s: float
    ended_s: float | None = None
    how: Played | None = None
    announced: bool = False


@dataclass
class Turn:
    """From when on it is whose turn: the caller's (silence is right) or ours (it is not)."""

    at_s: float
    callers: bool


@dataclass
class CallWatch:
    """What happened in one walked call."""

    given: Given
    acts: list[Act]
    said: list[Said] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    nodes: list[str] = field(default_factory=list)
    events: list[FlowEvent] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    sent: list[OutgoingMessage] = field(default_factory=list)
    ended: SessionEnded | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    do: Callable[[Act], None] = lambda act: None
    busy: Callable[[], bool] = lambda: False

    def turn(self, callers: bool) -> None:
        """Whose turn it is from now on."""
        self.turns.append(Turn(time.monotonic(), callers))

    def next_act(self, recording: bool = False) -> None:
        """The flow waits: the caller does the next thing. A key in a recording may be a sound: it is left out."""
        if self.acts:
            act = self.acts.pop(0)
            if recording:
                act = replace(act, press="")
            code = "".join(sign for text in self.sent[-1:] for sign in _open(text.text) if sign.isdigit())
            self.do(replace(act, press=act.press.replace("{code}", code)))


class WatchedLine:
    """A `CallerLine` around the real one."""

    def __init__(self, inner: RealCallerLine, watch: CallWatch, speech: "WatchedSpeech") -> None:
        self._inner: CallerLine = inner
        self._pressed = inner._call.line
        self._watch = watch
        self._speech = speech
        given, facts = watch.given, inner.facts
        self._facts = CallFacts(facts.call_id, given.called, given.caller, given.language, {**given.data})

    @property
    def facts(self) -> CallFacts:
        return self._facts

    async def play(self, media: Sequence[str], *, barge_in: bool = True) -> Played:
        parts, language = self._speech.of[tuple(media)]
        said = Said(parts, language, time.monotonic())
        self._watch.said.append(said)
        said.how = await self._inner.play(media, barge_in=barge_in)
        said.ended_s = time.monotonic()
        return said.how

    async def keys(self, request: KeyRequest) -> Keys:
        self._watch.turn(True)
        if not self._pressed.keys and not self._watch.busy():
            self._watch.next_act()
        try:
            return await self._inner.keys(request)
        finally:
            self._watch.turn(False)

    async def forget_keys(self) -> None:
        await self._inner.forget_keys()

    def private(self) -> AbstractAsyncContextManager[None]:
        return self._inner.private()

    async def record(self, request: RecordRequest) -> Recorded:
        self._watch.turn(True)
        asyncio.get_running_loop().call_later(0.8, self._watch.next_act, True)  # after the beep
        try:
            return await self._inner.record(request)
        finally:
            self._watch.turn(False)

    async def transfer(self, order: TransferOrder) -> Transferred:
        return await self._inner.transfer(order)

    async def wait_in_queue(self, order: QueueOrder) -> Queued:
        given = self._watch.given.queues.get(order.queue, QueueGiven())
        end = given.end
        if end is QueueEnd.ESCAPED and not order.escape_keys:
            end = QueueEnd.FAILED
        queue = BUSY if given.hangs_up else _QUEUE_OF.get(end, NOWHERE)
        act = Act(hang_up=True) if given.hangs_up else Act(given.key or order.escape_keys[:1])
        later = None
        if given.hangs_up or end is QueueEnd.ESCAPED:
            later = asyncio.get_running_loop().call_later(WAITED_S, self._watch.do, act)
        announce = self._announcing(order.announce) if order.announce else None
        longest_s = WAITED_S if end is QueueEnd.TIMEOUT else order.longest_s
        try:
            return await self._inner.wait_in_queue(
                replace(order, queue=queue, longest_s=longest_s, skills=(), since_s=None, announce=announce)
            )
        finally:
            if later:
                later.cancel()
            for said in self._watch.said:  # the end of the wait cuts them
                said.ended_s = said.ended_s or time.monotonic()

    def _announcing(self, announce: Callable[[QueuePlace], object]) -> Callable[[QueuePlace], object]:
        async def announced(place: QueuePlace) -> Sequence[str]:
            media = await announce(place)  # type: ignore[misc]
            if media:
                parts, language = self._speech.of[tuple(media)]
                self._watch.said.append(Said(parts, language, time.monotonic(), announced=True))
            return media  # type: ignore[no-any-return]

        return announced

    async def set_language(self, language: str) -> None:
        await self._inner.set_language(language)

    async def hang_up(self) -> None:
        self._watch.turn(False)
        await self._inner.hang_up()


class WatchedSpeech:
    """The house's speech; remembers of what words its media are."""

    def __init__(self, inner: SpeechOut) -> None:
        self._inner = inner
        self.of: dict[tuple[str, ...], tuple[tuple[Spoken, ...], str]] = {}

    async def render(self, parts: Sequence[Spoken], language: str) -> tuple[str, ...]:
        media = await self._inner.render(parts, language)
        self.of[media] = tuple(parts), language
        return media


class _Shifted:
    """The house's clock with another date."""

    def __init__(self, clock: Clock, now_s: float) -> None:
        self._clock = clock
        self._ahead_s = now_s - clock.now_s()

    def now_s(self) -> float:
        return self._clock.now_s() + self._ahead_s

    def monotonic_s(self) -> float:
        return self._clock.monotonic_s()


class _Part:
    """A part of the world that may be late or down."""

    def __init__(self, watch: CallWatch) -> None:
        self._watch = watch

    async def up(self, service: Service) -> None:
        await asyncio.sleep(self._watch.given.slow.get(service, 0.0))
        if service in self._watch.given.down:
            raise PortTrouble(f"{service}: down")


class _Store(_Part):
    def __init__(self, watch: CallWatch, inner: AnswerStore) -> None:
        super().__init__(watch)
        self._inner = inner

    async def callback(self, request: CallbackRequest) -> None:
        await self.up("store")
        await self._inner.callback(replace(request, queue=EMPTY))  # nobody calls back in the middle of a walk

    async def survey(self, answer: SurveyAnswer) -> None:
        await self.up("store")
        await self._inner.survey(answer)

    async def voicemail(self, message: VoiceMessage) -> None:
        await self.up("store")
        await self._inner.voicemail(message)


class _Outside(_Part):
    async def send(self, message: OutgoingMessage) -> str:
        await self.up("messages")
        self._watch.sent.append(message)
        return "sent"

    async def tokenise(self, card: Mapping[CardPart, Secret], amount: Decimal, currency: str, key: str) -> str | None:
        await self.up("payments")
        return None if self._watch.given.card_refused else "token-1"

    def on(self, name: str) -> Emergency | None:
        if name not in self._watch.given.switches:
            return None
        text = self._watch.given.switches[name]
        return Emergency(Spoken(SayAs.TEXT, text) if text else None)


class _Notes:
    def __init__(self, watch: CallWatch, inner: EventSink) -> None:
        self._watch = watch
        self._inner = inner

    def note(self, event: FlowEvent) -> None:
        self._watch.events.append(event)
        if isinstance(event, NodeEntered):
            self._watch.nodes.append(event.node)
        elif isinstance(event, NodeTrouble):
            self._watch.troubles.append(f"{event.node}: {event.what}")
        elif isinstance(event, SessionEnded):
            self._watch.ended = event
        self._inner.note(event)


def world_of(
    base: World, watch: CallWatch, speech: WatchedSpeech, backend: Backend, lane: Lane | None, call: str, flow: Flow
) -> World:
    """The house's world with the answers that this call was given. Hooks go over HTTP, look-ups by the settings."""
    outside, clock = _Outside(watch), _Shifted(base.clock, watch.given.epoch_s(flow.zone))
    hooks = {hook for node in flow.nodes.values() if (hook := getattr(node, "hook", None))}
    return replace(
        base,
        speech=speech,
        lookup=LaneLookup(base.lookup, lane) if lane else base.lookup,
        messages=outside,
        webhooks=backend.webhooks(call, watch.given, hooks),
        answers=_Store(watch, base.answers),
        locks=MemoryLocks(clock),
        tokeniser=outside,
        switches=outside,
        events=_Notes(watch, base.events),
        clock=clock,
    )


def _open(text: str | Secret) -> str:
    return text.reveal() if isinstance(text, Secret) else text
