"""`timbre pacing replay`, `explain`, `ab`: what the trace of a campaign's decisions tells."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from dialer.pacing.ab_blocks import FEWEST_PAIRS, AbResult, Block, Contrast, block_from, compare_blocks
from dialer.pacing.trace.explain import explain as explain_moment
from dialer.pacing.trace.explain import moment_at, span_of, when
from dialer.pacing.trace.records import TraceError, files_of, read_rows
from dialer.pacing.trace.replay import replay as replay_file
from dialer.pacing.trace.state import StateError
from server.commands.console import ConfigOption, console, fail
from server.settings import SettingsError, load

FolderOption = Annotated[Path | None, typer.Option("--trace", help="A trace (file or folder) instead of the node's.")]
TraceArgument = Annotated[Path, typer.Argument(help="A file of var/pacing/CAMPAIGN, the folder, or the campaign's id.")]


def replay(trace: TraceArgument, config: ConfigOption = None) -> None:
    """Run recorded decisions again; exit 1 and the first difference unless every plan is the same, bit for bit."""
    plans = skipped = 0
    place = trace if len(trace.parts) != 1 or trace.is_file() else _folder(str(trace), config)
    try:
        for file in files_of(place):
            found = replay_file(file)
            plans, skipped = plans + found.plans, skipped + found.skipped
            if found.difference:
                seen = found.difference
                code = "" if found.same_code else " (another version of the pacing code wrote this trace)"
                at = datetime.fromtimestamp(seen.wall_s, UTC).strftime("%Y-%m-%d %H:%M:%S")
                fail(
                    f"{seen.file}:{seen.line}: {at} UTC: {seen.what} was {seen.recorded!r} and is {seen.replayed!r} "
                    f"after {plans - 1} equal plans{code}"
                )
    except (TraceError, StateError) as error:
        fail(error)
    if not plans:
        fail(f"{place}: holds no plan after a recorded state of the law: nothing can be replayed")
    same = "one plan, the same bit for bit" if plans == 1 else f"{plans} plans, every one the same bit for bit"
    console.print(f"{same} ({skipped} before a recorded state)", highlight=False)


def explain(
    campaign: Annotated[str, typer.Argument(help="The campaign's id.")],
    at: Annotated[str, typer.Option(help="The moment by the campaign's clock: 10:31:07, or 2026-11-22T10:31:07.")],
    day: Annotated[str, typer.Option(help="The day, 2026-11-22; without it that of the latest plan.")] = "",
    language: Annotated[str, typer.Option(help="en or es; without it the campaign's.")] = "",
    trace: FolderOption = None,
    config: ConfigOption = None,
) -> None:
    """Say in words why nothing, or so much, was dialled at a moment."""
    if language not in ("", "en", "es"):
        fail(f"--language: {language!r} is not spoken: use en or es")
    try:
        files = files_of(trace or _folder(campaign, config))
        latest_s, zone = span_of(files)
        at_s = when(at, zone, day, latest_s)
        moment = moment_at(files, at_s)
        for line in explain_moment(moment, at_s, language or moment.about.get("language", "en")):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    except TraceError as error:
        fail(error)


def ab(
    campaign: Annotated[str, typer.Argument(help="The campaign's id.")],
    trace: FolderOption = None,
    config: ConfigOption = None,
) -> None:
    """Compare a campaign's two ways of pacing (table ab of its file): by turns that chance decided, with intervals."""
    folder = trace or _folder(campaign, config)
    file = folder if folder.is_file() else folder / "ab.jsonl"
    if not file.exists():
        fail(f"{file}: no turn has ended yet: [ab] in the campaign file begins a test, each turn lasts block_s")
    blocks = _blocks(file)
    for settings in dict.fromkeys(block.settings for block in blocks):
        mine = [block for block in blocks if block.settings == settings]
        longest_s = max(block.to_s - block.from_s for block in mine)
        _print_ab(compare_blocks(mine, settings, 0.9 * longest_s))


def _blocks(file: Path) -> list[Block]:
    try:
        rows = [line for _, line in read_rows(file)]
        blocks = [block_from(line) for line in rows]
    except (TraceError, KeyError, TypeError):
        fail(f"{file}: is no list of turns of a test: give the ab.jsonl of a campaign's folder in var/pacing")
    if not blocks:
        fail(f"{file}: no turn has ended yet")
    return blocks


def _print_ab(result: AbResult) -> None:
    table = Table(title=f"A | B: {result.settings}")
    for title in ("", "A", "B", "B - A (95 %)", "p"):
        table.add_column(title, justify="left" if not title else "right")
    table.add_row("people", *map(str, result.people), "", "")
    table.add_row("abandoned", *map(str, result.abandoned), "", "")
    for title, contrast in (("occupancy %", result.occupancy), ("abandonment %", result.abandonment)):
        if contrast:
            table.add_row(*_row(title, contrast))
    console.print(table)
    if result.occupancy is None:
        console.print(
            f"not enough blocks: {result.pairs} pairs of turns are whole, {FEWEST_PAIRS} are needed before anything "
            "can be told from chance",
            style="yellow",
            highlight=False,
        )
        return
    told = [_verdict("occupancy", result.occupancy)]
    told += [_verdict("abandonment", result.abandonment)] if result.abandonment else []
    console.print(f"{result.pairs} pairs of turns; {'; '.join(told)}.", highlight=False, soft_wrap=True)


def _row(title: str, of: Contrast) -> tuple[str, ...]:
    return title, f"{of.a:.2f}", f"{of.b:.2f}", f"{of.difference:+.2f} ± {of.half:.2f}", f"{of.p:.3f}"


def _verdict(what: str, of: Contrast) -> str:
    if of.p > 0.05:
        return f"the difference in {what} is not told from chance (p = {of.p:.2f})"
    return f"{'B' if of.difference > 0 else 'A'} has the higher {what} (p = {of.p:.3f})"


def _folder(campaign: str, config: Path | None) -> Path:
    """The folder of a campaign's trace; ends the command when there is none, and names those there are."""
    try:
        traces = load(config).var_dir / "pacing"
    except SettingsError as error:
        fail(error)
    if not (traces / campaign).is_dir():
        known = ", ".join(sorted(each.name for each in traces.glob("*/"))) or "none"
        fail(f"{traces}: campaign {campaign!r} left no trace; there is one of: {known}")
    return traces / campaign
