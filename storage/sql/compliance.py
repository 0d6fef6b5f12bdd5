"""What rules are decided by, over SQL: numbers not to call, consents, and the ledger of contacts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from sqlalchemy import bindparam, delete, func, select, text, update

from campaigns.lead import LeadState
from campaigns.outcome import Outcome
from storage.port import AnsweredCounts, AuditEvent, Consent, Contact, DncEntry, PhoneFacts, Seen
from storage.sql.database import Database
from storage.sql.leads import CALLABLE
from storage.sql.recordings import EVENT, row_of_event
from storage.sql.schema import attempts, consents, dnc, leads
from storage.sql.statement import InsertIgnore, Row, Statement, Tx

_CHUNK_ROWS = 1000
_ADD = InsertIgnore(dnc)
_REMOVE = Statement(delete(dnc).where(dnc.c.phone == bindparam("phone")))
_CONTAINS = Statement(select(dnc.c.phone).where(dnc.c.phone == bindparam("phone")))
_TAKE_OUT = Statement(
    update(leads).where(leads.c.phone == bindparam("b_phone"), CALLABLE).values(state=text(f"'{LeadState.DNC}'"))
)
_PUT_BACK = Statement(
    update(leads)
    .where(leads.c.phone == bindparam("b_phone"), leads.c.state == text(f"'{LeadState.DNC}'"))
    .values(state=text(f"'{LeadState.NEW}'"), due_at_s=0.0)
)
_ENTRY = Statement(
    select(*(dnc.c[name] for name in DncEntry.__dataclass_fields__)).where(dnc.c.phone == bindparam("phone"))
)
_CONSENT_FIELDS = tuple(Consent.__dataclass_fields__)
_CONSENT_COLUMNS = [consents.c[name] for name in _CONSENT_FIELDS]
_CONSENT = InsertIgnore(consents)
_LATEST = Statement(
    select(*_CONSENT_COLUMNS)
    .where(*(consents.c[name] == bindparam(name) for name in ("address", "channel", "purpose")))
    .order_by(consents.c.at_s.desc(), consents.c.consent_id.desc())
    .limit(1)
)
_HISTORY = Statement(
    select(*_CONSENT_COLUMNS)
    .where(consents.c.address == bindparam("address"))
    .order_by(consents.c.at_s, consents.c.consent_id)
)
_ANSWERED = Statement(
    select(attempts.c.outcome, func.count())
    .where(
        attempts.c.campaign_id == bindparam("campaign_id"),
        attempts.c.answered_at_s >= bindparam("since_s"),
        attempts.c.answered_at_s < bindparam("until_s"),
        attempts.c.outcome.is_not(None),
    )
    .group_by(attempts.c.outcome)
)
_CONTACTS = Statement(
    select(*(attempts.c[name] for name in Contact.__dataclass_fields__))
    .where(attempts.c.phone == bindparam("phone"), attempts.c.planned_at_s >= bindparam("since_s"))
    .order_by(attempts.c.planned_at_s)
)


class SqlDncStore:
    """`storage.port.DncStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, phones: Iterable[str], source: str, at_s: float) -> int:
        """Add numbers and take their leads out of every list, a chunk per transaction."""
        added = 0
        numbers = iter(phones)
        while chunk := await self._database.aside(partial(_chunk, numbers)):
            added += await self._database.write(partial(_add, chunk, source, at_s))
        return added

    async def entries(self, phones: Sequence[str]) -> list[DncEntry]:
        """Those that are on the list."""
        return await self._database.read(partial(_entries, tuple(phones)))

    async def remove(
        self, phones: Sequence[str], events: Sequence[AuditEvent] = (), leads_back: bool = False
    ) -> tuple[int, int]:
        """Take numbers off, with their events, in one transaction."""
        return await self._database.write(partial(_remove, tuple(phones), tuple(events), leads_back))

    async def contains(self, phone: str) -> bool:
        """Whether a number is on the list."""
        return await self._database.read(lambda tx: tx.one(_CONTAINS, {"phone": phone})) is not None


class SqlConsentStore:
    """`storage.port.ConsentStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, consent: Consent) -> None:
        """Commit a consent or its withdrawal."""
        row = {name: getattr(consent, name) for name in _CONSENT_FIELDS}
        await self._database.write(lambda tx: tx.run(_CONSENT, row))

    async def latest(self, address: str, channel: str, purpose: str) -> Consent | None:
        """What counts now."""
        wanted = {"address": address, "channel": channel, "purpose": purpose}
        row = await self._database.read(lambda tx: tx.one(_LATEST, wanted))
        return _consent_of(row) if row else None

    async def history(self, address: str) -> list[Consent]:
        """Everything an address ever said, oldest first."""
        return [
            _consent_of(row) for row in await self._database.read(lambda tx: tx.all(_HISTORY, {"address": address}))
        ]


class SqlLedger:
    """`storage.port.Ledger` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def answered(self, campaign_id: str, since_s: float, until_s: float) -> AnsweredCounts:
        """People who answered in the window, and how many of them were abandoned."""
        wanted = {"campaign_id": campaign_id, "since_s": since_s, "until_s": until_s}
        rows = await self._database.read(lambda tx: tx.all(_ANSWERED, wanted))
        counts = {Outcome(outcome): count for outcome, count in rows}
        people = sum(count for outcome, count in counts.items() if outcome.answered_by_person)
        return AnsweredCounts(people, counts.get(Outcome.ABANDONED, 0))

    async def contacts(self, phone: str, since_s: float) -> list[Contact]:
        """Attempts to a number, oldest first."""
        rows = await self._database.read(lambda tx: tx.all(_CONTACTS, {"phone": phone, "since_s": since_s}))
        return [_contact_of(row) for row in rows]

    async def facts(self, phones: Sequence[str], since_s: float) -> dict[str, PhoneFacts]:
        """What rules must know of each of these numbers."""
        return await self._database.read(partial(_facts, tuple(phones), since_s))


def _facts(phones: tuple[str, ...], since_s: float, tx: Tx) -> dict[str, PhoneFacts]:
    found = {}
    for phone in phones:
        on_dnc = tx.one(_CONTAINS, {"phone": phone}) is not None
        contacts = tuple(_contact_of(row) for row in tx.all(_CONTACTS, {"phone": phone, "since_s": since_s}))
        ended = sum(contact.outcome is not None for contact in contacts)
        found[phone] = PhoneFacts(on_dnc, contacts, Seen(since_s, len(contacts) + ended))
    return found


def _chunk(numbers: Iterator[str]) -> list[str]:
    return list(islice(numbers, _CHUNK_ROWS))


def _add(phones: list[str], source: str, at_s: float, tx: Tx) -> int:
    added = tx.many(_ADD, [{"phone": phone, "source": source, "at_s": at_s} for phone in phones])
    tx.many(_TAKE_OUT, [{"b_phone": phone} for phone in phones])
    return added


def _entries(phones: tuple[str, ...], tx: Tx) -> list[DncEntry]:
    return [DncEntry(*row) for phone in phones if (row := tx.one(_ENTRY, {"phone": phone})) is not None]


def _remove(phones: tuple[str, ...], events: tuple[AuditEvent, ...], leads_back: bool, tx: Tx) -> tuple[int, int]:
    removed = tx.many(_REMOVE, [{"phone": phone} for phone in phones])
    if events:
        tx.many(EVENT, [row_of_event(event) for event in events])
    return removed, tx.many(_PUT_BACK, [{"b_phone": phone} for phone in phones]) if leads_back and phones else 0


def _consent_of(row: Row) -> Consent:
    values = [*row]
    values[4] = bool(values[4])
    return Consent(*values)


def _contact_of(row: Row) -> Contact:
    values = [*row]
    values[4] = Outcome(values[4]) if values[4] else None
    return Contact(*values)
