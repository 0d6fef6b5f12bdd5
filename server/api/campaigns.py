"""Campaigns: their files, their state, what came of them."""

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel

from server.api.house import TheHouse
from server.house import House

router = APIRouter(prefix="/campaigns", tags=["campaigns"])


class CampaignView(BaseModel):
    """One campaign. wanted: what its owner asked for; running: what this node does."""

    campaign_id: str
    name: str
    mode: str
    lists: list[str]
    wanted: str
    running: str | None


class CampaignDetail(CampaignView):
    """One campaign with its file and its counts."""

    definition: str
    leads: dict[str, int]
    outcomes: dict[str, int]
    dispositions: dict[str, int]


async def _view(house: House, campaign_id: str) -> CampaignView:
    stored = await house.stores.campaigns.get(campaign_id)
    campaign = house.catalogue.get(campaign_id)
    if stored is None or campaign is None:
        raise HTTPException(404, f"there is no campaign {campaign_id}")
    run = house.engine.runs.get(campaign_id)
    return CampaignView(
        campaign_id=campaign_id,
        name=campaign.name,
        mode=campaign.mode.value,
        lists=list(campaign.lists),
        wanted=stored.state.value,
        running=run.state.value if run else None,
    )


@router.get("")
async def campaigns(house: TheHouse) -> list[CampaignView]:
    """Every campaign."""
    return [await _view(house, campaign_id) for campaign_id in house.catalogue]


@router.put("")
async def put_campaign(request: Request, house: TheHouse) -> CampaignView:
    """Add or change a campaign: the body is its TOML file. 422 lists every problem with its line."""
    campaign = await house.catalogue.put((await request.body()).decode("utf-8", "replace"), "campaign")
    return await _view(house, campaign.campaign_id)


@router.get("/{campaign_id}")
async def campaign(campaign_id: str, house: TheHouse) -> CampaignDetail:
    """One campaign, with counts of leads, outcomes and dispositions."""
    view = await _view(house, campaign_id)
    stored = await house.stores.campaigns.get(campaign_id)
    outcomes = await house.stores.attempts.outcomes(campaign_id)
    return CampaignDetail(
        **view.model_dump(),
        definition=stored.definition if stored else "",
        leads=await house.stores.leads.counts(campaign_id),
        outcomes={outcome.value: count for outcome, count in outcomes.items()},
        dispositions=await house.stores.dispositions.counts(campaign_id),
    )


@router.post("/{campaign_id}/start")
async def start(campaign_id: str, house: TheHouse) -> CampaignView:
    """Start it, or take a paused one up again."""
    view = await _view(house, campaign_id)
    await house.start_campaign(view.campaign_id)
    return await _view(house, campaign_id)


@router.post("/{campaign_id}/pause")
async def pause(campaign_id: str, house: TheHouse) -> CampaignView:
    """Place no new calls; calls in flight and conversations go on."""
    await house.pause_campaign(campaign_id)
    return await _view(house, campaign_id)


@router.post("/{campaign_id}/stop")
async def stop(campaign_id: str, house: TheHouse) -> CampaignView:
    """Take ringing calls back and stop; conversations end in their own time."""
    await house.stop_campaign(campaign_id)
    return await _view(house, campaign_id)
