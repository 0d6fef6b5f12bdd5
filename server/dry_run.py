"""What would happen if a campaign started now: whom the rules forbid and why, how long it takes, what it costs.

The rules are asked exactly as before a real call (`dialer.gate`), nothing is written. Time, occupancy and abandonment
are simulated with the team, on the campaign's own history if there is enough of it.
"""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from statistics import fmean

from campaigns.campaign import Campaign
from campaigns.lead import Lead, LeadState
from campaigns.outcome import Outcome
from campaigns.recycle import WAITS_FOR_MENDING
from dialer.events import DialerEvent
from dialer.gate import ComplianceGate
from dialer.pacing.history import HistoryTooShort, past_of
from dialer.pacing.sim.compare import half_interval
from dialer.pacing.sim.of_campaign import law_of
from dialer.pacing.sim.run import ShiftResult, simulate
from dialer.pacing.sim.scenario import Scenario
from dialer.pacing.window import window_left_s
from server.stores import Stores
from storage.sql.history import SqlHistory

_PAGE = 1000
_CALLABLE = frozenset({LeadState.NEW, LeadState.RETRY, LeadState.CALLBACK})
_BAD_NUMBERS = frozenset({Outcome.UNALLOCATED.value, Outcome.FAX.value})
_HISTORY_S = 30 * 86_400.0
_LONGEST_S = 366 * 86_400.0
_SOON_S = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A clock that stands at one moment."""

    at_s: float

    def now_s(self) -> float:
        """The moment."""
        return self.at_s

    def monotonic_s(self) -> float:
        """The moment."""
        return self.at_s


@dataclass(frozen=True, slots=True)
class Blocked:
    """Leads of the campaign's lists. asked: how many were judged by the rules; reasons: of those refused, in words.

    put_off: refused now, and allowed again within a week: another hour in the callee's zone, another day.

    later: callable, but promised or put off to a later time; bad_numbers: closed because the number does not exist, or
    is a fax.
    """

    leads: int
    callable: int
    later: int
    closed: int
    on_dnc: int
    bad_numbers: int
    asked: int
    reasons: Counter[str]
    put_off: Counter[str]
    advice: tuple[str, ...]

    @property
    def allowed(self) -> int:
        """How many may be called, if those that were not asked are like the others."""
        share = 1.0 - self.reasons.total() / self.asked if self.asked else 0.0
        return round(self.callable * share)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the simulation says. *_half: half of the 95 % interval over seeds.

    own_history: calls it was made from, or 0. calls: expected for the leads that may be called; hours of dialling;
    finish_s: UTC, None when never.
    """

    agents: int
    law: str
    own_history: int
    occupancy: float
    occupancy_half: float
    abandonment: float
    abandonment_half: float
    worst: float
    calls_per_hour: float
    calls: int
    hours: float
    finish_s: float | None


async def who_is_blocked(stores: Stores, campaign: Campaign, at_s: float, most: int) -> Blocked:
    """Judge the campaign's leads at `at_s`; at most `most` of them, spread evenly, the others are taken to be alike."""
    states, bad, later = Counter[LeadState](), 0, 0
    candidates: list[Lead] = []
    async for lead in _leads_of(stores, campaign):
        states[lead.state] += 1
        bad += lead.state is LeadState.CLOSED and lead.last_outcome in _BAD_NUMBERS
        if lead.state in _CALLABLE:
            candidates.append(lead)
            later += (lead.next_call_at_s or 0.0) > at_s
    step = max(1, -(-len(candidates) // most))
    asked = candidates[::step]
    advice: dict[str, None] = {}

    def note(event: DialerEvent) -> None:
        advice[str(getattr(event, "words", ""))] = None

    gate = ComplianceGate(stores.ledger, stores.consents, stores.attempts, Standing(at_s), note)
    reasons, put_off = Counter[str](), Counter[str]()
    known = await gate.look_up(asked)
    for lead in asked:
        if refusal := await gate.refusal(lead, campaign, known[lead.phone]):
            words, change = refusal
            waits = change.last_outcome == WAITS_FOR_MENDING  # nothing but a person's mending lets it be called
            soon = not waits and change.next_call_at_s is not None and change.next_call_at_s <= at_s + _SOON_S
            (put_off if soon else reasons)[words] += 1
    return Blocked(
        states.total(), len(candidates), later, states[LeadState.CLOSED], states[LeadState.DNC], bad, len(asked),
        reasons, put_off, tuple(advice),
    )  # fmt: skip


async def _leads_of(stores: Stores, campaign: Campaign) -> AsyncIterator[Lead]:
    for list_id in campaign.lists:
        after = ""
        while page := await stores.leads.list(list_id, _PAGE, after):
            after = page[-1].lead_id
            for lead in page:
                yield lead


async def scenario_for(stores: Stores, campaign: Campaign, at_s: float) -> tuple[Scenario, int]:
    """The campaign's own history as a scenario, and of how many calls; with too little the general one, and 0."""
    history = SqlHistory(stores.database)
    calls = await history.calls(campaign.campaign_id, at_s - _HISTORY_S)
    wrap_ups_s = await history.stays("wrap_up", at_s - _HISTORY_S)
    try:
        past = past_of(calls, wrap_ups_s, campaign)
    except HistoryTooShort:
        general = Scenario("base25")
        return replace(general, rules=replace(general.rules, cap=campaign.pacing.abandonment_cap)), 0
    return past.scenario, past.calls


def forecast(
    campaign: Campaign, scenario: Scenario, own_history: int, allowed: int, agents: int, start_s: float, seeds: range
) -> Forecast:
    """Simulate the team on the scenario and lay the calls into the campaign's calling windows."""
    law = law_of(campaign)
    target = min(campaign.pacing.abandonment_target, campaign.pacing.abandonment_cap)
    aimed = replace(scenario, rules=replace(scenario.rules, cap=target)) if campaign.mode.over_dials else scenario
    results = [simulate(aimed, law, agents, seed) for seed in seeds]
    per_hour = fmean(each.calls_placed for each in results) / scenario.hours
    calls = round(allowed * _attempts_each(campaign, results))
    hours = calls / max(per_hour, 1e-9)
    occupancy, abandonment = [r.occupancy_pct for r in results], [r.abandonment_pct for r in results]
    return Forecast(
        agents, law.name, own_history, fmean(occupancy), half_interval(occupancy), fmean(abandonment),
        half_interval(abandonment), max(abandonment), per_hour, calls, hours,
        finish_s(campaign, start_s, hours * 3600.0),
    )  # fmt: skip


def _attempts_each(campaign: Campaign, results: list[ShiftResult]) -> float:
    """Calls for each lead: again until a person answers, at most as often as the campaign's limit."""
    share = sum(r.people_answered for r in results) / max(1, sum(r.calls_placed for r in results))
    most = campaign.limits.max_attempts
    return most if share <= 0.0 else (1.0 - (1.0 - share) ** most) / share


def finish_s(campaign: Campaign, start_s: float, work_s: float) -> float | None:
    """When so many seconds of dialling are over, inside the campaign's windows; None when that is over a year away."""
    window, zone, at_s = campaign.calling_window(), campaign.hours.time_zone, start_s
    while work_s > 0.0:
        opens_s = window.next_open_s(at_s, zone)
        if opens_s is None or opens_s > start_s + _LONGEST_S:
            return None
        left_s = window_left_s(window, zone, opens_s)
        if left_s >= work_s:
            return opens_s + work_s
        work_s, at_s = work_s - left_s, opens_s + left_s
    return at_s
