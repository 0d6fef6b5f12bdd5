"""What the node does now."""

from fastapi import APIRouter
from pydantic import BaseModel

from server.api.house import TheHouse
from server.house import House

router = APIRouter(tags=["status"])


class CampaignStatus(BaseModel):
    """One running campaign. in_flight: calls that are not (yet) conversations."""

    campaign_id: str
    state: str
    law: str
    in_flight: int
    talking: int
    placed: int
    answers: int
    people: int
    machines: int
    abandoned: int
    leads_ready: int
    outcomes: dict[str, int]


class TroubleReport(BaseModel):
    """Something an operator should know. at_s: seconds since 1970, UTC."""

    at_s: float
    where: str
    words: str
    attempt_id: str


class NodeStatus(BaseModel):
    """One node. may_dial: the exchange answers and attempts agree with it."""

    node: str
    may_dial: bool
    link: str
    live_store_up: bool
    taps_open: int
    leaks_closed: int
    agents: dict[str, int]
    campaigns: list[CampaignStatus]
    troubles: list[TroubleReport]


def node_status(house: House) -> NodeStatus:
    """The node's status now."""
    agents: dict[str, int] = {}
    for seat in house.desk.pool.seats():
        agents[seat.state.value] = agents.get(seat.state.value, 0) + 1
    troubles = [
        TroubleReport(at_s=each.at_s, where=each.where, words=each.words, attempt_id=each.attempt_id)
        for each in house.hub.troubles()
    ]
    return NodeStatus(
        node=house.settings.node,
        may_dial=house.engine.may_dial,
        link=house.control.link_state.value,
        live_store_up=house.redis.up,
        taps_open=house.engine.services.listening.open_count,
        leaks_closed=house.engine.leaks_closed,
        agents=agents,
        campaigns=[_campaign(house, campaign_id) for campaign_id in house.engine.runs],
        troubles=troubles[-50:],
    )


def _campaign(house: House, campaign_id: str) -> CampaignStatus:
    run = house.engine.runs[campaign_id]
    snapshot, tally = run.snapshot(), run.tally
    return CampaignStatus(
        campaign_id=campaign_id,
        state=run.state.value,
        law=run.law.name,
        in_flight=len(snapshot.flights),
        talking=sum(talk.campaign_id == campaign_id for talk in house.desk.conversations.values()),
        placed=tally.placed,
        answers=tally.answers,
        people=tally.people,
        machines=tally.machines,
        abandoned=tally.abandoned,
        leads_ready=snapshot.leads_ready,
        outcomes={outcome.value: count for outcome, count in run.outcomes.items()},
    )


@router.get("/status")
async def status(house: TheHouse) -> NodeStatus:
    """What the node does now, and its latest troubles."""
    return node_status(house)
