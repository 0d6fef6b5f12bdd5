"""The parts under the bank: spectra, trees, thresholds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amd import voice
from amd.policy import DEFAULT_CURVE, Policy
from amd.sums import product_of, total_of
from amd.tones.fourier import SIZE, power_spectra
from amd.trees import Trees
from amd.verdict import AmdSettings


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_given_any_rows_then_the_spectra_are_numpys(rows, seed):
    chance = np.random.default_rng(seed)
    history = chance.normal(0, 0.3, (50, SIZE)).astype(np.float32)
    slots = chance.integers(0, 50, rows)
    window = np.hanning(SIZE + 1)[:-1]
    expected = np.abs(np.fft.rfft(history[slots] * window)) ** 2
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
    assert human[10] > 1.0  # after 0.2 s nobody is called anything
