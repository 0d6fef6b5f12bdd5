"""Card digits: typed, never heard, logged or recorded, and handed to the tokeniser alone."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.checksums import luhn
from ivr.fields import Formula, NodeName, Seconds, Tries, VariableName
from ivr.functions import ExpressionFailed
from ivr.line import KeyRequest
from ivr.nodes.base import Node
from ivr.phrases import PHRASES, Phrase
from ivr.port import CardPart
from ivr.secret import Secret
from ivr.texts import Text
from ivr.visit import Go, Missed, Question, Step, Visit

_MOST = {CardPart.NUMBER: 19, CardPart.EXPIRY: 4, CardPart.CODE: 4}
_PHRASE = {
    CardPart.NUMBER: Phrase.CARD_NUMBER,
    CardPart.EXPIRY: Phrase.CARD_EXPIRY,
    CardPart.CODE: Phrase.CARD_CODE,
}
_CANCEL = "*"


class Payment(Node):
    """Collect a card for an amount and keep the provider's token. The star key cancels.

    All the while recordings are muted and the keys are in no log; a refused card may be tried `tries` times.
    """

    failures: ClassVar[tuple[str, ...]] = ("refused", "cancelled", "no_input", "invalid", "failed")
    listens: ClassVar[bool] = True
    numbered: ClassVar[bool] = True
    do: Literal["payment"]
    amount: Formula
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    into: VariableName
    number_text: Text | None = None
    expiry_text: Text | None = None
    code_text: Text | None = None
    tries: Tries = 3
    timeout_s: Seconds = 10.0
    provider_timeout_s: Seconds = 20.0
    next: NodeName
    refused: NodeName | None = None
    cancelled: NodeName | None = None
    no_input: NodeName | None = None
    invalid: NodeName | None = None
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Ask the three parts, hand them over, forget them."""
        amount = at.value(self.amount)
        if isinstance(amount, bool) or not isinstance(amount, int | Decimal) or amount <= 0:
            raise ExpressionFailed(f"{self.amount.expression.text!r} is no amount above zero")
        async with at.line.private():
            card = await self._card(at)
            if isinstance(card, str):
                return self.failure(card)
            # A kill in the middle of this: the caller types the card again, and the provider knows the request.
            asked = at.world.tokeniser.tokenise(card, Decimal(amount), self.currency, at.action_id())
            token = await at.durably(asked, self.provider_timeout_s)
        if token is None:
            return self.failure("refused")
        at.store(self.into, token)
        return Go("next", self.next)

    async def _card(self, at: Visit) -> dict[CardPart, Secret] | str:
        month = at.moment().local.year * 12 + at.moment().local.month
        rules: dict[CardPart, Callable[[str], bool]] = {
            CardPart.NUMBER: lambda digits: 12 <= len(digits) <= 19 and luhn(digits),
            CardPart.EXPIRY: lambda digits: len(digits) == 4 and _is_due_after(digits, month),
            CardPart.CODE: lambda digits: len(digits) in {3, 4},
        }
        card: dict[CardPart, Secret] = {}
        for part, rule in rules.items():
            typed = await at.ask(self._question(part), _accepting(rule))
            if isinstance(typed, Missed):
                return typed.value
            if typed.matches(_CANCEL):
                return "cancelled"
            card[part] = typed
        return card

    def _question(self, part: CardPart) -> Question:
        own = {CardPart.NUMBER: self.number_text, CardPart.EXPIRY: self.expiry_text, CardPart.CODE: self.code_text}
        request = KeyRequest(_MOST[part], self.timeout_s, 5.0)
        return Question(own[part] or PHRASES[_PHRASE[part]], request, self.tries)


def _accepting(rule: Callable[[str], bool]) -> Callable[[Secret], Secret | None]:
    def accept(typed: Secret) -> Secret | None:
        digits = typed.reveal()
        if _CANCEL in digits:
            return Secret(_CANCEL)
        return typed if digits.isascii() and digits.isdigit() and rule(digits) else None

    return accept


def _is_due_after(digits: str, month: int) -> bool:
    return 1 <= int(digits[:2]) <= 12 and (2000 + int(digits[2:])) * 12 + int(digits[:2]) >= month
