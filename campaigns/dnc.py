"""Numbers that must not be called, as people hand them over: a list of numbers, one in each line."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from campaigns.phone import E164, PhoneError, mask, parse_phone


@dataclass(frozen=True, slots=True)
class DncLine:
    """One line of such a list: a number (E.164), or why it is none. value: masked."""

    line: int
    phone: E164 | None
    value: str
    reason: str = ""


def asked_by_person(source: str) -> bool:
    """Whether the person asked not to be called: told to an agent, or a list whose source begins with "person"."""
    return source.startswith(("agent ", "person"))


def read_dnc(lines: Iterable[str], region: str) -> Iterator[DncLine]:
    """Read the first cell of each line; empty lines, comments (#) and a header line without digits are skipped.

    Nobody may be called because a line was hard to read: the caller must show every line that has a reason.
    """
    for number, text in enumerate(lines, 1):
        cell = re.split(r"[;,\t|]", text.strip().removeprefix("\ufeff"), maxsplit=1)[0].strip(" '\"=")
        if not cell or cell.startswith("#") or (number == 1 and not any(char.isdigit() for char in cell)):
            continue
        try:
            yield DncLine(number, parse_phone(cell, region), mask(cell))
        except PhoneError as error:
            yield DncLine(number, None, mask(cell), str(error))
