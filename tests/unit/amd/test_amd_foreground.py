"""The talker in front, the thresholds that go with the model, and what training does to voices."""

import numpy as np
import pytest

from amd.bank import AmdBank
from amd.features import COUNT, NAMES
from amd.model import Undecided, load_model, save_model
from amd.moment import Moment
from amd.offline import frames_of, hear
from amd.policy import DEFAULT_CURVE, Curve, Policy
from amd.training import effects
from amd.training.clips import envelope_db
from amd.verdict import AmdSettings, CallClass
from tests.support.amd_sounds import call, speech

FEWER = ("span_s", "near_span_s", "voice_s", "longest_burst_s", "words")


def listened(samples, until_s):
    bank = AmdBank(1, Undecided())
    bank.open(0, AmdSettings(deadline_s=1e6, silence_s=1e6), answered=True)
    for frame in frames_of(samples)[: round(until_s / 0.02)]:
        bank.step(np.zeros(1, dtype=np.int64), frame[None], np.ones(1, dtype=np.bool_))
    return bank.record(0)


def test_given_a_fainter_voice_that_talks_on_then_the_talker_in_front_is_quiet():
    samples = call(speech(0.6, -18.0), speech(3.0, -31.5, seed=3), lead_s=0.5)
    record = listened(samples, 2.6)
    assert record["silence_run"] < 40
    assert record["near_silence_run"] > 60
    assert Moment.of(record, evaluated=True).silence_ticks > 50


def test_given_the_same_voice_talking_on_then_nobody_is_quiet():
    record = listened(call(speech(0.6, -18.0), speech(3.0, -18.0, seed=3), lead_s=0.5), 2.6)
    assert record["near_silence_run"] < 15
    assert record["quiet_run"] < 15


def tuned(seconds, level_db, hz=150.0):
    time_s = np.arange(int(seconds * 8000)) / 8000
    wave = sum(np.sin(2 * np.pi * hz * k * time_s + k * k) for k in range(1, 21))
    return wave / np.sqrt(np.mean(wave**2)) * 10 ** (level_db / 20)


@pytest.mark.parametrize("trail_s", [0.1, 0.2])
def test_given_the_faint_end_of_a_sentence_then_the_pause_begins_after_it(trail_s):
    samples = call(tuned(1.2, -18.0), tuned(trail_s, -42.0), lead_s=0.5, noise_db=-70.0)
    record = listened(samples, 1.7 + trail_s + 0.6)
    assert record["loose_silence_run"] >= 30 + trail_s / 0.02 - 2
    assert abs(record["quiet_run"] - 30) <= 3


def test_given_a_sentence_that_falls_then_its_pause_is_no_longer_than_the_quiet():
    samples = call(tuned(1.2, -18.0), tuned(0.5, -28.0), lead_s=0.5, noise_db=-70.0)
    record = listened(samples, 2.2 + 0.6)
    assert record["near_silence_run"] >= 50
    assert abs(record["quiet_run"] - 30) <= 3


def test_given_a_faint_sound_that_goes_on_then_it_is_the_room_and_the_pause_began_before_it():
    samples = call(tuned(1.2, -18.0), tuned(2.0, -42.0), lead_s=0.5, noise_db=-70.0)
    assert listened(samples, 1.7 + 0.16)["quiet_run"] < 4
    assert abs(listened(samples, 1.7 + 0.6)["quiet_run"] - 30) <= 3


def test_given_the_shipped_model_then_longer_speech_never_speaks_for_a_person():
    chance = np.random.default_rng(4)
    rows = np.abs(chance.normal(0.8, 0.6, (400, COUNT))).astype(np.float32)
    longer = rows.copy()
    for name in FEWER:
        longer[:, NAMES.index(name)] *= 2.0
    model = load_model()
    assert np.all(model.probability(longer) <= model.probability(rows) + 1e-6)


def test_given_two_dates_then_the_model_files_are_the_same(tmp_path):
    model = load_model()
    paths = [tmp_path / "first.npz", tmp_path / "second.npz"]
    for path, made_on in zip(paths, ("2026-01-01", "2027-02-03"), strict=True):
        model.card["made_on"] = made_on
        save_model(model, path)
    del model.card["made_on"]
    assert paths[0].read_bytes() == paths[1].read_bytes()


class Certain:
    """Believes that everybody is a machine, but names none before some time."""

    music = None

    def __init__(self, machine_from_s: float) -> None:
        self.curve = Curve(DEFAULT_CURVE.human, 0.03, 0.02, 0.3, machine_from_s)

    def probability(self, rows):
        return np.full(len(rows), 0.001, dtype=np.float32)


@pytest.mark.parametrize("machine_from_s", [0.0, 1.6, 2.4])
def test_given_a_least_span_then_no_machine_is_named_before_it(machine_from_s):
    samples = call(speech(4.0), lead_s=0.3)
    bank = AmdBank(1, Certain(machine_from_s))
    bank.open(0, AmdSettings(), answered=True)
    said = []
    for frame in frames_of(samples):
        said += bank.step(np.zeros(1, dtype=np.int64), frame[None], np.ones(1, dtype=np.bool_))
    verdict = said[0][1]
    assert verdict.call_class is CallClass.MACHINE
    assert 0.28 + machine_from_s <= verdict.since_answer_s <= 0.3 + max(machine_from_s, 1.2) + 0.5


def test_given_a_curve_then_it_comes_back_from_its_file():
    curve = Curve(((0.34, 0.99), (1.0, 0.5)), 0.01, 0.02, 0.4, 2.7)
    assert Curve.from_json(curve.as_json()) == curve
    assert Policy.of(AmdSettings(), curve).machine_from_s == 2.7


def test_given_a_lively_reading_then_its_level_varies_more():
    wave = speech(2.0).astype(np.float32)
    lively = effects.with_dynamics(wave, 1.8)
    assert np.std(envelope_db(lively)) > np.std(envelope_db(wave)) + 0.5
    assert len(lively) == len(wave)


def test_given_a_room_then_the_voice_dies_away_slower():
    wave = np.concatenate([speech(0.6), np.zeros(4000)]).astype(np.float32)
    heard = effects.roomy(wave, np.random.default_rng(2))
    assert effects.rms_db(heard[5200:6000]) > effects.rms_db(wave[5200:6000]) + 20


def test_given_a_word_and_a_faint_radio_then_a_person_is_told_before_the_radio_ends():
    word, radio = speech(0.6, -18.0), speech(7.0, -36.0, seed=5)
    samples = call(np.concatenate([word, np.zeros(len(radio) - len(word))]) + radio, lead_s=0.2)
    first = hear(samples).first
    assert first is not None
    assert first.call_class is not CallClass.MACHINE
