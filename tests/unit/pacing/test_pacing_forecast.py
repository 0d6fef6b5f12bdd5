"""The forecast: life tables learn what they see, risks are exact, the normal one is close to them."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.pacing import cells, forecast, risk, shapes


def tables_of(learnt: shapes.Shapes) -> shapes.Floats:
    tables = forecast.blank()
    whole = cells.Grain(1, -1, 0.0, 0.0)
    forecast.rebuild(learnt, cells.blank(1), whole, np.ones(1), tables, np.zeros((0, 5)), np.zeros((0, 4)), 2.0)
    return tables


def learnt_base25(calls: int = 6000, give_up_s: float = 99.0) -> shapes.Shapes:
    """Ring log-normal 12 s, 25 % people, 35 % machines, 10 % bad numbers, time-out 25 s; talk 150 s, wrap-up 20 s."""
    rng, learnt = random.Random(3), shapes.fresh(shapes.StartUp())
    for _ in range(calls):
        kind = rng.choices(("person", "machine", "bad", "none"), (25, 35, 10, 30))[0]
        end_s = {"bad": rng.uniform(3, 4), "none": 25.0}.get(kind) or rng.lognormvariate(np.log(12) - 0.1116, 0.4724)
        answered = kind in ("person", "machine") and end_s < 25
        if end_s > give_up_s:
            shapes.note(learnt.ring, int(give_up_s), 0, shapes.RING_MEMORY)
            continue
        way = shapes.FIRST if answered else shapes.SECOND
        shapes.note(learnt.ring, int(min(end_s, 25)), way, shapes.RING_MEMORY)
        if answered:
            delay_s = rng.uniform(0.6, 1.6) if kind == "person" else rng.uniform(2, 4)
            way = shapes.FIRST if kind == "person" else shapes.SECOND
            shapes.note(learnt.screen, int(delay_s / shapes.SCREEN_BIN_S), way, shapes.SCREEN_MEMORY)
            shapes.note(learnt.talk, shapes.talk_bin(rng.expovariate(1 / 150)), shapes.FIRST, shapes.TALK_MEMORY)
            shapes.note(learnt.wrap, int(rng.gammavariate(2.8, 20 / 2.8)), shapes.FIRST, shapes.WRAP_MEMORY)
    return learnt


def test_given_thousands_of_calls_the_tables_hold_their_shares() -> None:
    tables = tables_of(learnt_base25())
    assert tables[forecast.RING_ROW + 0, forecast.HORIZONS - 1] == pytest.approx(
        0.24, abs=0.04
    )  # nearly every person by then
    assert tables[forecast.RING_ROW + 30, 0] < 0.02  # past the time-out nobody answers
    assert tables[forecast.SCREEN_ROW + 0, 3] == pytest.approx(0.42, abs=0.07)  # people among answers
    assert tables[forecast.SCREEN_ROW + 9, 3] < 0.06  # a machine takes longer than 1.6 s
    assert np.all(np.diff(tables[0, : forecast.HORIZONS]) >= 0)
    assert 10 < np.median(tables[0, : forecast.HORIZONS]) < 15


def test_given_calls_cut_off_at_15_s_the_late_answers_are_not_taken_for_failures() -> None:
    whole = tables_of(learnt_base25(give_up_s=99.0))
    cut = tables_of(learnt_base25(give_up_s=15.0))
    assert cut[forecast.RING_ROW, 2] == pytest.approx(whole[forecast.RING_ROW, 2], abs=0.03)


def test_given_talks_of_150_s_an_agent_is_free_soon_with_the_chance_of_the_distribution() -> None:
    tables = tables_of(learnt_base25())
    within_s = tables[0, 5] + 2.0
    assert tables[forecast.TALK_ROW + 8, 5] == pytest.approx(
        0.02, abs=0.02
    )  # talk must end and the wrap-up of some 20 s as well
    assert tables[forecast.WRAP_ROW + 20, 5] > 0.5
    assert within_s > 10


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 8), st.integers(0, 12), st.integers(0, 12), st.randoms(use_true_random=False))
def test_the_exact_risk_is_the_share_of_simulated_futures_without_an_agent(
    idle: int, calls: int, busy: int, rng: random.Random
) -> None:
    people = [rng.random() for _ in range(calls)]
    freed = [rng.random() for _ in range(busy)]
    people_dist, freed_dist = risk.coins(people), risk.coins(freed)
    np.testing.assert_allclose(people_dist.sum(), 1.0)
    draws = np.random.default_rng(1).random((20_000, calls + busy))
    difference = (draws[:, :calls] < people).sum(1) - (draws[:, calls:] < freed).sum(1)
    exact = risk.exact_risk(people_dist, calls, np.cumsum(freed_dist), busy, idle)
    assert exact == pytest.approx((difference >= idle).mean(), abs=0.02)
    assert eight_risks(people, freed, idle) == [exact] * 8
    mean = sum(people) - sum(freed)
    variance = sum(p * (1 - p) for p in people + freed)
    third = sum(p * (1 - p) * (1 - 2 * p) for p in people) - sum(p * (1 - p) * (1 - 2 * p) for p in freed)
    if variance > 2:
        assert risk.normal_risk(idle, mean, variance, third) == pytest.approx(exact, abs=0.02)


def eight_risks(people: list[float], freed: list[float], surplus: int) -> list[float]:
    """The same by the functions that take all horizons at once."""
    sums, freed_by, out = np.zeros((20, 8)), np.zeros((20, 8)), np.zeros(8)
    sums[0], freed_by[0] = 1.0, 1.0
    for count, chance in enumerate(people):
        risk.spread_all(sums, count, np.full(8, chance))
    for count, chance in enumerate(freed):
        risk.spread_all(freed_by, count, np.full(8, chance))
    risk.cumulate_all(freed_by, len(freed))
    risk.exact_risks(sums, len(people), freed_by, len(freed), surplus, out)
    return list(map(float, out))


def test_a_wrap_up_longer_than_the_tables_reach_ends_no_sooner_than_others() -> None:
    """Whoever wraps up for more than 96 s used to be taken for free at once."""
    rng, learnt = random.Random(5), shapes.fresh(shapes.StartUp())
    for _ in range(4000):
        shapes.note(learnt.wrap, int(rng.expovariate(1 / 80)), shapes.FIRST, shapes.WRAP_MEMORY)
    tables = tables_of(learnt)
    within_s = tables[0, 3] + 2.0
    for age in (40, 90, shapes.WRAP_BINS - 1):
        assert tables[forecast.WRAP_ROW + age, 3] == pytest.approx(1.0 - np.exp(-within_s / 80), abs=0.06)
