"""The rewrite of Asterisk's AMD(): its cases by hand, and properties that hold for any call."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amd.app_amd import VICIDIAL, AmdStatus, AppAmdSettings, app_amd, frame_is_silent


def frames(*runs: tuple[bool, float]) -> np.ndarray:
    """A call of (voiced, seconds) runs."""
    pieces = [np.full(round(length_s * 8000), 2000 if voiced else 0, dtype=np.int16) for voiced, length_s in runs]
    return np.concatenate(pieces)


@pytest.mark.parametrize(
    ("runs", "status", "cause", "at_s"),
    [
        ([(False, 6.0)], AmdStatus.MACHINE, "INITIALSILENCE", 2.5),
        ([(False, 0.5), (True, 0.5), (False, 2.0)], AmdStatus.HUMAN, "HUMAN", 1.8),
        ([(False, 0.5), (True, 2.0)], AmdStatus.MACHINE, "LONGGREETING", 2.0),
        ([(False, 0.2)] + [(True, 0.2), (False, 0.2)] * 4, AmdStatus.MACHINE, "MAXWORDS", 1.1),
        ([(False, 0.5), (True, 0.08), (False, 6.0)], AmdStatus.MACHINE, "INITIALSILENCE", 3.08),
        ([(False, 1.0)], AmdStatus.NOTSURE, "HANGUP", 1.0),
    ],
)
def test_given_a_call_then_amd_says_what_the_application_says(runs, status, cause, at_s):
    result = app_amd(frames(*runs))
    assert (result.status, result.cause) == (status, cause)
    assert result.at_s == pytest.approx(at_s)


def test_given_a_long_analysis_then_it_ends_before_the_audio_is_looked_at():
    limits = AppAmdSettings(initial_silence_ms=9000, total_analysis_time_ms=1000)
    result = app_amd(frames((False, 3.0)), limits)
    assert (result.status, result.cause, result.at_s) == (AmdStatus.NOTSURE, "TOOLONG", 1.0)


def test_given_the_gate_then_the_integer_mean_decides():
    assert frame_is_silent(np.full(160, 255, dtype=np.int16), 256)
    assert not frame_is_silent(np.full(160, -256, dtype=np.int16), 256)
    nearly = np.full(160, 256, dtype=np.int16)
    nearly[0] = 200
    assert frame_is_silent(nearly, 256)


@given(st.lists(st.booleans(), max_size=400))
def test_given_any_call_then_there_is_one_verdict_in_time(voiced):
    result = app_amd(frames(*[(flag, 0.02) for flag in voiced]) if voiced else np.zeros(0, dtype=np.int16))
    assert result.at_s <= 5.0
    assert (result.cause == "HANGUP") == (result.at_s == pytest.approx(len(voiced) * 0.02) and result.cause == "HANGUP")


@given(st.lists(st.booleans(), min_size=300, max_size=400))
def test_given_vicidials_line_then_words_up_to_four_are_still_a_person(voiced):
    ours = app_amd(frames(*[(flag, 0.02) for flag in voiced]), VICIDIAL)
    assert ours.status is not AmdStatus.NOTSURE or ours.cause == "TOOLONG"
