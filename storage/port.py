"""What the house remembers. Implemented over SQL (truth) by `storage.sql`; one contract suite on SQLite and PostgreSQL.

Every method is a coroutine; SQL runs in worker threads, never on the event loop. When a method returns, the fact is
committed: it survives kill -9. Raises StorageError (see storage.errors) with a message that says how to mend it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from campaigns.attempt import Attempt, Move
from campaigns.lead import Lead, LeadChange
from campaigns.outcome import Outcome


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import did to a lead list."""

    added: int
    duplicates: int


class LeadStore(Protocol):
    """Leads of lists."""

    async def add(self, leads: Iterable[Lead]) -> ImportCounts:
        """Add leads; a phone that its list holds already is counted as a duplicate and left as it was."""
        ...

    async def get(self, lead_id: str) -> Lead | None:
        """One lead."""
        ...

    async def due(self, campaign_id: str, now_s: float, limit: int, exclude: Sequence[str] = ()) -> list[Lead]:
        """Leads of the campaign's lists that may be called now (new, or retry/callback due), best first.

        `exclude`: lead ids that are in the hopper already. Leads with a live attempt and DNC numbers never come.
        """
        ...

    async def change(self, change: LeadChange) -> None:
        """Apply what an attempt or a disposition did to a lead."""
        ...

    async def counts(self, campaign_id: str) -> dict[str, int]:
        """Leads by state."""
        ...


class AttemptLog(Protocol):
    """Attempts and their moves: append-only, the ground truth of every count."""

    async def plan(self, attempt: Attempt) -> bool:
        """Commit the attempt row (PLANNED) and take its lead (IN_ATTEMPT), in one transaction, before the originate.

        Returns False, and writes nothing, when the lead has a live attempt already or is not callable any more.
        """
        ...

    async def record(self, move: Move, agent_id: str | None = None) -> None:
        """Commit a move that is not the end."""
        ...

    async def end(self, move: Move, change: LeadChange) -> None:
        """Commit the end with its outcome, and what it does to the lead, in one transaction."""
        ...

    async def unfinished(self, node: str) -> list[Attempt]:
        """Attempts of this node that are not ENDED: what recovery must finish."""
        ...

    async def get(self, attempt_id: str) -> Attempt | None:
        """One attempt."""
        ...

    async def moves(self, attempt_id: str) -> list[Move]:
        """The moves of one attempt, oldest first."""
        ...

    async def outcomes(self, campaign_id: str, since_s: float = 0.0) -> dict[Outcome, int]:
        """Ended attempts by outcome."""
        ...

    async def list(self, campaign_id: str, limit: int = 100, after: str = "") -> list[Attempt]:
        """A page of a campaign's attempts, by id (which sorts by time)."""
        ...


class DncStore(Protocol):
    """Numbers that must not be called."""

    async def add(self, phones: Iterable[str], source: str, at_s: float) -> int:
        """Add E.164 numbers; return how many were new."""
        ...

    async def contains(self, phone: str) -> bool:
        """Whether a number is on the list."""
        ...
