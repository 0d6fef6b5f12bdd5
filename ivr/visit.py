"""What a node can do with the caller: say, ask, work out, remember. One object follows a caller through a flow."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from campaigns.ids import key_of, new_id
from ivr.events import Exit, FlowEvent, NodeTrouble
from ivr.expression import Expression, Held
from ivr.fields import Formula, NodeName
from ivr.flow_head import FlowHead
from ivr.functions import ExpressionFailed, Moment
from ivr.line import CallerLine, KeyRequest, Keys, KeysEnd, Played
from ivr.patience import while_made, with_filler
from ivr.phrases import PHRASES, Phrase
from ivr.port import Bookmark, SayAs, Spoken, World
from ivr.secret import Secret
from ivr.texts import Insert, Piece, Recording, Text
from ivr.values import PortTrouble, TimedOut, Value
from ivr.variables import SPOKEN_AS, Kind, Variable, WrongValue, fit

T = TypeVar("T")
# A private sound lives for a quarter of an hour (`media.speech.cache`): it is used again in the first half of that.
_SAYING_LIFE_S, _MOST_SAYINGS = 450.0, 100
BUILT_IN: dict[str, Variable] = {
    "caller": Variable(type=Kind.PHONE),
    "called": Variable(type=Kind.PHONE),
    "language": Variable(type=Kind.TEXT),
    "call_id": Variable(type=Kind.TEXT),
    "agent_id": Variable(type=Kind.TEXT),
}
"""Variables that every flow has; only the engine sets them."""


@dataclass(frozen=True, slots=True)
class Go:
    """Leave a node by a branch. node None: nothing is named for it, the caller is rescued."""

    branch: str
    node: NodeName | None


@dataclass(frozen=True, slots=True)
class Stop:
    """The session is over."""

    exit: Exit


Step = Go | Stop


class Missed(StrEnum):
    """Why a question got no answer after all its tries."""

    NO_INPUT = "no_input"
    INVALID = "invalid"


@dataclass
class Visit:
    """A caller in a flow. variables hold Secret for sensitive ones; digits typed for them never leave the wrapper.

    quiet_since_s: when the caller heard or did something last (monotonic); asked: what the present node must not ask
    twice has been asked, perhaps by another process.
    """

    flow: FlowHead
    version: str
    line: CallerLine
    world: World
    language: str
    node: str = ""
    variables: dict[str, Held] = field(default_factory=dict)
    steps_without_caller: int = 0
    waiting_since_s: float | None = None
    talked: bool = False
    promised: bool = False
    passes: dict[str, int] = field(default_factory=dict)
    own_sayings: dict[tuple[tuple[Spoken, ...], str], tuple[float, tuple[str, ...]]] = field(default_factory=dict)
    quiet_since_s: float = 0.0
    asked: bool = False

    # -- values

    def moment(self) -> Moment:
        """Now, as wall clock of the flow's zone."""
        return Moment(datetime.fromtimestamp(self.now_s(), ZoneInfo(self.flow.zone)).replace(tzinfo=None))

    def now_s(self) -> float:
        """Seconds since 1970, UTC."""
        return self.world.clock.now_s()

    def new_id(self) -> str:
        """A new identifier."""
        return new_id(self.now_s(), self.world.rng)

    def action_id(self) -> str:
        """The id of what this node does now: the same after a restart, another one when the caller comes here again."""
        return key_of(f"{self.line.facts.call_id}:{self.flow.flow}:{self.node}:{self.passes.get(self.node, 0)}")

    def declared(self, name: str) -> Variable:
        """The declaration of a variable (of text when there is none: the checker refused that)."""
        return self.flow.variables.get(name) or BUILT_IN.get(name) or Variable()

    def held(self, formula: Formula) -> Held:
        """Work out an expression; a sensitive variable alone gives its Secret. Raises ExpressionFailed."""
        return formula.expression.value(self.variables, self.moment())

    def value(self, formula: Formula) -> Value:
        """Work out an expression that must not be sensitive. Raises ExpressionFailed."""
        value = self.held(formula)
        if isinstance(value, Secret):
            raise ExpressionFailed("a sensitive variable may go only to a look-up or a payment")
        return value

    def text_of(self, formula: Formula) -> str:
        """Work out an expression as text. Raises ExpressionFailed when it is nothing."""
        value = self.value(formula)
        if value is None or value == "":
            raise ExpressionFailed(f"{formula.expression.text!r} is empty")
        return str(value)

    def values(self, formulas: Mapping[str, Formula]) -> dict[str, Value]:
        """Work out several; what is not sensitive."""
        return {name: self.value(formula) for name, formula in formulas.items()}

    def store(self, name: str, value: Held) -> None:
        """Set a variable. Raises ExpressionFailed when the value does not fit its type."""
        try:
            self.variables[name] = fit(self.declared(name), value)
        except WrongValue as error:
            raise ExpressionFailed(f"variable {name!r}: {error}") from None

    def open_variables(self) -> dict[str, Value]:
        """All variables that are not sensitive."""
        return {name: value for name, value in self.variables.items() if not isinstance(value, Secret)}

    # -- speaking

    async def media(self, text: Text, extra: Mapping[str, Value] | None = None) -> tuple[str, ...]:
        """The media of a text; `extra` are values that only this text knows. Raises PortTrouble, ExpressionFailed.

        What is this caller's own is in no shared cache; said again in the same call it is the same sound, made once.
        """
        parts, now_s = self.spoken(text, extra or {}), self.world.clock.monotonic_s()
        said = self.own_sayings.get((parts, self.language))
        if said is not None and now_s - said[0] < _SAYING_LIFE_S:
            return said[1]
        media = await self.world.speech.render(parts, self.language)
        if any(part.private for part in parts) and len(self.own_sayings) < _MOST_SAYINGS:
            self.own_sayings[parts, self.language] = now_s, media
        return media

    def spoken(self, text: Text, extra: Mapping[str, Value]) -> tuple[Spoken, ...]:
        """A text as pieces of speech in the caller's language."""
        return tuple(self._piece(piece, extra) for piece in text.pieces(self.language, self.flow.language))

    def written(self, text: Text) -> str:
        """A text as a message is written."""
        parts = [str(part.value) for part in self.spoken(text, {}) if part.kind is not SayAs.PROMPT]
        joined = " ".join(parts)
        for sign in ".,;:!?":
            joined = joined.replace(f" {sign}", sign)
        return joined

    def _piece(self, piece: Piece, extra: Mapping[str, Value]) -> Spoken:
        match piece:
            case str():
                return Spoken(SayAs.TEXT, piece)
            case Recording(name):
                return Spoken(SayAs.PROMPT, name)
            case Insert(expression, how):
                value = expression.value({**self.variables, **extra}, self.moment())
                if isinstance(value, Secret):
                    raise ExpressionFailed(f"{expression.text!r} is sensitive and is not spoken")
                if value is None:
                    raise ExpressionFailed(f"{expression.text!r} has no value yet and cannot be spoken")
                declared = self._declaration_behind(expression)
                return Spoken(how or _way(declared, value), value, (declared and declared.currency) or "", True)

    def _declaration_behind(self, expression: Expression) -> Variable | None:
        """The variable that says how a value is spoken: its own, or the money that it is reckoned from."""
        name = expression.is_name()
        if name is not None:
            return self.flow.variables.get(name) or BUILT_IN.get(name)
        money = [self.declared(each) for each in expression.names() if self.declared(each).type is Kind.MONEY]
        return money[0] if money else None

    async def say(self, text: Text, *, barge_in: bool = True, extra: Mapping[str, Value] | None = None) -> Played:
        """Speak. Raises PortTrouble when the caller could not hear it; a voice that takes long is waited for."""
        media = await while_made(self, self.media(text, extra), PHRASES[Phrase.ONE_MOMENT])
        return await self.play(media, barge_in=barge_in)

    async def say_parts(self, parts: tuple[Spoken, ...]) -> Played:
        """Speak pieces that are no text of the flow. Raises PortTrouble."""
        making = self.world.speech.render(parts, self.language)
        return await self.play(await while_made(self, making, PHRASES[Phrase.ONE_MOMENT]))

    async def play(self, media: Sequence[str], *, barge_in: bool = True) -> Played:
        """Play media. Raises PortTrouble when the caller could not hear them."""
        played = await self.line.play(media, barge_in=barge_in)
        self.quiet_since_s = self.world.clock.monotonic_s()
        if played is Played.FAILED:
            raise PortTrouble("a prompt could not be played: is its file where the exchange can read it?")
        return played

    async def say_phrase(self, phrase: Phrase, **extra: Value) -> Played:
        """Speak a sentence of the engine."""
        return await self.say(PHRASES[phrase], extra=extra)

    async def patiently(self, work: Awaitable[T], timeout_s: float, filler: Text | None = None) -> T:
        """Wait for the world; a caller who would hear silence for long is told to wait. Raises TimedOut."""
        return await with_filler(self, work, timeout_s, filler or PHRASES[Phrase.ONE_MOMENT])

    async def durably(self, work: Awaitable[T], timeout_s: float) -> T:
        """As `patiently`, for what the caller has given: hanging up meanwhile does not undo it."""
        return await with_filler(self, work, timeout_s, PHRASES[Phrase.ONE_MOMENT], outlives=True)

    async def act(self, work: Callable[[], Awaitable[T]], timeout_s: float) -> T:
        """As `durably`, for what leaves the house: not before the next process would know of it, with its id."""

        async def known_first() -> T:
            await self.world.bookmarks.kept(self.line.facts.call_id)
            return await work()

        return await self.durably(known_first(), timeout_s)

    async def once(self, work: Callable[[], Awaitable[T]], timeout_s: float, filler: Text | None) -> T:
        """As `patiently`, for what must not be asked twice: the next process knows of it before it is asked.

        Raises TimedOut when another process asked it for this very pass: what came of that, nobody knows. PortTrouble
        when it could not be written down: then nothing was asked.
        """
        if self.asked:
            raise TimedOut("it was asked before the server was restarted, and is not asked again")

        async def known_first() -> T:
            self.asked = True
            self.world.bookmarks.keep(self.bookmark())
            if not await self.world.bookmarks.kept(self.line.facts.call_id):
                raise PortTrouble("that it would be asked could not be written down: it was not asked")
            return await work()

        return await self.patiently(known_first(), timeout_s, filler)

    def bookmark(self) -> Bookmark:
        """Where the caller is."""
        where = (self.line.facts.call_id, self.flow.flow, self.version, self.node, self.language)
        return Bookmark(*where, self.open_variables(), dict(self.passes), self.asked)

    # -- asking

    async def keys(self, request: KeyRequest) -> Keys:
        """Take digits. Digits typed are proof of a caller: the guard against endless loops starts again."""
        keys = await self.line.keys(request)
        self.quiet_since_s = self.world.clock.monotonic_s()
        if keys.digits:
            self.steps_without_caller = 0
        return keys

    async def ask(self, question: "Question", accept: Callable[[Secret], T | None]) -> T | Missed:
        """Ask up to question.tries times until `accept` gives an answer."""
        missed = Missed.NO_INPUT
        for _ in range(question.tries):
            await self.say(question.text, barge_in=question.barge_in, extra=question.extra)
            keys = await self.keys(question.request)
            answer = accept(keys.digits) if keys.digits or question.empty_is_answer(keys.ended) else None
            if answer is not None:
                return answer
            missed = Missed.INVALID if keys.digits else Missed.NO_INPUT
            await self.line.forget_keys()
            await self.say(question.sorry(missed))
        return missed

    # -- telling

    def note(self, event: FlowEvent) -> None:
        """Give an event to the sink."""
        self.world.events.note(event)

    def trouble(self, what: str) -> None:
        """Note that something failed here. `what` holds no caller data."""
        where = (self.line.facts.call_id, self.flow.flow, self.version, self.now_s())
        self.note(NodeTrouble(*where, node=self.node, what=what))


@dataclass(frozen=True, slots=True)
class Question:
    """A text, the digits wanted, and what to say when they do not come."""

    text: Text
    request: KeyRequest
    tries: int = 3
    no_input_text: Text | None = None
    invalid_text: Text | None = None
    barge_in: bool = True
    hash_alone: bool = False
    extra: Mapping[str, Value] = field(default_factory=dict)

    def empty_is_answer(self, ended: KeysEnd) -> bool:
        """Whether the terminator alone is an answer."""
        return self.hash_alone and ended is KeysEnd.TERMINATOR

    def sorry(self, missed: Missed) -> Text:
        """What to say after a wrong or missing entry."""
        if missed is Missed.NO_INPUT:
            return self.no_input_text or PHRASES[Phrase.NO_INPUT]
        return self.invalid_text or PHRASES[Phrase.INVALID]


def _way(declared: Variable | None, value: Value) -> SayAs:
    is_number = isinstance(value, int | Decimal)
    if declared is not None and declared.type in SPOKEN_AS and (is_number or declared.type is not Kind.MONEY):
        return SPOKEN_AS[declared.type]
    if isinstance(value, date | time):
        return SayAs.DATE if isinstance(value, date) and not isinstance(value, datetime) else SayAs.TIME
    return SayAs.NUMBER if is_number else SayAs.TEXT


__all__ = ["BUILT_IN", "Go", "Missed", "Question", "Step", "Stop", "TimedOut", "Visit"]
