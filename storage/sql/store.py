"""All the stores over one database: what the composition root opens and closes."""

import asyncio
from dataclasses import dataclass

from storage.sql.agents import SqlAgentStore
from storage.sql.attempts import SqlAttemptLog
from storage.sql.calls import SqlCallStore, SqlPromiseStore
from storage.sql.campaigns import SqlCampaignStore, SqlListStore
from storage.sql.compliance import SqlConsentStore, SqlDncStore, SqlLedger
from storage.sql.database import GATHER_S, Database
from storage.sql.dispositions import SqlCallbackStore, SqlDispositionStore
from storage.sql.engine import Durability, make_engine
from storage.sql.flows import SqlLockStore, SqlSwitchStore
from storage.sql.leads import SqlLeadStore
from storage.sql.migrate import upgrade
from storage.sql.recordings import SqlAuditLog, SqlRecordingStore


@dataclass(frozen=True, slots=True)
class SqlStorage:
    """The stores, named by what they hold."""

    database: Database
    lists: SqlListStore
    leads: SqlLeadStore
    campaigns: SqlCampaignStore
    attempts: SqlAttemptLog
    ledger: SqlLedger
    agents: SqlAgentStore
    dispositions: SqlDispositionStore
    callbacks: SqlCallbackStore
    recordings: SqlRecordingStore
    dnc: SqlDncStore
    consents: SqlConsentStore
    audit: SqlAuditLog
    calls: SqlCallStore
    promises: SqlPromiseStore
    switches: SqlSwitchStore
    locks: SqlLockStore

    async def close(self) -> None:
        """Commit what is pending and close every connection."""
        await self.database.close()


async def open_storage(url: str, durability: Durability = Durability.PROCESS, gather_s: float = GATHER_S) -> SqlStorage:
    """Open `sqlite:///file`, `sqlite://` (memory) or `postgresql://...`, and bring its schema up to date.

    Raises BadDatabaseUrl, SchemaTooNew, StorageUnavailable.
    """
    engine = make_engine(url, durability)
    await asyncio.get_running_loop().run_in_executor(None, upgrade, engine)
    database = Database(engine, gather_s=gather_s)
    return SqlStorage(
        database,
        SqlListStore(database),
        SqlLeadStore(database),
        SqlCampaignStore(database),
        SqlAttemptLog(database),
        SqlLedger(database),
        SqlAgentStore(database),
        SqlDispositionStore(database),
        SqlCallbackStore(database),
        SqlRecordingStore(database),
        SqlDncStore(database),
        SqlConsentStore(database),
        SqlAuditLog(database),
        SqlCallStore(database),
        SqlPromiseStore(database),
        SqlSwitchStore(database),
        SqlLockStore(database),
    )
