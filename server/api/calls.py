"""Calls: those that are live, and every attempt with its moves."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel

from campaigns.attempt import Attempt, Move
from campaigns.phone import mask
from server.api.house import TheHouse
from storage.port import RecordingState

router = APIRouter(tags=["calls"])


class AttemptView(BaseModel):
    """One attempt. phone is masked; times are seconds since 1970, UTC."""

    attempt_id: str
    campaign_id: str
    lead_id: str
    phone: str
    node: str
    state: str
    outcome: str | None
    agent_id: str | None
    planned_at_s: float
    ended_at_s: float | None


class MoveView(BaseModel):
    """One move of an attempt, with the facts that belong to it."""

    source: str
    target: str
    at_s: float
    outcome: str | None
    detail: dict[str, str | int | float]


class AttemptDetail(AttemptView):
    """One attempt with its moves: why it ended as it did."""

    moves: list[MoveView]
    recordings: list[str]


def _view(attempt: Attempt) -> AttemptView:
    return AttemptView(
        attempt_id=attempt.attempt_id,
        campaign_id=attempt.campaign_id,
        lead_id=attempt.lead_id,
        phone=mask(attempt.phone),
        node=attempt.node,
        state=attempt.state.value,
        outcome=attempt.outcome.value if attempt.outcome else None,
        agent_id=attempt.agent_id,
        planned_at_s=attempt.planned_at_s,
        ended_at_s=attempt.ended_at_s,
    )


def _move(move: Move) -> MoveView:
    return MoveView(
        source=move.source.value,
        target=move.target.value,
        at_s=move.at_s,
        outcome=move.outcome.value if move.outcome else None,
        detail=dict(move.detail),
    )


@router.get("/calls")
async def live_calls(house: TheHouse) -> list[AttemptView]:
    """Calls of this node that are live."""
    return [_view(flow.journal.attempt) for run in house.engine.runs.values() for flow in run.flows.values()]


@router.get("/calls/{attempt_id}")
async def attempt(attempt_id: str, house: TheHouse) -> AttemptDetail:
    """One attempt: every move, and its recordings; one that failed is there as far as it was written."""
    if (found := await house.stores.attempts.get(attempt_id)) is None:
        raise HTTPException(404, f"there is no attempt {attempt_id}")
    moves = await house.stores.attempts.moves(attempt_id)
    recordings = await house.stores.recordings.of_attempt(attempt_id)
    return AttemptDetail(
        **_view(found).model_dump(),
        moves=[_move(move) for move in moves],
        recordings=[each.path for each in recordings if each.duration_s or each.state is RecordingState.RECORDING],
    )


@router.get("/campaigns/{campaign_id}/attempts")
async def attempts(
    campaign_id: str, house: TheHouse, limit: Annotated[int, Query(ge=1, le=1000)] = 100, after: str = ""
) -> list[AttemptView]:
    """A page of a campaign's attempts, by id; `after`: the last id of the page before."""
    return [_view(attempt) for attempt in await house.stores.attempts.list(campaign_id, limit, after)]
