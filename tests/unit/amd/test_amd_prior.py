"""What signalling may do to a verdict: bounded, in order, and never against what is plain to hear."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amd.bank import AmdBank
from amd.offline import frames_of
from amd.policy import DEFAULT_CURVE
from amd.prior import CERTAIN, MOST_ODDS, with_odds
from amd.verdict import AmdSettings, CallClass
from tests.support.amd_sounds import call, speech

probabilities = st.floats(0.0, 1.0, width=32)
odds = st.floats(-50.0, 50.0, width=32)


def _moved(probability: float, by: float) -> float:
    return float(with_odds(np.array([probability], dtype=np.float32), np.array([by], dtype=np.float32))[0])


@given(probabilities)
def test_given_no_odds_then_nothing_changes_to_the_last_digit(probability):
    assert _moved(probability, 0.0) == np.float32(probability)


@given(probabilities, odds)
def test_given_any_odds_then_the_move_is_bounded_and_to_their_side(probability, by):
    inside = min(max(probability, 1e-5), 1 - 1e-5)
    before, after = (np.log(p / (1 - p)) for p in (inside, min(max(_moved(inside, by), 1e-7), 1 - 1e-7)))
    assert abs(after - before) <= MOST_ODDS + 0.02
    assert (after - before) * np.sign(by) >= -0.02


@given(probabilities, probabilities, odds)
def test_given_a_surer_sound_then_it_stays_surer(one, other, by):
    low, high = sorted((one, other))
    assert _moved(low, by) <= _moved(high, by) + 1e-6


@given(probabilities, odds, odds)
def test_given_more_odds_of_a_person_then_the_probability_is_not_lower(probability, one, other):
    low, high = sorted((one, other))
    assert _moved(probability, low) <= _moved(probability, high) + 1e-6


@given(st.floats(CERTAIN, 1.0), st.floats(-50.0, 0.0, width=32))
def test_given_what_plainly_sounds_like_a_person_then_no_ring_time_takes_it_back(probability, against):
    assert _moved(probability, against) >= probability - 1e-4
    assert _moved(1.0 - probability, -against) <= 1.0 - probability + 1e-4  # nor a machine for a person


class _Model:
    """Believes one thing of everybody."""

    def __init__(self, belief):
        self.belief, self.curve, self.music = belief, DEFAULT_CURVE, None

    def probability(self, rows):
        return np.full(len(rows), self.belief, dtype=np.float32)


def _first(belief, by, cost_ratio=20.0, *, early=False):
    """The first verdict on a greeting, its odds told at the answer."""
    bank = AmdBank(1, _Model(belief))
    bank.open(0, AmdSettings(cost_ratio, person_odds=0.0 if early else by), answered=not early)
    bank.answered(0, by)
    slots, here = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.bool_)
    for frame in frames_of(call(speech(0.9))):
        for _, verdict in bank.step(slots, frame[None], here):
            return verdict
    raise AssertionError("no verdict")


@pytest.mark.parametrize("cost_ratio", [0.5, 20.0, 200.0])
@pytest.mark.parametrize("early", [False, True])
def test_given_the_sound_of_a_person_then_the_worst_ring_time_never_makes_it_a_machine(cost_ratio, early):
    for belief in (0.95, 0.97, 0.99):
        verdict = _first(belief, -99.0, cost_ratio, early=early)
        assert verdict.call_class is not CallClass.MACHINE, belief


def test_given_doubt_then_ring_times_make_the_verdict_sooner_or_later_and_the_evidence_tells_both():
    plain, people, machines = (_first(0.85, by) for by in (0.0, 1.5, -1.5))
    assert people.call_class is CallClass.HUMAN
    assert people.since_answer_s < plain.since_answer_s < machines.since_answer_s
    assert people.evidence["probability_by_sound"] == pytest.approx(0.85, abs=1e-3)
    assert people.probability > 0.95
    assert "probability_by_sound" not in plain.evidence
