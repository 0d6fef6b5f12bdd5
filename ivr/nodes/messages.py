"""Messages left and sent: voicemail, recordings, e-mail, WhatsApp, SMS, other systems."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.events import Exit
from ivr.fields import Formula, NodeName, Outside, VariableName
from ivr.line import RecordRequest
from ivr.nodes.base import Node
from ivr.phrases import PHRASES, Phrase
from ivr.port import MessageChannel, OutgoingMessage, VoiceMessage
from ivr.texts import Text
from ivr.visit import Go, Step, Stop, Visit

_SHORTEST_MESSAGE_S = 1.0
_SEND_TIMEOUT_S = 10.0


class Voicemail(Node):
    """Record a message for a mailbox; the caller is told when it is kept."""

    failures: ClassVar[tuple[str, ...]] = ("empty", "failed")
    listens: ClassVar[bool] = True
    do: Literal["voicemail"]
    text: Text
    mailbox: Outside
    longest_s: Annotated[float, Field(ge=5, le=600)] = 120.0
    silence_s: Annotated[float, Field(ge=1, le=30)] = 4.0
    done_text: Text | None = None
    next: NodeName | None = None
    empty: NodeName | None = None
    failed: NodeName | None = None

    def ends(self) -> bool:
        """When the message is kept and nothing follows."""
        return self.next is None

    async def visit(self, at: Visit) -> Step:
        """Ask, record, keep, confirm."""
        await at.say(self.text)
        await at.line.forget_keys()
        taken = await at.line.record(RecordRequest("voicemail", self.longest_s, self.silence_s))
        if taken.length_s < _SHORTEST_MESSAGE_S:
            return self.failure("empty")
        facts = at.line.facts
        message = VoiceMessage(
            at.new_id(),
            facts.call_id,
            self.mailbox,
            facts.caller,
            taken.reference,
            taken.length_s,
            at.now_s(),
            at.language,
        )
        await at.durably(at.world.answers.voicemail(message), _SEND_TIMEOUT_S)
        await at.say(self.done_text or PHRASES[Phrase.MESSAGE_KEPT], barge_in=False)
        return Go("next", self.next) if self.next else Stop(Exit.MESSAGE)


class Record(Node):
    """Record what the caller says and keep its reference in a variable."""

    failures: ClassVar[tuple[str, ...]] = ("empty", "failed")
    listens: ClassVar[bool] = True
    do: Literal["record"]
    text: Text
    into: VariableName
    longest_s: Annotated[float, Field(ge=2, le=600)] = 60.0
    silence_s: Annotated[float, Field(ge=1, le=30)] = 3.0
    next: NodeName
    empty: NodeName | None = None
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Ask and record."""
        await at.say(self.text)
        await at.line.forget_keys()
        taken = await at.line.record(RecordRequest(at.node, self.longest_s, self.silence_s))
        if not taken.length_s:
            return self.failure("empty")
        at.store(self.into, taken.reference)
        return Go("next", self.next)


class Send(Node):
    """Send a message to the caller or to somebody else."""

    failures: ClassVar[tuple[str, ...]] = ("failed",)
    acts: ClassVar[bool] = True
    do: Literal["send"]
    channel: MessageChannel
    to: Formula
    subject: Text | None = None
    text: Text
    next: NodeName
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Send; returns when the message is on its way durably. After a restart it is the same message."""
        subject = at.written(self.subject) if self.subject else ""
        message = OutgoingMessage(
            at.action_id(), self.channel, at.text_of(self.to), subject, at.written(self.text), at.language
        )
        await at.act(lambda: at.world.messages.send(message), _SEND_TIMEOUT_S)
        return Go("next", self.next)


class Escalate(Node):
    """Tell another system (a signed webhook) or a person (a message) that something happened.

    data: what is told. hook: a webhook of the settings; or channel and to: a message.
    """

    failures: ClassVar[tuple[str, ...]] = ("failed",)
    acts: ClassVar[bool] = True
    do: Literal["escalate"]
    event: Outside
    hook: Outside | None = None
    channel: MessageChannel | None = None
    to: Formula | None = None
    data: dict[str, Formula] = Field(default_factory=dict)
    next: NodeName
    failed: NodeName | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.hook) == bool(self.channel and self.to):
            raise ValueError("write `hook:`, or `channel:` and `to:`")
        return self

    async def visit(self, at: Visit) -> Step:
        """Tell."""
        from ivr.signing import event_body

        data = at.values(self.data)
        event_id, facts = at.action_id(), at.line.facts
        if self.hook:
            body = event_body(self.event, event_id, facts.call_id, at.flow.flow, at.now_s(), data)
            hook = self.hook
            await at.act(lambda: at.world.webhooks.post(hook, body, event_id), _SEND_TIMEOUT_S)
        elif self.channel and self.to:
            text = "\n".join(f"{name}: {value}" for name, value in data.items())
            message = OutgoingMessage(event_id, self.channel, at.text_of(self.to), self.event, text, at.language)
            await at.act(lambda: at.world.messages.send(message), _SEND_TIMEOUT_S)
        return Go("next", self.next)
