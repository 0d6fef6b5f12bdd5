"""Every store of a node over one database, and the hopper over Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from storage.port import (
    AgentStore,
    AttemptLog,
    CallbackStore,
    CampaignStore,
    ConsentStore,
    DispositionStore,
    DncStore,
    LeadStore,
    Ledger,
    ListStore,
    RecordingStore,
)
from storage.sql.agents import SqlAgentStore
from storage.sql.attempts import SqlAttemptLog
from storage.sql.campaigns import SqlCampaignStore, SqlListStore
from storage.sql.compliance import SqlConsentStore, SqlDncStore, SqlLedger
from storage.sql.database import Database
from storage.sql.dispositions import SqlCallbackStore, SqlDispositionStore
from storage.sql.engine import make_engine
from storage.sql.leads import SqlLeadStore
from storage.sql.migrate import upgrade
from storage.sql.recordings import SqlRecordingStore


@dataclass(frozen=True, slots=True)
class Stores:
    """The truth, by noun."""

    agents: AgentStore
    attempts: AttemptLog
    callbacks: CallbackStore
    campaigns: CampaignStore
    consents: ConsentStore
    dispositions: DispositionStore
    dnc: DncStore
    leads: LeadStore
    ledger: Ledger
    lists: ListStore
    recordings: RecordingStore


@asynccontextmanager
async def open_stores(url: str) -> AsyncIterator[Stores]:
    """Open the database, bring its schema up to date, close it at the end. Raises StorageError."""
    engine = make_engine(url)
    await asyncio.to_thread(upgrade, engine)
    database = Database(engine)
    try:
        yield Stores(
            agents=SqlAgentStore(database),
            attempts=SqlAttemptLog(database),
            callbacks=SqlCallbackStore(database),
            campaigns=SqlCampaignStore(database),
            consents=SqlConsentStore(database),
            dispositions=SqlDispositionStore(database),
            dnc=SqlDncStore(database),
            leads=SqlLeadStore(database),
            ledger=SqlLedger(database),
            lists=SqlListStore(database),
            recordings=SqlRecordingStore(database),
        )
    finally:
        await database.close()
