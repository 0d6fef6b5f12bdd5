"""Calls that agents place themselves: preview (see the lead, then say go) and manual (dial a number)."""

from agents.agent import AgentError
from campaigns.campaign import Campaign, DialMode
from campaigns.ids import key_of
from campaigns.lead import Lead
from dialer.engine import Engine, EngineError
from dialer.leads import HopperLeads
from storage.port import LeadStore

_BY_AGENT = frozenset({DialMode.PREVIEW, DialMode.MANUAL})


class PreviewDesk:
    """Which lead each agent has before it. An offer is a loan from the hopper: nobody else gets it meanwhile."""

    def __init__(self, engine: Engine, source: HopperLeads, leads: LeadStore) -> None:
        """Offer leads of `source`, place calls through `engine`."""
        self._engine = engine
        self._source = source
        self._leads = leads
        self._offers: dict[str, tuple[str, Lead]] = {}

    def offer_of(self, agent_id: str) -> Lead | None:
        """The lead that an agent looks at."""
        held = self._offers.get(agent_id)
        return held[1] if held else None

    async def offer(self, agent_id: str, campaign_id: str) -> Lead | None:
        """The next lead for an agent to look at; the same one until it is called or skipped. None: nobody is due.

        Raises EngineError when the campaign does not run or is not dialled by agents.
        """
        if (held := self._offers.get(agent_id)) and held[0] == campaign_id:
            return held[1]
        campaign = self._campaign(campaign_id)
        self._engine.services.desk.pool.seat(agent_id)
        for lead in await self._source.take(campaign, 1):
            if await self._source.clear(lead, campaign) is None:
                self._source.planned(campaign_id, [lead.lead_id])
                return await self.offer(agent_id, campaign_id)
            self._offers[agent_id] = campaign_id, lead
            return lead
        return None

    async def call(self, agent_id: str) -> bool:
        """Dial the lead the agent looks at; False when a rule or another call forbids it by now."""
        if (held := self._offers.get(agent_id)) is None:
            raise AgentError(f"agent {agent_id} has no lead before it: ask for one first")
        campaign_id, lead = held
        placed = await self._engine.place(campaign_id, lead.lead_id, agent_id)
        await self._forget(agent_id)
        return placed

    async def skip(self, agent_id: str) -> None:
        """Give the lead back uncalled: it stays in its list."""
        await self._forget(agent_id)

    async def dial(self, agent_id: str, campaign_id: str, phone: str) -> bool:
        """Manual: dial an E.164 number for an agent. A number that no list of the campaign holds joins its first list.

        False when a rule or another call forbids it.
        """
        campaign = self._campaign(campaign_id)
        known = [lead for lead in await self._leads.of_phone(phone) if lead.list_id in campaign.lists]
        if not known:
            made = Lead(key_of(f"{campaign.lists[0]}/{phone}"), campaign.lists[0], phone)
            await self._leads.add([made])
            known = [made]
        return await self._engine.place(campaign_id, known[0].lead_id, agent_id)

    def _campaign(self, campaign_id: str) -> Campaign:
        run = self._engine.runs.get(campaign_id)
        if run is None:
            raise EngineError(f"campaign {campaign_id} does not run: start it first")
        if run.campaign.mode not in _BY_AGENT:
            raise EngineError(f"campaign {campaign_id} is {run.campaign.mode}: its calls are placed by the dialer")
        return run.campaign

    async def _forget(self, agent_id: str) -> None:
        if held := self._offers.pop(agent_id, None):
            campaign_id, lead = held
            self._source.planned(campaign_id, [lead.lead_id])
