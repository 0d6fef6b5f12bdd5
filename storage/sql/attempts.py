"""Attempts and their moves over SQL: each method is one transaction, and may be repeated with the same ids."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import orjson
from sqlalchemy import bindparam, func, insert, select, text, update

from campaigns.attempt import Attempt, AttemptState, Move
from campaigns.lead import LeadChange
from campaigns.outcome import Outcome
from storage.errors import StorageConflict
from storage.port import Seen
from storage.sql.database import Database
from storage.sql.leads import CALLABLE, CHANGE, LIVE, LIVE_ATTEMPT, change_params
from storage.sql.schema import attempt_moves, attempts, dispositions, dnc, leads
from storage.sql.statement import Row, Statement, Tx

_UNHEARD = (AttemptState.DIALING, AttemptState.RINGING)  # nobody listens yet: these moves may wait for company
_STEP = {state: step for step, state in enumerate(AttemptState)}

_PLANNED_ALREADY = Statement(select(attempts.c.lead_id).where(attempts.c.attempt_id == bindparam("attempt_id")))
_FREE = (
    leads.c.lead_id == bindparam("b_lead_id"),
    CALLABLE,
    ~select(dnc.c.phone).where(dnc.c.phone == leads.c.phone).exists(),
    ~select(attempts.c.attempt_id).where(attempts.c.lead_id == leads.c.lead_id, LIVE).exists(),
)
_NOTHING_NEW = (
    select(func.count() + func.count(attempts.c.outcome))
    .where(attempts.c.phone == leads.c.phone, attempts.c.planned_at_s >= bindparam("since_s"))
    .scalar_subquery()
) == bindparam("count")
_TAKEN: dict[str, Any] = {"state": text("'in_attempt'"), "attempts": leads.c.attempts + text("1")}
_TAKE = Statement(update(leads).where(*_FREE).values(_TAKEN))
_TAKE_AS_SEEN = Statement(update(leads).where(*_FREE, _NOTHING_NEW).values(_TAKEN))
_INSERT = Statement(
    insert(attempts).values(
        {
            name: bindparam(name)
            for name in ("attempt_id", "campaign_id", "lead_id", "phone", "node", "planned_at_s", "state")
        }
    )
)
_COLUMNS = [attempts.c[name] for name in Attempt.__dataclass_fields__]
_GET = Statement(select(*_COLUMNS).where(attempts.c.attempt_id == bindparam("attempt_id")))
_ADVANCE = Statement(
    update(attempts)
    .where(attempts.c.attempt_id == bindparam("b_attempt_id"), attempts.c.state == bindparam("b_source"))
    .values(
        state=bindparam("target"),
        agent_id=func.coalesce(bindparam("agent_id"), attempts.c.agent_id),
        answered_at_s=func.coalesce(attempts.c.answered_at_s, bindparam("answered_at_s")),
        outcome=bindparam("outcome"),
        ended_at_s=bindparam("ended_at_s"),
    )
)
# Where nothing else changes, the indexes on answers and ends are left alone.
_STEP_ON = Statement(
    update(attempts)
    .where(attempts.c.attempt_id == bindparam("b_attempt_id"), attempts.c.state == bindparam("b_source"))
    .values(state=bindparam("target"))
)
_MOVE_VALUES: dict[str, Any] = {c.name: bindparam(c.name) for c in attempt_moves.c}
_ADD_MOVE = Statement(insert(attempt_moves).values(_MOVE_VALUES))
_GET_MOVE = Statement(
    select(attempt_moves.c.target).where(
        attempt_moves.c.attempt_id == bindparam("attempt_id"), attempt_moves.c.step == bindparam("step")
    )
)
# The lead of an attempt, and the last disposition that came during it, if one did.
_LEAD_OF = Statement(
    select(
        attempts.c.lead_id,
        dispositions.c.lead_state,
        dispositions.c.lead_due_at_s,
        dispositions.c.lead_outcome,
        dispositions.c.callback_agent_id,
    )
    .select_from(
        attempts.outerjoin(
            dispositions,
            (dispositions.c.lead_id == attempts.c.lead_id) & (dispositions.c.at_s >= attempts.c.planned_at_s),
        )
    )
    .where(attempts.c.attempt_id == bindparam("attempt_id"))
    .order_by(dispositions.c.at_s.desc())
    .limit(1)
)
_UNFINISHED = Statement(
    select(*_COLUMNS).where(attempts.c.node == bindparam("node"), LIVE).order_by(attempts.c.attempt_id)
)
_MOVES = Statement(
    select(
        attempt_moves.c.attempt_id,
        attempt_moves.c.source,
        attempt_moves.c.target,
        attempt_moves.c.at_s,
        attempt_moves.c.outcome,
        attempt_moves.c.detail,
    )
    .where(attempt_moves.c.attempt_id == bindparam("attempt_id"))
    .order_by(attempt_moves.c.step)
)
_OUTCOMES = Statement(
    select(attempts.c.outcome, func.count())
    .where(attempts.c.campaign_id == bindparam("campaign_id"), attempts.c.ended_at_s >= bindparam("since_s"))
    .group_by(attempts.c.outcome)
)
_PAGE = Statement(
    select(*_COLUMNS)
    .where(attempts.c.campaign_id == bindparam("campaign_id"), attempts.c.attempt_id > bindparam("after"))
    .order_by(attempts.c.attempt_id)
    .limit(bindparam("limit"))
)


class SqlAttemptLog:
    """`storage.port.AttemptLog` over SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def plan(self, attempt: Attempt, seen: Seen | None = None) -> bool:
        """Commit the attempt and take its lead; False when the lead is not free, or its number not as `seen`."""
        try:
            return await self._database.write(partial(_plan, attempt, seen))
        except StorageConflict:
            # another node planned the same lead at the same moment: the unique index let only one through
            if await self._database.read(lambda tx: tx.one(LIVE_ATTEMPT, {"lead_id": attempt.lead_id})):
                return False
            raise

    def record(self, move: Move, agent_id: str | None = None, before: Sequence[Move] = ()) -> asyncio.Future[None]:
        """Commit a move that is not the end. Raises StorageConflict when the attempt stands elsewhere."""
        steps = (*before, move)
        return self._database.submit(partial(_record, steps, agent_id), urgent=move.target not in _UNHEARD)

    def end(self, move: Move, change: LeadChange, before: Sequence[Move] = ()) -> asyncio.Future[None]:
        """Commit the end and what it does to the lead; a disposition that came during the call wins over `change`."""
        return self._database.submit(partial(_end, (*before, move), change))

    async def unfinished(self, node: str) -> list[Attempt]:
        """Attempts of this node that are not ENDED."""
        return await self._database.read(lambda tx: [attempt_of(row) for row in tx.all(_UNFINISHED, {"node": node})])

    async def get(self, attempt_id: str) -> Attempt | None:
        """One attempt."""
        row = await self._database.read(lambda tx: tx.one(_GET, {"attempt_id": attempt_id}))
        return attempt_of(row) if row else None

    async def moves(self, attempt_id: str) -> list[Move]:
        """The moves of one attempt, oldest first."""
        rows = await self._database.read(lambda tx: tx.all(_MOVES, {"attempt_id": attempt_id}))
        return [_move_of(row) for row in rows]

    async def outcomes(self, campaign_id: str, since_s: float = 0.0) -> dict[Outcome, int]:
        """Ended attempts by outcome."""
        wanted = {"campaign_id": campaign_id, "since_s": since_s}
        rows = await self._database.read(lambda tx: tx.all(_OUTCOMES, wanted))
        return {Outcome(outcome): count for outcome, count in rows}

    async def list(self, campaign_id: str, limit: int = 100, after: str = "") -> list[Attempt]:
        """A page of a campaign's attempts, by id."""
        wanted = {"campaign_id": campaign_id, "after": after, "limit": limit}
        return [attempt_of(row) for row in await self._database.read(lambda tx: tx.all(_PAGE, wanted))]


def _take(attempt: Attempt, seen: Seen | None, tx: Tx) -> int:
    if seen is None:
        return tx.run(_TAKE, {"b_lead_id": attempt.lead_id})
    return tx.run(_TAKE_AS_SEEN, {"b_lead_id": attempt.lead_id, "since_s": seen.since_s, "count": seen.count})


def _plan(attempt: Attempt, seen: Seen | None, tx: Tx) -> bool:
    if _take(attempt, seen, tx) == 0:
        # a repeat of a call whose answer was lost is told that it had worked
        row = tx.one(_PLANNED_ALREADY, {"attempt_id": attempt.attempt_id})
        return row is not None and row[0] == attempt.lead_id
    tx.run(
        _INSERT,
        {
            "attempt_id": attempt.attempt_id,
            "campaign_id": attempt.campaign_id,
            "lead_id": attempt.lead_id,
            "phone": attempt.phone,
            "node": attempt.node,
            "planned_at_s": attempt.planned_at_s,
            "state": attempt.state.value,
        },
    )
    return True


def _record(steps: Sequence[Move], agent_id: str | None, tx: Tx) -> None:
    _advance(steps, agent_id, tx)


def _advance(steps: Sequence[Move], agent_id: str | None, tx: Tx) -> bool:
    """Write the moves, of which the last one counts; False when these very moves were written before."""
    if _change(steps[0].source, steps[-1], agent_id, tx) == 0:
        _expect_repeat(steps[-1], tx)
        return False
    tx.many(_ADD_MOVE, [_move_row(step) for step in steps])
    return True


def _move_row(move: Move) -> dict[str, Any]:
    return {
        "attempt_id": move.attempt_id,
        "step": _STEP[move.target],
        "source": move.source.value,
        "target": move.target.value,
        "at_s": move.at_s,
        "outcome": move.outcome and move.outcome.value,
        "detail": orjson.dumps(move.detail).decode(),
    }


def _change(source: AttemptState, move: Move, agent_id: str | None, tx: Tx) -> int:
    where = {"b_attempt_id": move.attempt_id, "b_source": source.value, "target": move.target.value}
    if move.target in _UNHEARD and agent_id is None:
        return tx.run(_STEP_ON, where)
    more = {
        "agent_id": agent_id,
        "answered_at_s": move.at_s if move.target is AttemptState.ANSWERED else None,
        "outcome": move.outcome and move.outcome.value,
        "ended_at_s": move.at_s if move.target is AttemptState.ENDED else None,
    }
    return tx.run(_ADVANCE, where | more)


def _expect_repeat(move: Move, tx: Tx) -> None:
    known = {"attempt_id": move.attempt_id}
    if tx.one(_GET_MOVE, {**known, "step": _STEP[move.target]}) is not None:
        return
    row = tx.one(_GET, known)
    where = f"stands at {row[6]}" if row else "was never planned"
    raise StorageConflict(f"attempt {move.attempt_id}: move {move.source} -> {move.target}, but the attempt {where}")


def _end(steps: Sequence[Move], change: LeadChange, tx: Tx) -> None:
    move = steps[-1]
    if move.target is not AttemptState.ENDED:
        raise StorageConflict(f"attempt {move.attempt_id}: {move.target} is not an end: use record()")
    if not _advance(steps, None, tx):
        return
    row = tx.one(_LEAD_OF, {"attempt_id": move.attempt_id})
    assert row is not None  # it has just been advanced
    if change.lead_id != row[0]:
        raise StorageConflict(f"attempt {move.attempt_id} holds lead {row[0]}: its end cannot change {change.lead_id}")
    params = change_params(change)
    if row[1] is not None:
        params |= {"state": row[1], "due_at_s": row[2], "callback_agent_id": row[4]}
        params["last_outcome"] = row[3] or params["last_outcome"]
    tx.run(CHANGE, params)


def attempt_of(row: Row) -> Attempt:
    """The attempt of a row selected in the order of its fields."""
    values = [*row]
    values[6], values[7] = AttemptState(values[6]), Outcome(values[7]) if values[7] else None
    return Attempt(*values)


def _move_of(row: Row) -> Move:
    outcome = Outcome(row[4]) if row[4] else None
    detail = tuple((key, value) for key, value in orjson.loads(row[5]))
    return Move(row[0], AttemptState(row[1]), AttemptState(row[2]), row[3], outcome, detail)
