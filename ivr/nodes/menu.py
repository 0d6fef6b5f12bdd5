"""A choice by one key."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from ivr.fields import Key, NodeName, Part, Seconds, Tries
from ivr.line import KeyRequest
from ivr.nodes.base import Node
from ivr.secret import Secret
from ivr.texts import Text
from ivr.visit import Go, Missed, Question, Step, Visit

_MOST_EXTRAS = 5  # repeats and helps before the menu goes on as if nothing had been pressed


class Help(Part):
    """A key that explains the menu."""

    key: Key
    text: Text


class Menu(Node):
    """Say the choices and go where the pressed key leads. repeat: the key that says them again."""

    failures: ClassVar[tuple[str, ...]] = ("no_input", "invalid", "failed")
    listens: ClassVar[bool] = True
    do: Literal["menu"]
    text: Text
    keys: Annotated[dict[Key, NodeName], Field(min_length=1)]
    repeat: Key | None = None
    help: Help | None = None
    tries: Tries = 3
    timeout_s: Seconds = 5.0
    no_input_text: Text | None = None
    invalid_text: Text | None = None
    no_input: NodeName | None = None
    invalid: NodeName | None = None
    failed: NodeName | None = None

    @model_validator(mode="after")
    def _one_meaning_for_a_key(self) -> Self:
        extra = [key for key in (self.repeat, self.help.key if self.help else None) if key]
        twice = [key for key in extra if key in self.keys or extra.count(key) > 1]
        if twice:
            raise ValueError(f"key {twice[0]} has two meanings: give `repeat` and `help` keys of their own")
        return self

    async def visit(self, at: Visit) -> Step:
        """Ask until a key fits."""
        request = KeyRequest(most=1, first_timeout_s=self.timeout_s, terminator="")
        question = Question(self.text, request, self.tries, self.no_input_text, self.invalid_text)
        for _ in range(_MOST_EXTRAS):
            pressed = await at.ask(question, self._accept)
            if isinstance(pressed, Missed):
                return self.failure(pressed)
            if pressed in self.keys:
                return Go(pressed, self.keys[pressed])
            if self.help and pressed == self.help.key:
                await at.say(self.help.text)
        return self.failure(Missed.INVALID)

    def _accept(self, digits: Secret) -> str | None:
        key = digits.reveal()
        known = key in self.keys or key == self.repeat or (self.help is not None and key == self.help.key)
        return key if known else None


class Language(Node):
    """Set the language, or let the caller choose it by a key; one who chooses nothing keeps the present one."""

    failures: ClassVar[tuple[str, ...]] = ("failed",)
    listens: ClassVar[bool] = True
    do: Literal["language"]
    set: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] | None = None
    text: Text | None = None
    keys: dict[Key, Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]] = Field(default_factory=dict)
    tries: Tries = 2
    timeout_s: Seconds = 4.0
    next: NodeName
    failed: NodeName | None = None

    @model_validator(mode="after")
    def _set_or_choose(self) -> Self:
        if bool(self.set) == bool(self.text and self.keys):
            raise ValueError('write `set: en`, or `text:` with `keys: {"1": es, "2": en}`')
        return self

    def waits(self) -> bool:
        """Only when it asks."""
        return self.text is not None

    async def visit(self, at: Visit) -> Step:
        """Choose."""
        chosen: str | Missed = self.set or Missed.NO_INPUT
        if self.text is not None:
            request = KeyRequest(most=1, first_timeout_s=self.timeout_s, terminator="")
            chosen = await at.ask(Question(self.text, request, self.tries), lambda key: self.keys.get(key.reveal()))
        if not isinstance(chosen, Missed):
            at.language = chosen
            at.variables["language"] = chosen
            await at.line.set_language(chosen)
        return Go("next", self.next)
