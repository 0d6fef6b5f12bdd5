"""Digits typed by the caller."""

from contextlib import nullcontext
from datetime import date, time
from decimal import Decimal
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.checksums import Check, passes
from ivr.expression import Held
from ivr.fields import NodeName, Seconds, Tries, VariableName
from ivr.line import KeyRequest
from ivr.nodes.base import Node
from ivr.phrases import PHRASES, Phrase
from ivr.port import SayAs
from ivr.secret import Secret
from ivr.texts import Text
from ivr.variables import Kind
from ivr.visit import Go, Missed, Question, Step, Visit

_CONFIRM = KeyRequest(most=1, first_timeout_s=5.0, terminator="")
_HOW = {Kind.DATE: SayAs.DATE, Kind.TIME: SayAs.TIME, Kind.NUMBER: SayAs.NUMBER, Kind.MONEY: SayAs.NUMBER}
Digits = Annotated[int, Field(ge=1, le=40)]


class Collect(Node):
    """Ask for digits and keep them in a variable.

    length: exactly so many; or least and most. A date is typed as eight digits in date_order, a time as four. check: a
    check-digit rule. confirm: say them back and ask. The terminator ends a shorter entry.
    """

    failures: ClassVar[tuple[str, ...]] = ("no_input", "invalid", "failed")
    listens: ClassVar[bool] = True
    do: Literal["collect"]
    text: Text
    into: VariableName
    length: Digits | None = None
    least: Digits = 1
    most: Digits = 20
    terminator: Literal["#", "*", ""] = "#"
    check: Check | None = None
    date_order: Literal["dmy", "mdy", "ymd"] = "dmy"
    confirm: bool = False
    tries: Tries = 3
    timeout_s: Seconds = 6.0
    between_s: Seconds = 4.0
    no_input_text: Text | None = None
    invalid_text: Text | None = None
    next: NodeName
    no_input: NodeName | None = None
    invalid: NodeName | None = None
    failed: NodeName | None = None

    @model_validator(mode="after")
    def _possible_length(self) -> Self:
        if self.length is None and self.least > self.most:
            raise ValueError(f"least is {self.least}, more than most ({self.most})")
        return self

    async def visit(self, at: Visit) -> Step:
        """Ask, check, perhaps confirm, keep."""
        declared = at.declared(self.into)
        for _ in range(self.tries):
            async with at.line.private() if declared.sensitive else nullcontext():
                got = await at.ask(self._question(declared.type), lambda digits: self._accept(digits, declared.type))
            if isinstance(got, Missed):
                return self.failure(got)
            value = Secret(got[1]) if declared.sensitive else got[0]
            if declared.sensitive or not self.confirm or await self._is_right(at, declared.type, got[0]):
                at.store(self.into, value)
                return Go("next", self.next)
        return self.failure(Missed.INVALID)

    def _question(self, kind: Kind) -> Question:
        request = KeyRequest(self._range(kind)[1], self.timeout_s, self.between_s, self.terminator)
        return Question(self.text, request, self.tries, self.no_input_text, self.invalid_text)

    def _range(self, kind: Kind) -> tuple[int, int]:
        if kind in {Kind.DATE, Kind.TIME}:
            return (8, 8) if kind is Kind.DATE else (4, 4)
        return (self.length, self.length) if self.length else (self.least, self.most)

    def _accept(self, typed: Secret, kind: Kind) -> tuple[Held, str] | None:
        digits = typed.reveal()
        least, most = self._range(kind)
        if not (digits.isascii() and digits.isdigit() and least <= len(digits) <= most):
            return None
        if self.check and not passes(self.check, digits):
            return None
        value = as_kind(digits, kind, self.date_order)
        return None if value is None else (value, digits)

    async def _is_right(self, at: Visit, kind: Kind, value: Held) -> bool:
        how = _HOW.get(kind, SayAs.DIGITS)
        text = PHRASES[Phrase.CORRECT]
        pieces = tuple(
            part if part.kind is SayAs.TEXT and not part.private else type(part)(how, part.value, private=True)
            for part in at.spoken(text, {"entered": None if isinstance(value, Secret) else value})
        )
        for _ in range(2):
            await at.play(await at.world.speech.render(pieces, at.language))
            key = (await at.keys(_CONFIRM)).digits.reveal()
            if key in {"1", "2"}:
                return key == "1"
        return False


def as_kind(digits: str, kind: Kind, order: str) -> Held:
    """Typed digits as a value of a variable's type; None when they are none (31 February)."""
    try:
        match kind:
            case Kind.DATE:
                return _date(digits, order)
            case Kind.TIME:
                return time(int(digits[:2]), int(digits[2:4]))
            case Kind.NUMBER | Kind.MONEY:
                return Decimal(digits)
            case _:
                return digits
    except ValueError:
        return None


def _date(digits: str, order: str) -> date:
    if order == "ymd":
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    first, second, year = int(digits[:2]), int(digits[2:4]), int(digits[4:8])
    return date(year, second, first) if order == "dmy" else date(year, first, second)
