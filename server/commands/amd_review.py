"""`timbre amd collect`, `review` and `drift`: calls that were kept, what people say of them, what has moved."""

import base64
import getpass
import html
import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from amd.audit import AuditedLabels
from amd.drift import DriftWatch
from amd.kept import KeptCalls, KeptUnusable, Label
from amd.labelled import counts, write_manifests
from amd.offline import hear
from amd.pictures import PicturesMissing, call_picture
from amd.strips import strips
from amd.useful import Candidate, most_useful, to_audit
from amd.verdict import CallClass
from media.soundfiles import SoundFileUnusable, load
from server.commands.console import ConfigOption, console, fail
from server.settings import Settings, SettingsError
from server.settings import load as load_settings

FolderOption = Annotated[Path | None, typer.Option("--folder", help="Kept calls elsewhere than the settings say.")]
_KEYS = {
    "h": CallClass.HUMAN,
    "m": CallClass.MACHINE,
    "c": CallClass.SCREENING,
    "u": CallClass.MUSIC,
    "b": CallClass.BUSY,
    "p": CallClass.BEEP,
    "r": CallClass.RINGBACK,
    "f": CallClass.FAX,
    "i": CallClass.SIT,
    "l": CallClass.SILENCE,
    "?": CallClass.UNKNOWN,
}
_PLAYERS = (("ffplay", "-autoexit", "-nodisp", "-loglevel", "quiet"), ("play", "-q"), ("mpv", "--really-quiet"))


class Order(StrEnum):
    """Which calls come first."""

    USEFUL = "useful"
    AUDIT = "audit"


def collect(
    config: ConfigOption = None,
    folder: FolderOption = None,
    erase: Annotated[list[str] | None, typer.Option(help="Delete this call's sound and facts; repeatable.")] = None,
    expire: Annotated[bool, typer.Option(help="Delete now what is past its days or over the size.")] = False,
) -> None:
    """Show the calls that are kept to learn from (`amd.collect` in the settings), and delete what must go."""
    settings, kept = _open(config, folder)
    part = settings.amd.collect
    state = f"on: {part.legal_basis}" if part.enabled else "off: set enabled and legal_basis in [amd.collect]"
    console.print(f"keeping calls is {state}", highlight=False, markup=False, soft_wrap=True)
    for call_id in erase or ():
        console.print(f"{call_id}: {'deleted' if kept.erase(call_id) else 'not here'}", highlight=False, soft_wrap=True)
    if expire:
        console.print(
            f"{kept.expire(time.time(), part.days, part.max_mb)} calls deleted", highlight=False, soft_wrap=True
        )
    try:
        calls, labels = list(kept.all()), kept.labels()
    except KeptUnusable as error:
        fail(error)
    console.print(
        f"{kept.folder}: {len(calls)} calls, {kept.size_mb():.1f} of {part.max_mb:.0f} MB, kept for {part.days:g} days",
        highlight=False,
        soft_wrap=True,
    )
    found = Counter((call.first.call_class.value if call.first else "-", call.outcome) for call in calls)
    _print_rows(("said", "outcome", "calls"), [(*key, str(count)) for key, count in found.most_common()])
    console.print(f"labels: {len(labels)}")
    _print_rows(("said", "was", "calls"), [(said, was, str(count)) for said, was, count in counts(labels)])
    _print_estimate(labels.values(), {call.campaign_id for call in calls})


def review(
    config: ConfigOption = None,
    folder: FolderOption = None,
    order: Annotated[Order, typer.Option(help="useful: what teaches most; audit: drawn by lot.")] = Order.USEFUL,
    limit: Annotated[int, typer.Option(help="How many calls.")] = 20,
    html_out: Annotated[Path | None, typer.Option("--html", help="Write a page to look at and listen to.")] = None,
    label: Annotated[list[str] | None, typer.Option(help="CALL=CLASS, without questions; repeatable.")] = None,
    by: Annotated[str, typer.Option(help="Who listens; kept with every label.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="Only list them.")] = False,
) -> None:
    """Listen to kept calls and say what they were; writes manifest.csv for evaluate and enrol, clips/ for train."""
    settings, kept = _open(config, folder)
    if folder is not None and not folder.is_dir():
        fail(f"{folder}: is no folder of kept calls; calls are kept in {settings.kept_calls_dir}")
    if not kept.folder.is_dir():
        fail(f"{kept.folder}: no call has been kept yet ([amd.collect] in the settings keeps them)")
    who = by or getpass.getuser()
    try:
        chosen = _candidates(kept, order, settings)
        if label:
            _label_all(kept, label, order, who)
        elif html_out is not None:
            html_out.write_text(_page(kept, chosen[:limit], order), encoding="utf-8")
            console.print(f"{html_out}: {min(limit, len(chosen))} calls", highlight=False, soft_wrap=True)
            return
        elif listed:
            rows = [(each.call.call_id, f"{each.worth:.2f}", each.why) for each in chosen[:limit]]
            _print_rows(("call", "worth", "why"), rows)
            return
        else:
            _ask_all(kept, chosen[:limit], order, who)
        written = write_manifests(kept)
        labels = kept.labels()
    except (KeptUnusable, PicturesMissing, OSError) as error:
        fail(error)
    console.print(
        f"{written.manifest}: {written.calls} calls; clips for training: {written.clips}; "
        f"labels whose sound is gone: {written.without_sound}",
        highlight=False,
        soft_wrap=True,
    )
    _print_estimate(labels.values(), {each.campaign_id for each in labels.values()})


def drift(config: ConfigOption = None) -> None:
    """Show what AMD's verdicts usually are by campaign, trunk and part of the day, and what has moved."""
    settings = _settings(config)
    file = settings.var_dir / "amd-drift.json"
    watch = DriftWatch()
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        watch.restore(data)
    except FileNotFoundError:
        fail(f"{file}: nothing yet: the server writes it a minute after its first verdicts")
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except (ValueError, KeyError, TypeError) as error:
        fail(f"{file}: cannot be read ({error}): delete it, the server learns anew")
    rows = []
    for each in sorted(data, key=lambda each: (each["campaign"], each["trunk"], each["part"])):
        hours = f"{4 * each['part']:02}-{4 * each['part'] + 4:02} UTC"
        rows.append((each["campaign"], each["trunk"], hours, _mix(each["reference"]), _mix(each["today"])))
    _print_rows(("campaign", "trunk", "hours", "earlier days", "last day"), rows)
    for campaign_id, trunk, shift in watch.alarms():
        console.print(f"{campaign_id} on {trunk}: {shift.words}", style="yellow", highlight=False, soft_wrap=True)


def _mix(sums: dict[str, dict[str, float]]) -> str:
    total = sum(sums["classes"].values())
    shares = sorted(sums["classes"].items(), key=lambda item: -item[1])
    return f"{total:.0f}: " + ", ".join(f"{name} {100 * n / total:.0f} %" for name, n in shares) if total else "-"


def _open(config: Path | None, folder: Path | None) -> tuple[Settings, KeptCalls]:
    settings = _settings(config)
    return settings, KeptCalls(folder or settings.kept_calls_dir)


def _settings(config: Path | None) -> Settings:
    try:
        return load_settings(config)
    except SettingsError as error:
        fail(error)


def _candidates(kept: KeptCalls, order: Order, settings: Settings) -> Sequence[Candidate]:
    labels = kept.labels()
    if order is Order.AUDIT:
        return to_audit(kept.all(), labels)
    return most_useful(kept.all(), labels, frozenset(settings.amd.collect.machine_codes))


def _label_all(kept: KeptCalls, pairs: Sequence[str], order: Order, who: str) -> None:
    wanted = {}
    for pair in pairs:
        call_id, _, name = pair.partition("=")
        if name not in {each.value for each in CallClass}:
            fail(f"{pair}: write CALL=CLASS; the classes are {', '.join(each.value for each in CallClass)}")
        wanted[call_id] = CallClass(name)
    for call_id, call_class in wanted.items():
        if (call := kept.get(call_id)) is None:
            fail(f"{call_id}: no such call in {kept.folder}")
        # Whoever labels a call by name has chosen it: only calls that were drawn by lot count as audited.
        picked = order if call.audit or order is Order.USEFUL else Order.USEFUL
        kept.label(_label(Candidate(call, 1.0, ""), call_class, picked, who))


def _ask_all(kept: KeptCalls, chosen: Sequence[Candidate], order: Order, who: str) -> None:
    if not chosen:
        console.print("nothing is waiting for a label", highlight=False)
    keys = ", ".join(f"{key} {call_class.value}" for key, call_class in _KEYS.items())
    for number, each in enumerate(chosen, 1):
        console.rule(f"{number} of {len(chosen)}: {each.call.call_id}")
        _show(kept, each)
        while True:
            answer = typer.prompt(f"{keys}; p play, s skip, q quit").strip().lower()
            if answer == "q":
                return
            if answer == "p":
                _play(kept.sound_of(each.call.call_id))
            elif answer in _KEYS:
                kept.label(_label(each, _KEYS[answer], order, who))
            if answer == "s" or answer in _KEYS:
                break


def _label(each: Candidate, call_class: CallClass, order: Order, who: str) -> Label:
    call = each.call
    said = call.first.call_class if call.first else None
    return Label(call.call_id, call_class, said, call.campaign_id, call.trunk, order.value, who, time.time())


def _show(kept: KeptCalls, each: Candidate) -> None:
    for line in _facts(each):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    try:
        samples = load(kept.sound_of(each.call.call_id))
    except SoundFileUnusable as error:
        console.print(f"no sound: {error}", style="yellow", highlight=False, soft_wrap=True)
        return
    times = [said.at_s for said in each.call.said if not said.early_media]
    for line in strips(samples, hear(samples, trace=True), times):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _facts(each: Candidate) -> list[str]:
    call = each.call
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(call.at_s))
    lines = [
        f"{each.why}",
        f"{when}, campaign {call.campaign_id}, trunk {call.trunk or '-'}, {call.phone}, outcome {call.outcome}",
    ]
    if call.dispositions:
        lines.append(f"the agent said: {', '.join(call.dispositions)}")
    for said in call.said:
        phase = "early media" if said.early_media else "settled" if said.settled else "verdict"
        lines.append(f"{said.at_s:6.2f} s  {phase:11} {said.call_class.value:9} {said.probability:.2f}  {said.cause}")
    if call.first:
        told = ", ".join(f"{name} {value}" for name, value in call.first.evidence.items())
        lines.append(f"evidence: {told}")
    return lines


def _play(sound: Path) -> None:
    for command in _PLAYERS:
        if program := shutil.which(command[0]):
            subprocess.run([program, *command[1:], str(sound)], check=False)
            return
    console.print(
        f"no player is installed (ffplay, sox or mpv): listen to {sound}",
        style="yellow",
        highlight=False,
        soft_wrap=True,
    )


def _page(kept: KeptCalls, chosen: Sequence[Candidate], order: Order) -> str:
    """One file: each call with its picture, its sound and the command that labels it."""
    parts = [
        "<!doctype html><meta charset=utf-8><title>Calls to label</title>",
        "<style>body{font:15px sans-serif;max-width:70em;margin:2em auto}img{max-width:100%}"
        "pre{background:#f2f2f2;padding:.6em;white-space:pre-wrap}</style><h1>Calls to label</h1>",
    ]
    for each in chosen:
        call_id = each.call.call_id
        parts.append(f"<h2>{html.escape(call_id)}</h2><pre>{html.escape(chr(10).join(_facts(each)))}</pre>")
        try:
            samples = load(kept.sound_of(call_id))
        except SoundFileUnusable as error:
            parts.append(f"<p>{html.escape(str(error))}</p>")
            continue
        picture = base64.b64encode(call_picture(samples, hear(samples, trace=True), dpi=70)).decode()
        sound = base64.b64encode(kept.sound_of(call_id).read_bytes()).decode()
        command = f"timbre amd review --order {order.value} --label {call_id}=CLASS"
        parts.append(
            f'<img src="data:image/png;base64,{picture}"><br>'
            f'<audio controls src="data:audio/flac;base64,{sound}"></audio><pre>{html.escape(command)}</pre>'
        )
    return "\n".join(parts)


def _print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _print_estimate(labels: Iterable[Label], campaigns: set[str]) -> None:
    audited = AuditedLabels(labels)
    for campaign_id in ["", *sorted(campaigns)]:
        found = audited.false_positives(campaign_id)
        if not found.audited:
            continue
        name = campaign_id or "all campaigns"
        words = f"people among calls given up, {name}: {found.people} of {found.audited} audited "
        words += f"({100 * found.share:.1f} %), under {100 * found.upper():.1f} % with 95 % confidence"
        if campaign_id:
            words += f"; for its file: [amd] audited = {found.audited}, audited_people = {found.people}"
        console.print(words, highlight=False, markup=False, soft_wrap=True)
