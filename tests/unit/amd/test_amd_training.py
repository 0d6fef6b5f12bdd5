"""Training: the recipe is reproducible, sources stay apart, and a model comes out that can be kept and read."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from amd.model import ModelUnusable, load_model, save_model
from amd.training import effects, workshop
from amd.training.calls import LINES, Recipe
from amd.training.clips import ClipsMissing, pauses, read_clips, trim
from amd.training.fit import examine
from amd.training.thresholds import LEAST_SENTENCE, LEAST_WORD, MOST_SENTENCE
from amd.verdict import CallClass
from tests.support.amd_sounds import speech

KINDS = [
    ("human_short", "kitchen", 0.5),
    ("human_short", "street", 0.7),
    ("human_sentence", "kitchen", 5.0),
    ("human_sentence", "street", 6.0),
    ("machine_prompt", "studio", 4.0),
    ("machine_prompt", "office", 4.5),
    ("machine_greeting", "office", 6.0),
    ("conversation", "meeting", 8.0),
    ("noise", "fan", 9.0),
    ("moh", "band", 10.0),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("clips")
    with (place / "manifest.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["path", "class", "language", "source", "licence", "seconds", "speaker"])
        for number in range(3):
            for kind, source, length_s in KINDS:
                name = f"{kind}-{source}-{number}.flac"
                wave = speech(length_s + 0.1 * number, seed=number + len(source))
                if kind == "noise":
                    wave = np.random.default_rng(number).normal(0, 0.01, len(wave))
                soundfile.write(place / name, wave, 8000)
                writer.writerow([name, kind, "xx", source, "CC0", length_s, source])
    return place


@pytest.fixture(scope="module")
def clips(folder):
    return read_clips(folder)


def test_given_no_manifest_then_it_says_which_folder_is_wanted(tmp_path):
    with pytest.raises(ClipsMissing, match="--data"):
        read_clips(tmp_path)


def test_given_one_seed_then_the_same_calls_come_out(clips):
    plan = workshop.Plan(training_calls=12, seed=3)
    first, second = workshop.training_calls(clips, plan), workshop.training_calls(clips, plan)
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(first, second, strict=True))
    other = workshop.training_calls(clips, workshop.Plan(training_calls=12, seed=4))
    assert not all(np.array_equal(a.samples, b.samples) for a, b in zip(first, other, strict=True))


def test_given_sources_then_every_fold_leaves_out_people_and_machines_once(clips):
    dealt = workshop.deal(clips, 2)
    assert [len(group) for group in dealt] == [2, 2]
    assert frozenset.union(*dealt) == {"kitchen", "street", "studio", "office"}
    assert workshop.family("vm_composites", "es") == "asterisk-core-sounds-es-wav"


def test_given_every_line_then_a_call_survives_it_and_ends_where_it_says(clips):
    recipe = Recipe(clips, np.random.default_rng(1), training=False)
    for line in LINES.values():
        call = recipe.call(recipe.person(), line)
        assert call.call_class is CallClass.HUMAN
        assert 0.1 < call.speech_end_s < len(call.samples) / 8000 - 5.9
        assert np.abs(call.samples).max() > 50


def test_given_short_greetings_then_machines_still_talk_for_longer_than_people(clips):
    short = [replace(clip, wave=clip.wave[:12000]) for clip in clips if clip.kind == "machine_greeting"]
    recipe = Recipe(short, np.random.default_rng(2), training=False)
    lengths_s = [len(recipe.machine().wave) / 8000 for _ in range(10)]
    assert min(lengths_s) >= 3.6


def test_given_one_voice_then_it_is_a_person_with_one_sentence_and_a_machine_with_several(clips):
    recipe = Recipe(clips, np.random.default_rng(3), training=True)
    people = {recipe.person().source for _ in range(60)}
    machines = {recipe.machine().source for _ in range(60)}
    assert {"kitchen", "street"} <= people & machines


def test_given_a_prompt_then_its_pauses_become_as_long_as_wanted():
    wave = np.concatenate([speech(1.0), np.zeros(1600), speech(1.0, seed=2)]).astype(np.float32)
    before = pauses(wave)
    stretched = effects.stretch_pauses(wave, np.random.default_rng(1), 0.6, 0.6, 1.0)
    longest_s = max((b - a) / 8000 for a, b in pauses(stretched))
    assert max((b - a) / 8000 for a, b in before) == pytest.approx(0.2, abs=0.06)
    assert longest_s == pytest.approx(0.6, abs=0.08)


def test_given_silence_around_a_word_then_it_is_cut_off():
    word = speech(0.4).astype(np.float32)
    assert len(trim(np.concatenate([np.zeros(4000), word, np.zeros(4000)]).astype(np.float32))) == pytest.approx(
        len(word), abs=400
    )


def test_given_tiny_data_then_training_twice_gives_the_same_model_and_it_can_be_kept(clips, tmp_path):
    plan = workshop.Plan(training_calls=80, test_calls=36, folds=2, made_on="2026-01-01", trees=8, music_calls=4)
    first, second = workshop.make(clips, plan), workshop.make(clips, plan)
    assert np.array_equal(first.model.trees.threshold, second.model.trees.threshold)
    assert first.model.curve == second.model.curve
    assert first.model.music == second.model.music
    for points, floors in ((first.model.curve.human, LEAST_WORD), (first.model.curve.sentence, LEAST_SENTENCE)):
        assert all(asked >= floor for (_, asked), floor in zip(points, floors, strict=True))
    assert all(asked <= most for (_, asked), most in zip(first.model.curve.sentence, MOST_SENTENCE, strict=True))
    path = tmp_path / "model.npz"
    save_model(first.model, path)
    read = load_model(path)
    rows = examine(workshop.training_calls(clips, workshop.Plan(training_calls=4))).rows
    assert np.array_equal(read.probability(rows), first.model.probability(rows))
    assert read.card["clips"]["kitchen"] == 6
    text = workshop.card_text(read)
    assert "sources left out" in text
    assert "| kitchen |" in text


def test_given_a_file_that_is_no_model_then_it_says_how_to_get_one(tmp_path):
    bad = tmp_path / "bad.npz"
    bad.write_bytes(b"not a model")
    with pytest.raises(ModelUnusable, match="timbre amd train"):
        load_model(bad)


def test_given_the_shipped_model_then_its_card_says_what_it_was_made_of():
    card = load_model().card
    assert card["left_out"]["people_right"] > 0.9
    assert sum(card["clips"].values()) > 1000
