"""What the house remembers. Implemented over SQL (truth) by `storage.sql`; one contract suite on SQLite and PostgreSQL.

Every method is a coroutine; SQL runs in worker threads, never on the event loop. When a method returns, the fact is
committed: it survives kill -9. Raises StorageError (see storage.errors) with a message that says how to mend it.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from campaigns.attempt import Attempt, Move
from campaigns.lead import Lead, LeadChange
from campaigns.outcome import Outcome
from storage.live_port import Hopper as Hopper
from storage.rules_port import AnsweredCounts as AnsweredCounts
from storage.rules_port import AuditEvent as AuditEvent
from storage.rules_port import AuditLog as AuditLog
from storage.rules_port import Consent as Consent
from storage.rules_port import ConsentStore as ConsentStore
from storage.rules_port import Contact as Contact
from storage.rules_port import DncEntry as DncEntry
from storage.rules_port import DncStore as DncStore
from storage.rules_port import Ledger as Ledger
from storage.rules_port import PhoneFacts as PhoneFacts
from storage.rules_port import Seen as Seen


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

    async def several(self, lead_ids: Sequence[str]) -> Sequence[Lead]:
        """Leads in the order of their ids; ids that nobody has are left out."""
        ...

    async def due(self, campaign_id: str, now_s: float, limit: int, exclude: Sequence[str] = ()) -> list[Lead]:
        """Leads of the campaign's lists that may be called now (new, or retry/callback due), best first.

        `exclude`: lead ids that are in the hopper already. Leads with a live attempt and DNC numbers never come.
        """
        ...

    async def change(self, change: LeadChange) -> None:
        """Change a lead that no live attempt holds (else StorageConflict: the end or a disposition changes it)."""
        ...

    async def ask_again(self, campaign_id: str, word: str) -> int:
        """Make leads of the campaign's lists due now that wait with `word` as last outcome; return how many."""
        ...

    async def of_phone(self, phone: str) -> list[Lead]:
        """The leads of every list with this E.164 number."""
        ...

    async def counts(self, campaign_id: str) -> dict[str, int]:
        """Leads by state."""
        ...

    async def list(self, list_id: str, limit: int = 100, after: str = "") -> list[Lead]:
        """A page of a list's leads, by id."""
        ...


class AttemptLog(Protocol):
    """Attempts and their moves: append-only, the ground truth of every count."""

    async def plan(self, attempt: Attempt, seen: Seen | None = None) -> bool:
        """Commit the attempt row (PLANNED) and take its lead (IN_ATTEMPT), in one transaction, before the originate.

        Returns False, and writes nothing, when the lead has a live attempt already or is not callable any more, or its
        number is on the do-not-call list; with `seen`, also when more happened to the number than that.
        """
        ...

    def record(self, move: Move, agent_id: str | None = None, before: Sequence[Move] = ()) -> asyncio.Future[None]:
        """Commit a move that is not the end. Begun at once, before it is awaited: a move costs no task.

        before: moves that led to it and were not written, oldest first; they are written with it, all or none.
        """
        ...

    def end(self, move: Move, change: LeadChange, before: Sequence[Move] = ()) -> asyncio.Future[None]:
        """Commit the end with its outcome, and what it does to the lead, in one transaction; begun at once.

        A disposition that came while the call was up wins over `change`. before: as in `record`.
        """
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


@dataclass(frozen=True, slots=True)
class LeadList:
    """A list of leads."""

    list_id: str
    name: str
    created_at_s: float


class ListStore(Protocol):
    """Lead lists."""

    async def put(self, lead_list: LeadList) -> None:
        """Add a list, or rename it."""
        ...

    async def get(self, list_id: str) -> LeadList | None:
        """One list."""
        ...

    async def list(self, limit: int = 100, after: str = "") -> list[LeadList]:
        """A page of lists, by id."""
        ...

    async def counts(self, list_id: str) -> dict[str, int]:
        """Leads of one list by state."""
        ...


class CampaignState(StrEnum):
    """What the owner of a campaign wants of it."""

    STOPPED = "stopped"
    RUNNING = "running"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class StoredCampaign:
    """A campaign as it is kept. `definition` is its file (TOML), word for word; `list_ids` in the order of dialling."""

    campaign_id: str
    name: str
    definition: str
    created_at_s: float
    changed_at_s: float
    state: CampaignState = CampaignState.STOPPED
    list_ids: tuple[str, ...] = ()


class CampaignStore(Protocol):
    """Campaigns and the lists they dial."""

    async def put(self, campaign: StoredCampaign) -> None:
        """Add a campaign or change all of it. Raises StorageConflict for a list that does not exist."""
        ...

    async def set_state(self, campaign_id: str, state: CampaignState, at_s: float) -> None:
        """Start, pause or stop. Raises StorageConflict for an unknown campaign."""
        ...

    async def get(self, campaign_id: str) -> StoredCampaign | None:
        """One campaign."""
        ...

    async def list(self, limit: int = 100, after: str = "") -> list[StoredCampaign]:
        """A page of campaigns, by id."""
        ...


@dataclass(frozen=True, slots=True)
class StoredAgent:
    """A person who talks. `endpoint` is where the standing leg goes, e.g. "PJSIP/anna"; `skills`: name -> level."""

    agent_id: str
    name: str
    endpoint: str
    skills: dict[str, int] = field(default_factory=dict)
    active: bool = True


@dataclass(frozen=True, slots=True)
class AgentStateChange:
    """An agent entered a state. `change_id` is invented by the caller, so that a repeat is one fact."""

    change_id: str
    agent_id: str
    session_id: str
    state: str
    at_s: float
    reason: str = ""


class AgentStore(Protocol):
    """Agents, their sessions and what they did with their time."""

    async def put(self, agent: StoredAgent) -> None:
        """Add an agent or change all of it."""
        ...

    async def get(self, agent_id: str) -> StoredAgent | None:
        """One agent."""
        ...

    async def record(self, change: AgentStateChange) -> None:
        """Commit a state change. Raises StorageConflict for an unknown agent."""
        ...

    async def changes(self, agent_id: str, since_s: float = 0.0, limit: int = 1000) -> list[AgentStateChange]:
        """State changes of an agent, oldest first."""
        ...

    async def last_changes(self) -> dict[str, AgentStateChange]:
        """The latest change of every agent, by agent id: where a restart goes on."""
        ...

    async def list(self, limit: int = 100, after: str = "") -> list[StoredAgent]:
        """A page of agents, by id."""
        ...


@dataclass(frozen=True, slots=True)
class Disposition:
    """What an agent says came of a conversation. `command_id` is invented by the desk: a repeat is one fact."""

    command_id: str
    attempt_id: str
    lead_id: str
    agent_id: str
    code: str
    at_s: float
    note: str = ""


class DispositionStore(Protocol):
    """Dispositions."""

    async def apply(self, disposition: Disposition, change: LeadChange) -> bool:
        """Commit the disposition and what it does to the lead, in one transaction; False: it was applied before.

        While a live attempt holds the lead, the change waits for the end of that attempt.
        """
        ...

    async def of_attempt(self, attempt_id: str) -> list[Disposition]:
        """Dispositions of one attempt, oldest first."""
        ...

    async def counts(self, campaign_id: str, since_s: float = 0.0) -> dict[str, int]:
        """Dispositions of a campaign by code."""
        ...


class CallbackStore(Protocol):
    """Promised calls: leads in the state CALLBACK."""

    async def pending(self, campaign_id: str, until_s: float, limit: int = 100) -> list[Lead]:
        """Callbacks of a campaign's lists promised for before `until_s`, soonest first."""
        ...

    async def of_agent(self, agent_id: str, limit: int = 100) -> list[Lead]:
        """Callbacks that an agent owns, soonest first."""
        ...


class RecordingState(StrEnum):
    """How far a recording is."""

    RECORDING = "recording"
    COMPLETE = "complete"
    FAILED = "failed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class StoredRecording:
    """A sound file. `path` is relative to the recordings folder; `detail` says why when it failed."""

    recording_id: str
    attempt_id: str
    path: str
    started_at_s: float
    state: RecordingState = RecordingState.RECORDING
    duration_s: float | None = None
    detail: str = ""


class RecordingStore(Protocol):
    """Where the recordings are."""

    async def put(self, recording: StoredRecording) -> None:
        """Add a recording or change its state, duration and detail."""
        ...

    async def of_attempt(self, attempt_id: str) -> list[StoredRecording]:
        """Recordings of one attempt, oldest first."""
        ...

    async def in_state(self, state: RecordingState, limit: int = 100, after: str = "") -> list[StoredRecording]:
        """A page of recordings in a state, by id: what recovery and retention look at."""
        ...
