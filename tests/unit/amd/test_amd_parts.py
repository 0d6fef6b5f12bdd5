"""The parts under the bank: spectra, trees, thresholds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amd import voice
from amd.policy import DEFAULT_CURVE, SILENCE_TICKS, Curve, Policy
from amd.sums import product_of, total_of
from amd.tones.fourier import SIZE, power_spectra
from amd.trees import Trees
from amd.verdict import AmdSettings


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_given_any_rows_then_the_spectra_are_numpys(rows, seed):
    chance = np.random.default_rng(seed)
    history = np.clip(chance.normal(0, 9000, (50, SIZE)), -32768, 32767).astype(np.int16)
    slots = chance.integers(0, 50, rows)
    window = np.hanning(SIZE + 1)[:-1]
    expected = np.abs(np.fft.rfft(history[slots] / 32768 * window)) ** 2
    assert np.allclose(power_spectra(history, slots), expected, rtol=1e-3, atol=1e-4 * expected.max())


def test_given_two_small_trees_then_their_leaves_add_up_to_log_odds():
    trees = Trees(
        feature=np.array([0, -1, -1, 1, -1, -1], dtype=np.int16),
        threshold=np.array([0.5, -1.0, 2.0, 1.5, 0.25, -3.0], dtype=np.float32),
        left=np.array([1, 0, 0, 4, 0, 0], dtype=np.int32),
        right=np.array([2, 0, 0, 5, 0, 0], dtype=np.int32),
        roots=np.array([0, 3], dtype=np.int32),
        base=0.1,
    )
    rows = np.array([[0.0, 1.0], [1.0, 2.0]], dtype=np.float32)
    odds = np.array([0.1 - 1.0 + 0.25, 0.1 + 2.0 - 3.0])
    assert trees.probability(rows) == pytest.approx(1 / (1 + np.exp(-odds)), rel=1e-5)


@given(st.integers(0, 2**32 - 1), st.integers(0, 30), st.integers(31, 120))
def test_given_any_values_then_compiled_sums_round_as_they_are_written(seed, first, last):
    """Sums that a compiler may reorder come out otherwise when code is read from the disk: trainings did not repeat."""
    values = np.random.default_rng(seed).normal(0, 1, 120).astype(np.float32)
    assert total_of(values, first, last) == total_of.py_func(values, first, last)
    assert product_of(values[:80], values[40:]) == product_of.py_func(values[:80], values[40:])
    compiled, written = (np.zeros(voice._LAGS, dtype=np.float32) for _ in range(2))
    voice._multiply_lags(values, compiled)
    voice._multiply_lags.py_func(values, written)
    assert np.array_equal(compiled, written)


def test_given_what_lasted_longer_then_more_is_asked_of_a_person_in_a_short_pause():
    points = ((0.34, 0.9), (1.0, 0.3))
    curve = Curve(points, 0.01, 0.01, sentence=((0.34, 0.99), (1.0, 0.3)), recording=0.8, breath=0.9)
    policy = Policy.of(AmdSettings(), curve)
    assert policy.least(0.6, 20) < policy.least(1.8, 20) < 1.0
    assert policy.least(1.8, 60) == pytest.approx(0.3)
    assert policy.least(3.5, 60) == pytest.approx(0.8)
    spans = np.array([0.6, 0.98, 1.0, 2.88, 2.9], dtype=np.float32)
    assert Policy.lengths(spans).tolist() == [0, 0, 1, 1, 2]
    assert [policy.least(float(s), 60) for s in spans] == [
        float(policy.human[row, 60]) for row in Policy.lengths(spans)
    ]
    assert Curve.from_json(curve.as_json()) == curve


def test_given_much_in_one_breath_then_a_person_must_be_surer_until_a_recording_would_go_on():
    points = ((0.34, 0.99), (0.6, 0.99), (0.8, 0.2))
    policy = Policy.of(AmdSettings(), Curve(points, 0.01, 0.01, sentence=points, breath=0.9))
    for silence_ticks, least in ((41, 0.9), (44, 0.9), (45, 0.2)):
        assert policy.least(2.3, silence_ticks, 2.2) == pytest.approx(least)
        assert policy.least(2.3, silence_ticks, 2.18) == pytest.approx(0.2)
        assert policy.least(2.3, silence_ticks) == pytest.approx(0.2)
    assert policy.least(2.3, 30, 2.2) == pytest.approx(0.99)  # never less than is asked of everybody


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 100), st.floats(0, 1)), min_size=1, max_size=20))
def test_given_any_moments_then_one_by_one_and_all_at_once_ask_the_same(moments):
    curve = Curve(((0.34, 0.9), (1.0, 0.3)), 0.01, 0.01, sentence=((0.34, 0.99), (1.0, 0.2)), recording=0.6, breath=0.9)
    policy = Policy.of(AmdSettings(), curve)
    spans_s = np.array([span * 0.02 for span, _, _ in moments], dtype=np.float32)
    silences = np.array([silence for _, silence, _ in moments])
    bursts_s = np.array([round(span * share) * 0.02 for span, _, share in moments], dtype=np.float32)
    one_by_one = [
        policy.least(float(span), int(silence), float(burst))
        for span, silence, burst in zip(spans_s, silences, bursts_s, strict=True)
    ]
    assert policy.least_of_many(spans_s, silences, bursts_s).tolist() == one_by_one


@given(st.floats(1.0, 500.0), st.floats(1.0, 500.0))
def test_given_a_higher_cost_ratio_then_people_pass_sooner_and_machines_must_be_surer(one, other):
    low, high = sorted((one, other))
    cheap = Policy.of(AmdSettings(cost_ratio=low), DEFAULT_CURVE)
    dear = Policy.of(AmdSettings(cost_ratio=high), DEFAULT_CURVE)
    assert np.all(dear.human <= cheap.human + 1e-6)
    assert dear.machine_pause <= cheap.machine_pause + 1e-9


def test_given_more_silence_then_less_is_asked_of_a_person():
    human = Policy.of(AmdSettings(), DEFAULT_CURVE).human
    assert np.all(np.diff(human) <= 1e-6)
    assert human.shape == (4, SILENCE_TICKS)
    assert np.all(human[:3, 10] > 1.0)  # after 0.2 s nobody is called anything
