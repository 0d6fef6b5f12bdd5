"""What calling rules are decided by, and what people and recovery did: the part of `storage.port` for compliance.

Import these names from `storage.port`; all that is said there of commits and errors holds here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from campaigns.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Seen:
    """How far the history of a number was known when rules were asked: attempts planned since `since_s`.

    count: those attempts, and once more each that had its outcome by then, so that an end is noticed as well.
    """

    since_s: float
    count: int


@dataclass(frozen=True, slots=True)
class AnsweredCounts:
    """Ended attempts that people answered. `abandoned` is part of `people`."""

    people: int
    abandoned: int


@dataclass(frozen=True, slots=True)
class Contact:
    """One attempt to reach a number, as a frequency rule counts it."""

    attempt_id: str
    campaign_id: str
    planned_at_s: float
    answered_at_s: float | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class PhoneFacts:
    """What rules must know of a number. contacts: since the time asked for, oldest first; seen: how far that goes."""

    on_dnc: bool
    contacts: tuple[Contact, ...]
    seen: Seen


class Ledger(Protocol):
    """Counts that rules are decided by, over what is committed."""

    async def answered(self, campaign_id: str, since_s: float, until_s: float) -> AnsweredCounts:
        """People who answered in [since_s, until_s), by the time of the answer; calls still up are not counted yet."""
        ...

    async def contacts(self, phone: str, since_s: float) -> list[Contact]:
        """Attempts to a number planned since `since_s`, oldest first, live ones included."""
        ...

    async def facts(self, phones: Sequence[str], since_s: float) -> dict[str, PhoneFacts]:
        """What rules must know of each of these numbers, in one read: for all leads that are about to be dialled."""
        ...


@dataclass(frozen=True, slots=True)
class DncEntry:
    """A number that must not be called. source: who put it there; at_s: when."""

    phone: str
    source: str
    at_s: float


class DncStore(Protocol):
    """Numbers that must not be called."""

    async def add(self, phones: Iterable[str], source: str, at_s: float) -> int:
        """Add E.164 numbers, and take their leads out of every list; return how many were new."""
        ...

    async def entries(self, phones: Sequence[str]) -> list["DncEntry"]:
        """Those of the numbers that are on the list, and who put them there."""
        ...

    async def remove(
        self, phones: Sequence[str], events: Sequence["AuditEvent"] = (), leads_back: bool = False
    ) -> tuple[int, int]:
        """Take numbers off and commit `events` with it; return how many were on, and how many leads came back.

        leads_back: their leads are new in their lists again, with the attempts they had; else they stay out until
        LeadStore.change puts them back.
        """
        ...

    async def contains(self, phone: str) -> bool:
        """Whether a number is on the list."""
        ...


@dataclass(frozen=True, slots=True)
class Consent:
    """Somebody allowed or withdrew contact. `address`: E.164 number or e-mail; `channel`: voice, whatsapp, email."""

    consent_id: str
    address: str
    channel: str
    purpose: str
    given: bool
    source: str
    at_s: float


class ConsentStore(Protocol):
    """Consents: append-only; the latest one counts."""

    async def record(self, consent: Consent) -> None:
        """Commit a consent or its withdrawal."""
        ...

    async def latest(self, address: str, channel: str, purpose: str) -> Consent | None:
        """What counts now, or None when nothing was ever said."""
        ...

    async def history(self, address: str) -> list[Consent]:
        """Everything an address ever said, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to what. `detail` never holds digits, messages or full numbers."""

    event_id: str
    at_s: float
    actor: str
    action: str
    subject: str
    detail: dict[str, str | int | float] = field(default_factory=dict)


class AuditLog(Protocol):
    """What people and recovery did: append-only."""

    async def record(self, event: AuditEvent) -> None:
        """Commit an event."""
        ...

    async def of_subject(self, subject: str, limit: int = 100, after: str = "") -> list[AuditEvent]:
        """A page of a subject's events, by id."""
        ...
