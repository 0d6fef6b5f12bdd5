"""Recordings everybody knows: recognised through level, noise and codec, and nothing else is taken for them."""

import numpy as np
import pytest

from amd.enrolment import NothingToLearn, enrol
from amd.known_prompts import KnownPrompts, LibraryUnusable, load_library, save_library
from amd.offline import hear
from amd.training.effects import through_codec, with_loss
from amd.verdict import CallClass
from tests.support.amd_sounds import call, speech


def asking(seed: int = 11, length_s: float = 3.5) -> np.ndarray:
    """A recording of changing sounds, as words are: a buzz whose two resonances jump every 120 ms."""
    chance = np.random.default_rng(seed)
    time_s = np.arange(int(0.12 * 8000)) / 8000
    parts = []
    for _ in range(int(length_s / 0.12)):
        low_hz, high_hz = chance.uniform(250, 900), chance.uniform(1000, 3200)
        harmonics = np.arange(1, 28) * chance.uniform(110, 140)
        gains = sum(1 / (1 + ((harmonics - hz) / 120) ** 2) for hz in (low_hz, high_hz))
        wave = gains @ np.sin(2 * np.pi * harmonics[:, None] * time_s + chance.uniform(0, 6))
        parts.append(wave / np.sqrt(np.mean(wave**2)) * 0.1)
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def library():
    recording = (asking() * 32767).astype(np.int16)
    return KnownPrompts([enrol("the house's screening", CallClass.SCREENING, recording)])


@pytest.mark.parametrize("codec", [None, "ALAW", "GSM610"])
@pytest.mark.parametrize("gain", [0.3, 1.0])
def test_given_a_known_recording_then_it_is_recognised_through_the_line(library, codec, gain):
    samples = call(asking() * gain, lead_s=0.7, noise_db=-55)
    hearing = hear(through_codec(samples, codec) if codec else samples, known=library)
    said = [hearing.first, *hearing.later]
    assert CallClass.SCREENING in [verdict.call_class for verdict in said if verdict is not None]
    assert any("the house's screening" in verdict.cause for verdict in said if verdict is not None)


def test_given_a_screening_and_then_a_person_then_both_are_told_in_order(library):
    samples = call(asking(), np.zeros(8000 * 3), speech(0.6))
    hearing = hear(samples, known=library)
    said = [verdict.call_class for verdict in [hearing.first, *hearing.later] if verdict is not None]
    assert said[-1] is CallClass.HUMAN
    assert CallClass.SCREENING in said
    only_asked = hear(call(asking()), known=library)
    assert CallClass.HUMAN not in [v.call_class for v in [only_asked.first, *only_asked.later] if v is not None]


def test_given_another_recording_then_it_is_not_taken_for_the_known_one(library):
    hearing = hear(call(asking(seed=77)), known=library)
    assert CallClass.SCREENING not in [v.call_class for v in [hearing.first, *hearing.later] if v is not None]


def test_given_a_library_then_it_can_be_kept_and_a_broken_one_is_named(library, tmp_path):
    path = tmp_path / "known.npz"
    save_library(library, path)
    read = load_library(path)
    assert [prompt.name for prompt in read.prompts] == ["the house's screening"]
    assert np.allclose(read.prompts[0].shape, library.prompts[0].shape, atol=1e-3)
    (tmp_path / "bad.npz").write_bytes(b"nothing")
    with pytest.raises(LibraryUnusable, match="enrol"):
        load_library(tmp_path / "bad.npz")


def test_given_no_speech_then_there_is_nothing_to_learn():
    with pytest.raises(NothingToLearn):
        enrol("silence", CallClass.SCREENING, np.zeros(16000, dtype=np.int16))


def bad_line(samples: np.ndarray, seed: int) -> np.ndarray:
    """GSM with one packet of thirty lost and noise of -45 dBFS."""
    chance = np.random.default_rng(seed)
    noisy = samples + chance.normal(0, 32768 * 10 ** (-45 / 20), len(samples))
    coded = through_codec(np.clip(noisy, -32768, 32767).astype(np.int16), "GSM610")
    return with_loss(coded, chance, 0.033)


@pytest.mark.parametrize("seed", range(4))
def test_given_a_bad_line_or_a_lost_beginning_then_the_recording_is_still_known_and_others_are_not(library, seed):
    wave = asking()
    for samples in (bad_line(call(wave, lead_s=0.6), seed), bad_line(call(wave[2400:], lead_s=0.3), seed)):
        hearing = hear(samples, known=library)
        said = [hearing.first, *hearing.later]
        assert any("the house's screening" in verdict.cause for verdict in said if verdict is not None)
    other = hear(bad_line(call(asking(seed=200 + seed), lead_s=0.6), seed), known=library)
    assert CallClass.SCREENING not in [v.call_class for v in [other.first, *other.later] if v is not None]


def test_given_a_library_of_another_version_then_it_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / "old.npz"
    header = np.frombuffer(b'[{"name": "x", "class": "sit"}]', dtype=np.uint8)
    np.savez(path, header=header, shapes=np.zeros((1, 50, 14), dtype=np.float16))
    with pytest.raises(LibraryUnusable, match="another version"):
        load_library(path)
