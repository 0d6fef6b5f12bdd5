"""What only resembles a tone of the network: tunes, rings that began before the answer, chords, offsets of the line."""

import numpy as np
import pytest

from amd.offline import hear, hear_many
from amd.tones.plans import PLANS
from amd.verdict import AmdSettings, CallClass
from tests.support.amd_sounds import RATE_HZ, call, speech, tones

C5, D5, BES4, G4, DIS5 = 523.3, 587.3, 466.2, 392.0, 622.3
TUNE = [((hz,), length_s) for hz, length_s in [(C5, 0.2), (G4, 0.24), (D5, 0.12), (C5, 0.18), (DIS5, 0.12)]] * 8
SAME_NOTE_WITHOUT_PAUSES = [((C5,), 0.24), ((C5 * 1.5, C5 * 2.5), 0.2)] * 12
SUSTAINED_CHORD = [((BES4, DIS5), 2.4), ((G4, D5), 2.4)]
NETWORK = frozenset({CallClass.BUSY, CallClass.RINGBACK, CallClass.SIT, CallClass.FAX})


def first(samples, country="ES"):
    hearing = hear(samples, AmdSettings(country=country))
    assert hearing.first is not None
    return hearing.first


@pytest.mark.parametrize("tune", [TUNE, SAME_NOTE_WITHOUT_PAUSES, SUSTAINED_CHORD])
def test_given_a_tune_in_the_band_of_busy_and_ringing_then_it_is_no_tone_of_the_network(tune):
    assert first(call(tones(tune), lead_s=0.1)).call_class not in NETWORK


def test_given_a_note_that_dies_away_then_it_is_no_ringing():
    note = tones([((440.0,), 2.0)])
    dying = note * np.exp(-3.0 * np.arange(len(note)) / RATE_HZ)
    assert first(call(dying)).call_class is not CallClass.RINGBACK


def test_given_a_person_with_a_tune_behind_then_the_tune_says_nothing():
    behind = tones(TUNE * 2, level_db=-40.0)
    foreground = np.concatenate([np.zeros(RATE_HZ), speech(0.8, level_db=-18.0), np.zeros(len(behind))])[: len(behind)]
    said = first(call(behind + foreground, lead_s=0.0))
    assert said.call_class not in NETWORK | {CallClass.BEEP}


@pytest.mark.parametrize("left_s", [0.3, 0.7])
def test_given_the_end_of_a_ring_when_the_path_opens_then_it_is_ringing_and_no_beep(left_s):
    ring = [((425,), left_s), ((), 4.5), ((425,), 1.0), ((), 3.0)]
    assert first(call(tones(ring), lead_s=0.0)).call_class is CallClass.RINGBACK


def test_given_the_end_of_a_ring_then_a_person_then_the_person_is_heard():
    opened = call(tones([((425,), 0.4), ((), 0.5)]), speech(0.7), lead_s=0.0)
    assert first(opened).call_class is CallClass.HUMAN


@pytest.mark.parametrize("lead_s", [0.0, 0.5])
@pytest.mark.parametrize("hz", [(400.0,), (425.0,), (400.0, 450.0)])
def test_given_two_short_rings_of_one_tone_or_two_then_it_is_ringing_not_busy(hz, lead_s):
    ring = [(hz, 0.4), ((), 0.2), (hz, 0.4), ((), 2.0)] * 3
    assert first(call(tones(ring), lead_s=lead_s)).call_class is CallClass.RINGBACK


def test_given_two_short_rings_that_began_before_the_answer_then_it_is_ringing():
    ring = [((400, 450), 0.18), ((), 0.2), ((400, 450), 0.4), ((), 2.0)]
    whole = [((400, 450), 0.4), ((), 0.2), ((400, 450), 0.4), ((), 2.0)]
    assert first(call(tones(ring + whole), lead_s=0.0), "GB").call_class is CallClass.RINGBACK


def heard_in(country, what):
    tone = getattr(PLANS[country], what)
    hz = (tone.low_hz,) if tone.low_hz == tone.high_hz else (tone.low_hz, tone.high_hz)
    parts = [(hz if k % 2 == 0 else (), length_s) for k, length_s in enumerate(tone.cadence_s)] * 12
    return call(tones(parts)[: 5 * RATE_HZ], tail_s=1.0)


@pytest.mark.parametrize(("what", "expected"), [("ringback", CallClass.RINGBACK), ("busy", CallClass.BUSY)])
def test_given_any_countrys_tones_then_they_are_told_where_spanish_ones_are_expected(what, expected):
    countries = sorted(PLANS)
    heard = hear_many([heard_in(country, what) for country in countries], AmdSettings(country="ES"))
    said = {country: each.first.call_class for country, each in zip(countries, heard, strict=True) if each.first}
    assert said == dict.fromkeys(countries, expected)


@pytest.mark.parametrize("country", ["AU", "GB", "IN", "SG", "US"])
def test_given_a_countrys_own_tones_then_they_are_told(country):
    assert first(heard_in(country, "ringback"), country).call_class is CallClass.RINGBACK
    assert first(heard_in(country, "busy"), country).call_class is CallClass.BUSY


@pytest.mark.parametrize("hz", [(950, 1450, 1850), (900, 1400, 1800), (1000, 1400, 1800), (935, 1380, 1778)])
def test_given_special_information_at_the_edge_of_the_standard_then_it_is_told(hz):
    said = first(call(tones([((each,), 0.33) for each in hz])))
    assert said.call_class is CallClass.SIT
    assert "E.180" in said.cause or hz[2] < 1788


@pytest.mark.parametrize("hz", [(745.0, 852.0), (1000.0, 1400.0), (440.0, 880.0)])
def test_given_a_beep_of_two_tones_at_once_then_it_is_a_beep_with_its_end(hz):
    said = first(call(tones([(hz, 0.5)]), lead_s=0.6))
    assert said.call_class is CallClass.BEEP
    assert said.tone_end_s == pytest.approx(1.1, abs=0.06)


@pytest.mark.parametrize(("low_hz", "high_hz"), [(770.0, 1336.0), (941.0, 1209.0)])
def test_given_a_key_that_is_pressed_then_it_is_no_beep(low_hz, high_hz):
    assert first(call(tones([((low_hz, high_hz), 0.25)]))).call_class is not CallClass.BEEP


def test_given_a_beep_of_two_tones_in_a_row_then_the_end_is_that_of_the_second():
    said = first(call(tones([((800,), 0.3), ((1000,), 0.3)]), lead_s=0.5))
    assert said.call_class is CallClass.BEEP
    assert said.tone_end_s == pytest.approx(1.1, abs=0.06)


@pytest.mark.parametrize("offset", [-3000, 400, 3000])
def test_given_a_line_that_idles_far_from_zero_then_silence_is_silence(offset):
    samples = call(noise_db=-64.0) + np.int16(offset)
    assert first(samples).call_class is CallClass.SILENCE


@pytest.mark.parametrize("offset", [-3000, 400, 3000])
def test_given_speech_on_a_line_that_idles_far_from_zero_then_the_verdict_is_the_same(offset):
    samples = call(speech(0.8, level_db=-20.0))
    plain, shifted = first(samples), first(np.clip(samples.astype(np.int32) + offset, -32768, 32767).astype(np.int16))
    assert shifted.call_class is plain.call_class
    assert shifted.since_answer_s == pytest.approx(plain.since_answer_s, abs=0.05)


def test_given_lost_frames_on_such_a_line_then_they_are_silence_too():
    samples = call(noise_db=-64.0) + np.int16(2000)
    frames = samples[: len(samples) // 160 * 160].reshape(-1, 160).copy()
    frames[25::20] = 0
    assert first(frames.reshape(-1)).call_class is CallClass.SILENCE


@pytest.mark.parametrize(("on_s", "off_s"), [(0.33, 0.27), (0.4, 0.2), (0.36, 0.24)])
def test_given_two_short_rings_torn_by_lost_frames_then_they_are_still_ringing(on_s, off_s):
    ring = [((400.0, 450.0), on_s), ((), off_s), ((400.0, 450.0), on_s), ((), 2.0)] * 2
    assert first(call(tones(ring)), "GB").call_class is CallClass.RINGBACK
