"""Calls that a centre keeps to learn from: the sound before the verdict, what was said of it, and people's labels.

A folder holds, for each call, CALL.flac (8 kHz, from the answer on), CALL-early.flac (early media, if any) and
CALL.json (what is known, never a whole number); `labels.csv` grows by one line per label and stays when the sound is
deleted.
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amd.verdict import CallClass, Verdict
from media.soundfiles import replacing, save

LABELS = "labels.csv"
_LABEL_COLUMNS = ("call_id", "class", "said", "campaign_id", "trunk", "picked", "by", "at_s")
MIN_FREE_BYTES = 200_000_000


class KeptUnusable(Exception):
    """The folder of kept calls cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Said:
    """One verdict, as kept. at_s: since answer (in early media since listening began)."""

    call_class: CallClass
    probability: float
    at_s: float
    cause: str
    early_media: bool
    settled: bool
    evidence: Mapping[str, float | str]

    @staticmethod
    def of(verdict: Verdict) -> "Said":
        """From a live verdict."""
        return Said(
            verdict.call_class,
            verdict.probability,
            verdict.since_answer_s,
            verdict.cause,
            verdict.early_media,
            verdict.settled,
            dict(verdict.evidence),
        )


@dataclass(frozen=True, slots=True)
class KeptCall:
    """One call. phone: masked. at_s: seconds since 1970, UTC. audit: drawn by lot for the estimate of lost people.

    dispositions: codes that agents chose themselves. seconds: how much sound there is since the answer.
    """

    call_id: str
    campaign_id: str
    trunk: str
    phone: str
    at_s: float
    outcome: str
    answered: bool
    seconds: float
    said: tuple[Said, ...] = ()
    dispositions: tuple[str, ...] = ()
    audit: bool = False

    @property
    def first(self) -> Said | None:
        """The first verdict: after the answer if there was one, else in early media."""
        answered = [each for each in self.said if not each.early_media]
        return next(iter(answered or self.said), None)

    @property
    def last(self) -> Said | None:
        """What was said last."""
        return self.said[-1] if self.said else None

    def as_json(self) -> dict[str, Any]:
        """For the file beside the sound."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> "KeptCall":
        """From that file. Raises KeyError, TypeError, ValueError when it is none."""
        said = tuple(Said(**{**each, "call_class": CallClass(each["call_class"])}) for each in data["said"])
        return KeptCall(**{**data, "said": said, "dispositions": tuple(data["dispositions"])})


@dataclass(frozen=True, slots=True)
class Label:
    """What a person heard. said: the class the detector gave first; picked: "audit" (by lot) or "useful"."""

    call_id: str
    call_class: CallClass
    said: CallClass | None
    campaign_id: str
    trunk: str
    picked: str
    by: str
    at_s: float


def drawn(call_id: str, share: float, purpose: str) -> bool:
    """Whether a call is drawn by lot: the same answer for the same call, whatever it sounds like."""
    digest = hashlib.sha256(f"{purpose}:{call_id}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


class KeptCalls:
    """The folder. Blocking: call it in a worker thread or a command."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read yet."""
        self.folder = folder

    def put(self, call: KeptCall, sound: NDArray[np.int16], early: NDArray[np.int16] | None = None) -> None:
        """Keep one call. Raises KeptUnusable when the disk is nearly full or the folder cannot be written."""
        try:
            self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
            if free < MIN_FREE_BYTES:
                raise KeptUnusable(f"{self.folder}: only {free // 1_000_000} MB are free: no more calls are kept")
            if len(sound):
                save(self.sound_of(call.call_id), sound)
            if early is not None and len(early):
                save(self.early_of(call.call_id), early)
            self._write(call)
        except OSError as error:
            raise KeptUnusable(f"{self.folder}: a call cannot be kept: {error.strerror or error}") from error

    def sound_of(self, call_id: str) -> Path:
        """The sound since the answer."""
        return self.folder / f"{call_id}.flac"

    def early_of(self, call_id: str) -> Path:
        """The sound before it."""
        return self.folder / f"{call_id}-early.flac"

    def get(self, call_id: str) -> KeptCall | None:
        """One call, None when it is not kept (any more). Raises KeptUnusable for a damaged file."""
        path = self._facts_of(call_id)
        try:
            return KeptCall.from_json(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise KeptUnusable(f"{path}: not the facts of a kept call ({error}): delete it with its sound") from error

    def all(self) -> Iterator[KeptCall]:
        """Every call, oldest first (their ids sort by time)."""
        for path in sorted(self.folder.glob("*.json")):
            call = self.get(path.stem)
            if call is not None:
                yield call

    def dispose(self, call_id: str, codes: Iterable[str]) -> None:
        """Add what agents said of a call; one that is not kept is no error."""
        call = self.get(call_id)
        if call is not None:
            self._write(replace(call, dispositions=tuple(codes)))

    def erase(self, call_id: str) -> bool:
        """Delete a call's sound and facts; False when it was not there. Its label stays: it names nobody."""
        there = self._facts_of(call_id).exists()
        for path in (self.sound_of(call_id), self.early_of(call_id), self._facts_of(call_id)):
            path.unlink(missing_ok=True)
        return there

    def expire(self, now_s: float, days: float, max_mb: float) -> int:
        """Delete what is older than `days`, then the oldest while there is more than `max_mb`; how many calls."""
        gone = 0
        sizes = {call.call_id: (call.at_s, self._size(call.call_id)) for call in self.all()}
        total = sum(size for _, size in sizes.values())
        for call_id, (at_s, size) in sorted(sizes.items(), key=lambda item: item[1][0]):
            if now_s - at_s <= days * 86_400 and total <= max_mb * 1e6:
                break
            gone += self.erase(call_id)
            total -= size
        return gone

    def labels(self) -> dict[str, Label]:
        """The latest label of every call. Raises KeptUnusable."""
        path = self.folder / LABELS
        if not path.exists():
            return {}
        try:
            with path.open(newline="", encoding="utf-8") as lines:
                return {row["call_id"]: _label(row) for row in csv.DictReader(lines)}
        except (OSError, KeyError, ValueError) as error:
            raise KeptUnusable(f"{path}: cannot be read ({error}): mend or move the file away") from error

    def label(self, label: Label) -> None:
        """Add a label; a later one of the same call wins."""
        path = self.folder / LABELS
        self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as lines:
            writer = csv.writer(lines)
            if new:
                writer.writerow(_LABEL_COLUMNS)
            said = label.said.value if label.said else ""
            row = (label.call_id, label.call_class.value, said, label.campaign_id, label.trunk, label.picked)
            writer.writerow((*row, label.by, f"{label.at_s:.0f}"))

    def size_mb(self) -> float:
        """Everything in the folder."""
        return sum(path.stat().st_size for path in self.folder.glob("*")) / 1e6 if self.folder.exists() else 0.0

    def _facts_of(self, call_id: str) -> Path:
        return self.folder / f"{call_id}.json"

    def _write(self, call: KeptCall) -> None:
        with replacing(self._facts_of(call.call_id)) as file:
            file.write(json.dumps(call.as_json(), ensure_ascii=False).encode())

    def _size(self, call_id: str) -> int:
        paths = (self.sound_of(call_id), self.early_of(call_id), self._facts_of(call_id))
        return sum(path.stat().st_size for path in paths if path.exists())


def _label(row: Mapping[str, str]) -> Label:
    return Label(
        row["call_id"],
        CallClass(row["class"]),
        CallClass(row["said"]) if row["said"] else None,
        row["campaign_id"],
        row["trunk"],
        row["picked"],
        row["by"],
        float(row["at_s"]),
    )
