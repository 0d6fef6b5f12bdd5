"""Taking numbers off the do-not-call list: who did it, when and why is kept with it."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from pydantic import BaseModel, Field

from campaigns.dnc import asked_by_person
from campaigns.ids import new_id
from campaigns.phone import mask
from server.api.house import TheHouse
from server.api.leads import read_numbers
from server.logs import masked
from storage.port import AuditEvent, DncEntry

router = APIRouter(tags=["leads"])
_SUBJECT, _ACTION = "dnc", "taken off the do-not-call list"
_MOST_NAMED = 5


class RemovalSaid(BaseModel):
    """Numbers that may be called again. by: who takes them off; because: why, needed where the person had asked."""

    phones: Annotated[list[str], Field(max_length=10_000)]
    by: Annotated[str, Field(min_length=1, max_length=60)]
    because: Annotated[str, Field(max_length=500)] = ""
    leads_back: bool = False
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "ES"


class RemovalView(BaseModel):
    """What was done. not_listed: numbers that were not on the list; leads: that are in their lists again."""

    removed: int
    not_listed: int
    leads: int


class RemovedView(BaseModel):
    """A number that was taken off. phone: masked; source, put_at_s: who had put it there, and when."""

    removal_id: str
    phone: str
    by: str
    at_s: float
    because: str
    source: str
    put_at_s: float


@router.post("/dnc/removals")
async def remove(house: TheHouse, said: RemovalSaid) -> RemovalView:
    """Take numbers off the list. Somebody who asked not to be called stays on it unless there is a reason (409)."""
    phones = list(dict.fromkeys(read_numbers(said.phones, said.region)))
    entries = await house.stores.dnc.entries(phones)
    because = masked(said.because.strip())
    if not because and (asked := [entry for entry in entries if asked_by_person(entry.source)]):
        raise HTTPException(409, _refusal(asked))
    now_s, rng = house.clock.now_s(), house.engine.services.rng
    events = [
        AuditEvent(new_id(now_s, rng), now_s, said.by, _ACTION, _SUBJECT, _detail(entry, because)) for entry in entries
    ]
    removed, leads = await house.stores.dnc.remove([entry.phone for entry in entries], events, said.leads_back)
    return RemovalView(removed=removed, not_listed=len(phones) - removed, leads=leads)


@router.get("/dnc/removals")
async def removals(
    house: TheHouse, limit: Annotated[int, Query(ge=1, le=1000)] = 100, after: str = ""
) -> list[RemovedView]:
    """Who took which number off, when and why; a page, the oldest first; `after`: the page's last id."""
    return [
        RemovedView(removal_id=event.event_id, by=event.actor, at_s=event.at_s, **event.detail)
        for event in await house.stores.audit.of_subject(_SUBJECT, limit, after)
    ]


def _detail(entry: DncEntry, because: str) -> dict[str, str | int | float]:
    return {"phone": mask(entry.phone), "because": because, "source": masked(entry.source), "put_at_s": entry.at_s}


def _refusal(asked: list[DncEntry]) -> str:
    named = ", ".join(f"{mask(entry.phone)} ({masked(entry.source)})" for entry in asked[:_MOST_NAMED])
    more = f" and {len(asked) - _MOST_NAMED} more" if len(asked) > _MOST_NAMED else ""
    return (
        f"{len(asked)} of these people asked not to be called: {named}{more}. Nothing was changed; if they asked to be "
        "called again, say so: --because (because in the API)"
    )
