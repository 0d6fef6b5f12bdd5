"""`storage.history.History` over SQL: pages of attempts, each joined with its moves."""

import random
from itertools import groupby, pairwise

from sqlalchemy import bindparam, select

from campaigns.attempt import AttemptState
from campaigns.ids import new_id
from campaigns.outcome import Outcome
from storage.history import PastCall
from storage.sql.database import Database
from storage.sql.schema import agent_states, attempt_moves, attempts
from storage.sql.statement import Row, Statement

_PAGE = 5000
_IDS = Statement(
    select(attempts.c.attempt_id, attempts.c.outcome, attempts.c.agent_id, attempts.c.planned_at_s)
    .where(attempts.c.campaign_id == bindparam("campaign_id"), attempts.c.attempt_id > bindparam("after"))
    .order_by(attempts.c.attempt_id)
    .limit(bindparam("limit"))
)
_MOVES = Statement(
    select(attempt_moves.c.attempt_id, attempt_moves.c.target, attempt_moves.c.at_s)
    .join(attempts, attempts.c.attempt_id == attempt_moves.c.attempt_id)
    .where(
        attempts.c.campaign_id == bindparam("campaign_id"),
        attempt_moves.c.attempt_id >= bindparam("first"),
        attempt_moves.c.attempt_id <= bindparam("last"),
    )
    .order_by(attempt_moves.c.attempt_id, attempt_moves.c.step)
)
_STATES = Statement(
    select(agent_states.c.agent_id, agent_states.c.state, agent_states.c.at_s)
    .where(agent_states.c.at_s >= bindparam("since_s"))
    .order_by(agent_states.c.agent_id, agent_states.c.at_s)
)


class SqlHistory:
    """Past calls and agents' times."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def calls(self, campaign_id: str, since_s: float) -> list[PastCall]:
        """Ended attempts of a campaign planned since then, oldest first."""
        found: list[PastCall] = []
        after = new_id(max(since_s, 0.0), random.Random(0))
        while page := await self._page(campaign_id, after):
            after = page[-1][0]
            found += await self._with_moves(campaign_id, page)
        return found

    async def _page(self, campaign_id: str, after: str) -> list[Row]:
        wanted = {"campaign_id": campaign_id, "after": after, "limit": _PAGE}
        return await self._database.read(lambda tx: tx.all(_IDS, wanted))

    async def _with_moves(self, campaign_id: str, page: list[Row]) -> list[PastCall]:
        wanted = {"campaign_id": campaign_id, "first": page[0][0], "last": page[-1][0]}
        rows = await self._database.read(lambda tx: tx.all(_MOVES, wanted))
        moved = {
            attempt_id: {AttemptState(target): float(at_s) for _, target, at_s in moves}
            for attempt_id, moves in groupby(rows, key=lambda row: row[0])
        }
        return [
            PastCall(attempt_id, Outcome(outcome), agent_id, planned_at_s, moved.get(attempt_id, {}))
            for attempt_id, outcome, agent_id, planned_at_s in page
            if outcome
        ]

    async def stays(self, state: str, since_s: float) -> list[float]:
        """How long agents stayed in a state each time; stays that have not ended are left out."""
        rows = await self._database.read(lambda tx: tx.all(_STATES, {"since_s": since_s}))
        return [float(then[2]) - float(row[2]) for row, then in pairwise(rows) if row[1] == state and then[0] == row[0]]
