from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from campaigns.calling_window import knows_holidays_of
from campaigns.campaign import Campaign, Compliance, DialMode, Hours, Purpose, SafeHarbour
from campaigns.compliance import Allowed, ContactEvent, Facts, Refused, faults_of, legal_windows, may_dial
from campaigns.consent import Basis, Consent
from campaigns.lead import Lead
from campaigns.phone import is_region
from campaigns.rule_pack import EventKind, RulePackError, WindowRule, read_pack, shipped_packs

MADRID = ZoneInfo("Europe/Madrid")
ALL_DAY = Hours(windows=("daily 00:00-24:00",), on_holidays=True)
SPAIN = Campaign(
    "c", "C", "+34912345678", ("l",), ("t",), "S", hours=ALL_DAY,
    compliance=Compliance(Basis.CONSENT, {"lista_robinson": "2026-11-20"}),
)  # fmt: skip
LEAD = Lead("lead", "l", "+34912345678", time_zone="Europe/Madrid")
NOON_S = datetime(2026, 11, 24, 12, 0, tzinfo=MADRID).timestamp()
DAY_S = 86_400.0


def refused(answer: Allowed | Refused) -> Refused:
    assert isinstance(answer, Refused)
    return answer


def campaign_for(country: str, purpose: Purpose, **changes: object) -> Campaign:
    return replace(SPAIN, country=country, purpose=purpose, **changes)  # type: ignore[arg-type]


def test_a_call_at_noon_to_a_scrubbed_list_is_allowed():
    answer = may_dial(LEAD, SPAIN, Facts(), NOON_S)
    assert isinstance(answer, Allowed)
    assert "es-marketing-hours" in answer.rules


def test_a_do_not_call_number_is_refused_for_good():
    answer = refused(may_dial(LEAD, SPAIN, Facts(on_dnc=True), NOON_S))
    assert (answer.rule, answer.allowed_again_at_s) == ("dnc", None)


def test_the_law_closes_at_night_though_the_campaign_does_not():
    night_s = datetime(2026, 11, 24, 21, 30, tzinfo=MADRID).timestamp()
    answer = refused(may_dial(LEAD, SPAIN, Facts(), night_s))
    assert answer.rule == "es-marketing-hours"
    assert "1/2007" in answer.source
    assert answer.allowed_again_at_s == datetime(2026, 11, 25, 9, 0, tzinfo=MADRID).timestamp()
    assert isinstance(may_dial(LEAD, SPAIN, Facts(), answer.allowed_again_at_s), Allowed)


def test_the_campaigns_own_hours_bind_as_well():
    campaign = replace(SPAIN, hours=Hours(windows=("mon-fri 16:00-20:00",)))
    answer = refused(may_dial(LEAD, campaign, Facts(), NOON_S))
    assert (answer.rule, answer.allowed_again_at_s) == ("hours", NOON_S + 4 * 3600)


def test_a_mobile_of_unknown_island_waits_for_the_later_zone():
    half_past_nine_s = datetime(2026, 11, 24, 9, 30, tzinfo=MADRID).timestamp()
    mobile = replace(LEAD, phone="+34612345678", time_zone="")
    answer = refused(may_dial(mobile, SPAIN, Facts(), half_past_nine_s))
    assert answer.allowed_again_at_s == half_past_nine_s + 1800


def test_attempts_are_capped_ever_and_by_day():
    assert refused(may_dial(replace(LEAD, attempts=6), SPAIN, Facts(), NOON_S)).allowed_again_at_s is None
    answer = refused(may_dial(LEAD, SPAIN, Facts(attempts_today=3), NOON_S))
    assert answer.rule == "max-attempts-per-day"
    assert answer.allowed_again_at_s == datetime(2026, 11, 25, 9, 0, tzinfo=MADRID).timestamp()


def test_a_spanish_commercial_call_must_not_show_a_mobile():
    assert (
        refused(may_dial(LEAD, replace(SPAIN, caller_id="+34612345678"), Facts(), NOON_S)).rule == "es-no-mobile-caller"
    )


@pytest.mark.parametrize("scrubbed", [{}, {"lista_robinson": "2026-10-01"}])
def test_a_list_that_was_not_scrubbed_lately_is_refused(scrubbed):
    campaign = replace(SPAIN, compliance=Compliance(Basis.CONSENT, scrubbed))
    assert refused(may_dial(LEAD, campaign, Facts(), NOON_S)).rule == "es-lista-robinson"


def test_what_the_campaign_file_breaks_is_said_with_its_mending_and_no_lead_is_given_up_for_it():
    campaign = replace(SPAIN, caller_id="+34612345678", compliance=Compliance(Basis.CONSENT, {}))
    mobile, unscrubbed = faults_of(campaign, NOON_S)[::-1]
    assert "+34612345678" in mobile.mend
    assert "scrubbed = { lista_robinson = 2026-11-24 }" in unscrubbed.mend
    assert not faults_of(SPAIN, NOON_S)
    answer = refused(may_dial(LEAD, campaign, Facts(), NOON_S))
    assert (answer.allowed_again_at_s, answer.for_good) == (None, False)
    assert refused(may_dial(LEAD, campaign, Facts(on_dnc=True), NOON_S)).for_good


def test_a_message_that_comes_too_late_is_a_fault_only_where_somebody_can_be_abandoned():
    late = campaign_for("GB", Purpose.RESEARCH, mode=DialMode.PREDICTIVE, safe_harbour=SafeHarbour(max_wait_s=3.0))
    (fault,) = faults_of(late, NOON_S)
    assert "max_wait_s is 3: set it to 2 or less" in fault.mend
    assert not faults_of(replace(late, mode=DialMode.PROGRESSIVE), NOON_S)


def test_consent_may_be_the_basis_until_it_is_too_old_or_revoked():
    bare = replace(SPAIN, compliance=Compliance(Basis.NONE, {"lista_robinson": "2026-11-20"}))
    assert refused(may_dial(LEAD, bare, Facts(), NOON_S)).rule == "es-marketing-consent"
    fresh = Consent(NOON_S - DAY_S, "form 12")
    assert isinstance(may_dial(LEAD, bare, Facts(consent=fresh), NOON_S), Allowed)
    assert isinstance(
        may_dial(LEAD, bare, Facts(consent=replace(fresh, given_at_s=NOON_S - 731 * DAY_S)), NOON_S), Refused
    )
    revoked = Facts(consent=replace(fresh, revoked_at_s=NOON_S - 1))
    assert isinstance(may_dial(LEAD, bare, revoked, NOON_S), Refused)
    assert isinstance(may_dial(LEAD, SPAIN, revoked, NOON_S), Refused), "a revocation goes before the campaign's basis"


def test_debt_collection_in_the_us_stops_at_the_eighth_call_in_seven_days():
    lead = replace(LEAD, phone="+12125551234", time_zone="America/New_York")
    campaign = campaign_for("US", Purpose.COLLECTION)
    calls = tuple(ContactEvent(EventKind.ATTEMPT, NOON_S + 8 * 3600 - day * DAY_S) for day in range(6, -1, -1))
    asked_s = NOON_S + 9 * 3600
    assert isinstance(may_dial(lead, campaign, Facts(events=calls[1:]), asked_s), Allowed)
    answer = refused(may_dial(lead, campaign, Facts(events=calls), asked_s))
    assert answer.rule == "us-collection-seven-calls"
    assert answer.allowed_again_at_s == calls[0].at_s + 7 * DAY_S
    assert isinstance(may_dial(lead, campaign, Facts(events=calls), answer.allowed_again_at_s), Allowed)


def test_after_an_abandoned_call_in_the_uk_only_a_call_with_an_agent_is_allowed_for_72_hours():
    lead = replace(LEAD, phone="+442079460958", time_zone="Europe/London")
    campaign = campaign_for("GB", Purpose.RESEARCH, mode=DialMode.PREDICTIVE)
    events = (ContactEvent(EventKind.ABANDONED, NOON_S - DAY_S),)
    answer = refused(may_dial(lead, campaign, Facts(events=events), NOON_S))
    assert (answer.rule, answer.allowed_again_at_s) == ("gb-after-abandoned", NOON_S + 2 * DAY_S)
    assert isinstance(may_dial(lead, campaign, Facts(events=events, agent_reserved=True), NOON_S), Allowed)
    assert isinstance(
        may_dial(lead, replace(campaign, mode=DialMode.PROGRESSIVE), Facts(events=events), NOON_S), Allowed
    )


def test_over_the_abandonment_cap_only_calls_with_an_agent_are_placed():
    lead = replace(LEAD, phone="+442079460958", time_zone="Europe/London")
    campaign = campaign_for("GB", Purpose.RESEARCH, mode=DialMode.PREDICTIVE)
    facts = Facts(over_cap=frozenset({"gb-abandonment"}))
    answer = refused(may_dial(lead, campaign, facts, NOON_S))
    assert (answer.rule, answer.allowed_again_at_s) == ("gb-abandonment", NOON_S + 60)
    assert isinstance(may_dial(lead, campaign, replace(facts, agent_reserved=True), NOON_S), Allowed)


def test_a_late_safe_harbour_message_is_refused_where_the_law_sets_two_seconds():
    lead = replace(LEAD, phone="+442079460958", time_zone="Europe/London")
    late = campaign_for("GB", Purpose.RESEARCH, mode=DialMode.PREDICTIVE, safe_harbour=SafeHarbour(max_wait_s=3.0))
    assert refused(may_dial(lead, late, Facts(), NOON_S)).rule == "gb-message"


@pytest.mark.parametrize(
    ("caller_id", "allowed"), [("+56600123456", True), ("+56223456789", False), ("+34600123456", False)]
)
def test_chilean_collection_shows_a_600_number(caller_id, allowed):
    lead = replace(LEAD, phone="+56223456789", time_zone="America/Santiago")
    campaign = campaign_for("CL", Purpose.COLLECTION, caller_id=caller_id)
    assert isinstance(may_dial(lead, campaign, Facts(), NOON_S + 4 * 3600), Allowed) is allowed


def test_a_caller_that_is_no_number_and_a_zone_that_is_none_break_nothing():
    lead = replace(LEAD, time_zone="Norte")
    assert isinstance(may_dial(lead, replace(SPAIN, caller_id="1000"), Facts(), NOON_S), Allowed)


def test_an_advisory_rule_lets_the_call_go_and_tells():
    lead = replace(LEAD, phone="+551123456789", time_zone="America/Sao_Paulo")
    answer = may_dial(lead, campaign_for("BR", Purpose.MARKETING), Facts(), NOON_S + 4 * 3600)
    assert isinstance(answer, Allowed)
    assert [text.split(":")[0] for text in answer.advice] == ["br-nao-me-perturbe"]


def test_a_country_without_a_pack_has_only_the_campaigns_own_rules():
    lead = replace(LEAD, phone="+4930901820", time_zone="Europe/Berlin")
    assert may_dial(lead, SPAIN, Facts(), NOON_S) == Allowed()
    assert isinstance(may_dial(lead, SPAIN, Facts(on_dnc=True), NOON_S), Refused)


def test_no_packs_leave_the_campaigns_own_rules():
    night_s = datetime(2026, 11, 24, 23, 0, tzinfo=MADRID).timestamp()
    assert may_dial(LEAD, SPAIN, Facts(), night_s, packs={}) == Allowed()


def test_recycling_gets_the_laws_windows():
    [window] = legal_windows(LEAD, SPAIN)
    assert window.is_open(NOON_S, "Europe/Madrid")
    assert not window.is_open(NOON_S + 10 * 3600, "Europe/Madrid")


def test_the_shipped_packs_cover_the_promised_countries_and_name_their_sources():
    packs = shipped_packs()
    assert {"ES", "MX", "CO", "US", "GB", "CL", "AR", "PE", "BR"} <= set(packs)
    for country, pack in packs.items():
        assert is_region(country)
        assert knows_holidays_of(country)
        for rule in pack.rules:
            assert rule.rule_id.startswith(country.lower() + "-")
            assert rule.source and rule.words and rule.as_of <= "2026-11-21"
            if isinstance(rule, WindowRule):
                assert rule.window(country).spans


GOOD_RULE = """
[[rules]]
rule_id = "xx-hours"
kind = "window"
words = "Calls only in the daytime."
source = "Some law"
as_of = 2026-11-21
confidence = "low"
windows = ["daily 08:00-21:00"]
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('country = "XX"\ntitle = "X"\n' + GOOD_RULE.replace('source = "Some law"\n', ""), "source"),
        ('country = "XX"\ntitle = "X"\n' + GOOD_RULE.replace('"window"', '"wnidow"'), "x.toml:4"),
        ('country = "XX"\ntitle = "X"\n' + GOOD_RULE.replace("daily", "dayly"), "xx-hours"),
        ('country = "XX"\ntitle = "X"\n' + GOOD_RULE + GOOD_RULE, "twice"),
        ('country = "XX"\ntitle = "X"\nrules = []', "rules"),
        ("country = ", "not TOML"),
    ],
)
def test_a_wrong_pack_is_refused_with_its_place(text, words):
    with pytest.raises(RulePackError, match=words):
        read_pack(text, "x.toml")
