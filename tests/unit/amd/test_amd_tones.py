"""Tones by their standards get their class, and their kind."""

import pytest

from amd.offline import hear
from amd.verdict import AmdSettings, CallClass
from tests.support.amd_sounds import call, speech, tones

SIT_INTERCEPT = [((913.8,), 0.276), ((1370.6,), 0.276), ((1776.7,), 0.38)]
SIT_VACANT = [((985.2,), 0.38), ((1370.6,), 0.276), ((1776.7,), 0.38)]
SIT_NO_CIRCUIT = [((985.2,), 0.38), ((1428.5,), 0.38), ((1776.7,), 0.38)]
SIT_E180 = [((950,), 0.33), ((1400,), 0.33), ((1800,), 0.33)]
SPANISH_RING = [((425,), 1.5), ((), 3.0)]
US_RING = [((440, 480), 2.0), ((), 4.0)]
UK_RING = [((400, 450), 0.4), ((), 0.2), ((400, 450), 0.4), ((), 2.0)]
SPANISH_BUSY = [((425,), 0.2), ((), 0.2)] * 8
US_BUSY = [((480, 620), 0.5), ((), 0.5)] * 4
US_CONGESTION = [((480, 620), 0.25), ((), 0.25)] * 8


@pytest.mark.parametrize("noise_db", [-65.0, -45.0])
@pytest.mark.parametrize(
    ("parts", "country", "expected", "word"),
    [
        (SIT_INTERCEPT, "US", CallClass.SIT, "intercept"),
        (SIT_VACANT, "US", CallClass.SIT, "vacant code"),
        (SIT_NO_CIRCUIT, "US", CallClass.SIT, "no circuit"),
        (SIT_E180, "ES", CallClass.SIT, "E.180"),
        ([((2100,), 3.0)], "ES", CallClass.FAX, "CED"),
        ([((1100,), 0.5), ((), 3.0)], "ES", CallClass.FAX, "CNG"),
        (SPANISH_RING, "ES", CallClass.RINGBACK, "ringing"),
        (US_RING, "US", CallClass.RINGBACK, "ringing"),
        (UK_RING, "GB", CallClass.RINGBACK, "two short rings"),
        (SPANISH_BUSY, "ES", CallClass.BUSY, "busy"),
        (US_BUSY, "US", CallClass.BUSY, "busy"),
        (US_CONGESTION, "US", CallClass.BUSY, "congestion"),
        ([((1000,), 0.4)], "ES", CallClass.BEEP, "1000 Hz"),
        ([((440,), 0.3)], "ES", CallClass.BEEP, "440 Hz"),
        ([((940,), 0.5)], "US", CallClass.BEEP, "940 Hz"),
    ],
)
def test_given_a_standard_tone_after_answer_then_its_class_and_kind_are_said(parts, country, expected, word, noise_db):
    hearing = hear(call(tones(parts), noise_db=noise_db), AmdSettings(country=country))
    assert hearing.first is not None
    assert hearing.first.call_class is expected
    assert word in hearing.first.cause


def without(parts, lost_s):
    """The same tones from `lost_s` on: the path opened late."""
    kept = []
    for hz, length_s in parts:
        lost = min(lost_s, length_s)
        lost_s -= lost
        if length_s - lost > 0.001:
            kept.append((hz, length_s - lost))
    return kept


@pytest.mark.parametrize("lost_s", [0.15, 0.25, 0.33, 0.42])
@pytest.mark.parametrize("parts", [SIT_INTERCEPT, SIT_VACANT, SIT_NO_CIRCUIT, SIT_E180])
def test_given_special_information_whose_start_was_lost_then_it_is_no_beep_and_nobody_speaks(parts, lost_s):
    hearing = hear(call(tones(without(parts, lost_s)), lead_s=0.02))
    assert hearing.first is not None
    assert hearing.first.call_class is CallClass.SIT
    assert hearing.settled is not None
    assert hearing.settled.call_class is CallClass.SIT


@pytest.mark.parametrize("hz", [950.0, 1400.0, 1780.0])
def test_given_one_tone_where_special_information_lies_then_it_is_a_beep_with_its_end(hz):
    hearing = hear(call(tones([((hz,), 0.4)]), lead_s=0.5))
    assert hearing.first is not None
    assert hearing.first.call_class is CallClass.BEEP
    assert hearing.first.tone_end_s == pytest.approx(0.9, abs=0.05)


def test_given_a_beep_of_two_tones_after_a_greeting_then_it_is_no_special_information():
    hearing = hear(call(speech(4.0), tones([((), 0.3), ((1400.0,), 0.3), ((1780.0,), 0.3)]), lead_s=0.3))
    said = [hearing.first, *hearing.later]
    assert CallClass.SIT not in [verdict.call_class for verdict in said if verdict is not None]


def test_given_a_greeting_then_a_beep_then_the_beep_is_told_with_its_end():
    greeting_s, lead_s, beep_s = 6.0, 0.5, 0.4
    hearing = hear(call(speech(greeting_s), tones([((), 0.3), ((850,), beep_s)]), lead_s=lead_s))
    assert hearing.first is not None
    assert hearing.first.call_class is CallClass.MACHINE
    beeps = [verdict for verdict in hearing.later if verdict.call_class is CallClass.BEEP]
    assert len(beeps) == 1
    assert beeps[0].tone_end_s == pytest.approx(lead_s + greeting_s + 0.3 + beep_s, abs=0.05)


def test_given_no_sound_at_all_then_silence_is_said_at_its_time():
    hearing = hear(call(noise_db=-70.0), AmdSettings(silence_s=3.0))
    assert hearing.first is not None
    assert hearing.first.call_class is CallClass.SILENCE
    assert hearing.first.since_answer_s == pytest.approx(3.0, abs=0.05)
