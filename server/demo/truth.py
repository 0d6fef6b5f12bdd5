"""What really happened in the simulated network: read back from the line that its dialplan writes for every call."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from amd.verdict import CallClass
from server.demo.behaviours import FAR_ENDS, Behaviour, FarEnd
from server.demo.prompts import Prompt

NOT_ANSWERED = "not_answered"


@dataclass(frozen=True, slots=True)
class CallTruth:
    """One call as the called side knows it. Times: seconds since 1970, UTC, None for what did not happen.

    far_end: None for a number that the network does not have. greeting_*: first thing said or sounded, in early media
    too; a call that ended before has no end of it. person_end_s: end of the greeting of a person who came on the line
    after call screening. heard, said: mono 8 kHz wav files of one length: what reached the called side, and what it
    sent itself; their first sample belongs to recorded_from_s, to 20 ms.
    """

    number: str
    call_id: str
    far_end: FarEnd | None
    arrived_s: float
    ended_s: float
    ended_by_callee: bool
    answered_s: float | None
    greeting_start_s: float | None
    greeting_end_s: float | None
    beep_end_s: float | None
    person_end_s: float | None
    recorded_from_s: float | None
    heard: Path | None
    said: Path | None

    @property
    def behaviour(self) -> Behaviour | None:
        """How the far end behaves, None for a number that the network does not have."""
        return self.far_end.behaviour if self.far_end is not None else None

    @property
    def call_class(self) -> CallClass | None:
        """What a listener should have said, None where there was nothing to hear."""
        return self.far_end.rule.truth if self.far_end is not None else None

    @property
    def is_person(self) -> bool:
        """Whether a person answered."""
        return self.answered_s is not None and self.far_end is not None and self.far_end.rule.is_person


def read_truth(truth_file: Path, prompts: Mapping[int, Prompt]) -> list[CallTruth]:
    """Every call that ended, in the order of their ends. A file that is not there yet holds none. Blocking."""
    if not truth_file.exists():
        return []
    return [parse_line(line, prompts) for line in truth_file.read_text(encoding="utf-8").splitlines() if line]


def parse_line(line: str, prompts: Mapping[int, Prompt]) -> CallTruth:
    """One line of the log. Raises ValueError with the line when it is none."""
    try:
        call = json.loads(line)
        far_end = FAR_ENDS[int(call["code"])] if call["code"].isdigit() else None
        moments = {key: _seconds(call[key]) for key in ("arrived_s", "answered_s", "played_s", "ended_s")}
        stem = call["stem"]
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"not a line of the network's truth log: {line!r}") from error
    ended_s = moments["ended_s"] or 0.0
    prompt = prompts.get(far_end.code) if far_end is not None else None

    def at(offset_ms: int | None) -> float | None:
        played_s = moments["played_s"]
        if played_s is None or offset_ms is None or played_s + offset_ms / 1000 > ended_s:
            return None
        return played_s + offset_ms / 1000

    return CallTruth(
        number=call["number"],
        call_id=call["call_id"],
        far_end=far_end,
        arrived_s=moments["arrived_s"] or ended_s,
        ended_s=ended_s,
        ended_by_callee=call["ended_by"] == "callee",
        answered_s=moments["answered_s"],
        greeting_start_s=at(prompt.greeting_start_ms) if prompt else None,
        greeting_end_s=at(prompt.greeting_end_ms) if prompt else None,
        beep_end_s=at(prompt.beep_end_ms) if prompt else None,
        person_end_s=at(prompt.person_end_ms) if prompt else None,
        recorded_from_s=moments["played_s"] if stem else None,
        heard=Path(f"{stem}-heard.wav") if stem else None,
        said=Path(f"{stem}-said.wav") if stem else None,
    )


def _seconds(text: str) -> float | None:
    return float(text) if text else None


class TruthIndex:
    """Finds the network's side of an attempt: by number, and by time where a number was dialled more than once."""

    def __init__(self, calls: Iterable[CallTruth]) -> None:
        """Keep the calls by number."""
        self._by_number: dict[str, list[CallTruth]] = defaultdict(list)
        for call in calls:
            self._by_number[call.number].append(call)

    def find(self, number: str, dialled_at_s: float) -> CallTruth | None:
        """The call to `number` that arrived nearest to the moment of dialling; None when none did."""
        calls: Sequence[CallTruth] = self._by_number.get(number, ())
        return min(calls, key=lambda call: abs(call.arrived_s - dialled_at_s), default=None)


def confusion(pairs: Iterable[tuple[CallTruth, str | None]]) -> dict[str, dict[str, int]]:
    """Truth against verdict: pairs of a call and the verdict's word (None: no verdict), counted by both words."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for call, verdict in pairs:
        truth = call.call_class.value if call.call_class is not None else NOT_ANSWERED
        counts[truth][verdict or "none"] += 1
    return {truth: dict(sorted(row.items())) for truth, row in sorted(counts.items())}
