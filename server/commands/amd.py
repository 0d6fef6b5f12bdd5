"""`timbre amd`: judge recorded calls, and score the detector on calls whose truth is known."""

import csv
import errno
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from amd import evaluate as scoring
from amd.app_amd import VICIDIAL
from amd.enrolment import NothingToLearn
from amd.enrolment import enrol as enrolled
from amd.known_prompts import DEFAULT_LIBRARY, KnownPrompt, KnownPrompts, LibraryUnusable, load_library, save_library
from amd.manifest import Complaint, ManifestEntry, ManifestError, read_manifest, repeated
from amd.model import DEFAULT_MODEL, save_model
from amd.offline import Hearing, hear
from amd.pictures import Example, PicturesMissing, draw_call, write_report
from amd.tones.plans import PLANS
from amd.training import workshop
from amd.training.clips import Clip, ClipsMissing, read_clips
from amd.training.synthetic import SpeakerMissing, espeak_greetings
from amd.verdict import AmdSettings, CallClass, Verdict
from media.frames import SAMPLE_RATE_HZ
from media.soundfiles import SoundFileUnusable, load, oddities
from server.commands.amd_review import collect, drift, review
from server.commands.amd_signalling import signalling

app = typer.Typer(help="Answering machine detection: judge recordings, score and train the detector.")
app.command()(collect)
app.command()(review)
app.command()(drift)
app.command()(signalling)
_NAMED = 20  # files named one by one in a remark about several
_BASELINES = {"app_amd": None, "vicidial": VICIDIAL}


def _country(country: str) -> str:
    if not re.fullmatch("[A-Za-z]{2}", country):
        raise typer.BadParameter(f"{country!r} is no country: two letters as in ISO 3166, for example ES or MX")
    if country.upper() not in PLANS:
        typer.echo(
            f"no tones of {country.upper()} are known: Spain's are expected, 425 Hz as in most countries", err=True
        )
    return country.upper()


CountryOption = Annotated[str, typer.Option(callback=_country, help="Whose tones to expect (ISO 3166 alpha-2).")]
CostRatioOption = Annotated[
    float, typer.Option(min=0.1, max=1000, help="Machines put through that one lost person is worth.")
]
DeadlineOption = Annotated[float, typer.Option(min=0.5, max=30, help="Seconds until `unknown` is said.")]


def _settings(country: str, cost_ratio: float, deadline_s: float) -> AmdSettings:
    return AmdSettings(cost_ratio=cost_ratio, deadline_s=deadline_s, country=country)


@app.command()
def classify(
    file: Annotated[Path, typer.Argument(help="A recording that begins at the answer.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw waveform, speech, tones and belief to this PNG.")] = None,
    country: CountryOption = "ES",
    cost_ratio: CostRatioOption = 20.0,
    deadline_s: DeadlineOption = 5.0,
) -> None:
    """Say who or what answered one recorded call."""
    console = Console(stderr=True)
    try:
        _can_write(plot)
        samples = load(file)
        for words in oddities(file):
            console.print(f"[yellow]{file}: {words}[/yellow]", highlight=False, soft_wrap=True)
        hearing = hear(samples, _settings(country, cost_ratio, deadline_s), trace=plot is not None)
        if plot is not None:
            draw_call(samples, hearing, plot, f"{file.name}  (line: first verdict, dotted: later ones)")
    except (SoundFileUnusable, PicturesMissing, OSError) as error:
        console.print(f"[red]{escape(_why(error))}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(orjson.dumps(_hearing_json(file, hearing), option=orjson.OPT_INDENT_2).decode())
        return
    for verdict in [hearing.first, *hearing.later]:
        if verdict is not None:
            typer.echo(_line(verdict))


def _can_write(*files: Path | None) -> None:
    """Raises OSError when the folder of a file to come is not there, or it is one: before any work is done."""
    for file in files:
        if file is not None and file.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder: name a file", str(file))
        if file is not None and not file.absolute().parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, "cannot be written, its folder does not exist", str(file))


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _line(verdict: Verdict) -> str:
    when = f"{verdict.since_answer_s:5.2f} s  {verdict.call_class.value:9} {verdict.probability:5.3f}  {verdict.cause}"
    return when + ("  (settled)" if verdict.settled else "")


def _hearing_json(file: Path, hearing: Hearing) -> dict[str, Any]:
    verdicts = [verdict for verdict in [hearing.first, *hearing.later] if verdict is not None]
    return {
        "path": str(file),
        "settled": None if hearing.settled is None else hearing.settled.call_class.value,
        "verdicts": [_verdict_json(verdict) for verdict in verdicts],
    }


def _verdict_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "class": verdict.call_class.value,
        "probability": verdict.probability,
        "cause": verdict.cause,
        "verdict_at_s": verdict.since_answer_s,
        "since_speech_end_s": verdict.since_speech_end_s,
        "settled": verdict.settled,
        "tone_end_s": verdict.tone_end_s,
        "evidence": dict(verdict.evidence),
    }


@app.command()
def evaluate(
    manifest: Annotated[Path, typer.Argument(help="CSV with columns path and class; subset, speech_end_s if known.")],
    baseline: Annotated[str | None, typer.Option(help="Also score: app_amd (defaults) or vicidial.")] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="Write one record per call.")] = None,
    html_out: Annotated[Path | None, typer.Option("--html", help="Write a report with pictures.")] = None,
    country: CountryOption = "ES",
    cost_ratio: CostRatioOption = 20.0,
    deadline_s: DeadlineOption = 5.0,
    drawn: Annotated[int, typer.Option(help="Calls to draw in the HTML report, wrong ones first.")] = 12,
) -> None:
    """Score the detector on recorded calls whose class is known."""
    console = Console(stderr=True)
    settings = _settings(country, cost_ratio, deadline_s)
    contestants = {"timbre": scoring.ours(settings)}
    if baseline is not None:
        if baseline not in _BASELINES:
            console.print(f"[red]unknown baseline {baseline!r}: choose one of {', '.join(_BASELINES)}[/red]")
            raise typer.Exit(2)
        contestants[baseline] = scoring.baseline(_BASELINES[baseline])
    try:
        _can_write(json_out, html_out)
        entries, complaints = read_manifest(manifest)
        complaints = [Complaint(f"{manifest.parent / each.where}", each.message) for each in complaints]
        records, unreadable = scoring.judge_entries(entries, contestants)
        complaints += [Complaint(f"{manifest} {each.where}", each.message) for each in unreadable]
        remarks = _remarks(manifest, [record.entry for record in records["timbre"]])
        _report(console, records, complaints, remarks)
        if json_out is not None:
            rows = [record.as_json() for record in records["timbre"]]
            json_out.write_bytes(orjson.dumps(rows, option=orjson.OPT_INDENT_2))
        if html_out is not None:
            tables = {name: (scoring.scores(group), scoring.errors(group)) for name, group in records.items()}
            examples = _examples(records["timbre"], settings, drawn)
            title = f"{len(entries)} calls of {manifest.name}"
            write_report(html_out, tables, records, complaints, title, examples, remarks)
    except (ManifestError, PicturesMissing, OSError) as error:
        console.print(f"[red]{escape(_why(error))}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    if not records["timbre"]:
        console.print("[red]no call could be judged[/red]")
        raise typer.Exit(1)


def _examples(records: list[scoring.Record], settings: AmdSettings, count: int) -> list[Example]:
    """Calls to draw: those judged wrongly, people first, then one of each class that was judged right."""
    wrong = [r for r in records if not scoring.is_right(r.entry.call_class, r.judgement.call_class)]
    wrong.sort(key=lambda record: record.entry.call_class is not CallClass.HUMAN)
    right = {record.entry.call_class: record for record in records if record not in wrong}
    examples = []
    for record in [*wrong[: max(0, count - len(right))], *right.values()][:count]:
        samples = load(record.entry.file)
        said = record.judgement.call_class.value
        verb = "right" if record in right.values() else "wrong"
        title = f"{record.entry.path}: {record.entry.call_class.value}, taken for {said} ({verb})"
        examples.append(Example(title, samples[: 12 * SAMPLE_RATE_HZ], hear(samples, settings, trace=True)))
    return examples


def _remarks(manifest: Path, entries: list[ManifestEntry]) -> list[str]:
    """What is to be said of calls that were judged all the same, the same words of several calls once."""
    odd: dict[str, list[str]] = {}
    for entry in entries:
        for words in oddities(entry.file):
            odd.setdefault(words, []).append(entry.path)
    told = [f"{_several(paths)}: {words}" for words, paths in odd.items()]
    return told + [f"{manifest} {each.where}: {each.message}" for each in repeated(entries)]


def _several(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more


def _report(
    console: Console, records: dict[str, list[scoring.Record]], complaints: list[Complaint], remarks: list[str]
) -> None:
    for name, group in records.items():
        if not group:
            continue
        table = Table(title=name, caption="p50, p95: from the end of a person's greeting to the verdict")
        for heading in ("calls", "right", "of", "%", "95 % interval", "settled", "p50 s", "p95 s"):
            table.add_column(heading, justify="left" if heading == "calls" else "right")
        for row in scoring.scores(group):
            interval = f"{100 * row.low:.1f}-{100 * row.high:.1f}"
            latency = ["" if value is None else f"{value:.2f}" for value in (row.p50_s, row.p95_s)]
            share = f"{100 * row.share:.1f}"
            table.add_row(row.name, str(row.right), str(row.total), share, interval, str(row.settled_right), *latency)
        Console().print(table)
        wrong = scoring.errors(group)
        typer.echo(
            f"{name}: people given up {wrong.false_positives} of {wrong.people}, flagged later {wrong.people_flagged}; "
            f"machines taken for people {wrong.false_negatives} of {wrong.machines}"
        )
    for complaint in complaints:
        words = f"not judged: {complaint.where}: {complaint.message}"
        console.print(f"[yellow]{escape(words)}[/yellow]", highlight=False, soft_wrap=True)
    for words in remarks:
        console.print(f"[yellow]{escape(f'judged, but: {words}')}[/yellow]", highlight=False, soft_wrap=True)


@app.command()
def train(
    data: Annotated[
        list[Path], typer.Option(help="Folder of clips with manifest.csv (path, class, language, source); repeatable.")
    ],
    out: Annotated[Path, typer.Option(help="Where the model goes; its card goes beside it.")] = DEFAULT_MODEL,
    calls: Annotated[int, typer.Option(min=100, help="Training calls to build.")] = 12000,
    folds: Annotated[int, typer.Option(min=2, help="Groups of sources left out in turn for honest scores.")] = 4,
    seed: Annotated[int, typer.Option(help="Same seed, same model.")] = 1,
    synthetic: Annotated[bool, typer.Option(help="Add greetings read by espeak-ng.")] = True,
    folds_out: Annotated[Path | None, typer.Option(help="Keep the fold models here, for benchmarks.")] = None,
) -> None:
    """Train the detector's model from clips (needs scikit-learn: the extra `train`)."""
    console = Console(stderr=True)
    try:
        _can_write(out)
        for folder in data:
            _has_columns(folder / "manifest.csv")
        clips = [clip for folder in data for clip in read_clips(folder)]
        if synthetic:
            clips += list(espeak_greetings())
        _enough(clips, folds)
        made_on = datetime.now(UTC).date().isoformat()
        plan = workshop.Plan(calls, max(360, calls * 3 // 10), folds, seed, made_on)
        made = workshop.make(clips, plan, lambda line: console.print(line, highlight=False))
    except ImportError as error:
        console.print(
            f"[red]training needs scikit-learn (pip install timbre-dialer\\[train]): {error}[/red]", highlight=False
        )
        raise typer.Exit(1) from None
    except (ClipsMissing, SpeakerMissing, SoundFileUnusable, OSError) as error:
        console.print(f"[red]{escape(_why(error))}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    save_model(made.model, out)
    out.with_suffix(".md").write_text(workshop.card_text(made.model), encoding="utf-8")
    for number, fold in enumerate(made.folds):
        if folds_out is not None:
            save_model(replace(fold.model, card={"left_out": sorted(fold.families)}), folds_out / f"fold{number}.npz")
    console.print(f"model: {out}, card: {out.with_suffix('.md')}", highlight=False)


def _has_columns(manifest: Path) -> None:
    """Raises ClipsMissing when a manifest of clips is there and lacks a column."""
    if not manifest.is_file():
        return  # read_clips says so
    with manifest.open(newline="", encoding="utf-8", errors="replace") as lines:
        missing = sorted({"path", "class", "language", "source", "speaker"} - set(next(csv.reader(lines), [])))
    if missing:
        words = f"no column {', '.join(missing)}: a manifest of clips names path, class, language, source and speaker"
        raise ClipsMissing(f"{manifest}: {words}")


def _enough(clips: list[Clip], folds: int) -> None:
    """Raises ClipsMissing when some group of sources could not be left out and still leave people and machines."""
    for kind in ("human", "machine"):
        sources = {workshop.family(clip.source, clip.language) for clip in clips if clip.kind.startswith(kind)}
        if len(sources) < folds:
            words = f"{len(sources)} sources of {kind}_* clips for {folds} groups of which each is left out in turn"
            raise ClipsMissing(f"too few: {words}: give more clips with --data, or --folds {max(2, len(sources))}")


@app.command()
def enrol(
    file: Annotated[Path, typer.Argument(help="A clean recording of the announcement, or a manifest.csv of calls.")],
    name: Annotated[str, typer.Option(help="What it is, for reports: 'Acme Mobile, number switched off'.")],
    call_class: Annotated[CallClass, typer.Option("--class", help="What to say when it is heard.")] = (
        CallClass.SCREENING
    ),
    library: Annotated[Path, typer.Option(help="The library of known recordings to add it to.")] = DEFAULT_LIBRARY,
) -> None:
    """Teach the detector a recording that is the same on every call: call screening, a carrier's announcement.

    From a manifest (path, class) every call of --class is learnt, each under its own name.
    """
    console = Console(stderr=True)
    try:
        known = load_library(library).prompts if library.exists() else ()
        learnt = _learnt(file, name, call_class, console)
        names = {prompt.name for prompt in learnt}
        others = [prompt for prompt in known if prompt.name not in names]
        save_library(KnownPrompts([*others, *learnt]), library)
    except (SoundFileUnusable, LibraryUnusable, ManifestError, NothingToLearn, OSError) as error:
        console.print(f"[red]{escape(_why(error))}[/red]", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    console.print(f"{library}: {len(others) + len(learnt)} known recordings", highlight=False)


def _learnt(file: Path, name: str, call_class: CallClass, console: Console) -> list[KnownPrompt]:
    """Fingerprints of one recording, or of every call of that class in a manifest. Raises NothingToLearn and others."""
    if file.suffix.lower() != ".csv":
        try:
            return [enrolled(name, call_class, load(file))]
        except NothingToLearn as error:
            raise NothingToLearn(f"{file}: {error}") from None
    entries, complaints = read_manifest(file)
    learnt = []
    for entry in (entry for entry in entries if entry.call_class is call_class):
        try:
            learnt.append(enrolled(f"{name} ({entry.path})", call_class, load(entry.file)))
        except (SoundFileUnusable, NothingToLearn) as error:
            complaints.append(Complaint(entry.path, str(error)))
    for complaint in complaints:
        words = f"not learnt: {complaint.where}: {complaint.message}"
        console.print(f"[yellow]{escape(words)}[/yellow]", highlight=False, soft_wrap=True)
    if not learnt:
        raise NothingToLearn(f"{file}: no call of the class {call_class.value} could be learnt")
    return learnt
