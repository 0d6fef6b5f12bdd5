"""May this lead be dialled now? Asked when leads are taken and again at the moment of dialling. Not legal advice.

Checked, in this order of weight: do-not-call, caps of attempts, the campaign's own hours, and every rule of the
callee's jurisdiction (`campaigns.rule_pack`). A refusal names its rule, the source and when it is allowed again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache, partial

from campaigns.calling_window import CallingWindow, next_open_everywhere_s, open_everywhere
from campaigns.campaign import Campaign, Purpose
from campaigns.consent import Consent
from campaigns.lead import Lead
from campaigns.phone import country_of, is_mobile, national_part
from campaigns.recycle import next_local_day_s, zones_for
from campaigns.rule_pack import (
    AnyRule,
    CallerNumberRule,
    ConsentRule,
    CountRule,
    Enforcement,
    EventKind,
    MessageRule,
    RatioRule,
    RulePack,
    ScrubRule,
    WindowRule,
    shipped_packs,
)


@dataclass(frozen=True, slots=True)
class ContactEvent:
    """Something that happened to the callee's number before. at_s: seconds since 1970, UTC."""

    kind: EventKind
    at_s: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What the house knows about the number at the moment of asking.

    attempts_today: in the callee's local day. over_cap: rule ids of ratio rules whose cap is reached
    (`campaigns.ledger`). agent_reserved: an agent is held for this very call, so nobody can be abandoned.
    """

    on_dnc: bool = False
    attempts_today: int = 0
    events: tuple[ContactEvent, ...] = ()
    consent: Consent | None = None
    over_cap: frozenset[str] = frozenset()
    agent_reserved: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """Go. rules: ids that were checked; advice: what a supervisor should know."""

    rules: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """No. allowed_again_at_s: the first moment nothing known stands against it; None: not by waiting.

    mend: what a person has to do when it is not the lead's fault, so that the lead must not be given up for it.
    """

    rule: str
    source: str
    words: str
    allowed_again_at_s: float | None = None
    mend: str = ""

    @property
    def for_good(self) -> bool:
        """Whether neither time nor anybody's mending helps."""
        return self.allowed_again_at_s is None and not self.mend


@dataclass(frozen=True, slots=True)
class _Question:
    lead: Lead
    campaign: Campaign
    facts: Facts
    now_s: float
    country: str
    zones: tuple[str, ...] = field(default=())


def may_dial(
    lead: Lead, campaign: Campaign, facts: Facts, now_s: float, packs: Mapping[str, RulePack] | None = None
) -> Allowed | Refused:
    """Judge one dial at `now_s` (seconds since 1970, UTC). packs: by country, the shipped ones when None."""
    country = country_of(lead.phone)
    question = _Question(lead, campaign, facts, now_s, country, zones_for(lead, campaign))
    rules = rules_for(country, campaign, packs)
    refusals = [refused for check in _OWN_CHECKS if (refused := check(question))]
    advice: list[str] = []
    for rule in rules:
        refused = _judge(rule, question)
        if refused and rule.enforcement is Enforcement.ADVISE:
            advice.append(f"{rule.rule_id}: {rule.words}")
        elif refused:
            refusals.append(refused)
    if refusals:
        return _heaviest(refusals, question, rules)
    return Allowed(tuple(rule.rule_id for rule in rules), tuple(advice))


def faults_of(campaign: Campaign, now_s: float, packs: Mapping[str, RulePack] | None = None) -> tuple[Refused, ...]:
    """What in the campaign itself forbids every call to its country: to be mended before anybody is dialled."""
    rules = rules_for(campaign.country, campaign, packs)
    mends = ((rule, _mend(rule, campaign, campaign.country, now_s)) for rule in rules)
    return tuple(
        Refused(rule.rule_id, rule.source, rule.words, mend=mend)
        for rule, mend in mends
        if mend and rule.enforcement is Enforcement.REFUSE
    )


def rules_for(country: str, campaign: Campaign, packs: Mapping[str, RulePack] | None = None) -> tuple[AnyRule, ...]:
    """The rules for calling numbers of `country` with this campaign's purpose; none for a country without a pack."""
    if packs is None:
        return _shipped_rules(country, campaign.purpose)
    return _rules_of(packs.get(country), campaign.purpose)


@lru_cache(maxsize=4096)
def _shipped_rules(country: str, purpose: Purpose) -> tuple[AnyRule, ...]:
    return _rules_of(shipped_packs().get(country), purpose)


def _rules_of(pack: RulePack | None, purpose: Purpose) -> tuple[AnyRule, ...]:
    return tuple(rule for rule in pack.rules if purpose in rule.purposes) if pack else ()


def legal_windows(
    lead: Lead, campaign: Campaign, packs: Mapping[str, RulePack] | None = None
) -> tuple[CallingWindow, ...]:
    """The windows that the law sets for this lead: what `campaigns.recycle` wants besides the campaign's own."""
    country = country_of(lead.phone)
    rules = rules_for(country, campaign, packs)
    return tuple(_binding_windows(rules, country))


def _binding_windows(rules: tuple[AnyRule, ...], country: str) -> list[CallingWindow]:
    windows = [rule for rule in rules if isinstance(rule, WindowRule)]
    return [rule.window(country) for rule in windows if rule.enforcement is Enforcement.REFUSE]


def _heaviest(refusals: list[Refused], question: _Question, rules: tuple[AnyRule, ...]) -> Refused:
    """The refusal that lasts longest, moved on to the next moment inside every window."""
    endless = [refused for refused in refusals if refused.allowed_again_at_s is None]
    if endless:
        return max(endless, key=lambda refused: refused.for_good)
    last = max(refusals, key=lambda refused: refused.allowed_again_at_s or 0.0)
    windows = [question.campaign.calling_window()]
    windows += _binding_windows(rules, question.country)
    again_s = next_open_everywhere_s(windows, last.allowed_again_at_s or question.now_s, question.zones)
    return replace(last, allowed_again_at_s=again_s)


def _dnc(question: _Question) -> Refused | None:
    words = "the number is on the do-not-call list"
    return Refused("dnc", "do-not-call list of this system", words) if question.facts.on_dnc else None


def _attempts(question: _Question) -> Refused | None:
    most = question.campaign.limits.max_attempts
    if question.lead.attempts < most:
        return None
    return Refused("max-attempts", "campaign limits", f"the lead was dialled {question.lead.attempts} times of {most}")


def _attempts_today(question: _Question) -> Refused | None:
    most = question.campaign.limits.max_attempts_per_day
    if question.facts.attempts_today < most:
        return None
    words = f"the lead was dialled {question.facts.attempts_today} times today of {most}"
    return Refused("max-attempts-per-day", "campaign limits", words, next_local_day_s(question.now_s, question.zones))


def _own_hours(question: _Question) -> Refused | None:
    return _window(
        "hours", "campaign hours", "it is outside the campaign's hours", question.campaign.calling_window(), question
    )


_OWN_CHECKS: tuple[Callable[[_Question], Refused | None], ...] = (_dnc, _attempts, _attempts_today, _own_hours)


def _judge(rule: AnyRule, question: _Question) -> Refused | None:
    refuse = partial(Refused, rule.rule_id, rule.source, rule.words)
    match rule:
        case WindowRule():
            return _window(rule.rule_id, rule.source, rule.words, rule.window(question.country), question)
        case CountRule():
            again_s = _count_again_s(rule, question)
            return refuse(again_s) if again_s is not None else None
        case RatioRule():
            over = rule.rule_id in question.facts.over_cap and not _agent_sure(question)
            # Calls with a reserved agent lower the share: ask again soon.
            return refuse(question.now_s + 60.0) if over else None
        case ConsentRule():
            return _consent_refusal(rule, question)
        case MessageRule() | CallerNumberRule() | ScrubRule():
            mend = _mend(rule, question.campaign, question.country, question.now_s)
            return refuse(mend=mend) if mend else None


def _mend(rule: AnyRule, campaign: Campaign, country: str, now_s: float) -> str:
    """What must be changed in the campaign to satisfy a rule that its file alone breaks; "" when nothing."""
    match rule:
        case MessageRule():
            return _message_mend(rule, campaign)
        case CallerNumberRule() if _caller_wrong(rule, campaign.caller_id, country):
            which = f"one that begins with {' or '.join(rule.prefixes)}" if rule.prefixes else "one that is no mobile"
            return f"caller_id {campaign.caller_id} may not be shown: use {which}"
        case ScrubRule() if _scrub_stale(rule, campaign, now_s):
            today = datetime.fromtimestamp(now_s, UTC).date()
            told = campaign.compliance.scrubbed.get(rule.registry)
            since = f"it was last done on {told}" if told else "nothing says that it was done"
            return (
                f"{since}: compare the lists with the registry, at least every {rule.max_age_s / 86_400:.0f} days, and "
                f"write the day into the campaign file, [compliance] scrubbed = {{ {rule.registry} = {today} }}"
            )
        case _:
            return ""


def _window(rule: str, source: str, words: str, window: CallingWindow, question: _Question) -> Refused | None:
    if open_everywhere((window,), question.now_s, question.zones):
        return None
    return Refused(rule, source, words, next_open_everywhere_s((window,), question.now_s, question.zones))


def _count_again_s(rule: CountRule, question: _Question) -> float | None:
    """When enough events have left the period; None when few enough are in it now."""
    if rule.agent_exempts and _agent_sure(question):
        return None
    start_s = question.now_s - rule.period_s
    times = sorted(e.at_s for e in question.facts.events if e.kind is rule.event and e.at_s > start_s)
    if len(times) <= rule.max_before:
        return None
    return times[len(times) - rule.max_before - 1] + rule.period_s


def _agent_sure(question: _Question) -> bool:
    return question.facts.agent_reserved or not question.campaign.mode.over_dials


def _message_mend(rule: MessageRule, campaign: Campaign) -> str:
    if rule.max_wait_s is not None and campaign.mode.over_dials and campaign.safe_harbour.max_wait_s > rule.max_wait_s:
        return (
            f"[safe_harbour] max_wait_s is {campaign.safe_harbour.max_wait_s:g}: set it to {rule.max_wait_s:g} or less"
        )
    if rule.ring_min_s is not None and campaign.ring_timeout_s < rule.ring_min_s:
        return f"ring_timeout_s is {campaign.ring_timeout_s:g}: set it to {rule.ring_min_s:g} or more"
    return ""


def _caller_wrong(rule: CallerNumberRule, caller_id: str, country: str) -> bool:
    if rule.forbid_mobile and is_mobile(caller_id):
        return True
    return bool(rule.prefixes) and not national_part(caller_id, country).startswith(rule.prefixes)


def _consent_refusal(rule: ConsentRule, question: _Question) -> Refused | None:
    if rule.mobile_only and not is_mobile(question.lead.phone):
        return None
    consent, now_s = question.facts.consent, question.now_s
    if consent and consent.revoked_at_s is not None and consent.revoked_at_s <= now_s:
        return Refused(rule.rule_id, rule.source, "the consent was revoked")
    given = consent is not None and consent.holds(now_s, rule.max_age_s)
    if given or question.campaign.compliance.basis in rule.bases:
        return None
    bases = " or ".join(f'"{basis.value}"' for basis in rule.bases)
    mend = (
        f"record the consent of these people, or declare in the campaign file [compliance] basis = {bases} if it is so"
    )
    return Refused(rule.rule_id, rule.source, rule.words, mend=mend)


def _scrub_stale(rule: ScrubRule, campaign: Campaign, now_s: float) -> bool:
    day = campaign.compliance.scrubbed.get(rule.registry)
    if day is None:
        return True
    age_days = (datetime.fromtimestamp(now_s, UTC).date() - date.fromisoformat(day)).days
    return age_days < -1 or age_days * 86_400 > rule.max_age_s
