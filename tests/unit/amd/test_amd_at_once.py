"""Many calls asked at once: the same answers as one by one, and no tick does all the work."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amd import bank as banks
from amd.activity import VoiceActivity, exported_process
from amd.bank import AmdBank
from amd.known_prompts import LOOKS, WINDOW, KnownPrompt, KnownPrompts
from amd.trees import Trees, TreesUnusable
from amd.verdict import AmdSettings, CallClass
from amd.voice import BANDS
from media.frames import FRAME_SAMPLES


def _frames(seed, ticks):
    """Something that VAD and spectra take for speech: pulses of changing pitch and colour, with pauses."""
    chance = np.random.default_rng(seed)
    time_s = np.arange(ticks * FRAME_SAMPLES) / 8000
    pitch = 110 + 40 * np.sin(2 * np.pi * 0.9 * time_s + seed)
    phase = 2 * np.pi * np.cumsum(pitch) / 8000
    voice = sum(np.sin(k * phase) * np.sin(k + 3 * time_s * (k % 5)) for k in range(1, 15))
    talks = np.sin(2 * np.pi * 0.6 * time_s + seed) > -0.6
    noise = chance.normal(0, 20, len(time_s))
    return np.asarray(voice * talks * 900 + noise, dtype=np.int16).reshape(ticks, FRAME_SAMPLES)


def _every_tick_known(monkeypatch):
    """A library that knows whatever it is shown."""
    prompt = KnownPrompt("everything", CallClass.SCREENING, np.ones((WINDOW, BANDS), dtype=np.int8))
    library = KnownPrompts([prompt])
    looked = []

    def find(_self, contour, heard):
        looked.append((heard, contour[:heard].copy()))

    monkeypatch.setattr(KnownPrompts, "find", find)
    return library, looked


def test_given_more_calls_than_a_tick_looks_at_then_the_rest_come_in_the_next_ticks_in_order(monkeypatch):
    library, looked = _every_tick_known(monkeypatch)
    monkeypatch.setattr(banks, "LOOKS_PER_TICK", 2)
    calls = [_frames(3, 90)] * 5
    bank = AmdBank(5, known=library)
    slots = np.arange(5, dtype=np.int64)
    for slot in range(5):
        bank.open(slot, AmdSettings(), answered=True)
    counts = []
    for tick in range(90):
        before = len(looked)
        bank.step(slots, np.stack([call[tick] for call in calls]), np.ones(5, dtype=np.bool_))
        counts.append(len(looked) - before)
    first = next(tick for tick, count in enumerate(counts) if count)
    assert counts[first : first + 4] == [2, 2, 1, 0]
    assert {heard for heard, _ in looked} == {LOOKS[0] + 1}
    assert all(np.array_equal(looked[0][1], contour) for _, contour in looked)  # put off, yet the same is compared


def test_given_a_call_that_ended_while_its_look_was_put_off_then_nobody_looks(monkeypatch):
    library, looked = _every_tick_known(monkeypatch)
    monkeypatch.setattr(banks, "LOOKS_PER_TICK", 1)
    bank = AmdBank(2, known=library)
    call = _frames(3, 90)
    slots = np.arange(2, dtype=np.int64)
    for slot in range(2):
        bank.open(slot, AmdSettings(), answered=True)
    for frame in call:
        bank.step(slots, np.stack([frame, frame]), np.ones(2, dtype=np.bool_))
        if len(looked) == 1:
            bank.close(1)
            bank.open(1, AmdSettings(), answered=True)  # another call on the same slot
    assert len(looked) == 1


def test_given_the_c_function_or_python_then_the_same_frames_are_speech():
    process = exported_process()
    assert process is not None, "this build of webrtcvad does not export WebRtcVad_Process: ticks take 15 % longer"
    calls = np.stack([_frames(seed, 60) for seed in range(4)], axis=1)
    by_machine, by_python = VoiceActivity(4, process), VoiceActivity(4, None)
    for activity in (by_machine, by_python):
        for slot in range(3):  # nobody listens to the last
            activity.begin(slot)
    slots = np.array([2, 0, 3, 1], dtype=np.int64)
    heard = 0
    for tick, frames in enumerate(calls):
        wanted = (np.arange(4) + tick) % 5 > 0
        found = [np.zeros(4, dtype=np.bool_) for _ in range(2)]
        by_machine.hear(slots, wanted, frames[::1], found[0])
        by_python.hear(slots, wanted, frames, found[1])
        assert np.array_equal(*found)
        assert not found[0][2]
        heard += found[0].sum()
    assert heard > 20
    by_machine.end(0)
    by_machine.hear(slots, np.ones(4, dtype=np.bool_), calls[0], found[0])


@st.composite
def _trees(draw):
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes, roots = [], []
    for _ in range(draw(st.integers(1, 4))):
        roots.append(len(nodes))
        _grow(nodes, chance, int(chance.integers(1, 14)))
    feature, threshold, left, right = (np.array(column) for column in zip(*nodes, strict=True))
    return Trees(
        feature.astype(np.int16), threshold.astype(np.float32), left.astype(np.int32), right.astype(np.int32),
        np.array(roots, dtype=np.int32), float(chance.normal()),
    )  # fmt: skip


def _grow(nodes, chance, leaves):
    at = len(nodes)
    nodes.append((-1, chance.normal(), 0, 0))
    if leaves > 1:
        on_left = int(chance.integers(1, leaves))
        feature, threshold = int(chance.integers(0, 5)), float(chance.integers(-2, 3))
        left = _grow(nodes, chance, on_left)
        nodes[at] = (feature, threshold, left, _grow(nodes, chance, leaves - on_left))
    return at


@settings(max_examples=40, deadline=None)
@given(_trees(), st.integers(0, 150), st.integers(0, 2**32 - 1))
def test_given_any_trees_and_rows_then_it_is_the_leaf_that_one_walks_to(trees, count, seed):
    rows = np.random.default_rng(seed).integers(-3, 4, (count, 5)).astype(np.float32)  # often just on a threshold
    wanted = []
    for row in rows:
        odds = np.float32(trees.base)
        for root in trees.roots:
            node = root
            while trees.feature[node] >= 0:
                side = trees.left if row[trees.feature[node]] <= trees.threshold[node] else trees.right
                node = side[node]
            odds += trees.threshold[node]
        wanted.append(1.0 / (1.0 + np.exp(-np.float64(odds))))
    assert trees.probability(rows) == pytest.approx(np.array(wanted), rel=1e-6)


def test_given_nodes_that_lead_round_in_a_circle_then_it_says_so():
    one = np.zeros(2, dtype=np.int32)
    with pytest.raises(TreesUnusable, match="round in a circle"):
        Trees(np.zeros(2, dtype=np.int16), np.zeros(2, dtype=np.float32), one, one, one[:1], 0.0)
