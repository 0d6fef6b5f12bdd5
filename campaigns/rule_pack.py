"""Calling rules of a jurisdiction as data: each with its source, date and how sure we are of it. Not legal advice.

A pack is a TOML file in `campaigns/rules/`. The engine (`campaigns.compliance`) knows only the kinds below.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from campaigns.calling_window import CallingWindow, parse_span, window_of
from campaigns.campaign import Purpose
from campaigns.consent import Basis
from campaigns.disposition import STRICT
from campaigns.toml_lines import line_of, lines_of_keys


class RulePackError(ValueError):
    """A rule pack is not valid; the message names file, line and field."""


class Confidence(StrEnum):
    """How sure the pack's author is."""

    HIGH = "high"  # read in a source
    MEDIUM = "medium"
    LOW = "low"  # from memory: check before relying on it


class Enforcement(StrEnum):
    """What the engine does when a rule is not met."""

    REFUSE = "refuse"
    ADVISE = "advise"  # dial, and tell the supervisor


class EventKind(StrEnum):
    """What rules count; kept apart because they count differently."""

    ATTEMPT = "attempt"
    ABANDONED = "abandoned"
    CONVERSATION = "conversation"
    MESSAGE_LEFT = "message_left"


class RatioPeriod(StrEnum):
    """Over which time a share is taken."""

    ROLLING = "rolling"
    CALENDAR_DAY = "calendar_day"
    CALENDAR_MONTH = "calendar_month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What every rule says about itself. words: the rule as a person reads it; as_of: ISO date of the knowledge."""

    rule_id: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    words: Annotated[str, Field(min_length=10)]
    source: Annotated[str, Field(min_length=3)]
    as_of: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    confidence: Confidence
    purposes: tuple[Purpose, ...] = tuple(Purpose)
    enforcement: Enforcement = Enforcement.REFUSE

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRule(Rule):
    """Calls only inside these windows of the callee's local time; holidays: public holidays are closed."""

    kind: Literal["window"]
    windows: Annotated[tuple[str, ...], Field(min_length=1)]
    holidays: bool = False

    def window(self, country: str) -> CallingWindow:
        """The calendar. Regional holidays are not known from a number: national ones close."""
        return window_of(self.windows, country if self.holidays else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRule(Rule):
    """At most max_before such events to the number in the last period_s before another call."""

    kind: Literal["count"]
    event: EventKind
    max_before: Annotated[int, Field(ge=0)]
    period_s: Annotated[float, Field(gt=0)]
    agent_exempts: bool = False  # not for a call that has its agent reserved before it is placed


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioRule(Rule):
    """Abandoned / answered by people stays at or under `cap` over the period."""

    kind: Literal["ratio"]
    cap: Annotated[float, Field(gt=0, lt=1)]
    period: RatioPeriod
    period_s: Annotated[float, Field(gt=0)] = 86_400.0  # only for rolling
    count_false_positives: bool = False  # add the estimate of people taken for machines


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRule(Rule):
    """A person without an agent hears a message after max_wait_s; ring_min_s: ring at least so long."""

    kind: Literal["message"]
    max_wait_s: Annotated[float, Field(gt=0)] | None = None
    ring_min_s: Annotated[float, Field(gt=0)] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerNumberRule(Rule):
    """What the shown number must be. prefixes: national prefixes that are allowed, empty for any."""

    kind: Literal["caller_number"]
    forbid_mobile: bool = False
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRule(Rule):
    """Recorded consent not older than max_age_s, or one of the bases; mobile_only: only for mobile numbers."""

    kind: Literal["consent"]
    bases: tuple[Basis, ...] = (Basis.CONSENT,)
    max_age_s: Annotated[float, Field(gt=0)] | None = None
    mobile_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScrubRule(Rule):
    """The lists were compared with this public registry at most max_age_s ago."""

    kind: Literal["scrub"]
    registry: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    max_age_s: Annotated[float, Field(gt=0)]


AnyRule = Annotated[
    WindowRule | CountRule | RatioRule | MessageRule | CallerNumberRule | ConsentRule | ScrubRule,
    Field(discriminator="kind"),
]


@dataclass(frozen=True, slots=True)
class RulePack:
    """The rules of one jurisdiction. country: ISO 3166 alpha-2 of the callee's number."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    title: str
    rules: Annotated[tuple[AnyRule, ...], Field(min_length=1)]

    __pydantic_config__: ClassVar[ConfigDict] = STRICT


_ADAPTER = TypeAdapter(RulePack)


def read_pack(text: str, file: str) -> RulePack:
    """Read one pack. Raises RulePackError with every problem, one a line."""
    try:
        pack = _ADAPTER.validate_json(json.dumps(tomllib.loads(text), default=str), strict=True)
    except tomllib.TOMLDecodeError as error:
        raise RulePackError(f"{file}: not TOML: {error}") from None
    except ValidationError as error:
        lines = lines_of_keys(text)
        found = [(line_of(lines, detail["loc"]), detail) for detail in error.errors(include_url=False)]
        said = [f"{file}:{line}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for line, one in found]
        raise RulePackError("\n".join(said)) from None
    _check_words(pack, file)
    return pack


@lru_cache(maxsize=1)
def shipped_packs() -> Mapping[str, RulePack]:
    """The packs that come with Timbre, by country."""
    folder = files("campaigns") / "rules"
    texts = {
        entry.name: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")
    }
    packs = [read_pack(text, name) for name, text in sorted(texts.items())]
    return {pack.country: pack for pack in packs}


def _check_words(pack: RulePack, file: str) -> None:
    seen: set[str] = set()
    for rule in pack.rules:
        if rule.rule_id in seen:
            raise RulePackError(f"{file}: rule {rule.rule_id} is there twice: give each its own rule_id")
        seen.add(rule.rule_id)
        for text in rule.windows if isinstance(rule, WindowRule) else ():
            try:
                parse_span(text)
            except ValueError as error:
                raise RulePackError(f"{file}: rule {rule.rule_id}: {error}") from None
