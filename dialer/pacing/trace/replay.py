"""Replay of a trace: the law from its recorded state, told and asked the same, must plan the same, bit for bit."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from dialer.pacing.plan import PacingLaw, Plan
from dialer.pacing.trace.codec import Reader
from dialer.pacing.trace.records import events_of, fingerprint, read_lines
from dialer.pacing.trace.state import StateError, thaw


@dataclass(frozen=True, slots=True)
class Difference:
    """The first plan that came out otherwise. what: the field."""

    file: Path
    line: int
    wall_s: float
    what: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found. same_code: the trace was written by this version of the pacing code."""

    plans: int
    skipped: int
    same_code: bool
    difference: Difference | None


def replay(file: Path) -> Replay:
    """Re-run one file of a trace, up to the first difference. Raises TraceError, StateError."""
    law: PacingLaw | None = None
    reader, plans, skipped, same_code = Reader(), 0, 0, True
    for number, line in read_lines(file):
        match line["k"]:
            case "start":
                same_code = line["code"] == fingerprint()
            case "state":
                law = _law(line["law"])
            case "gap":
                law = None
            case "heard" if law:
                for event in events_of(line):
                    law.observe(event)
            case "plan":
                snapshot, recorded = reader.read(line)
                if law is None:
                    skipped += 1
                    continue
                plans += 1
                if found := _difference(recorded, law.plan(snapshot)):
                    difference = Difference(file, number, snapshot.wall_s, *found)
                    return Replay(plans, skipped, same_code, difference)
    return Replay(plans, skipped, same_code, None)


def _law(data: Any) -> PacingLaw:
    law = thaw(data)
    if not hasattr(law, "plan"):
        raise StateError("the recorded state is no pacing law: the trace is damaged")
    return law  # type: ignore[no-any-return]


def _difference(recorded: Plan, replayed: Plan) -> tuple[str, Any, Any] | None:
    for each in fields(Plan):
        ours, theirs = getattr(recorded, each.name), getattr(replayed, each.name)
        if ours != theirs:
            return each.name, ours, theirs
    return None
