from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.calling_window import (
    ALWAYS,
    CallingWindow,
    is_holiday,
    is_zone,
    knows_holidays_of,
    next_open_everywhere_s,
    open_everywhere,
    parse_span,
)

ZONES = ["Europe/Madrid", "Atlantic/Canary", "America/Mexico_City", "America/New_York", "America/Santiago",
         "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]  # fmt: skip


def window(*texts: str, country: str = "") -> CallingWindow:
    return CallingWindow(tuple(parse_span(text) for text in texts), country)


def at(zone: str, *parts: int) -> float:
    return datetime(*parts, tzinfo=ZoneInfo(zone)).timestamp()  # type: ignore[arg-type]


WORK = window("mon-fri 09:00-21:00", "sat 10:00-14:00", country="ES")


@pytest.mark.parametrize(
    ("parts", "is_open"),
    [
        ((2026, 11, 24, 8, 59, 59), False),
        ((2026, 11, 24, 9, 0, 0), True),
        ((2026, 11, 24, 20, 59, 59), True),
        ((2026, 11, 24, 21, 0, 0), False),
        ((2026, 11, 28, 12, 0, 0), True),
        ((2026, 11, 29, 12, 0, 0), False),
        ((2026, 12, 8, 12, 0, 0), False),  # Inmaculada Concepción, a Tuesday
    ],
)
def test_the_edges_of_a_window(parts, is_open):
    assert WORK.is_open(at("Europe/Madrid", *parts), "Europe/Madrid") is is_open


def test_two_zones_are_open_only_together():
    nine_in_madrid_s = at("Europe/Madrid", 2026, 11, 24, 9, 30)
    zones = ("Europe/Madrid", "Atlantic/Canary")
    assert not open_everywhere((WORK,), nine_in_madrid_s, zones)
    assert next_open_everywhere_s((WORK,), nine_in_madrid_s, zones) == at("Atlantic/Canary", 2026, 11, 24, 9, 0)


def test_windows_that_never_meet_give_none():
    assert next_open_everywhere_s((window("mon 09:00-10:00"), window("tue 09:00-10:00")), 0.0, ("UTC",)) is None
    assert next_open_everywhere_s((CallingWindow(()),), 0.0, ("UTC",)) is None


def test_an_opening_time_that_the_clock_change_skips_is_passed_by():
    night = window("sun 02:30-04:00")
    before_s = at("Europe/Madrid", 2026, 3, 29, 1, 0)
    opens_s = night.next_open_s(before_s, "Europe/Madrid")
    assert opens_s is not None
    assert datetime.fromtimestamp(opens_s, ZoneInfo("Europe/Madrid")).strftime("%H:%M") == "03:30"


def test_the_morning_after_a_clock_change_still_opens_by_the_wall_clock():
    early = window("mon-sun 09:00-21:00")
    saturday_night_s = at("Europe/Madrid", 2026, 10, 24, 22, 0)
    assert early.next_open_s(saturday_night_s, "Europe/Madrid") == saturday_night_s + 12 * 3600


@pytest.mark.parametrize(
    "text",
    [
        "", "9-21", "mon 9-21", "mon-fri 21:00-09:00", "lun 09:00-21:00", "mon 09:00-25:00", "mon 09:00-09:00",
        "mon 09:60-10:00", "mon 24:01-24:30",
    ],
)  # fmt: skip
def test_a_text_that_is_no_window_says_how_to_write_one(text):
    with pytest.raises(ValueError, match=r"09:00|two windows|weekday|00:00"):
        parse_span(text)


def test_ranges_of_weekdays_go_round_the_week():
    assert parse_span("sat-mon 10:00-11:00").weekdays == frozenset({5, 6, 0})
    assert parse_span("Daily 08:00-24:00").weekdays == frozenset(range(7))


def test_zones_and_holidays_are_looked_up():
    assert is_zone("Europe/Madrid")
    assert not is_zone("Madrid")
    assert knows_holidays_of("ES", "MD")
    assert not knows_holidays_of("ES", "XX")
    assert is_holiday(date(2026, 12, 25), "ES")
    with pytest.raises(ValueError, match="calendar"):
        is_holiday(date(2026, 12, 25), "ZZ")


SPANS = st.builds(
    lambda day, start, length: parse_span(f"{day} {start:02d}:00-{min(start + length, 24):02d}:00"),
    st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun", "daily", "mon-fri", "sat-sun"]),
    st.integers(0, 23),
    st.integers(1, 12),
)
MOMENTS = st.integers(1_600_000_000, 2_000_000_000).map(float)


@given(st.lists(SPANS, min_size=1, max_size=3), MOMENTS, st.lists(st.sampled_from(ZONES), min_size=1, max_size=2))
def test_the_next_opening_is_open_and_nothing_before_it_is(spans, now_s, zones):
    calendar = CallingWindow(tuple(spans))
    opens_s = next_open_everywhere_s((calendar,), now_s, zones)
    if opens_s is None:
        horizon_s = now_s + timedelta(days=30).total_seconds()
    else:
        assert opens_s >= now_s
        assert open_everywhere((calendar,), opens_s, zones)
        horizon_s = opens_s
    # Clock changes come at most twice a year and by at most one hour: look for an opening that lasts longer.
    step_s = 3601.0
    probe_s = now_s
    while probe_s + 2 * step_s < horizon_s:
        assert not all(
            open_everywhere((calendar,), probe_s + ahead, zones) for ahead in (0, step_s / 2, step_s, 2 * step_s)
        )
        probe_s += step_s


@given(MOMENTS, st.sampled_from(ZONES))
def test_a_window_of_all_hours_is_always_open(now_s, zone):
    assert ALWAYS.next_open_s(now_s, zone) == now_s
