"""What every bank must hold to, whatever it hears."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amd import activity, features, known_prompts, levels, schedule, trees, voice
from amd import speech as talk
from amd.bank import AmdBank, warm_up
from amd.offline import frames_of, hear, hear_many
from amd.tones import fourier, runs, spectrum
from amd.verdict import AmdSettings, CallClass, Verdict
from tests.support.amd_sounds import call, speech, tones

CALLS = {
    "word": call(speech(0.5)),
    "two words": call(speech(0.4), np.zeros(2000), speech(0.4, seed=2), lead_s=0.8),
    "talks on": call(speech(6.0, seed=3), lead_s=0.2),
    "beep": call(tones([((1000,), 0.4)])),
    "nothing": call(),
    "noise": call(noise_db=-35.0),
}
NAMES = sorted(CALLS)
KERNELS = {
    "features": features.extract,
    "fourier": fourier._fill,
    "known prompts": known_prompts.follow_contours,
    "levels": levels.measure,
    "model due": schedule.due_for_model,
    "judge due": schedule.wants_judge,
    "speech": talk.follow_speech,
    "tones": runs.follow_tones,
    "spectrum": spectrum.find_peaks,
    "trees": trees._ask,
    "voice activity": activity._ask,
    "voice": voice.describe,
}


def run(bank: AmdBank, order: list[int], names: list[str], missing: set[int] = frozenset()) -> dict[int, list[Verdict]]:
    verdicts: dict[int, list[Verdict]] = {slot: [] for slot in order}
    frames = {slot: frames_of(CALLS[names[slot]]) for slot in order}
    for tick in range(360):
        block = np.stack([frames[slot][tick] for slot in order])
        present = np.array([tick not in missing for _ in order])
        for slot, verdict in bank.step(np.array(order, dtype=np.int64), block, present):
            verdicts[slot].append(verdict)
    return verdicts


def opened(count: int) -> AmdBank:
    bank = AmdBank(count)
    for slot in range(count):
        bank.open(slot, AmdSettings(), answered=True)
    return bank


@settings(max_examples=12, deadline=None)
@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_given_calls_side_by_side_then_each_gets_what_it_gets_alone_in_any_order(names, chance):
    order = list(range(len(names)))
    chance.shuffle(order)
    together = run(opened(len(names)), order, names)
    for slot in order:
        alone = run(opened(len(names)), [slot], names)
        assert together[slot] == alone[slot]


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(NAMES), st.sets(st.integers(0, 359), max_size=120))
def test_given_any_lost_frames_then_exactly_one_first_verdict_comes_by_the_deadline(name, missing):
    said = run(opened(1), [0], [name], missing)[0]
    firsts = [verdict for verdict in said if not verdict.settled]
    assert len(firsts) == 1
    assert said[0] is firsts[0]
    assert firsts[0].since_answer_s <= AmdSettings().deadline_s + 0.05


def test_given_no_frames_at_all_then_wall_time_still_counts():
    bank = opened(1)
    slots, frame, absent = np.array([0]), np.zeros((1, 160), dtype=np.int16), np.array([False])
    said = [verdict for _ in range(260) for _, verdict in bank.step(slots, frame, absent)]
    assert said[0].call_class is CallClass.SILENCE
    assert said[0].since_answer_s == pytest.approx(4.0, abs=0.05)


def test_given_an_announcement_before_answer_then_one_verdict_per_phase():
    bank = AmdBank(1)
    bank.open(0, AmdSettings(), answered=False)
    slots, here = np.array([0]), np.array([True])
    early = [v for f in frames_of(call(speech(4.0))) for _, v in bank.step(slots, f[None], here)]
    bank.answered(0)
    late = [v for f in frames_of(call(speech(0.5))) for _, v in bank.step(slots, f[None], here)]
    assert [(v.call_class, v.early_media) for v in early] == [(CallClass.MACHINE, True)]
    assert [v.early_media for v in late if not v.settled] == [False]
    assert late[0].call_class is CallClass.HUMAN


def test_given_a_slot_that_is_not_open_then_it_is_ignored_and_closing_it_does_nothing():
    bank = AmdBank(2)
    bank.close(1)
    assert bank.step(np.array([1]), np.zeros((1, 160), dtype=np.int16), np.array([True])) == []
    with pytest.raises(IndexError, match="outside this bank of 2"):
        bank.open(2, AmdSettings(), answered=True)


def test_given_a_short_word_then_a_person_within_a_second_of_its_end():
    hearing = hear(CALLS["word"])
    assert hearing.first is not None
    assert hearing.first.call_class is CallClass.HUMAN
    assert hearing.first.since_speech_end_s is not None
    assert hearing.first.since_speech_end_s <= 0.9


def test_given_many_recordings_then_offline_judges_each_as_alone():
    many = hear_many([CALLS[name] for name in NAMES])
    for name, hearing in zip(NAMES, many, strict=True):
        assert hearing.first == hear(CALLS[name]).first


def test_given_a_warm_up_then_nothing_is_left_to_compile():
    warm_up()
    before = {name: len(kernel.signatures) for name, kernel in KERNELS.items()}
    hear(CALLS["two words"])
    assert {name: len(kernel.signatures) for name, kernel in KERNELS.items()} == before
    assert min(before.values()) > 0
