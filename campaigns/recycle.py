"""The only arrow back into a lead list: what the end of an attempt, a disposition or a refusal does to its lead."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.calling_window import CallingWindow, is_zone, next_open_everywhere_s
from campaigns.campaign import Campaign
from campaigns.disposition import Disposition, DispositionEffect
from campaigns.lead import Lead, LeadChange, LeadState
from campaigns.outcome import Outcome
from campaigns.phone import zones_of

# `last_outcome` of leads that a rule keeps back until a person has mended something.
WAITS_FOR_MENDING = "waits_for_mending"


def after_attempt(
    lead: Lead,
    outcome: Outcome,
    campaign: Campaign,
    now_s: float,
    *,
    attempts_today: int = 0,
    windows: Sequence[CallingWindow] = (),
) -> LeadChange:
    """What an attempt that ended with `outcome` at `now_s` (seconds since 1970, UTC) does to its lead.

    lead.attempts and attempts_today (the callee's local day) count this attempt already. windows: the law's, besides
    the campaign's own. BRIDGED is only kept from being dialled again: `after_disposition` decides when the agent has
    spoken. A promised callback that was not reached is retried and stays promised to its agent.
    """
    if outcome is Outcome.BRIDGED:
        return _closed(lead, outcome)
    rule = campaign.retry_rule(outcome)
    counted = lead.attempts if outcome.counts_as_attempt else lead.attempts - 1
    if counted >= min(rule.max_attempts, campaign.limits.max_attempts):
        return _closed(lead, outcome)
    zones = zones_for(lead, campaign)
    earliest_s = now_s + rule.delay_s
    if attempts_today >= campaign.limits.max_attempts_per_day:
        earliest_s = max(earliest_s, next_local_day_s(now_s, zones))
    change = _again(lead, outcome.value, campaign, earliest_s, windows)
    return change if outcome.counts_as_attempt else replace(change, gives_back_attempt=True)


def after_disposition(
    lead: Lead,
    disposition: Disposition,
    campaign: Campaign,
    now_s: float,
    *,
    callback_at_s: float | None = None,
    callback_agent_id: str | None = None,
    windows: Sequence[CallingWindow] = (),
) -> LeadChange:
    """What an agent's word does to the lead. A callback comes at the promised time, or the next one allowed after it.

    Raises ValueError when the disposition promises a callback and no time in the future is given.
    """
    if disposition.effect is DispositionEffect.DNC:
        return LeadChange(lead.lead_id, LeadState.DNC, None, disposition.code)
    if disposition.effect is DispositionEffect.CALLBACK:
        at_s = promised_s(lead, campaign, now_s, callback_at_s, windows)
        return LeadChange(lead.lead_id, LeadState.CALLBACK, at_s, disposition.code, callback_agent_id)
    if disposition.effect is DispositionEffect.RETRY and lead.attempts < campaign.limits.max_attempts:
        return _again(lead, disposition.code, campaign, now_s + disposition.retry_after_s, windows)
    return LeadChange(lead.lead_id, LeadState.CLOSED, None, disposition.code)


def after_refusal(
    lead: Lead, on_dnc: bool, allowed_again_at_s: float | None, *, mended_at_s: float | None = None
) -> LeadChange:
    """What a refusal at the moment of dialling (`campaigns.compliance`) does to the lead; no attempt was made.

    mended_at_s: when to ask again where no time helps but a person's mending would. Such a lead is not at fault, and
    waits.
    """
    if on_dnc:
        return LeadChange(lead.lead_id, LeadState.DNC, None, Outcome.REFUSED.value)
    if allowed_again_at_s is None and mended_at_s is None:
        return _closed(lead, Outcome.REFUSED)
    state = LeadState.CALLBACK if lead.callback_agent_id else LeadState.RETRY
    at_s = mended_at_s if allowed_again_at_s is None else allowed_again_at_s
    word = WAITS_FOR_MENDING if allowed_again_at_s is None else Outcome.REFUSED.value
    return LeadChange(lead.lead_id, state, at_s, word, lead.callback_agent_id)


def promised_s(
    lead: Lead, campaign: Campaign, now_s: float, at_s: float | None, windows: Sequence[CallingWindow] = ()
) -> float:
    """When a promised callback may really be placed. Raises ValueError that says which time would do."""
    if at_s is None or at_s <= now_s:
        raise ValueError("a callback needs a time in the future: give it in seconds since 1970, UTC")
    allowed_s = _next_open_s(lead, campaign, at_s, windows)
    if allowed_s is None:
        raise ValueError("the campaign has no calling window in the 40 days after that time: choose an earlier one")
    return allowed_s


def zones_for(lead: Lead, campaign: Campaign) -> tuple[str, ...]:
    """The zones the callee may be in: the lead's own, else all that its number allows, else the campaign's."""
    return (lead.time_zone,) if is_zone(lead.time_zone) else zones_of(lead.phone) or (campaign.hours.time_zone,)


def next_local_day_s(now_s: float, zones: Sequence[str]) -> float:
    """When the callee's next day has begun in every zone it may live in (seconds since 1970, UTC)."""
    return max(_local_midnight_after_s(now_s, zone) for zone in zones)


def _again(
    lead: Lead, word: str, campaign: Campaign, earliest_s: float, windows: Sequence[CallingWindow]
) -> LeadChange:
    at_s = _next_open_s(lead, campaign, earliest_s, windows)
    if at_s is None:
        return LeadChange(lead.lead_id, LeadState.CLOSED, None, word)
    state = LeadState.CALLBACK if lead.callback_agent_id else LeadState.RETRY
    return LeadChange(lead.lead_id, state, at_s, word, lead.callback_agent_id)


def _next_open_s(lead: Lead, campaign: Campaign, earliest_s: float, windows: Sequence[CallingWindow]) -> float | None:
    return next_open_everywhere_s((campaign.calling_window(), *windows), earliest_s, zones_for(lead, campaign))


def _local_midnight_after_s(now_s: float, zone: str) -> float:
    tomorrow = datetime.fromtimestamp(now_s, ZoneInfo(zone)).date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=ZoneInfo(zone))
    return midnight.astimezone(UTC).timestamp()


def _closed(lead: Lead, outcome: Outcome) -> LeadChange:
    return LeadChange(lead.lead_id, LeadState.CLOSED, None, outcome.value)
