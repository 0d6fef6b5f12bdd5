"""A trace is lines of JSON. Kinds: start, state, plan, heard, held, fell, refused, gap."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from campaigns.campaign import Campaign
from dialer.events import DialerEvent, PlanMade
from dialer.pacing.plan import PacingEvent, PacingEventKind, PacingLaw
from dialer.pacing.trace.codec import Line, Writer
from dialer.pacing.trace.state import freeze
from dialer.pacing_events import DialingHeld, LaunchFell, LawTaught, LeadRefused

VERSION = 1


class TraceError(ValueError):
    """A trace cannot be read; the message names the file, the line and what to do."""


def fingerprint() -> str:
    """Which pacing code this is: a trace replays bit for bit only with the code that wrote it."""
    folder = Path(__file__).parents[1]
    sources = sorted(folder.glob("*.py"))
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class About:
    """The first line of every file of a trace. at_s: seconds since 1970, UTC."""

    campaign_id: str
    at_s: float
    time_zone: str
    language: str
    code: str
    version: int = VERSION

    def line(self) -> Line:
        """As it is written."""
        names = ("campaign_id", "at_s", "time_zone", "language", "code", "version")
        return {"k": "start"} | {name: getattr(self, name) for name in names}


def about(campaign: Campaign, at_s: float, code: str) -> About:
    """The first line for a campaign."""
    return About(campaign.campaign_id, at_s, campaign.hours.time_zone, campaign.language.value, code)


def state_line(law: PacingLaw) -> Line:
    """The law as it is now. Raises StateError."""
    return {"k": "state", "law": freeze(law)}


def line_of(event: DialerEvent, writer: Writer) -> Line | None:
    """An event as a line; None when a trace does not hold such events."""
    match event:
        case PlanMade(snapshot=snapshot, plan=plan):
            return writer.write(snapshot, plan)
        case LawTaught(events=events):
            return {"k": "heard", "e": [_event_row(event) for event in events]}
        case DialingHeld(at_s=at_s, why=why):
            return {"k": "held", "w": at_s, "why": why}
        case LaunchFell(at_s=at_s, missing=missing, why=why):
            return {"k": "fell", "w": at_s, "missing": missing, "why": why}
        case LeadRefused(at_s=at_s, words=words):
            return {"k": "refused", "w": at_s, "why": words}
    return None


def _event_row(event: PacingEvent) -> list[str | float]:
    row: list[str | float] = [event.kind.value, event.at_s, event.duration_s, event.attempt_id, event.agent_id]
    return [*row, event.list_id] if event.list_id else row


def events_of(line: Line) -> Iterator[PacingEvent]:
    """What a law was told, in order."""
    for kind, *rest in line["e"]:
        yield PacingEvent(PacingEventKind(kind), *rest)


def read_rows(path: Path) -> Iterator[tuple[int, Line]]:
    """(number, line) of a file. A last line that was cut off by a crash is left out. Raises TraceError."""
    try:
        with path.open("rb") as file:
            rows: Iterable[bytes] = file.readlines()
    except OSError as error:
        raise TraceError(f"{path}: cannot be read: {error.strerror}") from None
    for number, text in enumerate(rows, 1):
        if not text.endswith(b"\n"):
            return
        try:
            line: Any = orjson.loads(text)
        except orjson.JSONDecodeError:
            line = None
        if not isinstance(line, dict) or "k" not in line:
            raise TraceError(f"{path}:{number}: is no line of a pacing trace: give a file of var/pacing")
        yield number, line


def read_lines(path: Path) -> Iterator[tuple[int, Line]]:
    """The lines of a trace. Raises TraceError, also for what is no trace or of another version."""
    for number, line in read_rows(path):
        if number == 1 and (line["k"] != "start" or line.get("version") != VERSION):
            raise TraceError(f"{path}:1: is no pacing trace of version {VERSION}: give a file of var/pacing")
        yield number, line


def to_bytes(line: Line) -> bytes:
    """A line as it is kept."""
    return orjson.dumps(line) + b"\n"


def files_of(place: Path) -> list[Path]:
    """The files of a trace, oldest first: a file, or a campaign's folder. Raises TraceError."""
    if place.is_file():
        return [place]
    files = sorted(place.glob("2*.jsonl"))
    if not files:
        raise TraceError(f"{place}: no pacing trace is here: campaigns write theirs to var/pacing/CAMPAIGN")
    return files
