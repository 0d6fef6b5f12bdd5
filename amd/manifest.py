"""MANIFEST.csv: recorded calls whose truth is known."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from amd.verdict import CallClass

LONGEST_ROW_LINES = 20
LONGEST_PATH = 1000


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

    Parted by commas, semicolons or tabs; the first line that is not empty names the columns. Paths are relative to the
    manifest's folder. Bad rows become complaints; a missing or headless file raises ManifestError.
    """
    lines = _lines_of(manifest)
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    names, separator = _columns(lines[first])
    if not names:
        raise ManifestError(f"{manifest}: {_headless(lines[first])}")
    entries: list[ManifestEntry] = []
    complaints: list[Complaint] = []
    for number, row in _rows(lines, first + 1, separator, len(names)):
        try:
            if isinstance(row, str):
                raise ValueError(row)
            values = {name: value.strip() for name, value in reversed([*zip(names, row, strict=False)])}
            entries.append(_entry(values, manifest.parent, number + 1))
        except ValueError as error:
            complaints.append(Complaint(f"{manifest.name} line {number + 1}", str(error)))
    return entries, complaints


def repeated(entries: Sequence[ManifestEntry]) -> list[Complaint]:
    """Rows that name a recording that a row before names too: it counts twice, and may be said to be two things."""
    seen: dict[Path, ManifestEntry] = {}
    complaints = []
    for entry in entries:
        before = seen.setdefault(entry.file, entry)
        if before is entry:
            continue
        again = "" if before.call_class is entry.call_class else f", where it is {before.call_class.value}"
        complaints.append(Complaint(f"line {entry.line}, {entry.path}", f"named in line {before.line} too{again}"))
    return complaints


def _lines_of(manifest: Path) -> list[str]:
    try:
        text = manifest.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise ManifestError(f"{manifest}: cannot be read ({error.strerror or error})") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _headless(header: str) -> str:
    if _legible(header) != header or "\0" in header:
        return "is not text in UTF-8: a manifest is a table saved as CSV (in Excel: CSV UTF-8)"
    return "the first line must name at least the columns path and class, for example: path,class,subset"


def _columns(header: str) -> tuple[list[str], str]:
    """The columns and what parts them; none where path and class are not among them."""
    for separator in ",;\t":
        names = [name.strip().lower() for name in next(csv.reader([header], delimiter=separator), [])]
        if {"path", "class"} <= set(names):
            return names, separator
    return [], ","


def _rows(lines: list[str], start: int, separator: str, width: int) -> Iterator[tuple[int, list[str] | str]]:
    """Each row with its place, or what is wrong with it in words: one that is damaged does not take others along."""
    place = start
    while place < len(lines):
        row, length = _row_at(lines, place, separator, width)
        if row:
            yield place, row
        place += length


def _row_at(lines: list[str], place: int, separator: str, width: int) -> tuple[list[str] | str, int]:
    """The row that begins here, and how many lines it has: text in quotes may go over several."""
    for length in range(1, LONGEST_ROW_LINES + 1):
        text = "\n".join(lines[place : place + length])
        try:
            row = next(csv.reader([text], delimiter=separator, strict=True), [])
        except csv.Error as error:
            if "unexpected end" in str(error):
                continue
            return f"is not a row of a table in CSV: {error}", 1
        if length == 1 or len(row) == width:
            return row, length
        break
    return "a quote is opened and not closed", 1


def _entry(values: dict[str, str], folder: Path, line: int) -> ManifestEntry:
    path = values.get("path", "")
    if not path:
        raise ValueError("path is empty")
    if len(path) > LONGEST_PATH:
        raise ValueError(f"path has {len(path)} characters: no file is called so")
    if "\0" in path or _legible(path) != path:
        raise ValueError(f"path {path[:80]!a} is not text in UTF-8 (in Excel: save as CSV UTF-8)")
    wanted = _legible(values.get("class", ""))
    try:
        call_class = CallClass(wanted.lower())
    except ValueError:
        known = ", ".join(member.value for member in CallClass)
        raise ValueError(f"class {wanted[:40]!r} is not one of {known}") from None
    return ManifestEntry(
        path=path,
        file=folder / path,
        call_class=call_class,
        subset=_legible(values.get("subset", "")),
        source=_legible(values.get("source", "")),
        language=_legible(values.get("language", "")),
        speech_end_s=_seconds(values.get("speech_end_s", "")),
        line=line,
    )


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0.0 <= value < math.inf:
        raise ValueError(f"speech_end_s {_legible(text)[:40]!r} is not a number of seconds since the answer")
    return value


def _legible(text: str) -> str:
    """Bytes that are not UTF-8 become question marks: such a name groups calls, or is told, and opens no file."""
    return text.encode("utf-8", "replace").decode("utf-8")
