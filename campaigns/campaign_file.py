"""A campaign as people write it: TOML text in, a Campaign or a complete list of what to mend out.

`docs/campaign-file.md` explains every field; `campaigns/examples/` holds a commented file.
"""

import dataclasses
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from campaigns.calling_window import is_zone, knows_holidays_of, parse_span
from campaigns.campaign import AbTest, Campaign, DialMode, OnMachine, PacingLawName, PacingSettings, RetryRule
from campaigns.disposition import Disposition
from campaigns.near_words import did_you_mean
from campaigns.phone import PhoneError, home_zone, is_region, parse_phone
from campaigns.toml_lines import Path, line_of, lines_of_keys

_ADAPTER = TypeAdapter(Campaign)
_UNKNOWN = {"unexpected_keyword_argument", "extra_forbidden"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. line counts from 1; field is the dotted key, "" for the file as a whole."""

    line: int
    field: str
    message: str


class CampaignFileError(ValueError):
    """A campaign file is not usable: every problem, one a line, as file:line: field: what and how to mend it."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = problems
        super().__init__("\n".join(_said(file, problem) for problem in problems))


def read_campaign(text: str, file: str = "campaign.toml") -> Campaign:
    """Build the campaign that `text` describes; `file` is only named in messages.

    Raises CampaignFileError with all problems at once.
    """
    raw = _parsed(text, file)
    lines = lines_of_keys(text)
    errors: list[tuple[Path, str]] = []
    _give_home_zone(raw)
    campaign: Campaign | None
    try:
        campaign = _ADAPTER.validate_json(_as_json(raw), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        errors = [(_path(detail["loc"]), _words(detail)) for detail in details]
        campaign = _mended(raw, details)
    broken = {path for path, _ in errors}
    if campaign is not None:
        errors += [found for found in _contradictions(campaign) if not _touches(found[0], broken)]
    if errors or campaign is None:
        raise CampaignFileError(file, _problems(errors, lines))
    return campaign


def _give_home_zone(raw: dict[str, Any]) -> None:
    """A file that names a country and no time zone means that country's: days and caps are counted by it."""
    country, hours = raw.get("country", "ES"), raw.setdefault("hours", {})
    if (
        isinstance(country, str)
        and isinstance(hours, dict)
        and "time_zone" not in hours
        and (zone := home_zone(country))
    ):
        hours["time_zone"] = zone


def _parsed(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except (ValueError, RecursionError) as error:  # tomllib lets int() and deep nesting fail in their own way
        where = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)", str(error))
        line = int(where[1]) if where and where[1] else text.count("\n") + 1
        column = f" at column {where[2]}" if where and where[2] else ""
        what = re.sub(r" \(at .*\)$", "", str(error)).lower()
        mend = "write it as TOML: key = value, texts in double quotes, tables as [name]"
        raise CampaignFileError(file, (Problem(line, "", f"not TOML{column}: {what}; {mend}"),)) from None


def _as_json(raw: Mapping[str, Any]) -> str:
    # Strict JSON mode takes texts for enums and arrays for tuples, but never "3" for 3 or "yes" for true.
    return json.dumps(raw, default=str)


def _mended(raw: dict[str, Any], details: list[ErrorDetails]) -> Campaign | None:
    """The campaign without its broken values, so that contradictions among the good ones are found in the same go."""
    patched = json.loads(_as_json(raw))
    for detail in details:
        loc = _path(detail["loc"])
        if detail["type"] == "missing" and len(loc) == 1:
            patched[str(loc[0])] = _PLACEHOLDERS.get(str(loc[0]), "placeholder")
        elif loc and loc[0] in _PLACEHOLDERS:
            patched[str(loc[0])] = _PLACEHOLDERS[str(loc[0])]
        elif loc:
            _remove(patched, loc)
    try:
        return _ADAPTER.validate_json(json.dumps(patched), strict=True)
    except ValidationError:
        return None


_PLACEHOLDERS: dict[str, Any] = {
    "campaign_id": "placeholder",
    "name": "placeholder",
    "caller_id": "",
    "lists": ["placeholder"],
    "trunks": ["placeholder"],
    "seller": "placeholder",
}


def _remove(patched: dict[str, Any], loc: Path) -> None:
    """Take a broken value out; out of an array the whole array goes."""
    here: Any = patched
    for part, after in zip(loc, [*loc[1:], None], strict=True):
        if not isinstance(here, dict) or part not in here:
            return
        if after is None or not isinstance(here[part], dict):
            del here[part]
            return
        here = here[part]


def _contradictions(campaign: Campaign) -> Iterator[tuple[Path, str]]:
    yield from _place_problems(campaign)
    yield from _hours_problems(campaign)
    yield from _amd_problems(campaign)
    yield from _disposition_problems(campaign)
    yield from _scrub_problems(campaign)
    yield from _pacing_problems(campaign, campaign.pacing, ())
    if campaign.ab:
        yield from _pacing_problems(campaign, campaign.ab.pacing, ("ab",))
        yield from _ab_problems(campaign, campaign.ab)


def _pacing_problems(campaign: Campaign, pacing: PacingSettings, table: Path) -> Iterator[tuple[Path, str]]:
    predictive = campaign.mode is DialMode.PREDICTIVE
    if pacing.abandonment_target > pacing.abandonment_cap:
        yield (
            (*table, "pacing", "abandonment_target"),
            f"{pacing.abandonment_target} is above abandonment_cap {pacing.abandonment_cap}: aim below the limit",
        )
    if predictive and not pacing.abandonment_cap:
        yield ((*table, "pacing", "abandonment_cap"), 'is 0, so nobody may be abandoned: use mode = "progressive"')
    if not predictive and pacing.law is not PacingLawName.HAZARD:
        yield (
            (*table, "pacing", "law"),
            f'{pacing.law.value!r} needs mode = "predictive", and mode is {campaign.mode.value}: leave law out',
        )


def _ab_problems(campaign: Campaign, ab: AbTest) -> Iterator[tuple[Path, str]]:
    if campaign.mode is not DialMode.PREDICTIVE:
        yield (("ab",), f"compares two ways of pacing mode predictive, and mode is {campaign.mode.value}: leave it out")
    if ab.pacing == campaign.pacing:
        yield (("ab", "pacing"), "is the same as [pacing]: there is nothing to compare")
    if ab.settle_s > ab.block_s / 2:
        yield (("ab", "settle_s"), f"{ab.settle_s:g} is over half of block_s {ab.block_s:g}: most of a turn must count")


def _place_problems(campaign: Campaign) -> Iterator[tuple[Path, str]]:
    if not is_region(campaign.country):
        yield (("country",), f"{campaign.country!r} is not a country: use two capital letters, such as ES or MX")
        return
    if campaign.region and not knows_holidays_of(campaign.country, campaign.region):
        yield (
            ("region",),
            f"{campaign.region!r} is no known region of {campaign.country}: leave it out, or see the docs",
        )
    try:
        e164 = parse_phone(campaign.caller_id, campaign.country) if campaign.caller_id else ""
    except PhoneError as error:
        yield (("caller_id",), f"is not a number that people can call back: {error}")
        return
    if e164 != campaign.caller_id:
        yield (("caller_id",), f'write it with the country prefix and no blanks: "{e164}"')


def _hours_problems(campaign: Campaign) -> Iterator[tuple[Path, str]]:
    if not campaign.hours.windows:
        yield (("hours", "windows"), 'is empty, so nobody is ever called: write for instance ["mon-fri 09:00-21:00"]')
    for index, text in enumerate(campaign.hours.windows):
        try:
            parse_span(text)
        except ValueError as error:
            yield (("hours", "windows", index), str(error))
    if not is_zone(campaign.hours.time_zone):
        yield (("hours", "time_zone"), _not_one_of(campaign.hours.time_zone, "an IANA time zone such as Europe/Madrid"))
    if not campaign.hours.on_holidays and not knows_holidays_of(campaign.country) and is_region(campaign.country):
        yield (
            ("country",),
            f"public holidays of {campaign.country} are not known: set on_holidays = true in [hours]",
        )


def _amd_problems(campaign: Campaign) -> Iterator[tuple[Path, str]]:
    amd = campaign.amd
    if amd.on_machine is OnMachine.LEAVE_MESSAGE and not amd.message:
        yield (("amd", "on_machine"), 'leave_message needs a sound: set message = "name-of-the-sound" in [amd]')
    if amd.on_machine is OnMachine.LEAVE_MESSAGE and not amd.enabled:
        yield (
            ("amd", "enabled"),
            "is false, so no machine is recognised: set it to true, or on_machine to hang_up",
        )
    if amd.audited_people > amd.audited:
        yield (
            ("amd", "audited_people"),
            f"{amd.audited_people} of {amd.audited} audited: it cannot be more than audited",
        )
    if amd.silence_s > amd.deadline_s:
        yield (("amd", "silence_s"), f"{amd.silence_s} is after deadline_s {amd.deadline_s}: make it shorter")


def _disposition_problems(campaign: Campaign) -> Iterator[tuple[Path, str]]:
    codes = [known.code for known in campaign.dispositions]
    for index, code in enumerate(codes):
        if code in codes[:index]:
            yield (("dispositions", index, "code"), f"{code!r} is there twice: each code once")
    default = campaign.wrap_up.default_disposition
    if default not in codes:
        hint = did_you_mean(default, codes) or f"; use one of {', '.join(codes)}"
        yield (("wrap_up", "default_disposition"), f"{default!r} is none of the dispositions{hint}")


def _scrub_problems(campaign: Campaign) -> Iterator[tuple[Path, str]]:
    for registry, day in campaign.compliance.scrubbed.items():
        try:
            date.fromisoformat(day)
        except ValueError:
            yield (("compliance", "scrubbed", registry), f"{day!r} is not a day: write it as 2026-11-21")


def _words(detail: ErrorDetails) -> str:
    """Pydantic's finding in the words of the house, with a way to mend it."""
    kind, context, given = detail["type"], detail.get("ctx", {}), detail["input"]
    if kind == "missing":
        return "is missing: add it (docs/campaign-file.md says what it means)"
    if kind in _UNKNOWN:
        return "is not a field of a campaign file" + did_you_mean(str(detail["loc"][-1]), _fields_at(detail["loc"]))
    if kind == "enum":
        allowed = [word.strip().strip("'") for word in re.split(r", | or ", str(context["expected"]))]
        return f"{given!r} is not allowed{did_you_mean(str(given), allowed)}; use one of {', '.join(allowed)}"
    if kind in _BOUNDS:
        bound = next(iter(context.values()))
        return f"{given!r} is out of range: {_BOUNDS[kind]} {bound:g}"
    if kind in _TYPES:
        return f"{given!r} is not {_TYPES[kind]}"
    if kind == "string_pattern_mismatch":
        return f"{given!r} holds characters that an id cannot: use small letters, digits, - and _"
    return f"{given!r}: {detail['msg'].lower()}"


_BOUNDS = {
    "greater_than": "it must be more than",
    "greater_than_equal": "it must be at least",
    "less_than": "it must be less than",
    "less_than_equal": "it must be at most",
}
_TYPES = {
    "string_type": 'a text: put it in double quotes, "like this"',
    "float_type": "a number: write it without quotes, such as 2.5",
    "int_type": "a whole number: write it without quotes, such as 3",
    "int_from_float": "a whole number: write it without a fraction",
    "bool_type": "a yes or no: write true or false without quotes",
    "tuple_type": 'a list: write ["one", "two"]',
    "finite_number": "a finite number",
    "dataclass_type": "a table: write it as [name] with its fields below",
    "dict_type": "a table: write it as [name] with its fields below",
    "string_too_short": "filled in: write something",
    "too_short": "filled in: name at least one",
}


def _fields_at(loc: tuple[str | int, ...]) -> list[str]:
    """Names that would be right where the unknown key stands."""
    kind: Any = Campaign
    for part in loc[:-1]:
        if not isinstance(part, str) or not dataclasses.is_dataclass(kind):
            continue
        known = {field.name: field for field in dataclasses.fields(kind)}
        default = known[part].default_factory if part in known else None
        kind = default if isinstance(default, type) and dataclasses.is_dataclass(default) else _ITEMS.get(part, kind)
    return [field.name for field in dataclasses.fields(kind)]


_ITEMS: dict[str, Any] = {"dispositions": Disposition, "retry": RetryRule, "ab": AbTest}


def _not_one_of(given: str, what: str) -> str:
    return f"{given!r} is not {what}"


def _touches(path: Path, broken: set[Path]) -> bool:
    return any(path[: len(bad)] == bad or bad[: len(path)] == path for bad in broken)


def _path(loc: tuple[str | int, ...]) -> Path:
    return tuple(part for part in loc if part != "[key]")


def _problems(errors: list[tuple[Path, str]], lines: Mapping[Path, int]) -> tuple[Problem, ...]:
    found = {Problem(line_of(dict(lines), path), _dotted(path), message) for path, message in errors}
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.field)))


def _dotted(path: Path) -> str:
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _said(file: str, problem: Problem) -> str:
    field = f"{problem.field}: " if problem.field else ""
    return f"{file}:{problem.line}: {field}{problem.message}"
