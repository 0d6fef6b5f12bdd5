"""The integral rule is an identity: no sequence of people and abandonments, and no restart, can break it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import guarantee as g
from dialer.pacing.shapes import Floats

SETTINGS = g.Guarantee()
steps = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=200)


def follow(moves: list[tuple[int, int]], state: Floats, people: int = 0, abandoned: int = 0) -> tuple[int, int]:
    for second, (more, worse) in enumerate(moves):
        people, abandoned = people + max(more, worse), abandoned + worse
        g.settle(SETTINGS, state, float(people), float(abandoned), 0.0, float(second), 0.0)
    return people, abandoned


@given(steps)
def test_whatever_happens_abandonments_are_bounded_by_the_aim_and_by_how_far_theta_fell(
    moves: list[tuple[int, int]],
) -> None:
    state = g.fresh(SETTINGS)
    people, abandoned = follow(moves, state)
    fallen = (math.log(SETTINGS.theta_0) - state[g.LN_THETA]) / SETTINGS.eta
    assert abandoned <= SETTINGS.cap * people + fallen + 1e-6


@given(steps)
def test_below_the_ceiling_with_a_fixed_aim_it_is_an_equality(moves: list[tuple[int, int]]) -> None:
    settings = SETTINGS._replace(margin=0.0, short=1.0, theta_max=1e9)
    state, people, abandoned = g.fresh(settings), 0, 0
    for second, (more, worse) in enumerate(moves):
        people, abandoned = people + max(more, worse), abandoned + worse
        g.settle(settings, state, float(people), float(abandoned), 0.0, float(second), 100.0)
    fallen = (math.log(settings.theta_0) - state[g.LN_THETA]) / settings.eta
    assert abandoned == pytest.approx(settings.cap * people + fallen)


@given(steps, steps)
def test_a_restart_in_the_middle_of_a_window_takes_the_debt_along(
    before: list[tuple[int, int]], after: list[tuple[int, int]]
) -> None:
    first = g.fresh(SETTINGS)
    people, abandoned = follow(before, first)
    second = g.fresh(SETTINGS)  # a new process; its first tally holds what happened before
    g.settle(SETTINGS, second, float(people), float(abandoned), 0.0, 0.0, 0.0)
    people, abandoned = follow(after, second, people, abandoned)
    fallen = (math.log(SETTINGS.theta_0) - second[g.LN_THETA]) / SETTINGS.eta
    assert abandoned <= SETTINGS.cap * people + fallen + 1e-6


@given(st.integers(0, 3000), st.integers(0, 200))
def test_at_the_end_of_the_window_nobody_is_put_at_risk_beyond_the_cap(people: int, abandoned: int) -> None:
    state = g.fresh(SETTINGS)
    g.settle(SETTINGS, state, float(people), float(abandoned), 0.0, 0.0, 0.0)
    if g.may_over_dial(SETTINGS, state, 0.0, 20_000.0, 0.0):
        assert abandoned + 1 <= SETTINGS.cap * people


def test_estimated_false_positives_eat_the_budget() -> None:
    clean, mistaken = g.fresh(SETTINGS), g.fresh(SETTINGS)
    g.settle(SETTINGS, clean, 500.0, 5.0, 0.0, 0.0, 0.0)
    g.settle(SETTINGS, mistaken, 500.0, 5.0, 10.0, 0.0, 0.0)
    assert g.theta_of(mistaken) < g.theta_of(clean) / 10
    assert g.may_over_dial(SETTINGS, clean, 0.0, 1.0, 0.0)
    assert not g.may_over_dial(SETTINGS, mistaken, 0.0, 1.0, 0.0)


def test_what_chance_may_make_of_amds_errors_by_the_end_of_the_window_is_held_back_from_the_start() -> None:
    short, long = g.fresh(SETTINGS), g.fresh(SETTINGS)
    for state, left_s in ((short, 0.0), (long, 20_000.0)):
        g.settle(SETTINGS, state, 0.0, 0.0, 0.0, 0.0, left_s)
        g.settle(SETTINGS, state, 100.0, 0.0, 2.0, 1000.0, left_s)
    assert not g.may_over_dial(SETTINGS, short, 0.0, 1000.0, 0.0)  # 2 and one more do not fit under 3
    # 2,100 people: the rate leaves 30 abandonments by the end, of which chance may take 2 sqrt(11) and not 2 sqrt(0.5)
    state = long.copy()
    state[g.ABANDONED] = 22.0
    assert not g.may_over_dial(SETTINGS, state, 0.0, 1000.0, 20_000.0)
    state[g.MISTAKEN] = 0.0
    assert g.may_over_dial(SETTINGS, state, 0.0, 1000.0, 20_000.0)


@given(st.floats(0.0, 40.0), st.integers(0, 40), st.floats(60.0, 30_000.0), st.integers(1, 200))
def test_before_a_rate_is_known_no_more_is_risked_than_the_window_will_bear(
    at_risk: float, people: int, left_s: float, agents: int
) -> None:
    state = g.fresh(SETTINGS)
    g.settle(SETTINGS, state, 0.0, 0.0, 0.0, 0.0, left_s)
    if g.may_over_dial(SETTINGS, state, at_risk, 0.0, left_s, 0.0, float(agents)):
        assert at_risk <= max(2.03, SETTINGS.early + 0.03) - 1.0
        assert at_risk + 1.0 <= SETTINGS.cap * max(left_s / 30.0, agents * left_s / 900.0)


def test_the_worst_that_the_calls_in_flight_can_do_is_held_back() -> None:
    state = g.fresh(SETTINGS)
    g.settle(SETTINGS, state, 1000.0, 24.0, 0.0, 0.0, 0.0)  # the cap allows thirty
    assert g.may_over_dial(SETTINGS, state, 0.5, 1.0, 0.0)
    assert g.may_over_dial(SETTINGS, state, 0.5, 1.0, 0.0, 4.0)
    assert not g.may_over_dial(SETTINGS, state, 0.5, 1.0, 0.0, 6.0)


def test_a_campaign_that_shares_agents_holds_back_more_of_a_smaller_cap() -> None:
    shared, state = g.shared(SETTINGS), g.fresh(SETTINGS)
    assert shared.cap < SETTINGS.cap
    assert shared.sure_freed < SETTINGS.sure_freed
    g.settle(SETTINGS, state, 1000.0, 25.0, 0.0, 0.0, 0.0)
    assert g.may_over_dial(SETTINGS, state, 0.5, 1.0, 0.0)
    assert not g.may_over_dial(shared, state, 0.5, 1.0, 0.0)


def test_given_a_target_under_the_cap_theta_follows_the_target_and_begins_lower() -> None:
    aimed, state = g.aimed_at(SETTINGS, 0.01), g.fresh(g.aimed_at(SETTINGS, 0.01))
    assert g.theta_of(state) < g.theta_of(g.fresh(SETTINGS)) / 5
    before = state[g.LN_THETA]
    g.settle(aimed, state, 1000.0, 10.0, 0.0, 0.0, 0.0)  # one in a hundred, as aimed at
    assert state[g.LN_THETA] >= before - 10.0 * aimed.eta + 0.0099 * 990.0 * aimed.eta
    assert g.aimed_at(SETTINGS, 0.0) == SETTINGS
    assert g.aimed_at(SETTINGS, 0.05) == SETTINGS


def test_the_aim_leaves_room_for_what_the_guard_holds_back() -> None:
    """Else theta would climb to its ceiling, and the guard would stop the law again and again."""
    state = g.fresh(SETTINGS)
    for _ in range(3000):
        g.hold_back(state, 0.0, 20.0)
    g.settle(SETTINGS, state, 0.0, 0.0, 0.0, 0.0, 20_000.0)
    g.settle(SETTINGS, state, 1000.0, 0.0, 0.0, 10_000.0, 10_000.0)  # as many again are to come
    assert state[g.AIM] == pytest.approx(SETTINGS.short * SETTINGS.cap - 20.5 / 2000.0, rel=1e-3)


def test_the_rest_of_the_window_counts_for_what_one_call_for_each_idle_agent_would_bring() -> None:
    """On a list that hardly answers that is a small part of what dialling ahead brings."""
    rich, poor = g.fresh(SETTINGS), g.fresh(SETTINGS)
    for state, in_flight in ((rich, 2.0), (poor, 60.0)):
        g.settle(SETTINGS, state, 0.0, 0.0, 0.0, 0.0, 10_000.0)
        for second in range(1, 1002):
            g.watch_progress(state, in_flight, 9.0, 10.0, float(second))
        g.settle(SETTINGS, state, 100.0, 3.0, 0.0, 1001.0, 9000.0)
        g.watch_progress(state, in_flight, 9.0, 10.0, 1002.0)
    assert g.may_over_dial(SETTINGS, rich, 0.0, 1002.0, 9000.0)
    assert rich[g.SURE] == pytest.approx(100.0 * 10.0 / (1001.0 * 11.0), rel=1e-3)
    assert poor[g.SURE] == pytest.approx(100.0 * 10.0 / (1001.0 * 69.0), rel=1e-3)
    poor[g.ABANDONED] = rich[g.ABANDONED] = 8.0
    assert g.may_over_dial(SETTINGS, rich, 0.0, 1002.0, 9000.0)
    assert not g.may_over_dial(SETTINGS, poor, 0.0, 1002.0, 9000.0)
