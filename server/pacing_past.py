"""What pacing knows of a campaign before its first call: its own past attempts, and what agents said of its calls."""

import asyncio
from collections.abc import Collection

from campaigns.audit import machine_share
from campaigns.campaign import Campaign
from campaigns.clock import Clock
from dialer.events import EventSink, Trouble
from dialer.pacing.laws import Known, learns_from_past, make_law
from dialer.pacing.learned import learn_past
from dialer.pacing.plan import PacingLaw
from storage.errors import StorageError
from storage.history import History
from storage.port import DispositionStore

# Enough for every hour of some days of a small team; of a large one, the last day.
_MOST_CALLS = 20_000
# Wrap-ups are those since so many calls ago.
_WRAP_UPS = 2000
_DAYS_S = 14 * 86_400.0


class LawMaker:
    """Makes campaigns' laws. `look_back` before a campaign starts; without that its law begins with belief alone."""

    def __init__(
        self,
        history: History,
        dispositions: DispositionStore,
        clock: Clock,
        sink: EventSink,
        machine_codes: Collection[str],
    ) -> None:
        """machine_codes: dispositions by which agents say that a machine was on the line."""
        self._history = history
        self._dispositions = dispositions
        self._clock = clock
        self._sink = sink
        self._machine_codes = frozenset(machine_codes)
        self._known: dict[str, Known] = {}

    def __call__(self, campaign: Campaign) -> PacingLaw:
        """A fresh law."""
        return make_law(campaign, self._known.get(campaign.campaign_id, Known()))

    async def look_back(self, campaign: Campaign) -> None:
        """Read what there is; trouble with it is told and stops nobody."""
        if not learns_from_past(campaign):
            return
        try:
            self._known[campaign.campaign_id] = await self._look(campaign)
        except StorageError as error:
            words = f"campaign {campaign.campaign_id} is paced as if it had no past: {error}"
            self._sink(Trouble(self._clock.now_s(), "pacing", words))

    async def _look(self, campaign: Campaign) -> Known:
        since_s = self._clock.now_s() - _DAYS_S
        calls = await self._history.latest(campaign.campaign_id, _MOST_CALLS)
        wrap_ups_s = await self._history.stays("wrap_up", calls[-_WRAP_UPS:][0].planned_at_s) if calls else []
        said = await self._dispositions.counts(campaign.campaign_id, since_s)
        recent = [call for call in calls if call.planned_at_s >= since_s]
        learned = await asyncio.to_thread(learn_past, recent, wrap_ups_s, campaign.lists, campaign.hours.time_zone)
        return Known(learned, machine_share(said, self._machine_codes, campaign.wrap_up.default_disposition))
