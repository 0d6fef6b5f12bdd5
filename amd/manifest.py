"""MANIFEST.csv: recorded calls whose truth is known."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from amd.verdict import CallClass


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One call. `path` as written; `file` where it lies; speech_end_s: end of the first greeting since answer.

    line: of the manifest, 0 when there is none.
    """

    path: str
    file: Path
    call_class: CallClass
    subset: str = ""
    source: str = ""
    language: str = ""
    speech_end_s: float | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that could not be judged: a row or a file, and why."""

    where: str
    message: str


class ManifestError(Exception):
    """The manifest as a whole cannot be used; the message says why."""


def read_manifest(manifest: Path) -> tuple[list[ManifestEntry], list[Complaint]]:
    """Read a manifest (columns path and class; subset, source, language, speech_end_s if there; others ignored).

    Paths are relative to the manifest's folder. Bad rows become complaints; a missing or headless file raises
    ManifestError.
    """
    try:
        with manifest.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            names = {(name or "").strip().lower(): name for name in reader.fieldnames or ()}
            if "path" not in names or "class" not in names:
                raise ManifestError(_headless(manifest, names))
            return _read_rows(reader, names, manifest)
    except OSError as error:
        raise ManifestError(f"{manifest}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError:
        words = "is not text in UTF-8: a manifest is a table saved as CSV (in Excel: CSV UTF-8)"
        raise ManifestError(f"{manifest}: {words}") from None
    except csv.Error as error:
        raise ManifestError(f"{manifest}: is not a table in CSV: {error}") from None


def _headless(manifest: Path, names: Iterable[str]) -> str:
    words = f"{manifest}: the first line must name at least the columns path and class"
    if any(";" in name for name in names):
        return f"{words}, parted by commas: this one has semicolons"
    return f"{words}, for example: path,class,subset"


def _read_rows(
    reader: Iterable[dict[str | None, str | None]], names: dict[str, str], manifest: Path
) -> tuple[list[ManifestEntry], list[Complaint]]:
    entries: list[ManifestEntry] = []
    complaints: list[Complaint] = []
    for row in reader:
        line = getattr(reader, "line_num", 0)
        try:
            values = {key: (row.get(name) or "").strip() for key, name in names.items()}
            entries.append(_entry(values, manifest.parent, line))
        except ValueError as error:
            complaints.append(Complaint(f"{manifest.name} line {line}", str(error)))
    return entries, complaints


def _entry(values: dict[str, str], folder: Path, line: int) -> ManifestEntry:
    path = values["path"]
    if not path:
        raise ValueError("path is empty")
    try:
        call_class = CallClass(values["class"].lower())
    except ValueError:
        known = ", ".join(member.value for member in CallClass)
        raise ValueError(f"class {values['class']!r} is not one of {known}") from None
    return ManifestEntry(
        path=path,
        file=folder / path,
        call_class=call_class,
        subset=values.get("subset", ""),
        source=values.get("source", ""),
        language=values.get("language", ""),
        speech_end_s=_seconds(values.get("speech_end_s", "")),
        line=line,
    )


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise ValueError(f"speech_end_s {text!r} is not a number of seconds") from None
