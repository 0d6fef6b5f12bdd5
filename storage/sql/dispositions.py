"""Dispositions and promised calls over SQL."""

from __future__ import annotations

from functools import partial

from sqlalchemy import bindparam, func, select, text

from campaigns.lead import Lead, LeadChange, LeadState
from storage.errors import StorageConflict
from storage.port import Disposition
from storage.sql.database import Database
from storage.sql.leads import CHANGE, LEAD_COLUMNS, LIVE_ATTEMPT, change_params, lead_of
from storage.sql.schema import attempts, campaign_lists, dispositions, leads
from storage.sql.statement import InsertIgnore, Statement, Tx

_ADD = InsertIgnore(dispositions)
_FIELDS = tuple(Disposition.__dataclass_fields__)
_COLUMNS = [dispositions.c[name] for name in _FIELDS]
_LEAD_OF = Statement(select(attempts.c.lead_id).where(attempts.c.attempt_id == bindparam("attempt_id")))
_OF_ATTEMPT = Statement(
    select(*_COLUMNS)
    .where(dispositions.c.attempt_id == bindparam("attempt_id"))
    .order_by(dispositions.c.at_s, dispositions.c.command_id)
)
_COUNTS = Statement(
    select(dispositions.c.code, func.count())
    .join(attempts, attempts.c.attempt_id == dispositions.c.attempt_id)
    .where(attempts.c.campaign_id == bindparam("campaign_id"), dispositions.c.at_s >= bindparam("since_s"))
    .group_by(dispositions.c.code)
)
_CALLBACK = leads.c.state == text(f"'{LeadState.CALLBACK}'")
_PENDING = Statement(
    select(*LEAD_COLUMNS)
    .join(campaign_lists, campaign_lists.c.list_id == leads.c.list_id)
    .where(campaign_lists.c.campaign_id == bindparam("campaign_id"), _CALLBACK, leads.c.due_at_s < bindparam("until_s"))
    .order_by(leads.c.due_at_s, leads.c.lead_id)
    .limit(bindparam("limit"))
)
_OF_AGENT = Statement(
    select(*LEAD_COLUMNS)
    .where(leads.c.callback_agent_id == bindparam("agent_id"), _CALLBACK)
    .order_by(leads.c.due_at_s)
    .limit(bindparam("limit"))
)


class SqlDispositionStore:
    """`storage.port.DispositionStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, disposition: Disposition, change: LeadChange) -> bool:
        """Commit the disposition and its change; False when this command was applied before."""
        return await self._database.write(partial(_apply, disposition, change))

    async def of_attempt(self, attempt_id: str) -> list[Disposition]:
        """Dispositions of one attempt, oldest first."""
        rows = await self._database.read(lambda tx: tx.all(_OF_ATTEMPT, {"attempt_id": attempt_id}))
        return [Disposition(*row) for row in rows]

    async def counts(self, campaign_id: str, since_s: float = 0.0) -> dict[str, int]:
        """Dispositions of a campaign by code."""
        wanted = {"campaign_id": campaign_id, "since_s": since_s}
        return dict(await self._database.read(lambda tx: tx.all(_COUNTS, wanted)))


class SqlCallbackStore:
    """`storage.port.CallbackStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pending(self, campaign_id: str, until_s: float, limit: int = 100) -> list[Lead]:
        """Callbacks promised for before `until_s`, soonest first."""
        wanted = {"campaign_id": campaign_id, "until_s": until_s, "limit": limit}
        return [lead_of(row) for row in await self._database.read(lambda tx: tx.all(_PENDING, wanted))]

    async def of_agent(self, agent_id: str, limit: int = 100) -> list[Lead]:
        """Callbacks that an agent owns, soonest first."""
        wanted = {"agent_id": agent_id, "limit": limit}
        return [lead_of(row) for row in await self._database.read(lambda tx: tx.all(_OF_AGENT, wanted))]


def _apply(disposition: Disposition, change: LeadChange, tx: Tx) -> bool:
    row = tx.one(_LEAD_OF, {"attempt_id": disposition.attempt_id})
    if row is None or not row[0] == disposition.lead_id == change.lead_id:
        held = f"holds lead {row[0]}" if row else "does not exist"
        raise StorageConflict(f"disposition for lead {disposition.lead_id}: attempt {disposition.attempt_id} {held}")
    params = change_params(change)
    written = tx.run(
        _ADD,
        {name: getattr(disposition, name) for name in _FIELDS}
        | {
            "lead_state": params["state"],
            "lead_due_at_s": params["due_at_s"],
            "lead_outcome": params["last_outcome"],
            "callback_agent_id": params["callback_agent_id"],
        },
    )
    if written == 0:
        return False
    if tx.one(LIVE_ATTEMPT, {"lead_id": change.lead_id}) is None:
        tx.run(CHANGE, params)
    return True
