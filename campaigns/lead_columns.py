"""Which column of somebody's CSV is the phone, the name, the zone: header names in Spanish and English."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from campaigns.csv_text import LeadFileError
from campaigns.phone import PhoneError, parse_phone

# Earlier names win when a file has several: a mobile is nearer to the person than an office.
_KNOWN: Mapping[str, tuple[str, ...]] = {
    "phone": (
        "phone", "telefono", "phone number", "numero de telefono", "numero telefono", "num telefono", "n telefono",
        "tel", "tlf", "tfno", "telf", "movil", "telefono movil", "celular", "telefono celular", "cel", "mobile",
        "mobile phone", "cell", "cell phone", "cellphone", "telephone", "telephone number", "e164", "msisdn",
        "whatsapp", "telefono 1", "telefono1", "phone 1", "phone1", "movil 1", "numero", "number", "fijo",
        "telefono fijo", "telefono de contacto", "contact number",
    ),
    "name": (
        "name", "nombre", "full name", "nombre completo", "nombre y apellidos", "nombre y apellido", "first name",
        "firstname", "cliente", "customer", "customer name", "contacto", "contact", "contact name", "razon social",
        "titular", "lead",
    ),
    "surname": ("apellidos", "apellido", "last name", "lastname", "surname"),
    "time_zone": ("time zone", "timezone", "zona horaria", "huso horario", "tz", "zona"),
    "priority": ("priority", "prioridad", "prio"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Columns:
    """Where each thing stands, as column numbers from 0; None when the file does not have it."""

    names: tuple[str, ...]
    phone: int
    name: int | None = None
    surname: int | None = None
    time_zone: int | None = None
    priority: int | None = None
    loose_zone: bool = False  # headed just "zona": often a sales area, so other words than time zones are fine

    @property
    def taken(self) -> frozenset[int]:
        """Columns that do not go to the lead's extra fields."""
        numbers = (self.phone, self.name, self.surname, self.time_zone, self.priority)
        return frozenset(number for number in numbers if number is not None)


def find_columns(header: list[str], mapping: Mapping[str, str], region: str) -> Columns:
    """Match the header. `mapping` (field -> header name) goes before the known names.

    Raises LeadFileError when no column holds the phone or the mapping names a column that is not there.
    """
    plain = [_plain(cell) for cell in header]
    found = {field: _known(plain, field) for field in _KNOWN}
    for field, wanted in mapping.items():
        found[field] = _mapped(header, plain, field, wanted)
    phone = found.pop("phone")
    if phone is None:
        raise LeadFileError(_no_phone(header, region))
    zone = found["time_zone"]
    loose = zone is not None and plain[zone] == "zona"
    return Columns(_unique(header), phone, loose_zone=loose, **found)


def _known(plain: list[str], field: str) -> int | None:
    return next((plain.index(name) for name in _KNOWN[field] if name in plain), None)


def _mapped(header: list[str], plain: list[str], field: str, wanted: str) -> int:
    if field not in _KNOWN:
        raise LeadFileError(f"the mapping names {field!r}, which a lead does not have: use {', '.join(_KNOWN)}")
    if _plain(wanted) not in plain:
        raise LeadFileError(f"the mapping takes {field} from column {wanted!r}; the file has {_listed(header)}")
    return plain.index(_plain(wanted))


def _no_phone(header: list[str], region: str) -> str:
    if any(_is_phone(cell, region) for cell in header):
        return 'the first line is a lead, not a header: put a line such as "telefono;nombre" above it'
    names = _listed(header)
    return f"no column holds the phone: the file has {names}; name one telefono, or map it: --column phone=COLUMN"


def _is_phone(cell: str, region: str) -> bool:
    try:
        return bool(parse_phone(cell, region))
    except PhoneError:
        return False


def _listed(header: list[str]) -> str:
    return ", ".join(repr(cell.strip()[:40]) for cell in header[:20])


def _plain(cell: str) -> str:
    letters = unicodedata.normalize("NFKD", cell).casefold()
    return " ".join(
        "".join(char if char.isalnum() else " " for char in letters if not unicodedata.combining(char)).split()
    )


def _unique(header: list[str]) -> tuple[str, ...]:
    names: list[str] = []
    for number, cell in enumerate(header, 1):
        name = cell.strip() or f"column_{number}"
        names.append(name if name not in names else f"{name}_{number}")
    return tuple(names)
