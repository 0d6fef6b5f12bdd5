from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.ledger import Ledger, RatioCounter
from campaigns.outcome import Outcome
from campaigns.rule_pack import Confidence, RatioPeriod, RatioRule, shipped_packs

DAY_S = 86_400.0
NOW_S = datetime(2026, 11, 24, 12, 0, tzinfo=ZoneInfo("Europe/London")).timestamp()


def rule(period: RatioPeriod, period_s: float = 30 * DAY_S, false_positives: bool = False) -> RatioRule:
    return RatioRule(
        rule_id="r", words="a rule of a test", source="a test", as_of="2026-11-21", confidence=Confidence.LOW,
        kind="ratio", cap=0.03, period=period, period_s=period_s, count_false_positives=false_positives,
    )  # fmt: skip


def test_only_people_count_and_customers_who_hung_up_are_people():
    counter = RatioCounter(rule(RatioPeriod.ROLLING))
    for outcome in Outcome:
        counter.count(outcome, NOW_S)
    share = counter.share(NOW_S)
    assert (share.abandoned, share.people) == (1, 3)


def test_nobody_answered_is_no_abandonment():
    counter = RatioCounter(rule(RatioPeriod.ROLLING))
    assert counter.share(NOW_S).ratio == 0
    assert not counter.over_cap(NOW_S)


def test_the_cap_is_reached_at_three_of_a_hundred():
    counter = RatioCounter(rule(RatioPeriod.ROLLING))
    for number in range(100):
        assert not counter.over_cap(NOW_S)
        counter.count(Outcome.ABANDONED if number >= 97 else Outcome.BRIDGED, NOW_S)
        if number == 98:
            assert counter.share(NOW_S).ratio < 0.03
    assert counter.over_cap(NOW_S)


def test_a_rolling_period_forgets_what_is_older():
    counter = RatioCounter(rule(RatioPeriod.ROLLING))
    counter.count(Outcome.ABANDONED, NOW_S - 31 * DAY_S)
    counter.count(Outcome.BRIDGED, NOW_S - 29 * DAY_S)
    assert counter.share(NOW_S).abandoned == 0
    assert counter.share(NOW_S).people == 1


def test_a_calendar_day_begins_at_local_midnight():
    counter = RatioCounter(rule(RatioPeriod.CALENDAR_DAY), time_zone="Europe/London")
    counter.count(Outcome.ABANDONED, NOW_S - 12 * 3600 - 1)
    counter.count(Outcome.BRIDGED, NOW_S - 12 * 3600)
    assert (counter.share(NOW_S).abandoned, counter.share(NOW_S).people) == (0, 1)


def test_a_calendar_month_begins_on_the_first():
    counter = RatioCounter(rule(RatioPeriod.CALENDAR_MONTH), time_zone="Europe/London")
    counter.count(Outcome.ABANDONED, NOW_S - 24 * DAY_S)
    counter.count(Outcome.ABANDONED, NOW_S - 23 * DAY_S)
    assert counter.share(NOW_S).abandoned == 1


def test_people_taken_for_machines_are_added_where_the_rule_wants_it():
    strict = RatioCounter(rule(RatioPeriod.CALENDAR_DAY, false_positives=True), false_positive_share=0.02)
    plain = RatioCounter(rule(RatioPeriod.CALENDAR_DAY), false_positive_share=0.02)
    for counter in (strict, plain):
        for outcome, times in ((Outcome.MACHINE, 100), (Outcome.BRIDGED, 98)):
            for _ in range(times):
                counter.count(outcome, NOW_S)
    assert strict.share(NOW_S).abandoned == pytest.approx(2)
    assert strict.share(NOW_S).ratio == pytest.approx(0.02)
    assert plain.share(NOW_S).ratio == 0


def test_an_impossible_share_is_refused():
    with pytest.raises(ValueError, match="from 0 to 1"):
        RatioCounter(rule(RatioPeriod.ROLLING), false_positive_share=3)


def test_a_ledger_keeps_every_ratio_rule_of_a_pack():
    ledger = Ledger(shipped_packs()["US"].rules)
    ledger.count(Outcome.ABANDONED, NOW_S)
    assert ledger.over_cap(NOW_S) == frozenset({"us-abandonment"})
    assert ledger.shares(NOW_S)["us-abandonment"].people == 1


@given(
    st.lists(st.tuples(st.integers(0, 5 * 24 * 60), st.sampled_from(Outcome)), max_size=80).map(sorted),
    st.integers(0, 24 * 60),
)
def test_incremental_counts_equal_a_recount(events, later_min):
    counter = RatioCounter(rule(RatioPeriod.ROLLING, DAY_S))
    start_s = NOW_S // 60 * 60
    for minute, outcome in events:
        counter.count(outcome, start_s + minute * 60)
        counter.share(start_s + minute * 60)
    end_s = start_s + (max((minute for minute, _ in events), default=0) + later_min) * 60
    inside = [outcome for minute, outcome in events if start_s + (minute + 1) * 60 > end_s - DAY_S]
    assert counter.share(end_s).people == sum(outcome.answered_by_person for outcome in inside)
    assert counter.share(end_s).abandoned == inside.count(Outcome.ABANDONED)
