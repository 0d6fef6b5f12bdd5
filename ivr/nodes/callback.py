"""Offer to call back."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from campaigns.ids import key_of
from ivr.events import Exit
from ivr.fields import Formula, NodeName, Outside, Tries
from ivr.functions import ExpressionFailed
from ivr.line import KeyRequest
from ivr.nodes.base import Node
from ivr.phrases import PHRASES, Phrase
from ivr.port import CallbackRequest
from ivr.secret import Secret
from ivr.texts import Text
from ivr.variables import Kind
from ivr.visit import Go, Missed, Question, Step, Stop, Visit

_ONE_KEY = KeyRequest(most=1, first_timeout_s=6.0, terminator="")
_SHORTEST_NUMBER = 6


class Callback(Node):
    """Offer a callback and keep it before it is confirmed. Key 1 accepts, key 2 declines.

    offer: false when the caller has chosen it already. at: a moment variable for an appointment; without it the caller
    keeps the place in line. phone: the number, the caller's own when not given; confirm_number asks about it.
    """

    failures: ClassVar[tuple[str, ...]] = ("no_number", "failed")
    listens: ClassVar[bool] = True
    do: Literal["callback"]
    queue: Outside
    offer: bool = True
    text: Text | None = None
    confirm_number: bool = True
    phone: Formula | None = None
    at: Formula | None = None
    priority: Annotated[int, Field(ge=-100, le=100)] = 0
    data: dict[str, Formula] = Field(default_factory=dict)
    tries: Tries = 3
    done_text: Text | None = None
    declined: NodeName | None = None
    next: NodeName | None = None
    no_number: NodeName | None = None
    failed: NodeName | None = None

    @model_validator(mode="after")
    def _may_be_declined(self) -> Self:
        if self.offer and self.declined is None:
            raise ValueError(
                "`declined:` is missing: where does one go who wants no callback? (or write `offer: false`)"
            )
        return self

    def ends(self) -> bool:
        """When the callback is promised and nothing follows."""
        return self.next is None

    async def visit(self, at: Visit) -> Step:
        """Offer, ask the number, keep, confirm."""
        if self.offer and await self._choice(at, self.text or PHRASES[Phrase.CALLBACK_OFFER]) != "1":
            return Go("declined", self.declined)
        phone = await self._phone(at)
        if phone is None:
            return self.failure("no_number")
        await at.durably(at.world.answers.callback(self._request(at, phone)), 10.0)
        at.promised = True
        await at.say(self.done_text or PHRASES[Phrase.CALLBACK_DONE], barge_in=False)
        return Go("next", self.next) if self.next else Stop(Exit.CALLBACK)

    async def _choice(self, at: Visit, text: Text, **extra: str) -> str | None:
        question = Question(text, _ONE_KEY, self.tries, extra=extra)
        pressed = await at.ask(question, lambda key: key.reveal() if key.reveal() in {"1", "2"} else None)
        return None if isinstance(pressed, Missed) else pressed

    async def _phone(self, at: Visit) -> str | None:
        known = at.text_of(self.phone) if self.phone else at.line.facts.caller
        if known and not self.confirm_number:
            return known
        if known:
            # Who presses nothing has accepted the callback all the same: the number at hand is better than none.
            if await self._choice(at, PHRASES[Phrase.THIS_NUMBER], phone=known) != "2":
                return known
        request = KeyRequest(most=15, first_timeout_s=8.0, between_timeout_s=4.0)
        typed = await at.ask(Question(PHRASES[Phrase.TYPE_NUMBER], request, self.tries), _number)
        return (known or None) if isinstance(typed, Missed) else typed

    def _request(self, at: Visit, phone: str) -> CallbackRequest:
        wanted_at_s = None
        if self.at is not None:
            wanted_at_s = _instant_s(at, self.at)
        return CallbackRequest(
            # The same wish again (after a restart, or a second round through the menu) is the same promise.
            request_id=key_of(f"{at.line.facts.call_id}:{at.node}:{phone}:{wanted_at_s}"),
            call_id=at.line.facts.call_id,
            phone=phone,
            queue=self.queue,
            since_s=at.waiting_since_s or at.now_s(),
            wanted_at_s=wanted_at_s,
            language=at.language,
            priority=self.priority,
            data=at.values(self.data),
        )


def _number(typed: Secret) -> str | None:
    digits = typed.reveal()
    return digits if digits.isdigit() and len(digits) >= _SHORTEST_NUMBER else None


def _instant_s(at: Visit, formula: Formula) -> float:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    value = at.value(formula)
    if not isinstance(value, datetime):
        raise ExpressionFailed(f"{formula.expression.text!r} is no moment: declare a variable of type {Kind.MOMENT}")
    zoned = value if value.tzinfo else value.replace(tzinfo=ZoneInfo(at.flow.zone))
    return zoned.timestamp()
