"""The gate asks the rules with what the house knows: caps of abandoned calls, consent, earlier contacts, advice."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from campaigns.attempt import Attempt, AttemptState
from campaigns.campaign import Compliance, DialMode, Hours, Purpose
from campaigns.consent import Basis
from campaigns.lead import Lead, LeadState
from campaigns.outcome import Outcome
from campaigns.recycle import WAITS_FOR_MENDING
from dialer.events import DialerEvent, Trouble
from dialer.gate import ComplianceGate
from dialer.pacing.plan import PacingEvent, Plan, Snapshot
from storage.port import Consent, LeadList, StoredCampaign
from storage.sql.campaigns import SqlListStore
from storage.sql.compliance import SqlConsentStore, SqlDncStore, SqlLedger
from telephony.sim.far_end import FarEnd
from telephony.sim.virtual_time import EPOCH0_S
from tests.support.virtual import virtual
from tests.unit.dialer.house import CAMPAIGN, LIST, House

ALWAYS = Hours(("mon-sun 00:00-24:00",), on_holidays=True)
SCREENED = datetime.fromtimestamp(EPOCH0_S, UTC).date().isoformat()
AMERICAN = replace(
    CAMPAIGN,
    mode=DialMode.RATIO,
    country="US",
    caller_id="+12125550100",
    hours=ALWAYS,
    compliance=Compliance(Basis.CONSENT, {"us_dnc": SCREENED}),
)


class Gated:
    """A gate over a house's stores."""

    def __init__(self, house: House) -> None:
        self.events: list[DialerEvent] = []
        database = house.database
        self.consents, self.dnc = SqlConsentStore(database), SqlDncStore(database)
        self.gate = ComplianceGate(SqlLedger(database), self.consents, house.log, house.clock, self.events.append)


class AlwaysTwo:
    """A law that keeps two calls in flight."""

    name = "two"

    def plan(self, snapshot: Snapshot) -> Plan:
        return Plan(max(0, 2 - len(snapshot.flights)))

    def observe(self, event: PacingEvent) -> None:
        return None


def ended(index: int, outcome: Outcome, at_s: float, phone: str) -> Attempt:
    attempt_id = f"{index:026d}"
    return Attempt(attempt_id, "c1", "lead", phone, "node1", at_s, AttemptState.ENDED, outcome, ended_at_s=at_s)


@virtual
async def test_given_a_cap_is_reached_when_dialling_then_only_calls_with_a_reserved_agent_are_let_through() -> None:
    house = await House().open()
    gated = Gated(house)
    lead = Lead("lead", "list-1", "+12125550123", time_zone="America/New_York")
    now_s = house.clock.now_s()
    await gated.consents.record(Consent("c1", lead.phone, "voice", "marketing", True, "form", now_s - 60))
    assert await gated.gate.refusal(lead, AMERICAN) is None
    for index in range(100):
        outcome = Outcome.ABANDONED if index < 5 else Outcome.BRIDGED
        gated.gate.count(ended(index, outcome, now_s, "+12125550124"))
    refusal = await gated.gate.refusal(lead, AMERICAN)
    assert refusal is not None
    assert "abandon" in refusal[0]
    assert refusal[1].state == "retry"
    assert await gated.gate.refusal(lead, replace(AMERICAN, mode=DialMode.PROGRESSIVE)) is None


@virtual
async def test_given_abandoned_calls_before_a_restart_then_the_cap_is_counted_out_of_sql() -> None:
    house = await House().open()
    assert await house.dial([FarEnd.person()], agents=1) == [Outcome.BRIDGED]
    gated = Gated(house)
    assert await gated.gate._past("c1", 0.0) == await house.attempts()
    assert await gated.gate._past("c1", house.clock.now_s() + 100) == []


@virtual
async def test_given_a_number_called_before_under_another_lead_then_its_contacts_count() -> None:
    house = await House().open()
    await house.dial([FarEnd.person()], agents=1)
    gated = Gated(house)
    once = replace(CAMPAIGN, hours=ALWAYS, limits=replace(CAMPAIGN.limits, max_attempts_per_day=1))
    once = replace(once, purpose=Purpose.RESEARCH)
    refusal = await gated.gate.refusal(Lead("another", "list-2", "+34600000000"), once)
    assert refusal is not None
    assert "times today" in refusal[0]


@virtual
async def test_given_one_number_under_two_leads_of_one_tick_then_a_cap_of_one_a_day_lets_one_call_out() -> None:
    limits = replace(CAMPAIGN.limits, max_attempts_per_day=1)
    once = replace(CAMPAIGN, mode=DialMode.RATIO, hours=ALWAYS, purpose=Purpose.RESEARCH, limits=limits)
    house = await House(once, AlwaysTwo()).open()
    gated = Gated(house)
    house.source._gate = gated.gate
    first, *_ = await house.fill([FarEnd.busy()])
    await SqlListStore(house.database).put(LeadList("list-2", "Second", 0.0))
    await house.campaigns.put(StoredCampaign("c1", "Test", "", 0.0, 0.0, list_ids=(LIST, "list-2")))
    await house.leads.add([replace(first, lead_id="lead-twin", list_id="list-2")])
    async with house.engine:
        await house.engine.start(once)
        await house.until(lambda: len(house.ended()) == 1)
        await asyncio.sleep(30.0)
    (attempt,) = await house.attempts()
    twin = await house.leads.get({"lead-twin", first.lead_id}.difference({attempt.lead_id}).pop())
    assert twin is not None
    assert (twin.state, twin.attempts) == (LeadState.RETRY, 0)
    assert any("times today" in words for words in house.troubles())


@virtual
async def test_given_consent_when_it_is_withdrawn_then_the_lead_is_refused_until_it_is_given_again() -> None:
    house = await House().open()
    gated = Gated(house)
    lead = Lead("lead", "list-1", "+12125550123", time_zone="America/New_York")
    before_s = house.clock.now_s() - 60
    answers = []
    for order, given in enumerate((True, False, True)):
        said = Consent(f"c{order}", lead.phone, "voice", "marketing", given, "form", before_s + order)
        await gated.consents.record(said)
        answers.append(await gated.gate.refusal(lead, AMERICAN))
    after_given, after_withdrawn, after_given_again = answers
    assert after_given is None
    assert after_withdrawn is not None
    assert "consent" in after_withdrawn[0]
    assert after_given_again is None


@virtual
async def test_given_no_consent_yet_when_it_is_recorded_then_the_lead_waits_for_the_hour_alone() -> None:
    house = await House().open()
    gated = Gated(house)
    (lead,) = await house.fill([FarEnd.person()])
    campaign = replace(CAMPAIGN, hours=ALWAYS, compliance=Compliance(Basis.NONE, {"lista_robinson": SCREENED}))
    refusal = await gated.gate.refusal(lead, campaign)
    assert refusal is not None
    words, change = refusal
    assert "record the consent" in words
    assert (change.state, change.last_outcome) == (LeadState.RETRY, WAITS_FOR_MENDING)
    await house.leads.change(change)
    assert await house.leads.due("c1", house.clock.now_s(), 9) == []
    said = Consent("c1", lead.phone, "voice", campaign.purpose.value, True, "form", house.clock.now_s())
    await gated.consents.record(said)
    assert await house.leads.ask_again("c1", WAITS_FOR_MENDING) == 1
    (due,) = await house.leads.due("c1", house.clock.now_s(), 9)
    refusal = await gated.gate.refusal(due, campaign)
    assert refusal is not None, "it is early in the morning in Spain"
    assert (refusal[0].startswith("Marketing calls only Monday to Friday"), refusal[1].last_outcome) == (
        True,
        "refused",
    )


@virtual
async def test_given_a_number_on_the_do_not_call_list_then_its_lead_goes_there() -> None:
    house = await House().open()
    gated = Gated(house)
    lead = Lead("lead", "list-1", "+34600000009")
    await gated.dnc.add([lead.phone], "test", house.clock.now_s())
    refusal = await gated.gate.refusal(lead, replace(CAMPAIGN, hours=ALWAYS))
    assert refusal is not None
    assert refusal[1].state == "dnc"


def test_advice_is_told_once_per_campaign() -> None:
    events: list[DialerEvent] = []
    gate = ComplianceGate.__new__(ComplianceGate)
    gate._advised, gate._sink = set(), events.append
    for campaign in (CAMPAIGN, CAMPAIGN, replace(CAMPAIGN, campaign_id="c2")):
        gate._advise(campaign, ["ask for consent"], 1.0)
    assert [event.words for event in events if isinstance(event, Trouble)] == [
        "campaign c1: ask for consent",
        "campaign c2: ask for consent",
    ]
