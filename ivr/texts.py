"""Texts that a caller hears: in one or more languages, with values in braces.

"Your balance is {balance}." speaks the variable by its type; {account:digits} says how; {welcome:prompt} is the
recorded prompt of that name; {{ and }} are braces.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import core_schema

from ivr.expression import Expression, ExpressionError, parse_expression
from ivr.port import SayAs

_LONGEST = 2000
_PIECE = re.compile(r"\{\{|\}\}|\{(?P<inside>[^{}]*)\}|[{}]|[^{}]+")
_HOW = re.compile(r"(?P<what>.*):\s*(?P<how>[a-z_]+)\s*", re.DOTALL)
_PROMPT_NAME = re.compile(r"[A-Za-z0-9][\w./-]{0,99}")
_LANGUAGE = re.compile(r"[a-z]{2}(-[A-Z]{2})?")


@dataclass(frozen=True, slots=True)
class Insert:
    """A value in a text. how: None means by the variable's type."""

    expression: Expression
    how: SayAs | None


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded prompt in a text."""

    name: str


Piece = str | Insert | Recording


@dataclass(frozen=True, slots=True)
class Text:
    """A text by language; "" holds for every language. `written` is what the file says."""

    by_language: Mapping[str, tuple[Piece, ...]]
    written: Mapping[str, str]

    def pieces(self, language: str, default: str) -> tuple[Piece, ...]:
        """The pieces in `language`, else in the flow's default language, else in any."""
        for choice in (language, language.partition("-")[0], "", default):
            if choice in self.by_language:
                return self.by_language[choice]
        return next(iter(self.by_language.values()))

    def expressions(self) -> Iterator[tuple[str, Insert]]:
        """Every value with the language it stands in."""
        for language, pieces in self.by_language.items():
            for piece in pieces:
                if isinstance(piece, Insert):
                    yield language, piece

    def recordings(self) -> Iterator[tuple[str, str]]:
        """Names of recorded prompts with their language."""
        for language, pieces in self.by_language.items():
            for piece in pieces:
                if isinstance(piece, Recording):
                    yield language, piece.name

    def first(self) -> str:
        """What is written in the first language: for pictures."""
        return next(iter(self.written.values()))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(read_text)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "description": "What the caller hears: one text, or one for each language. {name} speaks a variable.",
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string", "minLength": 1}},
            ],
        }


def read_text(raw: Any) -> Text:
    """Make a Text of a string or of a mapping of language to string. Raises ValueError."""
    if isinstance(raw, Text):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        raw = str(raw)
    written = {"": raw} if isinstance(raw, str) else raw
    if not isinstance(written, Mapping) or not written:
        raise ValueError('is no text: write a text in quotes, or one for each language: {es: "...", en: "..."}')
    for language, text in written.items():
        if language and not _LANGUAGE.fullmatch(str(language)):
            raise ValueError(f"{language!r} is no language: write es, en, pt-BR ...")
        if not isinstance(text, str) or not text.strip():
            raise ValueError("is empty" + (f" in {language!r}" if language else "") + ": write what the caller hears")
    return Text({language: _pieces(text) for language, text in written.items()}, dict(written))


def _pieces(text: str) -> tuple[Piece, ...]:
    if len(text) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST} characters: nobody listens that long")
    found: list[Piece] = []
    for match in _PIECE.finditer(text):
        if match["inside"] is not None:
            found.append(_insert(match["inside"]))
        elif match[0] in "{}":
            raise ValueError(
                f"has a lone {match[0]!r}: write {{name}} for a variable, {match[0] * 2} for the character"
            )
        else:
            literal = match[0][:1] if match[0] in {"{{", "}}"} else match[0]
            found.append(literal)
    return tuple(_joined(found))


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    words = ""
    for piece in pieces:
        if isinstance(piece, str):
            words += piece
            continue
        if words.strip():
            yield " ".join(words.split())
        words = ""
        yield piece
    if words.strip():
        yield " ".join(words.split())


def _insert(inside: str) -> Piece:
    match = _HOW.fullmatch(inside)
    what, how = (match["what"].strip(), match["how"]) if match else (inside.strip(), "")
    if how and how not in list(SayAs):
        raise ValueError(f"{{{inside}}}: {how!r} is no way to speak: use {', '.join(sorted(SayAs))}")
    if how == SayAs.PROMPT:
        if not _PROMPT_NAME.fullmatch(what):
            raise ValueError(f"{{{inside}}}: {what!r} is no name of a recorded prompt")
        return Recording(what)
    try:
        return Insert(parse_expression(what), SayAs(how) if how else None)
    except ExpressionError as error:
        raise ValueError(f"{{{inside}}}: {error}") from None
