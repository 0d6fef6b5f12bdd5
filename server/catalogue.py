"""The campaigns a node knows: from files in the campaigns folder, and from the database, where the API puts them."""

import asyncio
from pathlib import Path

from campaigns.campaign import Campaign
from campaigns.campaign_file import CampaignFileError, read_campaign
from campaigns.clock import Clock
from storage.errors import StorageConflict
from storage.port import CampaignState, CampaignStore, LeadList, ListStore, StoredCampaign


class Catalogue(dict[str, Campaign]):
    """Campaigns by id. Read it like any mapping; change it through `put`."""

    def __init__(self, store: CampaignStore, lists: ListStore, clock: Clock) -> None:
        """Start empty; `load` reads the store."""
        super().__init__()
        self._store = store
        self._lists = lists
        self._clock = clock

    async def load(self, folder: Path) -> list[str]:
        """Read every stored campaign, then every *.toml of `folder`; return what could not be read, in words."""
        problems = []
        for stored in await self._store.list(limit=10_000):
            try:
                self[stored.campaign_id] = read_campaign(stored.definition, f"stored campaign {stored.campaign_id}")
            except CampaignFileError as error:
                problems.append(str(error))
        for path in await asyncio.to_thread(lambda: sorted(folder.glob("*.toml"))):
            try:
                await self.put(await asyncio.to_thread(path.read_text, "utf-8"), str(path))
            except (CampaignFileError, UnicodeDecodeError, OSError) as error:
                problems.append(str(error))
        return problems

    async def put(self, text: str, file: str) -> Campaign:
        """Add or change a campaign from its file's text. Raises CampaignFileError with every problem and its line."""
        campaign = read_campaign(text, file)
        now_s = self._clock.now_s()
        known = await self._store.get(campaign.campaign_id)
        for name in campaign.lists:
            await self._make_list(name, now_s)
        await self._store.put(
            StoredCampaign(
                campaign.campaign_id,
                campaign.name,
                text,
                known.created_at_s if known else now_s,
                now_s,
                known.state if known else CampaignState.STOPPED,
                campaign.lists,
            )
        )
        self[campaign.campaign_id] = campaign
        return campaign

    async def wanted(self) -> dict[str, CampaignState]:
        """What the owner wants of each campaign: what a restart goes on with."""
        return {stored.campaign_id: stored.state for stored in await self._store.list(limit=10_000)}

    async def want(self, campaign_id: str, state: CampaignState) -> None:
        """Remember what the owner wants. Raises StorageConflict for an unknown campaign."""
        await self._store.set_state(campaign_id, state, self._clock.now_s())

    async def _make_list(self, name: str, now_s: float) -> None:
        if await self._lists.get(name) is None:
            try:
                await self._lists.put(LeadList(name, name, now_s))
            except StorageConflict:
                pass  # somebody else made it in this moment
