"""Ways to a person: a queue, a transfer, a callback."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.events import Exit
from ivr.fields import Formula, Key, NodeName, Outside, Part, Seconds
from ivr.functions import ExpressionFailed
from ivr.line import QueueEnd, QueueOrder, QueuePlace, TargetKind, TransferEnd, TransferOrder
from ivr.nodes.base import Node
from ivr.phrases import PHRASES, Phrase
from ivr.texts import Text
from ivr.values import PortTrouble
from ivr.visit import Go, Step, Stop, Visit


class Announcements(Part):
    """What a waiting caller hears: the true position, and the measured waiting time once there is one.

    text: instead of the built-in sentences; it may use {position:number}, {wait_s:duration}, {waited_s:duration}.
    """

    every_s: Seconds = 45.0
    position: bool = True
    wait: bool = True
    text: Text | None = None


class Queue(Node):
    """Wait for an agent. escape: keys that leave the queue. After the talk goes `next`, or the call ends."""

    failures: ClassVar[tuple[str, ...]] = ("timeout", "full", "no_agents", "failed")
    listens: ClassVar[bool] = True
    do: Literal["queue"]
    queue: Outside
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    skills: tuple[Outside, ...] = Field(default=(), strict=False)
    longest_s: Annotated[float, Field(gt=0, le=7200)] = 600.0
    announce: Announcements = Announcements()
    escape: dict[Key, NodeName] = Field(default_factory=dict)
    music: str = ""
    screen: dict[str, Formula] = Field(default_factory=dict)
    next: NodeName | None = None
    survey: NodeName | None = None
    timeout: NodeName | None = None
    full: NodeName | None = None
    no_agents: NodeName | None = None
    failed: NodeName | None = None

    def ends(self) -> bool:
        """After the talk, when nothing follows."""
        return self.next is None

    async def visit(self, at: Visit) -> Step:
        """Wait."""
        at.waiting_since_s = at.waiting_since_s or at.now_s()
        end = await at.line.wait_in_queue(self._order(at))
        at.steps_without_caller = 0
        match end.end:
            case QueueEnd.TALKED:
                at.talked = True
                at.variables["agent_id"] = end.agent_id or None
                return self._after(end.to_survey)
            case QueueEnd.ESCAPED if end.key in self.escape:
                return Go(end.key, self.escape[end.key])
            case QueueEnd.TIMEOUT | QueueEnd.FULL | QueueEnd.NO_AGENTS:
                return self.failure(end.end)
            case _:
                at.trouble(f"queue {self.queue!r}: {end.end}")
                return self.failure("failed")

    def _after(self, to_survey: bool) -> Step:
        if to_survey and self.survey:
            return Go("survey", self.survey)
        return Go("next", self.next) if self.next else Stop(Exit.TALKED)

    def _order(self, at: Visit) -> QueueOrder:
        return QueueOrder(
            self.queue,
            self.longest_s,
            self.priority,
            self.skills,
            "".join(self.escape),
            Announcer(at, self.announce),
            self.announce.every_s,
            self.music,
            at.language,
            at.values(self.screen),
            at.waiting_since_s,
        )


class Announcer:
    """Speaks a place in a queue."""

    def __init__(self, at: Visit, rule: Announcements) -> None:
        """Speak for this caller by this rule."""
        self._at = at
        self._rule = rule

    async def __call__(self, place: QueuePlace) -> Sequence[str]:
        """The media for a place. Raises PortTrouble."""
        text = self._text(place)
        if text is None:
            return ()
        extra = {"position": place.position, "waited_s": place.waited_s, "wait_s": place.estimated_wait_s}
        try:
            return await self._at.media(text, {name: None if v is None else int(v) for name, v in extra.items()})
        except ExpressionFailed as error:
            raise PortTrouble(f"the announcement has no value: {error}") from None

    def _text(self, place: QueuePlace) -> Text | None:
        rule = self._rule
        known = rule.wait and place.estimated_wait_s is not None
        if rule.text is not None and (
            known or not any("wait_s" in e.expression.names() for _, e in rule.text.expressions())
        ):
            return rule.text
        if not rule.position:
            return None
        return PHRASES[Phrase.POSITION_AND_WAIT if known else Phrase.POSITION]


def _tells_wait(text: Text) -> bool:
    return any("wait_s" in insert.expression.names() for _, insert in text.expressions())


class Transfer(Node):
    """Ring an agent, an extension or a number. After the talk goes `next`, or the call ends."""

    failures: ClassVar[tuple[str, ...]] = ("busy", "no_answer", "failed")
    listens: ClassVar[bool] = True
    do: Literal["transfer"]
    kind: TargetKind
    to: Formula
    ring_s: Annotated[float, Field(ge=5, le=180)] = 25.0
    screen: dict[str, Formula] = Field(default_factory=dict)
    next: NodeName | None = None
    busy: NodeName | None = None
    no_answer: NodeName | None = None
    failed: NodeName | None = None

    def ends(self) -> bool:
        """After the talk, when nothing follows."""
        return self.next is None

    async def visit(self, at: Visit) -> Step:
        """Ring and wait for the end of the talk."""
        order = TransferOrder(self.kind, at.text_of(self.to), self.ring_s, at.values(self.screen))
        end = await at.line.transfer(order)
        at.steps_without_caller = 0
        if end.end is TransferEnd.TALKED:
            at.talked = True
            at.variables["agent_id"] = end.agent_id or None
            return Go("next", self.next) if self.next else Stop(Exit.TALKED)
        at.trouble(f"transfer to {self.kind}: {end.end}")
        return self.failure(end.end if end.end in {TransferEnd.BUSY, TransferEnd.NO_ANSWER} else "failed")
