"""Who is calling: a PIN, a date of birth, or a code sent to an address on file."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from campaigns.ids import key_of
from ivr.fields import Formula, NodeName, Outside, Seconds, Tries, VariableName
from ivr.line import KeyRequest
from ivr.nodes.base import Node
from ivr.nodes.collect import as_kind
from ivr.phrases import PHRASES, Phrase
from ivr.port import MessageChannel, OutgoingMessage
from ivr.secret import Secret
from ivr.texts import Text
from ivr.values import Fields, Value
from ivr.variables import Kind
from ivr.visit import Go, Missed, Question, Step, Visit


class Method(StrEnum):
    """How identity is proved."""

    PIN = "pin"
    BIRTH_DATE = "birth_date"
    ONE_TIME_CODE = "one_time_code"


class Authenticate(Node):
    """Prove the identity behind `account` (an expression); after `attempts` failures the account is locked for lock_s.

    pin, birth_date: `source` is asked {account, pin} or {account, birth_date: "1980-12-31"}; its field `ok` decides,
    `into` keeps others. one_time_code: a code goes by `channel` to `to`. The digits are never logged nor recorded.
    """

    failures: ClassVar[tuple[str, ...]] = ("no_input", "wrong", "locked", "failed")
    listens: ClassVar[bool] = True
    do: Literal["authenticate"]
    method: Method
    account: Formula
    text: Text | None = None
    length: Annotated[int, Field(ge=3, le=12)] = 4
    date_order: Literal["dmy", "mdy", "ymd"] = "dmy"
    source: Outside | None = None
    into: dict[VariableName, str] = Field(default_factory=dict)
    channel: MessageChannel | None = None
    to: Formula | None = None
    valid_s: Seconds = 300.0
    attempts: Tries = 3
    lock_s: Seconds = 1800.0
    lookup_timeout_s: Seconds = 5.0
    timeout_s: Seconds = 8.0
    wrong_text: Text | None = None
    next: NodeName
    no_input: NodeName | None = None
    wrong: NodeName | None = None
    locked: NodeName | None = None
    failed: NodeName | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.method is Method.ONE_TIME_CODE:
            if self.channel is None or self.to is None:
                raise ValueError("method one_time_code needs `channel:` (email, whatsapp, sms) and `to:`")
        elif self.source is None or self.text is None:
            raise ValueError(f"method {self.method} needs `source:` (who checks it) and `text:` (what is asked)")
        return self

    async def visit(self, at: Visit) -> Step:
        """Ask and check until it is proved, wrong too often, or locked."""
        account = at.text_of(self.account)
        key = key_of(f"{self.source or self.channel}:{account}")
        if await at.world.locks.locked_until_s(key) is not None:
            return self.failure("locked")
        code, expires_s = await self._send_code(at), at.now_s() + self.valid_s
        for _ in range(self.attempts):
            async with at.line.private():
                typed = await at.ask(self._question(), self._accept)
            if isinstance(typed, Missed):
                return self.failure("no_input" if typed is Missed.NO_INPUT else "wrong")
            if await self._proves(at, account, typed, code if at.now_s() < expires_s else None):
                await at.world.locks.clear(key)
                return Go("next", self.next)
            if await at.world.locks.failed(key, at.now_s(), self.attempts, self.lock_s):
                return self.failure("locked" if self.locked else "wrong")
            await at.line.forget_keys()
            await at.say(self.wrong_text or PHRASES[Phrase.WRONG_IDENTITY])
        return self.failure("wrong")

    def _question(self) -> Question:
        digits = 8 if self.method is Method.BIRTH_DATE else self.length
        text = self.text or PHRASES[Phrase.CODE_SENT]
        return Question(text, KeyRequest(digits, self.timeout_s, 5.0), extra={"length": self.length})

    def _accept(self, typed: Secret) -> Secret | None:
        digits = typed.reveal()
        if not (digits.isascii() and digits.isdigit()):
            return None
        if self.method is Method.BIRTH_DATE:
            day = as_kind(digits, Kind.DATE, self.date_order) if len(digits) == 8 else None
            return None if day is None else Secret(str(day))
        return typed if len(digits) == self.length else None

    async def _send_code(self, at: Visit) -> Secret | None:
        if self.channel is None or self.to is None or self.method is not Method.ONE_TIME_CODE:
            return None
        code = Secret("".join(str(at.world.rng.randrange(10)) for _ in range(self.length)))
        words = at.written(PHRASES[Phrase.CODE_MESSAGE])
        text = Secret(f"{words} {code.reveal()}")
        message = OutgoingMessage(at.new_id(), self.channel, at.text_of(self.to), words, text, at.language)
        await at.patiently(at.world.messages.send(message), 10.0)
        return code

    async def _proves(self, at: Visit, account: str, typed: Secret, code: Secret | None) -> bool:
        if self.method is Method.ONE_TIME_CODE:
            return code is not None and code.matches(typed.reveal())
        field = "pin" if self.method is Method.PIN else "birth_date"
        question: dict[str, Value | Secret] = {"account": account, field: typed}
        asking = at.world.lookup.ask(self.source or "", question)
        answer: Fields | None = await at.patiently(asking, self.lookup_timeout_s)
        if answer is None or not _is_yes(answer.get("ok")):
            return False
        for variable, name in self.into.items():
            at.store(variable, answer.get(name))
        return True


def _is_yes(value: Value) -> bool:
    """True, or the 1 of a database that has no truth values (MySQL, SQLite, Oracle). A text is never a yes."""
    return value is True or (isinstance(value, int) and value == 1)
