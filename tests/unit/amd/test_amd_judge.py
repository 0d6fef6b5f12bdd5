"""What a judge says of a call at one moment."""

from dataclasses import replace

import pytest

from amd.judge import Judge
from amd.moment import Moment
from amd.policy import Curve, Policy
from amd.verdict import AmdSettings, CallClass

POINTS = ((0.34, 0.99), (0.6, 0.99), (0.8, 0.2))
POLICY = Policy.of(AmdSettings(), Curve(POINTS, 0.01, 0.01, sentence=POINTS, breath=0.9))
IN_ONE_BREATH = Moment(
    now_s=4.5,
    answered=True,
    evaluated=True,
    first_speech_s=1.2,
    last_speech_s=3.5,
    silence_s=0.84,
    silence_ticks=42,
    voice_s=2.0,
    bursts=1,
    longest_burst_s=2.3,
    longest_pause_s=0.0,
    last_pause_s=0.0,
    active_s=4.5,
    in_tone=False,
    probability=0.7,
)


def said(moment: Moment) -> CallClass | None:
    verdict = Judge(AmdSettings(deadline_s=5.0), POLICY).consider(moment, None)
    return None if verdict is None else verdict.call_class


def test_given_much_in_one_breath_then_it_waits_for_what_a_recording_would_say_next():
    assert said(IN_ONE_BREATH) is None
    assert said(replace(IN_ONE_BREATH, silence_s=0.9, silence_ticks=45)) is CallClass.HUMAN
    assert said(replace(IN_ONE_BREATH, probability=0.92)) is CallClass.HUMAN
    assert said(replace(IN_ONE_BREATH, bursts=2, longest_burst_s=1.4)) is CallClass.HUMAN


@pytest.mark.parametrize(
    ("probability", "silence_ticks", "expected"),
    [(0.7, 42, CallClass.HUMAN), (0.15, 42, CallClass.MACHINE), (0.7, 20, CallClass.UNKNOWN)],
)
def test_given_the_deadline_while_it_waits_then_it_is_who_it_would_have_been_without_the_wait(
    probability, silence_ticks, expected
):
    at_deadline = replace(IN_ONE_BREATH, now_s=5.0, probability=probability, silence_ticks=silence_ticks)
    assert said(at_deadline) is expected


def test_given_music_that_plays_on_then_it_is_not_called_a_recording_and_a_talker_after_it_is():
    judge = Judge(AmdSettings(deadline_s=5.0), POLICY)
    plays = replace(IN_ONE_BREATH, probability=0.001, silence_ticks=0, music=0.97)
    first = judge.consider(plays, None)
    assert first is not None and first.call_class is CallClass.MUSIC
    on = replace(plays, now_s=5.4, voice_s=3.0)
    assert judge.asks_for_music(on)
    assert judge.consider(on, None) is None
    talks = judge.consider(replace(on, now_s=6.4, voice_s=4.0, music=0.3), None)
    assert talks is not None and talks.call_class is CallClass.MACHINE
