"""Scores on recorded calls: ours, and Asterisk's AMD() beside it."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amd.app_amd import AmdStatus, AppAmdSettings, app_amd
from amd.manifest import Complaint, ManifestEntry
from amd.model import Believer
from amd.offline import hear_many
from amd.verdict import AmdSettings, CallClass
from media.soundfiles import SoundFileUnusable, load

BATCH = 64  # calls judged side by side: bounds memory, not the result
Samples = NDArray[np.int16]
Contestant = Callable[[Sequence[Samples]], list["Judgement"]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a detector said of one call. at_s: since answer; settled: its class 2 s later."""

    call_class: CallClass
    probability: float
    at_s: float
    cause: str
    settled: CallClass
    since_speech_end_s: float | None = None
    probability_human: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One call's truth and judgement."""

    entry: ManifestEntry
    judgement: Judgement

    @property
    def latency_s(self) -> float | None:
        """Time from the end of a person's greeting to the verdict; None of others, and where the end is not known."""
        if self.entry.call_class is not CallClass.HUMAN:
            return None  # a machine is best told before its greeting is over
        if self.entry.speech_end_s is not None:
            return self.judgement.at_s - self.entry.speech_end_s
        return self.judgement.since_speech_end_s

    def as_json(self) -> dict[str, object]:
        """The record of this call in `evaluate --json`."""
        return {
            "path": self.entry.path,
            "class": self.entry.call_class.value,
            "verdict": self.judgement.call_class.value,
            "probability": self.judgement.probability,
            "verdict_at_s": self.judgement.at_s,
            "cause": self.judgement.cause,
            "settled": self.judgement.settled.value,
        }


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of one group of calls with the 95 % Clopper-Pearson interval of its share."""

    name: str
    right: int
    total: int
    low: float
    high: float
    settled_right: int
    p50_s: float | None
    p95_s: float | None
    at_p50_s: float | None
    at_p95_s: float | None

    @property
    def share(self) -> float:
        """Right calls over all."""
        return self.right / self.total if self.total else math.nan


def ours(settings: AmdSettings | None = None, model: Believer | None = None) -> Contestant:
    """The detector of this package, with its own model or another."""

    def judge(calls: Sequence[Samples]) -> list[Judgement]:
        return [_judgement(hearing) for hearing in hear_many(list(calls), settings, model=model)]

    return judge


def _judgement(hearing: object) -> Judgement:
    first = getattr(hearing, "first", None)
    settled = getattr(hearing, "settled", None)
    if first is None or settled is None:
        return Judgement(CallClass.UNKNOWN, 0.5, math.nan, "no verdict", CallClass.UNKNOWN)
    human = first.evidence.get("probability_human")
    return Judgement(
        first.call_class,
        first.probability,
        first.since_answer_s,
        first.cause,
        settled.call_class,
        first.since_speech_end_s,
        float(human) if human is not None else None,
    )


_APP_CLASS = {
    AmdStatus.HUMAN: CallClass.HUMAN,
    AmdStatus.MACHINE: CallClass.MACHINE,
    AmdStatus.NOTSURE: CallClass.UNKNOWN,
}


def baseline(settings: AppAmdSettings | None = None) -> Contestant:
    """Asterisk's AMD()."""

    def judge(calls: Sequence[Samples]) -> list[Judgement]:
        results = [app_amd(samples, settings) for samples in calls]
        return [
            Judgement(_APP_CLASS[result.status], 1.0, result.at_s, result.cause, _APP_CLASS[result.status])
            for result in results
        ]

    return judge


def judge_entries(
    entries: Iterable[ManifestEntry], contestants: dict[str, Contestant], *, batch: int = BATCH
) -> tuple[dict[str, list[Record]], list[Complaint]]:
    """Let every contestant judge every call that can be read; the others become complaints."""
    records: dict[str, list[Record]] = {name: [] for name in contestants}
    complaints: list[Complaint] = []
    for chunk in _chunks(entries, batch):
        readable = list(_loaded(chunk, complaints))
        for name, judge in contestants.items():
            judged = judge([samples for _, samples in readable])
            records[name] += [Record(entry, said) for (entry, _), said in zip(readable, judged, strict=True)]
    return records, complaints


def _chunks(entries: Iterable[ManifestEntry], size: int) -> Iterator[list[ManifestEntry]]:
    source = iter(entries)
    while chunk := list(islice(source, size)):
        yield chunk


def _loaded(chunk: list[ManifestEntry], complaints: list[Complaint]) -> Iterator[tuple[ManifestEntry, Samples]]:
    for entry in chunk:
        try:
            yield entry, load(Path(entry.file))
        except SoundFileUnusable as error:
            where = f"line {entry.line}, {entry.path}" if entry.line else entry.path
            complaints.append(Complaint(where, str(error).removeprefix(f"{entry.file}: ")))


def is_right(truth: CallClass, said: CallClass) -> bool:
    """Whether a verdict does justice to a call: a beep is a machine's, and screening is one too."""
    if truth is CallClass.MACHINE:
        return said in (CallClass.MACHINE, CallClass.BEEP, CallClass.SCREENING)
    return said is truth


def scores(records: Sequence[Record]) -> list[Score]:
    """One score per class and per subset of a class."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record.entry.call_class.value, []).append(record)
        if record.entry.subset:
            groups.setdefault(f"{record.entry.call_class.value} / {record.entry.subset}", []).append(record)
    return [_score(name, group) for name, group in sorted(groups.items())]


def _score(name: str, group: Sequence[Record]) -> Score:
    right = [record for record in group if is_right(record.entry.call_class, record.judgement.call_class)]
    settled = sum(is_right(record.entry.call_class, record.judgement.settled) for record in group)
    low, high = clopper_pearson(len(right), len(group))
    latencies = [record.latency_s for record in right if record.latency_s is not None]
    at = [record.judgement.at_s for record in right]
    return Score(name, len(right), len(group), low, high, settled, *_percentiles(latencies), *_percentiles(at))


def _percentiles(values: Sequence[float]) -> tuple[float | None, float | None]:
    if not values:
        return None, None
    p50, p95 = np.percentile(np.asarray(values), [50, 95])
    return round(float(p50), 3), round(float(p95), 3)


@dataclass(frozen=True, slots=True)
class Errors:
    """False positives: people called a machine (or a tone). False negatives: machines called a person."""

    people: int
    false_positives: int
    people_flagged: int  # called a person first, taken back 2 s later
    machines: int
    false_negatives: int


_GIVEN_UP = frozenset(CallClass) - {CallClass.HUMAN, CallClass.UNKNOWN}


def errors(records: Sequence[Record]) -> Errors:
    """Count both kinds of error; `unknown` goes to an agent and is neither."""
    people = [record.judgement for record in records if record.entry.call_class is CallClass.HUMAN]
    machines = [record.judgement for record in records if record.entry.call_class is CallClass.MACHINE]
    return Errors(
        people=len(people),
        false_positives=sum(said.call_class in _GIVEN_UP for said in people),
        people_flagged=sum(said.call_class not in _GIVEN_UP and said.settled in _GIVEN_UP for said in people),
        machines=len(machines),
        false_negatives=sum(said.call_class is CallClass.HUMAN for said in machines),
    )


def clopper_pearson(right: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval (Clopper and Pearson 1934), found by bisection on the binomial tail."""
    if total == 0:
        return 0.0, 1.0
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if right == 0 else _bisect(lambda p: 1.0 - _binomial_cdf(right - 1, total, p) - tail)
    high = 1.0 if right == total else _bisect(lambda p: tail - _binomial_cdf(right, total, p))
    return low, high


def _bisect(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2.0
        if rising(middle) < 0.0:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _binomial_cdf(successes: int, total: int, p: float) -> float:
    if p <= 0.0:
        return 1.0
    if p >= 1.0:
        return 1.0 if successes >= total else 0.0
    log_terms = [
        math.lgamma(total + 1)
        - math.lgamma(k + 1)
        - math.lgamma(total - k + 1)
        + k * math.log(p)
        + (total - k) * math.log1p(-p)
        for k in range(successes + 1)
    ]
    return min(1.0, math.fsum(math.exp(term) for term in log_terms))
