"""Cells of lists and hours: shares stay shares, few facts say what is believed, many what was seen, old ones fade."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.pacing import cells, forecast, shapes
from dialer.pacing.cells import ALL_HOURS, AT, BINS, RING, SLOTS, STARTS, TALK, WAYS, WEIGHTS, Grain
from dialer.pacing.shapes import Floats

NOBODY_CALLS, NOBODY_WORKS = np.zeros((0, 5)), np.zeros((0, 4))
MEMORIES = (shapes.RING_MEMORY, shapes.SCREEN_MEMORY, shapes.TALK_MEMORY, shapes.WRAP_MEMORY)
facts = st.lists(
    st.tuples(
        st.integers(0, 1), st.sampled_from((-1, 0, 9, 23)), st.integers(0, 3), st.integers(-1, 99), st.integers(0, 2)
    ),
    max_size=60,
)  # list, hour, part, last bin, way
weights = st.floats(0.01, 500.0)


def noted(these: list[tuple[int, int, int, int, int]], lists: int = 2) -> Floats:
    """Cells that were told these durations."""
    seen = cells.blank(lists)
    for which, hour, part, last_bin, way in these:
        cells.learn(seen, Grain(lists, hour, 1.0, 1.0), which, part, last_bin, min(way, WAYS[part]))
    return seen


def believed(seen: Floats, grain: Grain, whole: shapes.Shapes | None = None) -> Floats:
    learnt = whole or shapes.fresh(shapes.StartUp())
    beliefs: Floats = forecast.believed(learnt, seen, grain, NOBODY_CALLS, NOBODY_WORKS)
    return beliefs


def chances(beliefs: Floats, part: int) -> Floats:
    """float64[ways, bins]."""
    return beliefs[AT[part] : AT[part] + WAYS[part] * BINS[part]].reshape(WAYS[part], BINS[part])


@settings(max_examples=60, deadline=None)
@given(facts, st.sampled_from((-1, 0, 9)), weights, weights)
def test_whatever_was_seen_chances_are_chances_and_all_ways_together_are_at_most_one(
    these: list[tuple[int, int, int, int, int]], hour: int, list_facts: float, hour_facts: float
) -> None:
    for of_list in believed(noted(these), Grain(2, hour, list_facts, hour_facts)):
        for part in range(4):
            assert np.all(chances(of_list, part) >= 0.0)
            assert np.all(chances(of_list, part).sum(axis=0) <= 1.0 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(facts, weights, weights)
def test_a_belief_is_the_weighted_mean_of_the_step_before_and_of_what_was_seen(
    these: list[tuple[int, int, int, int, int]], list_facts: float, hour_facts: float
) -> None:
    """The compiled chain against the same in plain Python, fact by fact."""
    whole = chances(believed(cells.blank(1), Grain(1, -1, 1.0, 1.0))[0], RING)
    found = chances(believed(noted(these), Grain(2, 9, list_facts, hour_facts))[1], RING)
    of_list = [fact for fact in these if fact[0] == 1 and fact[2] == RING]
    for index in (0, 5, 40):
        for way in (1, 2):
            step = float(whole[way - 1, index])
            for told, weight in ((of_list, list_facts), ([f for f in of_list if f[1] == 9], hour_facts)):
                entered, ended = plainly(told, index, way)
                step = (ended + weight * step) / (entered + weight)
            assert found[way - 1, index] == pytest.approx(step, abs=1e-9)


def plainly(told: list[tuple[int, int, int, int, int]], index: int, way: int) -> tuple[float, float]:
    """How many of the ringing times came into a bin, and ended there in this way; old ones count less."""
    entered, ended = 0.0, 0.0
    for age, (_, _, _, last_bin, its_way) in enumerate(reversed(told)):
        weight = (1.0 - 1.0 / shapes.RING_MEMORY) ** age
        last = min(max(last_bin, 0), BINS[RING] - 1)
        entered += weight * (last > index or (last == index and its_way > 0))
        ended += weight * (last == index and its_way == way)
    return entered, ended


def test_a_list_that_was_never_dialled_takes_the_campaigns_shape_and_so_does_an_hour() -> None:
    learnt = noted([(0, 9, RING, 7, 1)] * 300)
    whole = believed(cells.blank(1), Grain(1, -1, 30.0, 150.0))[0]
    np.testing.assert_allclose(believed(learnt, Grain(2, 9, 30.0, 150.0))[1], whole, rtol=1e-12)
    at_nine, at_ten = (believed(learnt, Grain(2, hour, 30.0, 150.0))[0] for hour in (9, 10))
    of_list = believed(learnt, Grain(2, -1, 30.0, 150.0))[0]
    np.testing.assert_allclose(at_ten, of_list, rtol=1e-12)
    assert abs(chances(at_nine, RING)[0, 7] - 1.0) < abs(chances(of_list, RING)[0, 7] - 1.0)


def test_with_many_facts_a_list_says_what_it_saw() -> None:
    answered = [(1, -1, RING, 6, 1 if number % 5 else 2) for number in range(20_000)]
    found = chances(believed(noted(answered), Grain(2, -1, 30.0, 150.0))[1], RING)
    assert found[0, 6] == pytest.approx(0.8, abs=0.02)
    assert found[1, 6] == pytest.approx(0.2, abs=0.02)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 99), st.integers(0, 2)), min_size=1, max_size=80))
def test_cells_fade_as_the_campaigns_own_tables_do(told: list[tuple[int, int, int]]) -> None:
    tables = [np.zeros_like(table) for table in shapes.fresh(shapes.StartUp())]
    seen = cells.blank(1)
    seen[0, WEIGHTS:] = 1e100  # so heavy that the sums are made small again at once
    for part, last_bin, way in told:
        shapes.note(tables[part], last_bin, min(way, WAYS[part]), MEMORIES[part])
        cells.learn(seen, Grain(1, 0, 1.0, 1.0), 0, part, last_bin, min(way, WAYS[part]))
    for part, table in enumerate(tables):
        rows = seen[0, STARTS[part] : STARTS[part] + (1 + WAYS[part]) * BINS[part]] / seen[0, WEIGHTS + part]
        np.testing.assert_allclose(rows.reshape(-1, BINS[part]), table[: 1 + WAYS[part]], atol=1e-9)


def test_facts_fade_by_newer_facts_of_the_same_list_and_not_by_those_of_others() -> None:
    first = [(0, -1, TALK, 3, 1)] * 2000
    then = first + [(0, -1, TALK, 8, 1)] * round(shapes.TALK_MEMORY)
    elsewhere = then + [(1, -1, TALK, 1, 1)] * 5000
    slot, at = ALL_HOURS, STARTS[TALK] + BINS[TALK] + 3

    def weight(these: list[tuple[int, int, int, int, int]]) -> float:
        seen = noted(these)
        return float(seen[slot, at] / seen[slot, WEIGHTS + TALK])

    assert weight(then) / weight(first) == pytest.approx(math.exp(-1.0), rel=0.01)
    assert weight(elsewhere) == weight(then)


def test_a_faded_past_weighs_no_more_than_it_may_and_keeps_its_shape() -> None:
    seen = noted([(0, 9, RING, 7, 1)] * 500 + [(1, 9, RING, 3, 2)] * 10)
    before = seen.copy()
    cells.fade(seen, 75.0, 100.0)
    many, few = ALL_HOURS, SLOTS + ALL_HOURS
    assert seen[many, STARTS[RING]] / seen[many, WEIGHTS + RING] == pytest.approx(75.0)
    assert seen[9, STARTS[RING]] / seen[9, WEIGHTS + RING] == pytest.approx(100.0)
    assert np.array_equal(seen[few], before[few])
    assert seen[many, STARTS[RING] + BINS[RING] + 7] == pytest.approx(seen[many, STARTS[RING] + 7])


def test_tables_of_two_lists_have_the_same_horizons_and_each_its_own_chances() -> None:
    quick = [(0, -1, RING, 4, 1)] * 400
    slow = [(1, -1, RING, 20, 2)] * 400
    tables = forecast.blank(2)
    mix = np.array([0.5, 0.5])
    learnt = shapes.fresh(shapes.StartUp())
    grain = Grain(2, -1, 30.0, 150.0)
    forecast.rebuild(learnt, noted(quick + slow), grain, mix, tables, NOBODY_CALLS, NOBODY_WORKS, 2.0)
    first, second = tables[: forecast.ROWS], tables[forecast.ROWS :]
    assert np.array_equal(first[0], second[0])
    last = forecast.HORIZONS - 1
    assert first[forecast.RING_ROW, last] > 3 * second[forecast.RING_ROW, last]
