"""Levels, silences and seams, measured on sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.levels import active_dbfs, first_sound_s
from media.speech.joining import LEVEL_DBFS, faded, fitted, joined, longest_silence_s, squeezed
from tests.unit.speech.sounds import silence, tone


@given(st.floats(-45, -8), st.floats(0, 1.5), st.floats(0, 1.5))
def test_given_any_level_and_silence_when_fitted_then_level_and_ends_are_the_house_s(
    dbfs: float, before_s: float, after_s: float
) -> None:
    made = fitted(np.concatenate([silence(before_s), tone(0.5, dbfs), silence(after_s)]))
    assert active_dbfs(made) == pytest.approx(LEVEL_DBFS, abs=0.6)
    assert 0.5 <= len(made) / 8000 <= 0.64
    assert (first_sound_s(made, -45.0) or 0) <= 0.06


def test_given_a_soft_beginning_when_fitted_then_it_is_kept() -> None:
    hiss = tone(0.03, -48.0, 3000)
    made = fitted(np.concatenate([silence(1.0), hiss, tone(0.5), silence(1.0)]))
    start = made[: int(0.06 * 8000)].astype(float)
    assert np.abs(start).max() > 100, "the hiss before the vowel was cut"


def test_given_silence_when_fitted_then_nothing_is_left() -> None:
    assert not fitted(silence(1.0)).size
    assert not fitted(silence(0)).size


@given(st.integers(0, 400))
def test_fading_starts_and_ends_at_zero(size: int) -> None:
    made = faded(np.full(size, 10000, np.int16))
    assert len(made) == size
    assert size < 2 or (made[0] == 0 and made[-1] == 0)


def test_given_long_inner_silences_when_squeezed_then_each_is_cut_and_the_sound_is_whole() -> None:
    word = fitted(tone(0.4))
    made = squeezed(np.concatenate([word, silence(1.2), word, silence(0.2), word]))
    assert longest_silence_s(made) <= 0.34
    assert len(made) / 8000 == pytest.approx(3 * len(word) / 8000 + 0.34 + 0.2, abs=0.1)


def test_given_words_and_pauses_when_joined_then_no_gap_is_long_and_no_seam_clicks() -> None:
    words = [fitted(np.concatenate([silence(0.3), tone(0.3, hz=hz), silence(0.3)])) for hz in (310, 470, 523)]
    made = joined([words[0], words[1], None, words[2]])
    assert longest_silence_s(made) <= 0.35
    steps = np.abs(np.diff(made.astype(int)))
    assert steps.max() <= max(np.abs(np.diff(word.astype(int))).max() for word in words)


def test_nothing_joined_is_nothing() -> None:
    assert joined([]).size == 0
    assert longest_silence_s(joined([None])) > 0
