from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import Campaign, CampaignLimits, Hours, RetryRule
from campaigns.disposition import DEFAULT_DISPOSITIONS, Disposition, DispositionEffect
from campaigns.lead import Lead, LeadState
from campaigns.outcome import Outcome
from campaigns.recycle import WAITS_FOR_MENDING, after_attempt, after_disposition, after_refusal, zones_for

MADRID = ZoneInfo("Europe/Madrid")
CAMPAIGN = Campaign("c", "C", "+34912345678", ("l",), ("t",), "S")
LEAD = Lead("lead", "l", "+34912345678", time_zone="Europe/Madrid", attempts=1)


def madrid_s(*parts: int) -> float:
    return datetime(*parts, tzinfo=MADRID).timestamp()  # type: ignore[arg-type]


TUESDAY_NOON_S = madrid_s(2026, 11, 24, 12, 0)


def disposition(code: str) -> Disposition:
    return next(known for known in DEFAULT_DISPOSITIONS if known.code == code)


def test_busy_comes_back_sooner_than_no_answer():
    busy = after_attempt(LEAD, Outcome.BUSY, CAMPAIGN, TUESDAY_NOON_S)
    no_answer = after_attempt(LEAD, Outcome.NO_ANSWER, CAMPAIGN, TUESDAY_NOON_S)
    assert busy.next_call_at_s == TUESDAY_NOON_S + 900
    assert no_answer.next_call_at_s == TUESDAY_NOON_S + 14_400
    assert busy.state is no_answer.state is LeadState.RETRY


def test_a_retry_that_falls_into_the_night_waits_for_the_morning():
    change = after_attempt(LEAD, Outcome.NO_ANSWER, CAMPAIGN, madrid_s(2026, 11, 24, 19, 0))
    assert change.next_call_at_s == madrid_s(2026, 11, 25, 9, 0)


def test_a_retry_after_friday_evening_waits_for_monday():
    change = after_attempt(LEAD, Outcome.BUSY, CAMPAIGN, madrid_s(2026, 11, 27, 20, 55))
    assert change.next_call_at_s == madrid_s(2026, 11, 30, 9, 0)


def test_the_daily_cap_moves_the_retry_to_the_next_day():
    change = after_attempt(LEAD, Outcome.BUSY, CAMPAIGN, TUESDAY_NOON_S, attempts_today=3)
    assert change.next_call_at_s == madrid_s(2026, 11, 25, 9, 0)


def test_the_last_attempt_closes_the_lead():
    change = after_attempt(replace(LEAD, attempts=6), Outcome.NO_ANSWER, CAMPAIGN, TUESDAY_NOON_S)
    assert change.state is LeadState.CLOSED


def test_an_outcome_with_its_own_cap_closes_earlier():
    campaign = replace(CAMPAIGN, retry={Outcome.MACHINE: RetryRule(3600, 2)})
    assert after_attempt(replace(LEAD, attempts=2), Outcome.MACHINE, campaign, TUESDAY_NOON_S).state is LeadState.CLOSED


@pytest.mark.parametrize("outcome", [Outcome.UNALLOCATED, Outcome.FAX, Outcome.BRIDGED])
def test_outcomes_that_never_come_back(outcome):
    assert after_attempt(LEAD, outcome, CAMPAIGN, TUESDAY_NOON_S).state is LeadState.CLOSED


def test_a_full_trunk_never_uses_up_a_lead():
    change = after_attempt(replace(LEAD, attempts=6), Outcome.CONGESTION, CAMPAIGN, TUESDAY_NOON_S)
    assert (change.state, change.gives_back_attempt) == (LeadState.RETRY, True)
    assert not after_attempt(LEAD, Outcome.BUSY, CAMPAIGN, TUESDAY_NOON_S).gives_back_attempt


def test_an_abandoned_person_is_left_alone_for_72_hours():
    change = after_attempt(LEAD, Outcome.ABANDONED, CAMPAIGN, TUESDAY_NOON_S)
    assert change.next_call_at_s == TUESDAY_NOON_S + 72 * 3600


def test_a_missed_callback_stays_promised_to_its_agent():
    lead = replace(LEAD, callback_agent_id="ana")
    change = after_attempt(lead, Outcome.BUSY, CAMPAIGN, TUESDAY_NOON_S)
    assert (change.state, change.callback_agent_id) == (LeadState.CALLBACK, "ana")


def test_a_callback_comes_when_promised_and_stays_with_its_agent():
    at_s = TUESDAY_NOON_S + 7200
    change = after_disposition(
        LEAD, disposition("callback"), CAMPAIGN, TUESDAY_NOON_S, callback_at_s=at_s, callback_agent_id="ana"
    )
    assert (change.state, change.next_call_at_s, change.callback_agent_id) == (LeadState.CALLBACK, at_s, "ana")


@pytest.mark.parametrize("at_s", [None, TUESDAY_NOON_S - 1, TUESDAY_NOON_S])
def test_a_callback_needs_a_time_in_the_future(at_s):
    with pytest.raises(ValueError, match="future"):
        after_disposition(LEAD, disposition("callback"), CAMPAIGN, TUESDAY_NOON_S, callback_at_s=at_s)


def test_dispositions_close_or_silence_the_lead():
    assert after_disposition(LEAD, disposition("sale"), CAMPAIGN, TUESDAY_NOON_S).state is LeadState.CLOSED
    assert after_disposition(LEAD, disposition("wrong_number"), CAMPAIGN, TUESDAY_NOON_S).state is LeadState.CLOSED
    assert after_disposition(LEAD, disposition("dnc"), CAMPAIGN, TUESDAY_NOON_S).state is LeadState.DNC


def test_a_retry_disposition_obeys_the_cap_of_attempts():
    again = Disposition("again", "Again", DispositionEffect.RETRY, retry_after_s=3600)
    assert after_disposition(LEAD, again, CAMPAIGN, TUESDAY_NOON_S).next_call_at_s == TUESDAY_NOON_S + 3600
    worn = replace(LEAD, attempts=6)
    assert after_disposition(worn, again, CAMPAIGN, TUESDAY_NOON_S).state is LeadState.CLOSED


def test_a_campaign_without_any_open_hour_closes_instead_of_looping():
    campaign = replace(CAMPAIGN, hours=Hours(windows=()))
    assert after_attempt(LEAD, Outcome.BUSY, campaign, TUESDAY_NOON_S).state is LeadState.CLOSED


def test_a_refusal_names_when_to_try_again_or_ends_it():
    assert after_refusal(LEAD, True, None).state is LeadState.DNC
    assert after_refusal(LEAD, False, None).state is LeadState.CLOSED
    assert after_refusal(LEAD, False, 5.0).next_call_at_s == 5.0


def test_a_lead_that_a_person_must_mend_something_for_waits():
    change = after_refusal(LEAD, False, None, mended_at_s=9.0)
    assert (change.state, change.next_call_at_s, change.last_outcome) == (LeadState.RETRY, 9.0, WAITS_FOR_MENDING)
    assert after_refusal(LEAD, True, None, mended_at_s=9.0).state is LeadState.DNC


def test_a_spanish_mobile_is_judged_in_both_spanish_zones():
    assert set(zones_for(replace(LEAD, phone="+34612345678", time_zone=""), CAMPAIGN)) == {
        "Europe/Madrid",
        "Atlantic/Canary",
    }


@given(
    outcome=st.sampled_from(Outcome),
    attempts=st.integers(1, 8),
    today=st.integers(0, 5),
    now_s=st.integers(1_760_000_000, 1_900_000_000),
    phone=st.sampled_from(["+34912345678", "+34612345678", "+12125551234", "+525512345678", "+442079460958"]),
)
def test_whatever_happens_a_retry_is_later_inside_the_window_and_within_the_caps(
    outcome, attempts, today, now_s, phone
):
    lead = Lead("lead", "l", phone, attempts=attempts)
    campaign = replace(CAMPAIGN, limits=CampaignLimits(max_attempts=5, max_attempts_per_day=2))
    change = after_attempt(lead, outcome, campaign, float(now_s), attempts_today=today)
    assert change.state in {LeadState.CLOSED, LeadState.RETRY}
    assert change.last_outcome == outcome
    if change.state is LeadState.RETRY:
        assert attempts - change.gives_back_attempt < 5
        assert change.next_call_at_s is not None
        assert change.next_call_at_s >= now_s + campaign.retry_rule(outcome).delay_s
        window = campaign.calling_window()
        zones = zones_for(lead, campaign)
        assert all(window.is_open(change.next_call_at_s, zone) for zone in zones)
        if today >= 2:
            days = {datetime.fromtimestamp(change.next_call_at_s, ZoneInfo(zone)).date() for zone in zones}
            assert all(day > datetime.fromtimestamp(now_s, ZoneInfo(zone)).date() for zone in zones for day in days)
