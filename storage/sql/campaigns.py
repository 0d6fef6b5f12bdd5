"""Lead lists and campaigns over SQL."""

from __future__ import annotations

import builtins
from functools import partial

from sqlalchemy import bindparam, delete, func, select, update

from storage.errors import StorageConflict
from storage.port import CampaignState, LeadList, StoredCampaign
from storage.sql.database import Database
from storage.sql.schema import campaign_lists, campaigns, lead_lists, leads
from storage.sql.statement import InsertIgnore, Row, Statement, Tx, Upsert

_PUT_LIST = Upsert(lead_lists, keep=("created_at_s", "positions"))
_LIST_COLUMNS = [lead_lists.c[name] for name in LeadList.__dataclass_fields__]
_GET_LIST = Statement(select(*_LIST_COLUMNS).where(lead_lists.c.list_id == bindparam("list_id")))
_LISTS = Statement(
    select(*_LIST_COLUMNS)
    .where(lead_lists.c.list_id > bindparam("after"))
    .order_by(lead_lists.c.list_id)
    .limit(bindparam("limit"))
)
_COUNTS = Statement(
    select(leads.c.state, func.count()).where(leads.c.list_id == bindparam("list_id")).group_by(leads.c.state)
)

_PUT = Upsert(campaigns, keep=("created_at_s",))
_FIELDS = ("campaign_id", "name", "definition", "created_at_s", "changed_at_s", "state")
_COLUMNS = [campaigns.c[name] for name in _FIELDS]
_GET = Statement(select(*_COLUMNS).where(campaigns.c.campaign_id == bindparam("campaign_id")))
_PAGE = Statement(
    select(*_COLUMNS)
    .where(campaigns.c.campaign_id > bindparam("after"))
    .order_by(campaigns.c.campaign_id)
    .limit(bindparam("limit"))
)
_SET_STATE = Statement(
    update(campaigns)
    .where(campaigns.c.campaign_id == bindparam("b_campaign_id"))
    .values(state=bindparam("state"), changed_at_s=bindparam("changed_at_s"))
)
_LEAVE_LISTS = Statement(delete(campaign_lists).where(campaign_lists.c.campaign_id == bindparam("campaign_id")))
_JOIN_LIST = InsertIgnore(campaign_lists)
_LIST_IDS = Statement(
    select(campaign_lists.c.list_id)
    .where(campaign_lists.c.campaign_id == bindparam("campaign_id"))
    .order_by(campaign_lists.c.position, campaign_lists.c.list_id)
)


class SqlListStore:
    """`storage.port.ListStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, lead_list: LeadList) -> None:
        """Add a list, or rename it."""
        row: dict[str, str | float] = {
            "list_id": lead_list.list_id,
            "name": lead_list.name,
            "created_at_s": lead_list.created_at_s,
        }
        row["positions"] = 0
        await self._database.write(lambda tx: tx.run(_PUT_LIST, row))

    async def get(self, list_id: str) -> LeadList | None:
        """One list."""
        row = await self._database.read(lambda tx: tx.one(_GET_LIST, {"list_id": list_id}))
        return LeadList(*row) if row else None

    async def list(self, limit: int = 100, after: str = "") -> list[LeadList]:
        """A page of lists, by id."""
        rows = await self._database.read(lambda tx: tx.all(_LISTS, {"after": after, "limit": limit}))
        return [LeadList(*row) for row in rows]

    async def counts(self, list_id: str) -> dict[str, int]:
        """Leads of one list by state."""
        return dict(await self._database.read(lambda tx: tx.all(_COUNTS, {"list_id": list_id})))


class SqlCampaignStore:
    """`storage.port.CampaignStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, campaign: StoredCampaign) -> None:
        """Add a campaign or change all of it."""
        await self._database.write(partial(_put, campaign))

    async def set_state(self, campaign_id: str, state: CampaignState, at_s: float) -> None:
        """Start, pause or stop."""
        wanted = {"b_campaign_id": campaign_id, "state": state.value, "changed_at_s": at_s}
        if await self._database.write(lambda tx: tx.run(_SET_STATE, wanted)) == 0:
            raise StorageConflict(f"campaign {campaign_id} does not exist")

    async def get(self, campaign_id: str) -> StoredCampaign | None:
        """One campaign."""

        def job(tx: Tx) -> StoredCampaign | None:
            row = tx.one(_GET, {"campaign_id": campaign_id})
            return _campaign_of(row, tx) if row else None

        return await self._database.read(job)

    async def list(self, limit: int = 100, after: str = "") -> list[StoredCampaign]:
        """A page of campaigns, by id."""

        def job(tx: Tx) -> builtins.list[StoredCampaign]:
            return [_campaign_of(row, tx) for row in tx.all(_PAGE, {"after": after, "limit": limit})]

        return await self._database.read(job)


def _put(campaign: StoredCampaign, tx: Tx) -> None:
    row = {name: getattr(campaign, name) for name in _FIELDS}
    tx.run(_PUT, row | {"state": campaign.state.value})
    tx.run(_LEAVE_LISTS, {"campaign_id": campaign.campaign_id})
    for position, list_id in enumerate(campaign.list_ids):
        if tx.one(_GET_LIST, {"list_id": list_id}) is None:
            raise StorageConflict(f"campaign {campaign.name}: lead list {list_id} does not exist: create it first")
        tx.run(_JOIN_LIST, {"campaign_id": campaign.campaign_id, "list_id": list_id, "position": position})


def _campaign_of(row: Row, tx: Tx) -> StoredCampaign:
    lists = tuple(found[0] for found in tx.all(_LIST_IDS, {"campaign_id": row[0]}))
    values = [*row, lists]
    values[5] = CampaignState(values[5])
    return StoredCampaign(*values)
