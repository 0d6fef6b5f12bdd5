"""From the bytes of somebody's CSV to numbered records: encodings, Excel's habits and broken quotes.

Streaming: memory is bounded by one chunk, one head of 64 KiB and one record, whatever the file's size.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

_HEAD_BYTES = 65_536
_LINE_CHARS = 1_000_000
_RECORD_LINES = 100
_DELIMITERS = (";", ",", "\t", "|")
_MAGIC = {
    b"PK\x03\x04": "a spreadsheet or zip archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "a gzip archive",
}


class LeadFileError(ValueError):
    """A lead file cannot be read at all; the message says why and how to mend it. Nothing of it was imported."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record. line: number of its first physical line, from 1. broken: why it cannot be read, "" when it can."""

    line: int
    cells: list[str]
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """Text lines with their ends, the first ones looked at already."""

    head: list[str]
    rest: Iterator[str]
    encoding: str

    def all(self) -> Iterator[str]:
        """Every line, once."""
        return chain(self.head, self.rest)


def _cp1252_for_bad_bytes(error: UnicodeError) -> tuple[str, int]:
    # A file may be plain ASCII for 50,000 lines before its first Latin-1 letter: decide byte by byte, not by a sniff.
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in bad), error.end


codecs.register_error("timbre-cp1252", _cp1252_for_bad_bytes)


def open_lines(chunks: Iterable[bytes], encoding: str = "") -> Lines:
    """Decode chunks of bytes to lines. `encoding` "" finds out: byte order mark, UTF-16, UTF-8, else Windows-1252.

    Raises LeadFileError for an empty or binary file, and for an encoding that Python does not know.
    """
    stream = iter(chunks)
    head = b""
    for chunk in stream:
        head += chunk
        if len(head) >= _HEAD_BYTES:
            break
    if not head.strip(b"\x00\xef\xbb\xbf\xff\xfe\r\n\t ,;"):
        raise LeadFileError("the file is empty: it needs a header line and one line for each lead")
    found = encoding or _encoding_of(head)
    lines = _lines(_text(chain([head], stream), found))
    first = [line for _, line in zip(range(30), lines, strict=False)]
    return Lines(first, lines, found)


def delimiter_of(lines: list[str]) -> tuple[str, int]:
    """The delimiter and how many lines come before the header (1 when Excel's `sep=;` line is there)."""
    first = lines[0].strip().strip('"')
    if first.lower().startswith("sep=") and len(first) == 5:
        return first[4], 1
    return max(_DELIMITERS, key=lambda delimiter: _fit(lines, delimiter)), 0


def records(lines: Iterable[str], delimiter: str, first_line: int = 1) -> Iterator[Record]:
    """Split lines into records; a quoted cell may hold line ends. One broken quote costs its own line, not the file."""
    waiting: deque[str] = deque()
    source = iter(lines)
    line = first_line
    while block := _block(waiting, source):
        if sum(text.count('"') for text in block) % 2 and not _closes(block, delimiter):
            waiting.extendleft(reversed(block[1:]))
            yield _alone(line, block[0], delimiter)
            line += 1
            continue
        yield from _read(block, delimiter, line)
        line += len(block)


def _read(block: list[str], delimiter: str, line: int) -> Iterator[Record]:
    reader = csv.reader(block, delimiter=delimiter)
    start = line
    try:
        for cells in reader:
            yield Record(start, cells)
            start = line + reader.line_num
    except csv.Error as error:
        yield Record(start, [], f"it cannot be read as CSV ({error})")


def _block(waiting: deque[str], source: Iterator[str]) -> list[str]:
    """The next physical line, with those after it as long as a quotation mark is open."""
    block: list[str] = []
    quotes = 0
    while len(block) < _RECORD_LINES:
        text = waiting.popleft() if waiting else next(source, None)
        if text is None:
            break
        block.append(text)
        quotes += text.count('"')
        if quotes % 2 == 0:
            break
    return block


def _closes(block: list[str], delimiter: str) -> bool:
    """Whether an odd number of quotation marks is harmless: one inside an unquoted cell, in a block of one line."""
    return len(block) == 1 and not _left_open(block[0], delimiter)


def _alone(line: int, text: str, delimiter: str) -> Record:
    if _left_open(text, delimiter):
        return Record(line, [], "a quotation mark opens and never closes: close it, or double it inside a cell")
    return next(_read([text], delimiter, line), Record(line, []))


def _left_open(text: str, delimiter: str) -> bool:
    try:
        list(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _fit(lines: list[str], delimiter: str) -> tuple[float, int]:
    widths = [len(record.cells) for record in records(lines, delimiter) if any(record.cells)]
    if not widths or widths[0] < 2:
        return 0.0, 0
    return sum(width == widths[0] for width in widths) / len(widths), widths[0]


def _encoding_of(head: bytes) -> str:
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise LeadFileError(f"the file is {what}, not CSV: open it and save it as CSV (UTF-8)")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[0::2].count(0), head[1::2].count(0)
    for nuls, others, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if nuls > len(head) * 0.2 and others < nuls * 0.1:
            return name
    strange = sum(head.count(byte) for byte in range(32) if byte not in b"\t\n\r\f\x1a")
    if strange > len(head) * 0.02:
        raise LeadFileError("the file holds binary data, not text: save it as CSV (UTF-8) and import that")
    return "utf-8-sig"


def _text(chunks: Iterable[bytes], encoding: str) -> Iterator[str]:
    errors = "timbre-cp1252" if encoding.startswith("utf-8") else "replace"
    try:
        decoder = codecs.getincrementaldecoder(encoding)(errors)
    except LookupError:
        raise LeadFileError(f"encoding {encoding!r} is not known: use utf-8, utf-16, latin-1 or cp1252") from None
    for chunk in chunks:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", True)


def _lines(texts: Iterator[str]) -> Iterator[str]:
    newlines = io.IncrementalNewlineDecoder(None, translate=True)
    rest = ""
    number = 0
    for text in chain(texts, (None,)):
        rest += newlines.decode(text or "", final=text is None)
        *whole, rest = rest.split("\n")
        for line in whole:
            number += 1
            yield line + "\n"
        if len(rest) > _LINE_CHARS:
            raise LeadFileError(
                f"line {number + 1} is longer than {_LINE_CHARS} characters: this is not a CSV of leads"
            )
    if rest:
        yield rest
