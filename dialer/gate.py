"""The last check before a number is dialled: `campaigns.compliance` asked with what the house knows at this moment."""

from datetime import datetime
from zoneinfo import ZoneInfo

from campaigns.campaign import Campaign
from campaigns.clock import Clock
from campaigns.compliance import ContactEvent, Facts, Refused, legal_windows, may_dial
from campaigns.lead import Lead, LeadChange
from campaigns.outcome import Outcome
from campaigns.recycle import after_attempt, after_refusal, zones_for
from campaigns.rule_pack import EventKind
from storage.port import Contact, DncStore, Ledger

# The longest period of a shipped counting rule is a month; a day is enough for the attempt caps.
_HISTORY_S = 31 * 86_400.0
_KINDS = {
    Outcome.ABANDONED: EventKind.ABANDONED,
    Outcome.BRIDGED: EventKind.CONVERSATION,
    Outcome.MESSAGE_LEFT: EventKind.MESSAGE_LEFT,
}


class ComplianceGate:
    """Asks the rules before every dial, and reschedules by them after it."""

    def __init__(self, dnc: DncStore, ledger: Ledger, clock: Clock) -> None:
        """Facts from `dnc` and `ledger`."""
        self._dnc = dnc
        self._ledger = ledger
        self._clock = clock

    async def refusal(self, lead: Lead, campaign: Campaign) -> tuple[str, LeadChange] | None:
        """None when the lead may be dialled now; else why not, and what that does to the lead."""
        now_s = self._clock.now_s()
        on_dnc = await self._dnc.contains(lead.phone)
        contacts = [] if lead.attempts == 0 else await self._ledger.contacts(lead.phone, now_s - _HISTORY_S)
        facts = Facts(
            on_dnc=on_dnc,
            attempts_today=_today(contacts, zones_for(lead, campaign), now_s),
            events=tuple(event for contact in contacts for event in _events(contact)),
            agent_reserved=not campaign.mode.over_dials,
        )
        answer = may_dial(lead, campaign, facts, now_s)
        if not isinstance(answer, Refused):
            return None
        return f"{answer.words} ({answer.source})", after_refusal(lead, on_dnc, answer.allowed_again_at_s)

    def recycle(self, lead: Lead, outcome: Outcome, campaign: Campaign, now_s: float) -> LeadChange:
        """What the end of an attempt does to its lead, inside the law's calling windows."""
        windows = legal_windows(lead, campaign)
        return after_attempt(lead, outcome, campaign, now_s, windows=windows)


def _today(contacts: list[Contact], zones: tuple[str, ...], now_s: float) -> int:
    """Attempts since the callee's local midnight; where the zone is unsure, the count that is highest."""
    return max((_since_midnight(contacts, zone, now_s) for zone in zones), default=0)


def _since_midnight(contacts: list[Contact], zone: str, now_s: float) -> int:
    local = ZoneInfo(zone)
    today = datetime.fromtimestamp(now_s, local).date()
    return sum(datetime.fromtimestamp(contact.planned_at_s, local).date() == today for contact in contacts)


def _events(contact: Contact) -> list[ContactEvent]:
    events = [ContactEvent(EventKind.ATTEMPT, contact.planned_at_s)]
    if contact.outcome and (kind := _KINDS.get(contact.outcome)):
        events.append(ContactEvent(kind, contact.answered_at_s or contact.planned_at_s))
    return events
