"""Manifests, scores and the commands, good rows and bad."""

import csv
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from amd import pictures
from amd.evaluate import Judgement, Record, clopper_pearson
from amd.known_prompts import load_library
from amd.manifest import ManifestEntry, ManifestError, read_manifest
from amd.offline import hear
from amd.pictures import _frame_roc, _pyplot
from amd.verdict import CallClass
from media.soundfiles import SoundFileUnusable, load, oddities
from server.commands.amd import app
from tests.support.amd_sounds import call, speech, tones

RUN = CliRunner()


@pytest.fixture
def folder(tmp_path):
    soundfile.write(tmp_path / "person.wav", call(speech(0.5)), 8000)
    soundfile.write(tmp_path / "machine.flac", call(speech(6.0)), 8000)
    soundfile.write(tmp_path / "beep48.wav", np.repeat(call(tones([((1000,), 0.4)])), 6), 48000, subtype="PCM_24")
    soundfile.write(tmp_path / "stereo.wav", np.stack([call(speech(0.5)) / 32768.0] * 2, axis=1), 8000, subtype="FLOAT")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, dtype=np.int16), 8000)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "person.wav").read_bytes()[:20])
    (tmp_path / "garbage.wav").write_bytes(b"not a sound" * 50)
    rows = [
        ("person.wav", "human", "clean", "1.0"),
        ("machine.flac", "machine", "", "6,5"),
        ("beep48.wav", "beep", "", ""),
        ("stereo.wav", "human", "stereo", ""),
        ("empty.wav", "human", "", ""),
        ("cut.wav", "human", "", ""),
        ("garbage.wav", "human", "", ""),
        ("missing.wav", "human", "", ""),
        ("person.wav", "alien", "", ""),
        ("", "human", "", ""),
        ("person.wav", "human", "", "soon"),
    ]
    with (tmp_path / "MANIFEST.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["path", "class", "subset", "speech_end_s", "extra"])
        writer.writerows([*row, "x"] for row in rows)
    return tmp_path


def test_given_good_and_bad_rows_then_the_good_are_judged_and_the_bad_named(folder):
    out, page = folder / "out.json", folder / "out.html"
    result = RUN.invoke(
        app,
        ["evaluate", str(folder / "MANIFEST.csv"), "--baseline", "app_amd", "--json", str(out), "--html", str(page)],
    )
    assert result.exit_code == 0, result.output
    records = json.loads(out.read_text())
    assert [(r["path"], r["class"]) for r in records] == [
        ("person.wav", "human"),
        ("machine.flac", "machine"),
        ("beep48.wav", "beep"),
        ("stereo.wav", "human"),
    ]
    assert all(
        set(r) == {"path", "class", "verdict", "probability", "verdict_at_s", "cause", "settled"} for r in records
    )
    assert [r["verdict"] for r in records] == ["human", "machine", "beep", "human"]
    assert result.output.count("not judged") == 7
    assert "app_amd" in page.read_text()


def test_given_one_recording_then_classify_tells_and_draws(folder):
    picture = folder / "call.png"
    result = RUN.invoke(app, ["classify", str(folder / "person.wav"), "--json", "--plot", str(picture)])
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["verdicts"][0]["class"] == "human"
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["empty.wav", "cut.wav", "garbage.wav", "missing.wav"])
def test_given_a_bad_file_then_one_message_names_it(folder, name):
    with pytest.raises(SoundFileUnusable, match=name):
        load(folder / name)
    result = RUN.invoke(app, ["classify", str(folder / name)])
    assert result.exit_code == 1


def test_given_a_manifest_without_columns_then_it_is_refused_as_a_whole(tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("file,kind\na.wav,human\n")
    with pytest.raises(ManifestError, match="path and class"):
        read_manifest(bad)
    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b"h\0.wav,human,", "not text in UTF-8"),
        (b"ma\xf1ana.wav,human,", "not text in UTF-8"),
        (b'"person.wav,human,', "a quote is opened"),
        (b"x" * 200_000 + b",human,", "larger than field limit"),
        (b"y" * 2_000 + b",human,", "2000 characters"),
        (b"person.wav,m\xe1quina,", "class 'm?quina' is not one of"),
        (b"person.wav,human,nan", "not a number of seconds"),
        (b"person.wav,human,inf", "not a number of seconds"),
        (b"person.wav,human,-1", "not a number of seconds"),
        (b"person.wav", "class '' is not one of"),
    ],
)
def test_given_a_row_that_cannot_be_read_then_it_is_named_by_its_line_and_the_others_are_read(tmp_path, row, words):
    manifest = tmp_path / "m.csv"
    manifest.write_bytes(b"path,class,speech_end_s\na.wav,human,1.0\n" + row + b"\nb.wav,machine,\n")
    entries, complaints = read_manifest(manifest)
    assert [(entry.path, entry.line) for entry in entries] == [("a.wav", 2), ("b.wav", 4)]
    assert [complaint.where for complaint in complaints] == ["m.csv line 3"]
    assert words in complaints[0].message


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_given_a_table_as_any_office_saves_it_then_it_is_read(tmp_path, newline, separator, mark):
    rows = [" Class", "PATH ", "notes"], ["human", "a b\u202fc.wav", '"two' + newline + 'lines"'], ["Fax", "f.wav", ""]
    text = mark + newline + newline.join(separator.join(row) for row in rows) + newline * 2
    (tmp_path / "m.csv").write_bytes(text.encode())
    entries, complaints = read_manifest(tmp_path / "m.csv")
    assert [(entry.path, entry.call_class.value) for entry in entries] == [
        ("a b\u202fc.wav", "human"),
        ("f.wav", "fax"),
    ]
    assert complaints == []


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_given_any_bytes_after_a_header_then_good_rows_before_and_after_are_read(rows):
    with tempfile.TemporaryDirectory() as folder:
        manifest = Path(folder) / "m.csv"
        manifest.write_bytes(b"path,class\nfirst.wav,human\n" + b"\n".join(rows) + b"\n\nlast.wav,beep\n")
        paths = [entry.path for entry in read_manifest(manifest)[0]]
    assert paths[0] == "first.wav"
    assert paths[-1] == "last.wav" or b'"' in b"".join(rows)


def test_given_a_recording_that_is_named_twice_then_that_is_said(folder):
    (folder / "twice.csv").write_text("path,class\nperson.wav,human\nperson.wav,machine\n")
    result = RUN.invoke(app, ["evaluate", str(folder / "twice.csv")])
    assert result.exit_code == 0
    assert "twice.csv line 3, person.wav: named in line 2 too, where it is human" in result.output


def test_given_a_recording_that_ends_before_its_verdict_then_the_picture_shows_the_verdict(folder, monkeypatch):
    monkeypatch.setattr(pictures, "_saved", lambda figure, dpi: figure.axes[-1].get_xlim())
    short = np.zeros(800, dtype=np.int16)
    assert pictures.call_picture(short, hear(short))[1] > 4.0


def test_given_counts_then_clopper_pearson_is_exact():
    assert clopper_pearson(0, 10) == pytest.approx((0.0, 0.3085), abs=1e-4)
    assert clopper_pearson(10, 10) == pytest.approx((0.6915, 1.0), abs=1e-4)
    assert clopper_pearson(98, 100) == pytest.approx((0.9296, 0.9976), abs=1e-4)


def test_given_a_recording_then_enrolling_it_makes_calls_with_it_known(folder):
    library = folder / "known.npz"
    wanted = ["enrol", str(folder / "machine.flac"), "--name", "Acme, switched off", "--class", "sit"]
    result = RUN.invoke(app, [*wanted, "--library", str(library)])
    assert result.exit_code == 0, result.output
    known = load_library(library)
    heard = hear(load(folder / "machine.flac"), known=known)
    assert any("Acme, switched off" in verdict.cause for verdict in [heard.first, *heard.later])
    bad = RUN.invoke(app, ["enrol", str(folder / "empty.wav"), "--name", "x", "--library", str(library)])
    assert bad.exit_code == 1


def test_given_a_manifest_then_every_call_of_the_class_is_learnt_and_the_others_named(folder):
    library = folder / "several.npz"
    wanted = ["enrol", str(folder / "MANIFEST.csv"), "--name", "Acme", "--library", str(library)]
    result = RUN.invoke(app, [*wanted, "--class", "machine"])
    assert result.exit_code == 0, result.output
    assert [prompt.name for prompt in load_library(library).prompts] == ["Acme (machine.flac)"]
    assert result.output.count("not learnt") == 3  # the rows that are none
    nothing = RUN.invoke(app, [*wanted, "--class", "fax"])
    assert nothing.exit_code == 1 and "no call of the class fax" in " ".join(nothing.output.split())


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("excel.csv", "path,class\n".encode("utf-16"), "not text in UTF-8"),
        ("sound.csv", bytes(range(256)) * 9, "not text in UTF-8"),
        ("semi.csv", b"file;class\nperson.wav;human\n", "must name at least the columns"),
        ("headless.csv", b"person.wav,human\n", "for example: path,class"),
        ("empty.csv", b"", "must name at least the columns"),
    ],
)
def test_given_a_manifest_that_is_no_table_then_one_message_says_how_to_mend_it(folder, name, content, words):
    (folder / name).write_bytes(content)
    result = RUN.invoke(app, ["evaluate", str(folder / name)])
    assert result.exit_code == 1
    assert f"{folder / name}: " in result.output and words in result.output
    assert len(result.output.strip().splitlines()) == 1


def test_given_calls_that_cannot_be_judged_then_their_line_is_told_once_and_no_empty_table_is_shown(folder):
    (folder / "bad.csv").write_text("path,class\nnowhere.wav,human\n")
    result = RUN.invoke(app, ["evaluate", str(folder / "bad.csv")])
    assert result.exit_code == 1
    assert f"not judged: {folder}/bad.csv line 2, nowhere.wav: no such sound file" in result.output
    assert "settled" not in result.output


def test_given_sound_that_had_to_be_changed_then_it_is_judged_and_said(folder):
    whole = (folder / "person.wav").read_bytes()
    (folder / "half.wav").write_bytes(whole[: len(whole) // 2])
    for name, words in (("half.wav", "cut off"), ("beep48.wav", "48000 Hz, changed"), ("stereo.wav", "2 channels")):
        result = RUN.invoke(app, ["classify", str(folder / name)])
        assert result.exit_code == 0 and words in result.output, name
    assert oddities(folder / "person.wav") == []
    result = RUN.invoke(app, ["evaluate", str(folder / "MANIFEST.csv")])
    assert "judged, but: stereo.wav: 2 channels, mixed to one" in result.output
    page = folder / "page.html"
    RUN.invoke(app, ["evaluate", str(folder / "MANIFEST.csv"), "--html", str(page), "--drawn", "0"])
    assert "<li>stereo.wav: 2 channels, mixed to one</li>" in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["classify", "person.wav", "--cost-ratio", "0"], "--cost-ratio"),
        (["classify", "person.wav", "--deadline-s", "0"], "--deadline-s"),
        (["classify", "person.wav", "--country", "Spain"], "ISO 3166"),
        (["classify", "person.wav", "--plot", "nowhere/x.png"], "its folder does not exist"),
        (["classify", "person.wav", "--plot", "."], "is a folder"),
        (["evaluate", "MANIFEST.csv", "--html", "nowhere/x.html"], "its folder does not exist"),
        (["evaluate", "MANIFEST.csv", "--json", "nowhere/x.json"], "its folder does not exist"),
        (["train", "--data", ".", "--out", "nowhere/m.npz"], "its folder does not exist"),
        (["enrol", "person.wav", "--name", "x", "--library", "person.wav"], "another kind of file"),
    ],
)
def test_given_an_option_that_cannot_be_then_it_is_told_before_any_work(folder, monkeypatch, arguments, words):
    monkeypatch.chdir(folder)
    result = RUN.invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code in (1, 2)
    assert words in result.output
    assert "Traceback" not in result.output and not isinstance(result.exception, ValueError)


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("path,class\nperson.wav,human_short\n", "no column language, source, speaker"),
        ("path,class,language,source,speaker\nperson.wav,human_short,es,own,ana\n", "1 sources of human_* clips"),
    ],
)
def test_given_clips_that_cannot_train_then_it_is_said_before_any_work(folder, manifest, words):
    (folder / "manifest.csv").write_text(manifest)
    wanted = ["train", "--data", str(folder), "--out", str(folder / "m.npz"), "--no-synthetic", "--folds", "2"]
    result = RUN.invoke(app, wanted)
    assert result.exit_code == 1 and words in result.output
    assert not (folder / "m.npz").exists()


def test_given_no_kept_calls_then_review_says_how_to_keep_them(folder):
    empty = folder / "timbre.toml"
    empty.write_text(f'var = "{folder / "var"}"\n')
    result = RUN.invoke(app, ["review", "--config", str(empty)])
    assert result.exit_code == 1
    assert "no call has been kept yet" in result.output and "No such file" not in result.output


def test_given_a_country_without_a_table_then_that_is_told_and_the_call_is_judged(folder):
    result = RUN.invoke(app, ["classify", str(folder / "person.wav"), "--country", "aq"])
    assert result.exit_code == 0
    assert "no tones of AQ are known" in result.output and "human" in result.output


def test_given_machines_then_no_time_after_a_greeting_is_counted_for_them():
    entry = ManifestEntry("m.wav", Path("m.wav"), CallClass.MACHINE, speech_end_s=9.0)
    assert Record(entry, Judgement(CallClass.MACHINE, 0.99, 3.0, "", CallClass.MACHINE, 0.1)).latency_s is None


def test_given_contestants_without_a_threshold_when_curves_are_drawn_then_the_window_holds_them() -> None:
    figure, roc = _pyplot().subplots()
    _frame_roc(roc, [(1.0, 98.0), (64.0, 41.0)])
    assert roc.get_xlim()[1] > 64.0 and roc.get_ylim()[0] < 41.0 and roc.get_title().startswith("ROC")
    assert "50" in [tick.get_text() for tick in roc.get_xticklabels()]
    _pyplot().close(figure)


def test_given_notes_of_several_lines_then_the_report_shows_each_and_no_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_picture", lambda figure: "")
    monkeypatch.setattr(pictures, "_draw_curves", lambda records: None)
    monkeypatch.setattr(pictures, "_draw_latencies", lambda records: None)
    out = tmp_path / "report.html"
    pictures.write_report(out, {}, {}, [], "Nobody answers a phone here.\n2000 streams: p99 < 10 ms")
    assert "<p>Nobody answers a phone here.</p><p>2000 streams: p99 &lt; 10 ms</p>" in out.read_text().replace("\n", "")
