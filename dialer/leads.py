"""The leads that are dialled next: a short queue shared by all nodes, filled from SQL, checked before dialling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from campaigns.campaign import Campaign
from campaigns.clock import Clock
from campaigns.lead import Lead, LeadChange, LeadState
from campaigns.phone import mask
from dialer.events import EventSink, Trouble
from dialer.pacing_events import LeadRefused
from storage.errors import StorageError
from storage.port import Hopper, LeadStore, PhoneFacts, Seen

# Enough for a few seconds of dialling; more would only age: every lead in the hopper was allowed when it was put there.
_REFILL_BELOW = 100
_REFILL_TO = 400


_CALLABLE = frozenset({LeadState.NEW, LeadState.RETRY, LeadState.CALLBACK})


def _is_due(lead: Lead, now_s: float) -> bool:
    return lead.state in _CALLABLE and (lead.next_call_at_s or 0.0) <= now_s


class Gate(Protocol):
    """Whether a lead may be dialled at this moment: do-not-call, calling window, caps, consent."""

    async def look_up(self, leads: Sequence[Lead]) -> Mapping[str, PhoneFacts]:
        """What must be known of these leads' numbers, by number."""
        ...

    async def refusal(
        self, lead: Lead, campaign: Campaign, known: PhoneFacts | None = None
    ) -> tuple[str, LeadChange] | None:
        """None when it may; otherwise why not, in words, and what that does to the lead. known: looked up before."""
        ...


@dataclass(frozen=True, slots=True)
class Clearance:
    """A lead may be dialled, by what was known of its number; whoever plans the attempt checks that it still holds."""

    seen: Seen | None


class LeadSource(Protocol):
    """Where a campaign's next leads come from: filtered, best first."""

    async def take(self, campaign: Campaign, wanted: int) -> list[Lead]:
        """Up to `wanted` leads that may be dialled now; they are this node's to plan or to give back."""
        ...

    async def clear(self, lead: Lead, campaign: Campaign) -> Clearance | None:
        """Check DNC, window and caps at the moment of dialling; None (and the lead is rescheduled) when it may not."""
        ...

    def planned(self, campaign_id: str, lead_ids: list[str]) -> None:
        """These leads' attempts are planned, or will not be."""
        ...

    def ready(self, campaign_id: str) -> int:
        """How many leads are at hand, as last known."""
        ...


class HopperLeads:
    """A campaign's next leads through the hopper, or straight from SQL while the hopper's server is down.

    SQL decides in any case: an attempt is planned only if no other node holds the lead, so nothing is dialled twice.
    """

    def __init__(self, hopper: Hopper, leads: LeadStore, gate: Gate, clock: Clock, sink: EventSink) -> None:
        """Take from `hopper`, refill from `leads`, refuse by `gate`."""
        self._hopper = hopper
        self._leads = leads
        self._gate = gate
        self._clock = clock
        self._sink = sink
        self._ready: dict[str, int] = {}
        self._paid: dict[str, list[str]] = {}
        self._known: dict[str, dict[str, PhoneFacts]] = {}  # of the leads of the last tick, by campaign and number
        self._hopper_lost = False

    def ready(self, campaign_id: str) -> int:
        """How many leads were at hand when last looked; before that, assume some."""
        return self._ready.get(campaign_id, _REFILL_BELOW)

    async def look(self, campaign: Campaign) -> int:
        """Refill the hopper when it runs low; return what is at hand."""
        campaign_id = campaign.campaign_id
        try:
            await self._pay_back(campaign_id)
            size = await self._hopper.size(campaign_id)
            if size < _REFILL_BELOW:
                exclude = await self._hopper.members(campaign_id)
                due = await self._leads.due(campaign_id, self._clock.now_s(), _REFILL_TO - size, exclude)
                size += await self._hopper.put(campaign_id, [lead.lead_id for lead in due])
            self._hopper_works()
        except StorageError as error:
            self._hopper_fails(error)
            size = len(await self._leads.due(campaign_id, self._clock.now_s(), _REFILL_BELOW))
        self._ready[campaign_id] = size
        return size

    async def take(self, campaign: Campaign, wanted: int) -> list[Lead]:
        """Up to `wanted` leads, best first."""
        await self.look(campaign)
        try:
            lead_ids = await self._hopper.take(campaign.campaign_id, wanted)
        except StorageError as error:
            self._hopper_fails(error)
            return await self._leads.due(campaign.campaign_id, self._clock.now_s(), wanted)
        leads = await self._leads.several(lead_ids)
        now_s = self._clock.now_s()
        stale = [lead.lead_id for lead in leads if not _is_due(lead, now_s)]
        self.planned(campaign.campaign_id, stale)
        due = [lead for lead in leads if lead.lead_id not in stale]
        # One read for a tick's leads. It is a second old when the last of them is dialled: `plan` checks it again.
        self._known[campaign.campaign_id] = dict(await self._gate.look_up(due)) if due else {}
        return due

    def planned(self, campaign_id: str, lead_ids: Sequence[str]) -> None:
        """These leads' attempts are planned, or will not be: the hopper forgets the loan.

        It is told with the next look, once for all leads of a tick. A loan that a crash leaves unpaid runs out and the
        lead comes back, too early: `take` leaves it out.
        """
        self._paid.setdefault(campaign_id, []).extend(lead_ids)

    async def _pay_back(self, campaign_id: str) -> None:
        if paid := self._paid.pop(campaign_id, None):
            await self._hopper.done(campaign_id, paid)

    async def clear(self, lead: Lead, campaign: Campaign) -> Clearance | None:
        """Ask the gate; a refused lead is rescheduled, closed or put on the do-not-call list as the rule says."""
        known = self._known.get(campaign.campaign_id, {}).pop(lead.phone, None)
        if known is None:
            known = (await self._gate.look_up([lead])).get(lead.phone)
        refusal = await self._gate.refusal(lead, campaign, known)
        if refusal is None:
            return Clearance(known.seen if known else None)
        words, change = refusal
        await self._leads.change(change)
        self._sink(Trouble(self._clock.now_s(), "compliance", f"{mask(lead.phone)} was not dialled: {words}"))
        self._sink(LeadRefused(self._clock.now_s(), campaign.campaign_id, words))
        return None

    def _hopper_fails(self, error: StorageError) -> None:
        if not self._hopper_lost:
            self._hopper_lost = True
            words = f"the hopper is out of reach, leads come straight from SQL: {error}"
            self._sink(Trouble(self._clock.now_s(), "hopper", words))

    def _hopper_works(self) -> None:
        if self._hopper_lost:
            self._hopper_lost = False
            self._sink(Trouble(self._clock.now_s(), "hopper", "the hopper is back and filled again; nothing was lost"))
