"""Leads over SQL. `due` reads one index range per list, state and priority, so its cost does not grow with the list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import orjson
from sqlalchemy import bindparam, func, select, text, update

from campaigns.lead import Lead, LeadChange, LeadState
from storage.errors import StorageConflict
from storage.port import ImportCounts
from storage.sql.database import Database
from storage.sql.schema import attempts, campaign_lists, dnc, lead_lists, leads
from storage.sql.statement import InsertIgnore, Row, Statement, Tx

_CHUNK_ROWS = 1000  # a transaction of about 10 ms: others' writes get in between
_FIELDS = (
    "lead_id",
    "list_id",
    "phone",
    "name",
    "time_zone",
    "priority",
    "state",
    "attempts",
    "due_at_s",
    "last_outcome",
    "callback_agent_id",
    "fields",
)
LEAD_COLUMNS = [leads.c[name] for name in _FIELDS]
LIVE = text("attempts.state <> 'ended'")  # a literal: a parameter would hide the partial index from the planner
CALLABLE = text("leads.state IN ('new', 'retry', 'callback')")
_ON_DNC = select(dnc.c.phone).where(dnc.c.phone == leads.c.phone).exists()


_ADD = InsertIgnore(leads)
_POSITIONS = Statement(select(lead_lists.c.positions).where(lead_lists.c.list_id == bindparam("list_id")))
_GIVE_POSITIONS = Statement(
    update(lead_lists)
    .where(lead_lists.c.list_id == bindparam("b_list_id"))
    .values(positions=lead_lists.c.positions + bindparam("given"))
)
_MARK_DNC = Statement(
    update(leads)
    .where(leads.c.lead_id.between(bindparam("first"), bindparam("last")), leads.c.state == text("'new'"), _ON_DNC)
    .values(state=text("'dnc'"))
)
_GET = Statement(select(*LEAD_COLUMNS).where(leads.c.lead_id == bindparam("lead_id")))
CHANGE = Statement(
    update(leads)
    .where(leads.c.lead_id == bindparam("b_lead_id"))
    .values(
        state=bindparam("state"),
        due_at_s=bindparam("due_at_s"),
        last_outcome=func.coalesce(bindparam("last_outcome"), leads.c.last_outcome),
        callback_agent_id=bindparam("callback_agent_id"),
        attempts=leads.c.attempts - bindparam("give_back"),
    )
)
_ASK_AGAIN = Statement(
    update(leads)
    .where(
        leads.c.list_id == bindparam("b_list_id"),
        text("leads.state IN ('retry', 'callback')"),
        leads.c.last_outcome == bindparam("word"),
    )
    .values(due_at_s=0.0)
)
LIVE_ATTEMPT = Statement(select(attempts.c.attempt_id).where(attempts.c.lead_id == bindparam("lead_id"), LIVE))
_LISTS = Statement(
    select(campaign_lists.c.list_id)
    .where(campaign_lists.c.campaign_id == bindparam("campaign_id"))
    .order_by(campaign_lists.c.position, campaign_lists.c.list_id)
)
_RANGE = (leads.c.list_id == bindparam("list_id"), leads.c.state == bindparam("state"))
_NEXT_PRIORITY = Statement(select(func.max(leads.c.priority)).where(*_RANGE, leads.c.priority < bindparam("below")))
_DUE = Statement(
    select(*LEAD_COLUMNS, leads.c.position)
    .where(*_RANGE, leads.c.priority == bindparam("priority"), leads.c.due_at_s <= bindparam("now_s"), ~_ON_DNC)
    .order_by(leads.c.due_at_s, leads.c.position)
    .limit(bindparam("limit"))
)
_PAGE = Statement(
    select(*LEAD_COLUMNS)
    .where(leads.c.list_id == bindparam("list_id"), leads.c.lead_id > bindparam("after"))
    .order_by(leads.c.lead_id)
    .limit(bindparam("limit"))
)
_OF_PHONE = Statement(select(*LEAD_COLUMNS).where(leads.c.phone == bindparam("phone")).order_by(leads.c.lead_id))
_COUNTS = Statement(
    select(leads.c.state, func.count())
    .where(leads.c.list_id.in_(select(campaign_lists.c.list_id).where(campaign_lists.c.campaign_id == bindparam("id"))))
    .group_by(leads.c.state)
)
_ABOVE_ALL = 2**31 - 1


class SqlLeadStore:
    """`storage.port.LeadStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, leads: Iterable[Lead]) -> ImportCounts:
        """Add leads in order, a chunk per transaction; may be run again after a crash. The list must exist."""
        offered = added = 0
        source = iter(leads)
        while chunk := await self._database.aside(partial(_rows, source)):
            offered += len(chunk)
            added += await self._database.write(partial(_add, chunk))
        return ImportCounts(added, offered - added)

    async def get(self, lead_id: str) -> Lead | None:
        """One lead."""
        row = await self._database.read(lambda tx: tx.one(_GET, {"lead_id": lead_id}))
        return lead_of(row) if row else None

    async def several(self, lead_ids: Sequence[str]) -> Sequence[Lead]:
        """Leads in the order of their ids; ids that nobody has are left out."""
        return await self._database.read(partial(_several, lead_ids))

    async def due(self, campaign_id: str, now_s: float, limit: int, exclude: Sequence[str] = ()) -> list[Lead]:
        """Callbacks that are due, then by priority: retries that are due, then new leads in the order of their list."""
        return await self._database.read(partial(_due, campaign_id, now_s, limit, frozenset(exclude)))

    async def change(self, change: LeadChange) -> None:
        """Apply a change. Raises StorageConflict for an unknown lead, or one that a live attempt holds."""
        await self._database.write(partial(_change, change))

    async def ask_again(self, campaign_id: str, word: str) -> int:
        """Make leads due now that wait with `word` as last outcome; return how many."""
        return await self._database.write(partial(_ask_again, campaign_id, word))

    async def counts(self, campaign_id: str) -> dict[str, int]:
        """Leads by state."""
        return dict(await self._database.read(lambda tx: tx.all(_COUNTS, {"id": campaign_id})))

    async def of_phone(self, phone: str) -> list[Lead]:
        """The leads of every list with this number."""
        return [lead_of(row) for row in await self._database.read(lambda tx: tx.all(_OF_PHONE, {"phone": phone}))]

    async def list(self, list_id: str, limit: int = 100, after: str = "") -> list[Lead]:
        """A page of a list's leads, by id."""
        wanted = {"list_id": list_id, "after": after, "limit": limit}
        return [lead_of(row) for row in await self._database.read(lambda tx: tx.all(_PAGE, wanted))]


def _several(lead_ids: Sequence[str], tx: Tx) -> Sequence[Lead]:
    rows = [tx.one(_GET, {"lead_id": lead_id}) for lead_id in lead_ids]
    return [lead_of(row) for row in rows if row]


def _ask_again(campaign_id: str, word: str, tx: Tx) -> int:
    lists = [row[0] for row in tx.all(_LISTS, {"campaign_id": campaign_id})]
    return sum(tx.run(_ASK_AGAIN, {"b_list_id": list_id, "word": word}) for list_id in lists)


def _rows(source: Iterator[Lead]) -> list[dict[str, Any]]:
    return [_row_of(lead) for lead in islice(source, _CHUNK_ROWS)]


def _row_of(lead: Lead) -> dict[str, Any]:
    return {
        "lead_id": lead.lead_id,
        "list_id": lead.list_id,
        "phone": lead.phone,
        "name": lead.name,
        "time_zone": lead.time_zone,
        "priority": lead.priority,
        "state": lead.state.value,
        "attempts": lead.attempts,
        "due_at_s": lead.next_call_at_s or 0.0,
        "last_outcome": lead.last_outcome,
        "callback_agent_id": lead.callback_agent_id,
        "fields": orjson.dumps(lead.fields).decode(),
    }


def lead_of(row: Row) -> Lead:
    """The lead of a row selected in the order of its fields."""
    values = [*row[:12]]
    values[6], values[8], values[11] = LeadState(values[6]), values[8] or None, orjson.loads(values[11])
    return Lead(*values)


def _add(chunk: list[dict[str, Any]], tx: Tx) -> int:
    per_list = Counter(row["list_id"] for row in chunk)
    positions = {list_id: _positions(list_id, given, tx) for list_id, given in per_list.items()}
    rows = [{**row, "position": next(positions[row["list_id"]])} for row in chunk]
    added = tx.many(_ADD, rows)
    ids = [row["lead_id"] for row in rows]
    tx.run(_MARK_DNC, {"first": min(ids), "last": max(ids)})
    return added


def _positions(list_id: str, given: int, tx: Tx) -> Iterator[int]:
    # the update first: it locks the list's row against another import until the commit
    if tx.run(_GIVE_POSITIONS, {"b_list_id": list_id, "given": given}) == 0:
        raise StorageConflict(f"lead list {list_id} does not exist: create it before adding leads")
    row = tx.one(_POSITIONS, {"list_id": list_id})
    assert row is not None  # it has just been updated
    return iter(range(row[0] - given, row[0]))


def _due(campaign_id: str, now_s: float, limit: int, exclude: frozenset[str], tx: Tx) -> list[Lead]:
    lists = [row[0] for row in tx.all(_LISTS, {"campaign_id": campaign_id})]
    # `exclude` may hold the first rows of every range
    wanted = {"now_s": now_s, "limit": limit + len(exclude)}
    best: list[tuple[tuple[float, ...], Row]] = []
    for rank, list_id in enumerate(lists):
        for state in (LeadState.CALLBACK, LeadState.RETRY, LeadState.NEW):
            best += _due_of(list_id, state, rank, wanted, exclude, tx)
    best.sort(key=lambda found: found[0])
    return [lead_of(row) for _, row in best[:limit]]


def _due_of(
    list_id: str, state: LeadState, rank: int, wanted: dict[str, Any], exclude: frozenset[str], tx: Tx
) -> list[tuple[tuple[float, ...], Row]]:
    """The best rows of one list and state, with their sort keys: highest priority first, until there are enough."""
    where = {"list_id": list_id, "state": state.value}
    found: list[tuple[tuple[float, ...], Row]] = []
    priority = _ABOVE_ALL
    callback = state is LeadState.CALLBACK
    while callback or len(found) < wanted["limit"] - len(exclude):
        row = tx.one(_NEXT_PRIORITY, {**where, "below": priority})
        if row is None or row[0] is None:
            break
        priority = row[0]
        for row in tx.all(_DUE, {**where, **wanted, "priority": priority}):
            if row[0] not in exclude:
                key = (0, row[8]) if callback else (1, -priority, state is LeadState.NEW, row[8], rank, row[12])
                found.append((key, row))
    return found


def change_params(change: LeadChange) -> dict[str, Any]:
    """Parameters of CHANGE."""
    return {
        "b_lead_id": change.lead_id,
        "state": change.state.value,
        "due_at_s": change.next_call_at_s or 0.0,
        "last_outcome": change.last_outcome,
        "callback_agent_id": change.callback_agent_id,
        "give_back": int(change.gives_back_attempt),
    }


def _change(change: LeadChange, tx: Tx) -> None:
    live = tx.one(LIVE_ATTEMPT, {"lead_id": change.lead_id})
    if live is not None:
        raise StorageConflict(
            f"lead {change.lead_id} is in attempt {live[0]}: its end or a disposition will change it, nothing else may"
        )
    if tx.run(CHANGE, change_params(change)) == 0:
        raise StorageConflict(f"lead {change.lead_id} does not exist")
