"""`storage.history.History` over SQL: pages of attempts, each joined with its moves."""

import random
from itertools import groupby, pairwise
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, func, select

from campaigns.attempt import AttemptState
from campaigns.ids import ID_LENGTH, new_id
from campaigns.outcome import Outcome
from storage.history import PastCall, ScreenedCall
from storage.sql.database import Database
from storage.sql.schema import agent_states, attempt_moves, attempts, dispositions, leads
from storage.sql.statement import Row, Statement

_PAGE = 5000
_AFTER_ALL = "z" * ID_LENGTH  # sorts behind every id
_ATTEMPTS = select(
    attempts.c.attempt_id, attempts.c.outcome, attempts.c.agent_id, attempts.c.planned_at_s, leads.c.list_id
).outerjoin(leads, leads.c.lead_id == attempts.c.lead_id)
_IDS = Statement(
    _ATTEMPTS.where(attempts.c.campaign_id == bindparam("campaign_id"), attempts.c.attempt_id > bindparam("after"))
    .order_by(attempts.c.attempt_id)
    .limit(bindparam("limit"))
)
_LATEST = Statement(
    _ATTEMPTS.where(attempts.c.campaign_id == bindparam("campaign_id"), attempts.c.attempt_id < bindparam("before"))
    .order_by(attempts.c.attempt_id.desc())
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
_PREFIX = 4  # of a number: country and kind
_SCREENED = Statement(
    select(
        attempts.c.attempt_id, attempts.c.outcome, func.substr(attempts.c.phone, 1, _PREFIX), attempt_moves.c.detail,
        dispositions.c.code,
    )
    .select_from(
        attempts.join(
            attempt_moves,
            and_(
                attempt_moves.c.attempt_id == attempts.c.attempt_id,
                attempt_moves.c.detail.like('%"amd_answered_after_s"%'),
            ),
        ).outerjoin(dispositions, dispositions.c.attempt_id == attempts.c.attempt_id)
    )
    .where(attempts.c.attempt_id > bindparam("after"), attempts.c.attempt_id < bindparam("before"))
    .where(attempts.c.outcome.is_not(None))
    .order_by(attempts.c.attempt_id.desc(), attempt_moves.c.step)
    .limit(bindparam("limit"))
)  # fmt: skip
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
        while page := await self._page(_IDS, {"campaign_id": campaign_id, "after": after, "limit": _PAGE}):
            after = page[-1][0]
            found += await self._with_moves(campaign_id, page)
        return found

    async def latest(self, campaign_id: str, most: int) -> list[PastCall]:
        """The last ended attempts of a campaign, at most so many, oldest first."""
        found: list[PastCall] = []
        before = _AFTER_ALL
        while (wanted := min(_PAGE, most - len(found))) > 0:
            page = await self._page(_LATEST, {"campaign_id": campaign_id, "before": before, "limit": wanted})
            if not page:
                break
            before = page[-1][0]
            found[:0] = await self._with_moves(campaign_id, page[::-1])
        return found

    async def _page(self, statement: Statement, wanted: dict[str, Any]) -> list[Row]:
        return await self._database.read(lambda tx: tx.all(statement, wanted))

    async def _with_moves(self, campaign_id: str, page: list[Row]) -> list[PastCall]:
        wanted = {"campaign_id": campaign_id, "first": page[0][0], "last": page[-1][0]}
        rows = await self._database.read(lambda tx: tx.all(_MOVES, wanted))
        moved = {
            attempt_id: {AttemptState(target): float(at_s) for _, target, at_s in moves}
            for attempt_id, moves in groupby(rows, key=lambda row: row[0])
        }
        return [
            PastCall(attempt_id, Outcome(outcome), agent_id, planned_at_s, moved.get(attempt_id, {}), list_id or "")
            for attempt_id, outcome, agent_id, planned_at_s, list_id in page
            if outcome
        ]

    async def screened(self, since_s: float, most: int) -> list[ScreenedCall]:
        """The last answered attempts of all campaigns that were listened to, planned since then; at most so many."""
        wanted = {"after": new_id(max(since_s, 0.0), random.Random(0)), "before": _AFTER_ALL, "limit": _PAGE}
        found: list[ScreenedCall] = []
        while len(found) < most and (page := await self._page(_SCREENED, wanted)):
            rows = page
            if len(page) == _PAGE:  # the rows of the last call may go on in the next page
                rows = [row for row in page if row[0] != page[-1][0]]
                wanted["before"] = rows[-1][0] if rows else page[-1][0]
            found += [_screened(list(call)) for _, call in groupby(rows, key=lambda row: row[0])]
            if len(page) < _PAGE:
                break
        return found[:most]

    async def stays(self, state: str, since_s: float) -> list[float]:
        """How long agents stayed in a state each time; stays that have not ended are left out."""
        rows = await self._database.read(lambda tx: tx.all(_STATES, {"since_s": since_s}))
        return [float(then[2]) - float(row[2]) for row, then in pairwise(rows) if row[1] == state and then[0] == row[0]]


def _screened(rows: list[Row]) -> ScreenedCall:
    attempt_id, outcome, prefix, detail, _ = rows[0]
    codes = frozenset(row[4] for row in rows if row[4])
    return ScreenedCall(attempt_id, Outcome(outcome), prefix, dict(orjson.loads(detail)), codes)
