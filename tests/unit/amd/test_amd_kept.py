"""Calls kept to learn from: what is kept and deleted, which are worth a label, what labels say of lost people."""

import csv
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amd.audit import AuditedLabels, FalsePositives
from amd.kept import LABELS, KeptCall, KeptCalls, KeptUnusable, Label, Said, drawn
from amd.labelled import write_manifests
from amd.manifest import read_manifest
from amd.offline import hear
from amd.strips import strips
from amd.training.clips import read_clips
from amd.useful import most_useful, to_audit, worth_of
from amd.verdict import CallClass
from campaigns.audit import mistaken_share
from tests.support.amd_sounds import call, speech

DAY_S = 86_400.0


def said(call_class, probability=0.99, at_s=1.5, *, settled=False):
    return Said(CallClass(call_class), probability, at_s, "because", False, settled, {"rang_for_s": 4.0})


def kept_call(name, *verdicts, dispositions=(), at_s=0.0, audit=False):
    return KeptCall(
        name, "c1", "carrier", "+34 6** ***", at_s, "bridged", True, 3.0, tuple(verdicts), dispositions, audit
    )


def label(name, was, verdict, picked="audit", campaign="c1"):
    return Label(name, CallClass(was), CallClass(verdict), campaign, "carrier", picked, "ana", 1.0)


@pytest.fixture
def kept(tmp_path):
    return KeptCalls(tmp_path / "kept")


def test_given_a_call_when_it_is_kept_then_it_is_read_back_whole(kept):
    one = kept_call("a1", said("human"), said("machine", settled=True), dispositions=("sale",))
    kept.put(one, call(speech(0.5), tail_s=0.5), early=call(speech(0.3), tail_s=0.1))
    assert list(kept.all()) == [one]
    assert kept.sound_of("a1").exists() and kept.early_of("a1").exists()
    kept.dispose("a1", ["voicemail"])
    kept.dispose("gone", ["sale"])
    read = kept.get("a1")
    assert read is not None and read.dispositions == ("voicemail",)
    assert kept.erase("a1") and not kept.erase("a1") and list(kept.folder.iterdir()) == []


def test_given_damaged_facts_then_the_message_names_the_file(kept):
    kept.put(kept_call("a1"), np.zeros(160, dtype=np.int16))
    (kept.folder / "a1.json").write_text("{")
    with pytest.raises(KeptUnusable, match=r"a1\.json"):
        list(kept.all())


def test_given_old_calls_and_a_full_folder_then_the_oldest_go_and_labels_stay(kept):
    noise = np.random.default_rng(1).integers(-9000, 9000, 8000).astype(np.int16)  # 16 kB that do not compress
    for day in range(5):
        kept.put(kept_call(f"a{day}", said("human"), at_s=day * DAY_S), noise)
    kept.label(label("a0", "human", "machine"))
    assert kept.expire(5 * DAY_S, days=3.5, max_mb=100) == 2
    assert [each.call_id for each in kept.all()] == ["a2", "a3", "a4"]
    assert kept.expire(5 * DAY_S, days=99, max_mb=0.035) == 1
    assert [each.call_id for each in kept.all()] == ["a3", "a4"]
    assert set(kept.labels()) == {"a0"}


def test_given_two_labels_of_a_call_then_the_later_counts(kept):
    kept.label(label("a1", "machine", "human"))
    kept.label(label("a1", "human", "human"))
    assert kept.labels()["a1"].call_class is CallClass.HUMAN
    (kept.folder / LABELS).write_text("call_id,class\na1,alien\n")
    with pytest.raises(KeptUnusable, match=LABELS):
        kept.labels()


def test_given_many_calls_then_what_teaches_most_comes_first_and_lots_are_left_alone():
    calls = [
        kept_call("sure", said("human", 0.99), dispositions=("sale",)),
        kept_call("unsure", said("human", 0.7)),
        kept_call("unknown", said("unknown", 0.5), dispositions=("sale",)),
        kept_call("revoked", said("human"), said("machine", settled=True)),
        kept_call("wrong", said("human"), dispositions=("voicemail",)),
        kept_call("flagged", said("human"), said("machine", settled=True), dispositions=("sale",)),
        kept_call("lot", said("machine"), audit=True),
        kept_call("labelled", said("unknown")),
    ]
    labels = {"labelled": label("labelled", "human", "unknown", "useful")}
    order = [each.call.call_id for each in most_useful(calls, labels)]
    assert order == ["wrong", "flagged", "revoked", "unknown", "unsure", "sure"]
    assert [each.call.call_id for each in to_audit(calls, labels)] == ["lot"]
    assert "voicemail" in worth_of(calls[4]).why
    assert worth_of(calls[0], machine_codes={"sale"}).worth == 1.0


def test_given_labels_then_only_lots_that_were_given_up_count_and_doubt_counts_as_a_person():
    labels = [label(f"m{i}", "machine", "machine") for i in range(57)]
    labels += [label("p1", "human", "machine"), label("p2", "unknown", "sit"), label("p3", "machine", "beep")]
    labels += [label("chosen", "human", "machine", "useful"), label("put through", "human", "human")]
    labels += [label("other", "human", "machine", campaign="c2")]
    found = AuditedLabels(labels).false_positives("c1")
    assert found == FalsePositives(audited=60, people=2)
    assert AuditedLabels(labels).false_positives() == FalsePositives(61, 3)
    assert found.share == pytest.approx(2 / 60)
    assert 0.10 < found.upper() < 0.11  # Clopper-Pearson, one-sided 95 %: 0.1011


def test_given_nothing_audited_then_nothing_is_known():
    assert FalsePositives(0, 0).upper() == 1.0
    assert FalsePositives(59, 0).upper() == pytest.approx(1 - 0.05 ** (1 / 59), abs=1e-6)


@settings(max_examples=30)
@given(audited=st.integers(1, 120), people=st.integers(0, 120))
def test_given_any_audit_then_the_bound_is_over_the_share_and_falls_with_more_calls(audited, people):
    people = min(people, audited)
    found = FalsePositives(audited, people)
    assert found.share <= found.upper() <= 1.0
    assert mistaken_share(audited, people).upper == pytest.approx(found.upper(), abs=1e-6)  # what pacing holds back
    assert FalsePositives(audited * 2, people * 2).upper() <= found.upper() + 1e-9


def test_given_a_lot_then_it_is_the_same_for_a_call_and_near_its_share():
    names = [f"call{i}" for i in range(2000)]
    chosen = [name for name in names if drawn(name, 0.2, "audit")]
    assert 330 < len(chosen) < 470
    assert chosen == [name for name in names if drawn(name, 0.2, "audit")]
    assert all(drawn(name, 1.0, "kept") for name in names[:50])


def test_given_labels_then_evaluate_and_train_can_read_what_is_written(kept):
    kept.put(kept_call("a1", said("human", at_s=1.3)), call(speech(0.6), tail_s=1.0))
    kept.put(kept_call("a2", said("machine", at_s=2.5)), call(speech(3.0), tail_s=0.5))
    kept.put(kept_call("a3", said("human")), call(speech(0.5)))
    for name, was in (("a1", "human"), ("a2", "machine"), ("gone", "human")):
        kept.label(label(name, was, "human", "useful"))
    written = write_manifests(kept)
    assert (written.calls, written.clips, written.without_sound) == (2, 2, 1)
    entries, complaints = read_manifest(written.manifest)
    assert [(entry.path, entry.call_class) for entry in entries] == [
        ("a1.flac", CallClass.HUMAN),
        ("a2.flac", CallClass.MACHINE),
    ]
    assert complaints == []
    assert [clip.kind for clip in read_clips(kept.folder / "clips")] == ["human_short", "machine_greeting"]
    with (kept.folder / "clips" / "manifest.csv").open() as lines:
        assert {row["speaker"] for row in csv.DictReader(lines)} == {"a1", "a2"}


def test_given_a_call_then_it_is_drawn_with_letters():
    samples = call(speech(0.6), lead_s=0.4, tail_s=1.0)
    lines = strips(samples, hear(samples, trace=True), [1.4], columns=50)
    assert [line.split()[0] for line in lines[:5]] == ["sound", "speech", "tone", "person", "verdict"]
    assert lines[4].index("^") - 8 == int(1.4 / 2.0 * 50)
    assert "=" in lines[1] and len({len(line) for line in lines[:5]}) == 1


def test_given_facts_then_they_hold_no_number(kept):
    kept.put(kept_call("a1", said("human")), np.zeros(160, dtype=np.int16))
    assert json.loads((kept.folder / "a1.json").read_text())["phone"] == "+34 6** ***"
