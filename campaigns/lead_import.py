"""A CSV of leads in, batches of leads and of named rejections out, while the file is still being read.

docs/lead-import.md says what is understood; one bad row never costs another.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from campaigns.calling_window import is_zone
from campaigns.csv_text import LeadFileError, Record, delimiter_of, open_lines, records
from campaigns.lead import Lead
from campaigns.lead_columns import Columns, find_columns
from campaigns.phone import PhoneError, is_region, mask, read_phone

_FORMULA = re.compile(r'=\s*"?([^"]*)"?')
_SCIENTIFIC = re.compile(r"[+-]?\d+([.,]\d+)?[eE][+-]?\d+")
_FRACTION = re.compile(r"(\d{6,})[.,]0+")
# Blanks and direction marks that contact books and messengers paste along with a number.
_INVISIBLE = dict.fromkeys((*range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF)) | {0xA0: " "}
_CELL_CHARS = 10_000


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read a file. region: country (ISO 3166 alpha-2) of numbers without a prefix.

    columns: field (phone, name, surname, time_zone, priority) -> header name, where the names are unusual.
    """

    list_id: str
    region: str = "ES"
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    batch_size: int = 1000


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row that was not imported. line: in the file, from 1; value: the masked culprit."""

    line: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        """The rejection as one line for a person."""
        culprit = f"{self.column} {self.value}".strip()
        return f"line {self.line}: {culprit}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportBatch:
    """A piece of the file, in order."""

    leads: tuple[Lead, ...]
    rejections: tuple[Rejection, ...]


class _Refused(Exception):
    def __init__(self, column: str, value: str, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason


def read_leads(chunks: Iterable[bytes], options: ImportOptions, make_id: Callable[[], str]) -> Iterator[ImportBatch]:
    """Read chunks of bytes (any size) and yield batches of at most options.batch_size rows.

    make_id: a new lead id at each call (`campaigns.ids.new_id` with a time and a random source).
    Raises LeadFileError, before the first batch, for a file that cannot be read at all; in the middle of the file only
    for a line without any end (over a million characters): the batches before it stand.
    """
    if not is_region(options.region):
        raise LeadFileError(f"{options.region!r} is not a country: use two capital letters, such as ES or MX")
    lines = open_lines(chunks, options.encoding)
    delimiter, before = delimiter_of(lines.head)
    rows = records(islice(lines.all(), before, None), delimiter, before + 1)
    header = next((row for row in rows if row.broken or any(cell.strip() for cell in row.cells)), None)
    if header is None or header.broken or any("\x00" in cell for cell in header.cells):
        raise LeadFileError("the header line cannot be read: it must name the columns, such as telefono;nombre")
    columns = find_columns(header.cells, options.columns, options.region)
    yield from _batches(rows, _RowReader(columns, options, make_id), options.batch_size)


def spreadsheet_safe(text: str) -> str:
    """Text as it may be written to a CSV for spreadsheets: a value that would run as a formula becomes plain text."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


class _RowReader:
    """Turns records into leads; knows the phones it has seen."""

    def __init__(self, columns: Columns, options: ImportOptions, make_id: Callable[[], str]) -> None:
        self._columns = columns
        self._options = options
        self._make_id = make_id
        self._line_of_phone: dict[str, int] = {}
        self._extra = [(number, name) for number, name in enumerate(columns.names) if number not in columns.taken]

    def read(self, row: Record) -> Lead:
        cells = self._sound_cells(row)
        phone, zones = self._phone(cells)
        zone, loose = self._zone(cells)
        priority = self._priority(cells)
        first_line = self._line_of_phone.setdefault(phone, row.line)
        if first_line != row.line:
            raise _Refused(
                self._columns.names[self._columns.phone], mask(phone), f"the same number is in line {first_line}"
            )
        extra = {name: cells[number] for number, name in self._extra if number < len(cells) and cells[number]}
        return Lead(
            lead_id=self._make_id(),
            list_id=self._options.list_id,
            phone=phone,
            name=self._name(cells),
            time_zone=zone or (zones[0] if len(zones) == 1 else ""),
            priority=priority,
            fields=extra | loose,
        )

    def _sound_cells(self, row: Record) -> list[str]:
        if row.broken:
            raise _Refused("the row", "", row.broken)
        cells = [cell.strip() for cell in row.cells]
        if any("\x00" in cell for cell in cells):
            raise _Refused("the row", "", "it holds NUL bytes, which are no text: the file is damaged here")
        width = len(self._columns.names)
        if any(cells[width:]):
            reason = f"it has {len(cells)} cells, the header {width}: put cells that hold the delimiter in quotes"
            raise _Refused("the row", "", reason)
        if any(len(cell) > _CELL_CHARS for cell in cells):
            raise _Refused("the row", "", f"a cell is longer than {_CELL_CHARS} characters: is a quotation mark open?")
        return cells

    def _phone(self, cells: list[str]) -> tuple[str, tuple[str, ...]]:
        text = self._cell(cells, self._columns.phone)
        try:
            return read_phone(_cleaned(text), self._options.region)
        except PhoneError as error:
            raise _Refused(self._columns.names[self._columns.phone], _shown(text), str(error)) from None

    def _zone(self, cells: list[str]) -> tuple[str, dict[str, str]]:
        text = self._cell(cells, self._columns.time_zone)
        if not text or is_zone(text):
            return text, {}
        name = self._columns.names[self._columns.time_zone or 0]
        if self._columns.loose_zone:
            return "", {name: text}
        raise _Refused(
            name, repr(text[:40]), "it is not an IANA time zone such as Europe/Madrid: correct it or leave it empty"
        )

    def _priority(self, cells: list[str]) -> int:
        text = self._cell(cells, self._columns.priority)
        if not text:
            return 0
        if not re.fullmatch(r"[+-]?\d{1,6}", text, re.ASCII):
            name = self._columns.names[self._columns.priority or 0]
            raise _Refused(name, repr(text[:40]), "it is not a whole number: higher is dialled first")
        return int(text)

    def _name(self, cells: list[str]) -> str:
        parts = (self._cell(cells, self._columns.name), self._cell(cells, self._columns.surname))
        return " ".join(part for part in parts if part)

    @staticmethod
    def _cell(cells: list[str], number: int | None) -> str:
        return cells[number] if number is not None and number < len(cells) else ""


def _batches(rows: Iterator[Record], reader: _RowReader, size: int) -> Iterator[ImportBatch]:
    leads: list[Lead] = []
    rejections: list[Rejection] = []
    any_row = False
    for row in rows:
        if not row.broken and not any(cell.strip() for cell in row.cells):
            continue
        any_row = True
        try:
            leads.append(reader.read(row))
        except _Refused as refused:
            rejections.append(Rejection(row.line, refused.column, refused.value, refused.reason))
        if len(leads) + len(rejections) >= size:
            yield ImportBatch(tuple(leads), tuple(rejections))
            leads, rejections = [], []
    if not any_row:
        raise LeadFileError("the file has a header and no leads below it: add one line for each lead")
    if leads or rejections:
        yield ImportBatch(tuple(leads), tuple(rejections))


def _cleaned(text: str) -> str:
    """A phone cell as people meant it. Raises PhoneError where a spreadsheet has destroyed the number."""
    text = text.translate(_INVISIBLE).strip().removeprefix("'").strip()
    formula = _FORMULA.fullmatch(text)
    text = formula[1].strip() if formula else text
    if not text:
        raise PhoneError("it is empty")
    if _SCIENTIFIC.fullmatch(text):
        raise PhoneError("a spreadsheet rounded it to scientific notation: format the column as text and export again")
    if any(char.isalpha() for char in text):
        raise PhoneError("it holds letters: one number in digits is needed")
    fraction = _FRACTION.fullmatch(text)
    return fraction[1] if fraction else text


def _shown(text: str) -> str:
    """A wrong value as a report may show it: a number masked, anything else only hinted at (it may be a name)."""
    if sum(char.isdigit() for char in text) >= 7:
        return mask(text)
    return f"{text[:2]}***" if text else "(empty)"
