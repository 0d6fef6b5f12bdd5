"""Agents and what they did with their time, over SQL."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import bindparam, select

from storage.port import AgentStateChange, StoredAgent
from storage.sql.database import Database
from storage.sql.schema import agent_states, agents
from storage.sql.statement import InsertIgnore, Row, Statement, Upsert

_PUT = Upsert(agents)
_COLUMNS = [agents.c[name] for name in StoredAgent.__dataclass_fields__]
_GET = Statement(select(*_COLUMNS).where(agents.c.agent_id == bindparam("agent_id")))
_PAGE = Statement(
    select(*_COLUMNS)
    .where(agents.c.agent_id > bindparam("after"))
    .order_by(agents.c.agent_id)
    .limit(bindparam("limit"))
)
_RECORD = InsertIgnore(agent_states)
_CHANGE_COLUMNS = [agent_states.c[name] for name in AgentStateChange.__dataclass_fields__]
_CHANGES = Statement(
    select(*_CHANGE_COLUMNS)
    .where(agent_states.c.agent_id == bindparam("agent_id"), agent_states.c.at_s >= bindparam("since_s"))
    .order_by(agent_states.c.at_s, agent_states.c.change_id)
    .limit(bindparam("limit"))
)
_LATER = agent_states.alias("later")
_LAST = Statement(
    select(*_CHANGE_COLUMNS)
    .join(agents, agents.c.agent_id == agent_states.c.agent_id)
    .where(
        agent_states.c.change_id
        == select(_LATER.c.change_id)
        .where(_LATER.c.agent_id == agents.c.agent_id)
        .order_by(_LATER.c.at_s.desc(), _LATER.c.change_id.desc())
        .limit(1)
        .scalar_subquery()
    )
)


class SqlAgentStore:
    """`storage.port.AgentStore` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, agent: StoredAgent) -> None:
        """Add an agent or change all of it."""
        row = {name: getattr(agent, name) for name in StoredAgent.__dataclass_fields__}
        row["skills"] = orjson.dumps(agent.skills).decode()
        await self._database.write(lambda tx: tx.run(_PUT, row))

    async def get(self, agent_id: str) -> StoredAgent | None:
        """One agent."""
        row = await self._database.read(lambda tx: tx.one(_GET, {"agent_id": agent_id}))
        return _agent_of(row) if row else None

    async def record(self, change: AgentStateChange) -> None:
        """Commit a state change."""
        row: dict[str, Any] = {name: getattr(change, name) for name in AgentStateChange.__dataclass_fields__}
        await self._database.write(lambda tx: tx.run(_RECORD, row))

    async def changes(self, agent_id: str, since_s: float = 0.0, limit: int = 1000) -> list[AgentStateChange]:
        """State changes of an agent, oldest first."""
        wanted = {"agent_id": agent_id, "since_s": since_s, "limit": limit}
        return [AgentStateChange(*row) for row in await self._database.read(lambda tx: tx.all(_CHANGES, wanted))]

    async def last_changes(self) -> dict[str, AgentStateChange]:
        """The latest change of every agent."""
        rows = await self._database.read(lambda tx: tx.all(_LAST, {}))
        return {change.agent_id: change for change in (AgentStateChange(*row) for row in rows)}

    async def list(self, limit: int = 100, after: str = "") -> list[StoredAgent]:
        """A page of agents, by id."""
        rows = await self._database.read(lambda tx: tx.all(_PAGE, {"after": after, "limit": limit}))
        return [_agent_of(row) for row in rows]


def _agent_of(row: Row) -> StoredAgent:
    return StoredAgent(row[0], row[1], row[2], orjson.loads(row[3]), bool(row[4]))
