"""A campaign that dials a crowd on virtual time, for tests of what pacing leaves behind."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from campaigns.campaign import Campaign
from campaigns.lead import Lead
from dialer.campaign_run import CampaignRun
from dialer.events import DialerEvent
from dialer.pacing.laws import make_law
from dialer.pacing.plan import PacingLaw
from storage.port import LeadList, StoredCampaign
from storage.sql.campaigns import SqlListStore
from telephony.sim.crowd import Crowd
from telephony.sim.network import Network
from tests.unit.dialer.house import House

CROWD = Crowd(people=0.4, machines=0.2, ring_mean_s=5.0, talk_mean_s=20.0)


@dataclass
class HeardHouse(House):
    """A house to whose events one can listen in the moment they happen."""

    listeners: list[Callable[[DialerEvent], None]] = field(default_factory=list)

    def _take(self, event: DialerEvent) -> None:
        super()._take(event)
        for listener in self.listeners:
            listener(event)


@asynccontextmanager
async def crowded_house(
    campaign: Campaign,
    agents: int,
    leads: int = 1000,
    crowd: Crowd = CROWD,
    law: PacingLaw | None = None,
) -> AsyncIterator[tuple[HeardHouse, CampaignRun]]:
    """A house whose campaign runs with `agents` who are ready."""
    house = HeardHouse(campaign=campaign, law=law or make_law(campaign))
    await house.open()
    house.exchange.network = Network(default=crowd.maker(3))
    now_s = house.clock.now_s()
    lists = campaign.lists
    for each in lists:
        await SqlListStore(house.database).put(LeadList(each, each, now_s))
    await house.campaigns.put(StoredCampaign(campaign.campaign_id, "Test", "", now_s, now_s, list_ids=lists))
    await house.leads.add([Lead(f"lead-{n:05}", lists[n % len(lists)], f"+346{n:08}") for n in range(leads)])
    async with house.engine:
        await house.staffed(agents)
        run = await house.engine.start(campaign)
        yield house, run
