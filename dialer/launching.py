"""The calls of a plan are begun: leads are taken, spread over the tick and over the trunks, and dialled in steps."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from campaigns.campaign import Campaign
from campaigns.lead import Lead
from dialer.events import Trouble
from dialer.leads import LeadSource
from dialer.pacing_events import LaunchFell
from dialer.services import Services
from dialer.trunk import Route, Trunk

TICK_S = 1.0
# Calls of a fast trunk are begun together in steps of this length: their rows are committed together anyway
# (storage.sql.database.GATHER_S), and a step wakes everybody once instead of once for each call. Twice as long a step
# costs a sixth less CPU at 50 calls a second; a trunk of five calls a second or fewer still places one at a time.
_STEP_S = 0.2

Start = tuple[float, Lead, Trunk]  # seconds from now, who, over what
Follow = Coroutine[Any, Any, None]  # a call that is begun, to its end


def in_steps(starts: Iterable[Start], step_s: float) -> list[list[Start]]:
    """Starts in order of time, those within `step_s` of a step's first one together."""
    steps: list[list[Start]] = []
    for start in sorted(starts, key=lambda start: start[0]):
        if not steps or start[0] >= steps[-1][0][0] + step_s:
            steps.append([])
        steps[-1].append(start)
    return steps


class Launcher:
    """Begins the calls of a campaign's plans. waiting: lists of the leads that are about to be dialled."""

    def __init__(
        self,
        services: Services,
        campaign: Campaign,
        leads: LeadSource,
        begin: Callable[[Lead, Trunk], Awaitable[Follow | None]],
        spawn: Callable[[Follow, str], None],
        may_launch: Callable[[], bool],
    ) -> None:
        """begin: plan a lead's attempt; what it returns follows the call. may_launch: asked for every single call."""
        self.waiting: list[str] = []
        self._services = services
        self._campaign = campaign
        self._leads = leads
        self._begin = begin
        self._spawn = spawn
        self._may_launch = may_launch
        self._at_hand: list[Lead] = []

    async def launch(self, wanted: int, route: Route) -> None:
        """Begin so many calls over the coming tick; returns when they have their times."""
        asked_s = self._services.clock.monotonic_s()
        if not self._at_hand:
            self._at_hand = await self._leads.take(self._campaign, wanted)
        now_s = self._services.clock.monotonic_s()
        if now_s - asked_s > TICK_S:
            self._fell(wanted, "the database was slow, the plan was stale")
            return  # the plan is stale: a slow database must not dial for agents who are busy by now
        leads, self._at_hand = self._at_hand[:wanted], self._at_hand[wanted:]
        if len(leads) < wanted:
            self._fell(wanted - len(leads), "too few leads were at hand")
        starts = []
        for index, lead in enumerate(leads):
            # Spread over the tick: a burst of originates is a burst of answers, and a spike on both machines.
            trunk, start_s = route.next_start(now_s, TICK_S)
            starts.append((max(start_s - now_s, index * TICK_S / len(leads)), lead, trunk))
        self.waiting += [lead.list_id for lead in leads]
        for step in in_steps(starts, _STEP_S):
            self._spawn(self._launch_step(step), f"launch of {len(step)}")

    def _fell(self, missing: int, why: str) -> None:
        self._services.sink(LaunchFell(self._services.clock.now_s(), self._campaign.campaign_id, missing, why))

    async def _launch_step(self, step: Sequence[Start]) -> None:
        """Begin calls together. This task becomes the first one's: each call has one task in all."""
        left = list(step)
        wait_s, first, trunk_of_first = step[0]
        try:
            await asyncio.sleep(wait_s)
            for _, lead, trunk in step[1:]:
                self._spawn(self._launch_one(lead, trunk), f"launch {lead.lead_id}")
            left = []
        finally:
            for _, lead, _ in left:
                self.waiting.remove(lead.list_id)
        await self._launch_one(first, trunk_of_first)

    async def _launch_one(self, lead: Lead, trunk: Trunk) -> None:
        following: Follow | None = None
        try:
            if self._may_launch():
                following = await self._begin(lead, trunk)
            self._leads.planned(self._campaign.campaign_id, [lead.lead_id])
        except Exception as error:  # the supervisor of launches: the lead stays in its list and comes again
            words = f"a lead could not be dialled, it stays in its list: {error}"
            self._services.sink(Trouble(self._services.clock.now_s(), "campaign", words))
        finally:
            self.waiting.remove(lead.list_id)
        if following:
            await following
