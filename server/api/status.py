"""What the node does now."""

from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from pydantic import BaseModel

from dialer.campaign_run import CampaignRun, RunState
from dialer.pacing.laws import amd_mistakes
from server.api.house import TheHouse
from server.house import House

router = APIRouter(tags=["status"])


class CampaignStatus(BaseModel):
    """One running campaign. in_flight: calls that are not (yet) conversations.

    abandonment_cap, abandonment_target: in force now; cap_rule: the rule whose past lowered the cap, "" when none did.
    amd_mistakes, amd_mistakes_upper: share of the verdicts "machine" that were people, as audited, and what is held
    back of the budget for it. held_by: what bounds dialling now, in words.
    """

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
    abandonment_cap: float
    abandonment_target: float
    cap_rule: str
    amd_mistakes: float
    amd_mistakes_upper: float
    held_by: str
    outcomes: dict[str, int]


class TroubleReport(BaseModel):
    """Something an operator should know. at_s: seconds since 1970, UTC."""

    at_s: float
    where: str
    words: str
    attempt_id: str


class NodeStatus(BaseModel):
    """One node. may_dial: the exchange answers and attempts agree with it.

    voice_occupancy: talk and wrap-up of agents' paid time; productive_occupancy: digital work besides; None while
    nobody was paid yet. digital_waiting: messages and e-mails without an agent.
    """

    node: str
    may_dial: bool
    link: str
    live_store_up: bool
    taps_open: int
    leaks_closed: int
    agents: dict[str, int]
    agents_without_phone: int
    voice_occupancy: float | None
    productive_occupancy: float | None
    digital_waiting: int
    campaigns: list[CampaignStatus]
    troubles: list[TroubleReport]


def node_status(house: House) -> NodeStatus:
    """The node's status now."""
    agents: dict[str, int] = {}
    for seat in house.desk.pool.seats():
        agents[seat.state.value] = agents.get(seat.state.value, 0) + 1
    seen = house.blending.occupancy()
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
        agents_without_phone=sum(not seat.leg_up for seat in house.desk.pool.seats()),
        voice_occupancy=round(seen.voice, 4) if seen else None,
        productive_occupancy=round(seen.productive, 4) if seen else None,
        digital_waiting=len(house.blending.queue),
        campaigns=[_campaign(house, campaign_id) for campaign_id in house.engine.runs],
        troubles=troubles[-50:],
    )


def _campaign(house: House, campaign_id: str) -> CampaignStatus:
    run = house.engine.runs[campaign_id]
    snapshot, tally = run.snapshot(), run.tally
    limits, mistakes = snapshot.limits, amd_mistakes(run.campaign)
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
        abandonment_cap=limits.abandonment_cap,
        abandonment_target=limits.abandonment_target,
        cap_rule=limits.cap_rule,
        amd_mistakes=mistakes.estimate,
        amd_mistakes_upper=mistakes.upper,
        held_by=_held_by(run, _phones_up(house, campaign_id), house.clock.now_s()),
        outcomes={outcome.value: count for outcome, count in run.outcomes.items()},
    )


def _phones_up(house: House, campaign_id: str) -> int:
    seats = house.desk.pool.seats()
    return sum(seat.leg_up and seat.profile.serves(campaign_id, frozenset()) for seat in seats)


def _held_by(run: CampaignRun, phones: int, now_s: float) -> str:
    if run.state is not RunState.RUNNING:
        return f"the campaign is {run.state.value}"
    window, zone = run.campaign.calling_window(), run.campaign.hours.time_zone
    if window.is_open(now_s, zone):
        return run.last_plan.bound_by if phones else "no agent of this campaign has a phone connected"
    opens_s = window.next_open_s(now_s, zone)
    when = f"{datetime.fromtimestamp(opens_s, ZoneInfo(zone)):%Y-%m-%d %H:%M}" if opens_s else "not in the next 40 days"
    return f"it is outside the campaign's hours in {zone}; they begin {when}"


@router.get("/status")
async def status(house: TheHouse) -> NodeStatus:
    """What the node does now, and its latest troubles."""
    return node_status(house)
