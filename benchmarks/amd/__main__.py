"""Scores of AMD on sources that were left out of training, beside Asterisk's AMD().

python -m benchmarks.amd --data FOLDER --folds FOLDER [--extra FOLDER ...] [--people FOLDER ...] --out report.html

The fold models come from `timbre amd train --folds-out FOLDER`; each judges the sources that its training left out. The
model itself (the shipped one, or --model) judges recordings that are in no training: prompts of other makers (--extra)
and other people (--people: a folder is a source, its files are words and sentences of one speaker).
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from amd import evaluate as scoring
from amd.app_amd import VICIDIAL
from amd.manifest import ManifestEntry
from amd.model import DEFAULT_MODEL, Model, load_model
from amd.offline import frames_of
from amd.pictures import write_report
from amd.training import workshop
from amd.training.calls import LINES, Call
from amd.training.clips import Clip, Wave, read_clips, trim
from amd.training.effects import rms_db
from amd.verdict import CallClass
from benchmarks.amd import speed
from benchmarks.amd.tone_calls import tone_calls
from benchmarks.amd.which import model_sha
from media.frames import SAMPLE_RATE_HZ
from media.soundfiles import SoundFileUnusable, load

_NOTHING_SAID_DB = -55.0  # sets of prompts hold recordings of silence
Records = dict[str, list[scoring.Record]]
Tables = dict[str, tuple[list[scoring.Score], scoring.Errors]]
CONTESTANTS = ("timbre", "AMD() defaults", "AMD() VICIdial")


def main() -> None:
    """Run the benchmark and write its report."""
    options = _options()
    clips = read_clips(options.data)
    records: Records = {name: [] for name in CONTESTANTS}
    folds = [load_model(path) for path in sorted(options.folds.glob("fold*.npz"))]
    if not folds:
        raise SystemExit(
            f"{options.folds}: no fold*.npz; make them with `timbre amd train --folds-out {options.folds}`"
        )
    for number, model in enumerate(folds):
        left_out = set(model.card["left_out"])
        held = [clip for clip in clips if workshop.family(clip.source, clip.language) in left_out]
        background = workshop.background_of(clips)
        calls = workshop.test_calls(held, background, options.calls // len(folds), options.seed + number)
        calls += [suppressed(call) for call in calls if call.line == "clean"]
        _judge(calls, model, records)
        print(f"fold {number}: {len(calls)} calls of {sorted(left_out)}", flush=True)
    model = load_model(options.model)
    unheard: Records = {name: [] for name in CONTESTANTS}
    for calls in _calls_of_others(clips, options):
        _judge([*calls, *(suppressed(call) for call in calls if call.line == "clean")], model, unheard)
        print(f"{len(calls)} calls of {sorted({call.source for call in calls})}", flush=True)
    _judge(tone_calls(options.tones, options.seed), model, unheard)
    speeds = [speed.measure(_mixed(clips, options.seed), streams) for streams in options.streams]
    _report({"sources left out": records, "in no training": unheard}, speeds, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.amd", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of clips with manifest.csv")
    parser.add_argument("--folds", type=Path, required=True, help="fold models of `timbre amd train --folds-out`")
    parser.add_argument("--extra", type=Path, nargs="*", default=[], help="prompts of other makers, one folder each")
    parser.add_argument("--people", type=Path, nargs="*", default=[], help="people in no training, one folder each")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL, help="the model that --extra and --people try")
    parser.add_argument("--calls", type=int, default=3600)
    parser.add_argument("--tones", type=int, default=60, help="calls per tone class")
    parser.add_argument("--streams", type=int, nargs="*", default=[250, 500, 1000, 2000])
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--out", type=Path, default=Path("amd-report.html"))
    parser.add_argument("--json", type=Path, default=None)
    return parser.parse_args()


def _calls_of_others(clips: Sequence[Clip], options: argparse.Namespace) -> Iterable[list[Call]]:
    """Recordings that no training heard: machines of each maker for itself, people together."""
    background = workshop.background_of(clips)
    for folder in options.extra:
        yield workshop.test_calls(list(_prompts(folder)), background, 270, options.seed + 50)
    if options.people:
        people = [clip for folder in options.people for clip in _people(folder)]
        yield workshop.test_calls(people, background, options.calls, options.seed + 60)


def _prompts(folder: Path) -> Iterable[Clip]:
    for wave in _waves(folder):
        if len(wave) >= SAMPLE_RATE_HZ // 2:
            yield Clip("machine_prompt", folder.name, folder.name, "", wave)


def _people(folder: Path) -> Iterable[Clip]:
    for wave in _waves(folder):
        kind = "human_sentence" if len(wave) >= 1.2 * SAMPLE_RATE_HZ else "human_short"
        yield Clip(kind, folder.name, folder.name, "", wave)


def _waves(folder: Path) -> Iterable[Wave]:
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower() in (".wav", ".gsm", ".flac"):
            try:
                wave = trim(load(file).astype(np.float32) / 32768.0)
            except SoundFileUnusable as error:
                print(error)
                continue
            if rms_db(wave) > _NOTHING_SAID_DB:
                yield wave


def suppressed(call: Call) -> Call:
    """The same call from a far end that sends nothing while it is quiet (zeros: frames that never came)."""
    frames = frames_of(call.samples).copy()
    level = np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1))
    frames[level < 0.03 * np.percentile(level, 98)] = 0
    return replace(call, samples=frames.ravel(), line="missing frames")


def _judge(calls: Sequence[Call], model: Model, records: Records) -> None:
    judges = dict(
        zip(CONTESTANTS, (scoring.ours(model=model), scoring.baseline(), scoring.baseline(VICIDIAL)), strict=True)
    )
    for first in range(0, len(calls), 128):
        chunk = calls[first : first + 128]
        for name, judge in judges.items():
            said = judge([call.samples for call in chunk])
            records[name] += [scoring.Record(_entry(call), word) for call, word in zip(chunk, said, strict=True)]


def _entry(call: Call) -> ManifestEntry:
    return ManifestEntry(
        path=call.line,
        file=Path(),
        call_class=call.call_class,
        subset=call.subset,
        source=workshop.family(call.source, call.language),
        language=call.language,
        speech_end_s=call.speech_end_s if call.call_class is CallClass.HUMAN else None,
    )


def _mixed(clips: Sequence[Clip], seed: int) -> list[Call]:
    return workshop.test_calls(clips, workshop.background_of(clips), 270, seed + 90, LINES.values())


def _regrouped(group: Sequence[scoring.Record], by: str) -> list[scoring.Record]:
    return [replace(record, entry=replace(record.entry, subset=getattr(record.entry, by))) for record in group]


def _tables(records: Records, where: str) -> Tables:
    tables: Tables = {}
    for name, group in records.items():
        wrong = scoring.errors(group)
        tables[f"{name}, {where}: what was said"] = (scoring.scores(group), wrong)
        tables[f"{name}, {where}: the line"] = (scoring.scores(_regrouped(group, "path")), wrong)
        if name == CONTESTANTS[0]:
            tables[f"{name}, {where}: the source"] = (scoring.scores(_regrouped(group, "source")), wrong)
    return tables


def _report(parts: dict[str, Records], speeds: Sequence[speed.Speed], options: argparse.Namespace) -> None:
    tables: Tables = {}
    for where, records in parts.items():
        tables |= _tables(records, where)
    everything = {name: [record for records in parts.values() for record in records[name]] for name in CONTESTANTS}
    rows = "\n".join(
        f"{row.streams} streams: {row.mean_ms:.1f} ms a tick, p99 {row.p99_ms:.1f} ms (CPU {row.cpu_p99_ms:.1f}), "
        f"{row.us_per_frame:.1f} us a frame, {row.bytes_per_stream} bytes a stream"
        for row in speeds
    )
    notes = (
        "Nobody in these recordings answers a phone: short words and sentences of real people stand in for answers. "
        f"Every call comes from a source that the model which judged it never heard.\n{rows}"
    )
    write_report(options.out, tables, everything, [], notes)
    figures = {
        "model": model_sha(options.model),
        "scores": {name: [asdict(row) for row in rows] for name, (rows, _) in tables.items()},
        "errors": {name: asdict(wrong) for name, (_, wrong) in tables.items()},
        "speed": [asdict(row) for row in speeds],
    }
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1))
    for name, (rows_of, wrong) in tables.items():
        print(
            f"\n{name}: people given up {wrong.false_positives}/{wrong.people}, flagged {wrong.people_flagged}, "
            f"machines as people {wrong.false_negatives}/{wrong.machines}"
        )
        for row in rows_of:
            print(
                f"  {row.name:45} {100 * row.share:6.2f} % of {row.total:5}  settled {row.settled_right:5}  "
                f"p50 {row.p50_s} p95 {row.p95_s}"
            )
    for row in speeds:
        print(asdict(row))


if __name__ == "__main__":
    main()
