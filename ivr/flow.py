"""A flow: data that a non-programmer can read, made of a YAML text."""

import difflib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any, get_args

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from ivr.fields import Name
from ivr.flow_head import FlowHead
from ivr.nodes import AnyNode
from ivr.yaml_text import Path, YamlRefused, YamlText, read_yaml


class Flow(FlowHead):
    """A whole flow. Immutable: a call keeps the object it began with, whatever is loaded later."""

    nodes: Annotated[dict[Name, AnyNode], Field(min_length=1, max_length=500)]


@dataclass(frozen=True, slots=True)
class LoadedFlow:
    """A flow with where it came from. version: the first 12 hexadecimal digits of the SHA-256 of `source`, its text."""

    flow: Flow
    file: str
    text: YamlText
    version: str
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend. path: where it stands in the file; warning: the flow works, but look at it."""

    path: Path
    message: str
    line: int = 1
    warning: bool = False

    def said(self, file: str) -> str:
        """One line: file:line: where: what and how to mend it."""
        where = ".".join(str(part) for part in self.path)
        return f"{file}:{self.line}: {'warning: ' if self.warning else ''}{where + ': ' if where else ''}{self.message}"


class FlowError(ValueError):
    """A flow file is not usable; one message a line, each with file, line, field and how to mend it."""

    def __init__(self, file: str, findings: tuple[Finding, ...]) -> None:
        """Keep what was found."""
        self.file = file
        self.findings = findings
        super().__init__("\n".join(finding.said(file) for finding in findings))


def load_flow(path: FilePath) -> LoadedFlow:
    """Read a flow file. Raises FlowError."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise FlowError(str(path), (Finding((), f"is not UTF-8 (byte {error.start}): save it as UTF-8"),)) from None
    except OSError as error:
        raise FlowError(str(path), (Finding((), f"cannot be read: {error.strerror}"),)) from None
    return read_flow(text, str(path))


def read_flow(text: str, file: str = "flow.yaml") -> LoadedFlow:
    """Build the flow that a text describes; `file` is only named in messages. Raises FlowError with all problems."""
    try:
        yaml = read_yaml(text.removeprefix("\ufeff"))
    except YamlRefused as error:
        raise FlowError(file, (Finding((), str(error), error.line),)) from None
    if not isinstance(yaml.value, dict):
        raise FlowError(file, (Finding((), "is no flow: write `flow:`, `start:` and `nodes:`"),))
    try:
        flow = Flow.model_validate(yaml.value)
    except ValidationError as error:
        raise FlowError(file, findings_of(error, yaml)) from None
    version = hashlib.sha256(text.encode()).hexdigest()[:12]
    return LoadedFlow(flow, file, yaml, version, text)


def findings_of(
    error: ValidationError, yaml: YamlText, below: Path = (), fields: Sequence[str] = ()
) -> tuple[Finding, ...]:
    """What is wrong, in words, with its line.

    below: where in the file that stands what was validated; fields: names to guess a misspelt one of, outside of flows.
    """
    found: dict[tuple[Path, str], Finding] = {}
    for detail in error.errors(include_url=False, include_input=False):
        path = (*below, *_path(detail["loc"]))
        message = _words(detail, path, fields)
        found.setdefault((path, message), Finding(path, message, yaml.line_of(path)))
    # "Too short" of a list whose items are broken only repeats what is wrong with them.
    whole = [each for each in found.values() if not _repeats(each, found.values())]
    return tuple(sorted(whole, key=lambda finding: finding.line))


def _repeats(finding: Finding, others: Iterable[Finding]) -> bool:
    return "at least 1 item" in finding.message and any(
        len(other.path) > len(finding.path) and other.path[: len(finding.path)] == finding.path for other in others
    )


_KINDS = frozenset(get_args(node.model_fields["do"].annotation)[0] for node in get_args(get_args(AnyNode)[0]))


def _path(loc: tuple[str | int, ...]) -> Path:
    """The place in the file: pydantic puts the kind of node and "[key]" into its own."""
    kept = [part for index, part in enumerate(loc) if not (index == 2 and loc[0] == "nodes" and part in _KINDS)]
    return tuple(part for part in kept if part != "[key]")


def _words(detail: ErrorDetails, path: Path, fields: Sequence[str]) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return f"`{path[-1]}:` is missing"
        case "extra_forbidden":
            return f"there is no field `{path[-1]}` here{_near(detail, fields)}"
        case "union_tag_not_found":
            return f"`do:` is missing: say what the node does, one of {', '.join(sorted(_KINDS))}"
        case "union_tag_invalid":
            return f"`do: {context['tag']}` is unknown{_guess(str(context['tag']), sorted(_KINDS))}"
        case "value_error":
            return str(context["error"])
        case "string_pattern_mismatch":
            return _pattern_words(str(context["pattern"]))
        case _:
            return f"{detail['msg'].lower()}"


def _pattern_words(pattern: str) -> str:
    words = {
        r"^[A-Za-z_][A-Za-z0-9_]{0,59}$": "is no name: letters without accents, digits and _, not a digit first",
        r"^[0-9*#]$": 'is no key: write one of "0" to "9", "*", "#"',
        r"^([0-9*#]|\{code\})*$": 'are no keys: write "0" to "9", "*", "#", or "{code}" for the code that was sent',
        r"^[A-Z]{3}$": "is no currency: write its code, such as PEN, EUR or USD",
        r"^[a-z]{2}(-[A-Z]{2})?$": "is no language: write es, en, pt-BR ...",
    }
    return words.get(pattern, f"does not have the form {pattern}")


def _near(detail: ErrorDetails, fields: Sequence[str]) -> str:
    loc = detail["loc"]
    if fields:
        others = [field for field in fields if field != loc[-1]]  # it may be a field of another part
        return _guess(str(loc[-1]), difflib.get_close_matches(str(loc[-1]), others, n=1, cutoff=0.7))
    kind = next((part for part in loc if part in _KINDS), None)
    model = next((n for n in get_args(get_args(AnyNode)[0]) if kind in get_args(n.model_fields["do"].annotation)), Flow)
    names = [field.alias or name for name, field in model.model_fields.items()] if len(loc) in {1, 4} else []
    return _guess(str(loc[-1]), names)


def _guess(word: str, choices: list[str]) -> str:
    close = difflib.get_close_matches(word, choices, n=1)
    if close:
        return f": did you mean `{close[0]}`?"
    return f": use one of {', '.join(choices)}" if choices else ": remove it"


def schema() -> dict[str, Any]:
    """The JSON Schema of flow files."""
    made = Flow.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Timbre flow", **made}
