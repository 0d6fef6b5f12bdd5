"""The last check before a number is dialled: `campaigns.compliance` asked with what the house knows at this moment."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from campaigns.attempt import Attempt
from campaigns.audit import mistaken_share
from campaigns.campaign import Campaign
from campaigns.clock import Clock
from campaigns.compliance import Allowed, ContactEvent, Facts, Refused, legal_windows, may_dial, rules_for
from campaigns.consent import Consent
from campaigns.ids import new_id
from campaigns.lead import Lead, LeadChange
from campaigns.ledger import Ledger as RatioLedger
from campaigns.ledger import Standing
from campaigns.outcome import Outcome
from campaigns.phone import country_of
from campaigns.recycle import after_attempt, after_refusal, zones_for
from campaigns.rule_pack import ConsentRule, EventKind, RatioRule
from dialer.events import EventSink, Trouble
from storage.port import AttemptLog, ConsentStore, Contact, Ledger, PhoneFacts
from storage.port import Consent as StoredConsent

# The longest period of a shipped counting rule is a month; a day is enough for the attempt caps.
_HISTORY_S = 31 * 86_400.0
_PAGE = 1000
# Leads that wait for a person's mending are asked for again by the next start of the campaign, or after this time.
_MEND_WAIT_S = 86_400.0
_KINDS = {
    Outcome.ABANDONED: EventKind.ABANDONED,
    Outcome.BRIDGED: EventKind.CONVERSATION,
    Outcome.MESSAGE_LEFT: EventKind.MESSAGE_LEFT,
}


@dataclass(slots=True)
class _Ratios:
    """The ratio rules of one campaign, a ledger for each country that has some."""

    by_country: dict[str, RatioLedger] = field(default_factory=dict)
    reading: list[Attempt] = field(default_factory=list)  # ended while the past was being read


class ComplianceGate:
    """Asks the rules before every dial, and reschedules by them after it.

    `count` every attempt that ended: the caps on abandoned calls are counted here, from SQL at first and then as
    calls end.
    """

    def __init__(
        self,
        ledger: Ledger,
        consents: ConsentStore,
        attempts: AttemptLog,
        clock: Clock,
        sink: EventSink,
    ) -> None:
        """Facts from the stores; advice that binds nobody is told to `sink`, once per campaign."""
        self._ledger = ledger
        self._consents = consents
        self._attempts = attempts
        self._clock = clock
        self._sink = sink
        self._ratios: dict[str, _Ratios] = {}
        self._filling: dict[str, asyncio.Lock] = {}
        self._advised: set[tuple[str, str]] = set()

    async def look_up(self, leads: Sequence[Lead]) -> dict[str, PhoneFacts]:
        """What must be known of these leads' numbers, by number, in one read."""
        return await self._ledger.facts([lead.phone for lead in leads], self._clock.now_s() - _HISTORY_S)

    async def refusal(
        self, lead: Lead, campaign: Campaign, known: PhoneFacts | None = None
    ) -> tuple[str, LeadChange] | None:
        """None when the lead may be dialled now; else why not, and what that does to the lead.

        known: looked up before; `AttemptLog.plan` notices what happened since then (`PhoneFacts.seen`).
        """
        now_s = self._clock.now_s()
        number = known or (await self.look_up([lead]))[lead.phone]
        country = country_of(lead.phone)
        facts = Facts(
            on_dnc=number.on_dnc,
            attempts_today=_today(number.contacts, zones_for(lead, campaign), now_s),
            events=tuple(event for contact in number.contacts for event in _events(contact)),
            consent=await self._consent(lead, campaign),
            over_cap=await self._over_cap(country, campaign, now_s),
            agent_reserved=not campaign.mode.over_dials,
        )
        answer = may_dial(lead, campaign, facts, now_s)
        if isinstance(answer, Allowed):
            self._advise(campaign, answer.advice, now_s)
            return None
        mended_at_s = now_s + _MEND_WAIT_S if answer.mend else None
        change = after_refusal(lead, number.on_dnc, answer.allowed_again_at_s, mended_at_s=mended_at_s)
        return in_words(answer), change

    def count(self, attempt: Attempt) -> None:
        """An attempt ended: the share of abandoned calls is another one now."""
        if ratios := self._ratios.get(attempt.campaign_id):
            if self._filling[attempt.campaign_id].locked():
                ratios.reading.append(attempt)
            for country, ledger in ratios.by_country.items():
                _count(ledger, country, [attempt])

    def standings(self, campaign_id: str) -> tuple[Standing, ...]:
        """Where the rules on abandoned calls stand, of every country that this campaign has called."""
        ratios, now_s = self._ratios.get(campaign_id), self._clock.now_s()
        ledgers = ratios.by_country.values() if ratios else ()
        return tuple(standing for ledger in ledgers for standing in ledger.standings(now_s))

    async def _over_cap(self, country: str, campaign: Campaign, now_s: float) -> frozenset[str]:
        if not any(isinstance(rule, RatioRule) for rule in rules_for(country, campaign)):
            return frozenset()
        async with self._filling.setdefault(campaign.campaign_id, asyncio.Lock()):
            ratios = self._ratios.setdefault(campaign.campaign_id, _Ratios())
            if country not in ratios.by_country:
                ratios.reading.clear()
                past = await self._past(campaign.campaign_id, now_s - _HISTORY_S)
                known = {attempt.attempt_id for attempt in past}
                past += [attempt for attempt in ratios.reading if attempt.attempt_id not in known]
                amd = campaign.amd
                mistaken = mistaken_share(amd.audited, amd.audited_people, amd.assumed_people)
                rules = rules_for(country, campaign)
                ledger = RatioLedger(rules, mistaken.upper, time_zone=campaign.hours.time_zone)
                _count(ledger, country, past)
                ratios.by_country[country] = ledger
        return ratios.by_country[country].over_cap(now_s)

    async def _past(self, campaign_id: str, since_s: float) -> list[Attempt]:
        """Ended attempts planned since then, by the time of their end. Once per campaign, country and start."""
        found: list[Attempt] = []
        after = new_id(max(since_s, 0.0), random.Random(0))
        while page := await self._attempts.list(campaign_id, _PAGE, after):
            found += [attempt for attempt in page if attempt.ended_at_s is not None]
            after = page[-1].attempt_id
        return sorted(found, key=lambda attempt: attempt.ended_at_s or 0.0)

    async def _consent(self, lead: Lead, campaign: Campaign) -> Consent | None:
        if not any(isinstance(rule, ConsentRule) for rule in rules_for(country_of(lead.phone), campaign)):
            return None
        said = await self._consents.latest(lead.phone, "voice", campaign.purpose.value)
        return _consent_of(said) if said else None

    def _advise(self, campaign: Campaign, advice: Iterable[str], now_s: float) -> None:
        for words in advice:
            if (campaign.campaign_id, words) not in self._advised:
                self._advised.add((campaign.campaign_id, words))
                self._sink(Trouble(now_s, "advice", f"campaign {campaign.campaign_id}: {words}"))

    def recycle(self, lead: Lead, outcome: Outcome, campaign: Campaign, now_s: float) -> LeadChange:
        """What the end of an attempt does to its lead, inside the law's calling windows."""
        windows = legal_windows(lead, campaign)
        return after_attempt(lead, outcome, campaign, now_s, windows=windows)


def in_words(refused: Refused) -> str:
    """Why not, by which rule, and what a person can do about it."""
    mend = f"; {refused.mend}" if refused.mend else ""
    return f"{refused.words} ({refused.source}){mend}"


def _count(ledger: RatioLedger, country: str, attempts: Iterable[Attempt]) -> None:
    for attempt in attempts:
        if attempt.outcome and attempt.ended_at_s is not None and country_of(attempt.phone) == country:
            ledger.count(attempt.outcome, attempt.ended_at_s)


def _consent_of(said: StoredConsent) -> Consent:
    return Consent(said.at_s, said.source) if said.given else Consent(said.at_s, said.source, revoked_at_s=said.at_s)


def _today(contacts: Sequence[Contact], zones: tuple[str, ...], now_s: float) -> int:
    """Attempts since the callee's local midnight; where the zone is unsure, the count that is highest."""
    return max((_since_midnight(contacts, zone, now_s) for zone in zones), default=0) if contacts else 0


def _since_midnight(contacts: Sequence[Contact], zone: str, now_s: float) -> int:
    local = ZoneInfo(zone)
    today = datetime.fromtimestamp(now_s, local).date()
    return sum(datetime.fromtimestamp(contact.planned_at_s, local).date() == today for contact in contacts)


def _events(contact: Contact) -> list[ContactEvent]:
    events = [ContactEvent(EventKind.ATTEMPT, contact.planned_at_s)]
    if contact.outcome and (kind := _KINDS.get(contact.outcome)):
        events.append(ContactEvent(kind, contact.answered_at_s or contact.planned_at_s))
    return events
