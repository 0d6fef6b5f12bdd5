"""`timbre pacing`: try pacing laws on simulated shifts before a single real call is placed."""

import io
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from dialer.pacing.sim.compare import Comparison, compare_laws
from dialer.pacing.sim.laws import LAWS, SimLaw, UnknownLaw, law_named
from dialer.pacing.sim.records import simulate_calls, write_csv
from dialer.pacing.sim.report import PlotsMissing, Report
from dialer.pacing.sim.run import ShiftResult, simulate
from dialer.pacing.sim.scenario import Scenario, ScenarioError, read
from server.commands import pacing_ahead, pacing_trace
from server.commands.console import ConfigOption

app = typer.Typer(help="Pacing: simulate shifts, compare laws, explain decisions.", no_args_is_help=True)
app.command("replay")(pacing_trace.replay)
app.command("explain")(pacing_trace.explain)
app.command("ab")(pacing_trace.ab)
app.command("dryrun")(pacing_ahead.dryrun)
_errors = Console(stderr=True)
_MOST_AGENTS = 1000
_MOST_SEEDS = 10_000

ScenarioArgument = Annotated[Path, typer.Argument(help="Scenario file, TOML (docs/pacing.md).")]
SeedsOption = Annotated[str, typer.Option(help="Seeds: 1-10, or 1,2,5.")]


@app.callback()
def _group() -> None:
    """Keep the sub-commands named."""


def _fail(words: str) -> typer.Exit:
    _errors.print(f"[red]{words}[/red]", highlight=False, soft_wrap=True)
    return typer.Exit(2)


def _scenario(path: Path) -> Scenario:
    try:
        return read(path)
    except ScenarioError as error:
        raise _fail(str(error)) from None


def _law(name: str) -> SimLaw:
    try:
        return law_named(name)
    except UnknownLaw as error:
        raise _fail(str(error)) from None


def _seeds(text: str) -> list[int]:
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, _, last = part.partition("-")
            seeds += range(int(first), min(int(last or first), int(first) + _MOST_SEEDS) + 1)
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0:
        raise _fail(f"--seeds: {text!r} names no seeds: write 1-10, or 1,2,5")
    if len(seeds) > _MOST_SEEDS:
        raise _fail(f"--seeds: {text!r} names more than {_MOST_SEEDS:,} seeds")
    return seeds


def _teams(text: str, scenario: Scenario) -> list[int]:
    if not text:
        return [scenario.agents]
    try:
        teams = [int(part) for part in text.split(",")]
    except ValueError:
        teams = [0]
    if min(teams) < 1 or max(teams) > _MOST_AGENTS:
        raise _fail(f"--agents: {text!r} is no team: write numbers from 1 to {_MOST_AGENTS}, such as 10 or 5,10,50")
    return teams


@app.command("simulate")
def simulate_command(
    scenario: ScenarioArgument,
    law: Annotated[str, typer.Option(help=f"One of: {', '.join(LAWS)}.")] = "hazard",
    agents: Annotated[str, typer.Option(help="Size of the team; several with commas.")] = "",
    seeds: SeedsOption = "1-10",
    json: Annotated[Path | None, typer.Option(help="Write the results to this file.")] = None,
    calls: Annotated[Path | None, typer.Option(help="Write one line for each call to this CSV file.")] = None,
) -> None:
    """Simulate shifts of one law and print what came of each."""
    data, chosen, numbers = _scenario(scenario), _law(law), _seeds(seeds)
    _see_that_it_can_be_written("--json", json)
    _see_that_it_can_be_written("--calls", calls)
    shifts = [(team, seed) for team in _teams(agents, data) for seed in numbers]
    if calls is None:
        results = [simulate(data, chosen, team, seed) for team, seed in shifts]
    else:
        results = _with_calls(data, chosen, shifts, calls)
    if json is not None:
        _write(json, {"scenario": data.name, "law": chosen.name, "results": [each.as_json() for each in results]})
    _print_shifts(results)


def _with_calls(scenario: Scenario, law: SimLaw, shifts: list[tuple[int, int]], path: Path) -> list[ShiftResult]:
    results, table = [], io.StringIO()
    for number, (team, seed) in enumerate(shifts):
        result, calls = simulate_calls(scenario, law, team, seed)
        results.append(result)
        write_csv(table, calls, header=number == 0)
    _save(path, table.getvalue().encode())
    return results


def _print_shifts(results: list[ShiftResult]) -> None:
    table = _table(
        f"{results[0].scenario}, {results[0].law}",
        ("agents", "seed", "people", "abandoned", "AMD errors", "abandoned %", "occupancy %", "idle s", "calls"),
    )
    for each in results:
        table.add_row(
            str(each.agents), str(each.seed), str(each.people_answered), str(each.abandoned),
            str(each.amd_false_positives), f"{each.abandonment_pct:.2f}", f"{each.occupancy_pct:.1f}",
            f"{each.mean_idle_s:.1f}", str(each.calls_placed),
        )  # fmt: skip
    Console().print(table)


@app.command()
def compare(
    scenarios: Annotated[list[Path], typer.Argument(help="Scenario files.")],
    laws: Annotated[str, typer.Option(help="Laws with commas, or: all.")] = "all",
    agents: Annotated[str, typer.Option(help="Sizes of the team, with commas.")] = "",
    seeds: SeedsOption = "1-10",
    json: Annotated[Path | None, typer.Option(help="Write every figure to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one report with plots to this file.")] = None,
) -> None:
    """Run many laws on the same shifts, side by side."""
    chosen, numbers, report = _laws(laws), _seeds(seeds), _report(html, json)
    for data in [_scenario(path) for path in scenarios]:  # all are looked at before the first is run
        for team in _teams(agents, data):
            comparison = compare_laws(data, chosen, team, numbers)
            _print_comparison(comparison)
            _keep(report, comparison)


@app.command()
def whatif(
    campaign: Annotated[str, typer.Argument(help="The campaign's id, or its file.")],
    laws: Annotated[str, typer.Option(help="Laws with commas, or: all.")] = "all",
    agents: Annotated[str, typer.Option(help="Sizes of the team; without it as many as talked on a day.")] = "",
    seeds: SeedsOption = "1-10",
    days: Annotated[float, typer.Option(min=0.01, help="How far the history goes back.")] = 30.0,
    json: Annotated[Path | None, typer.Option(help="Write every figure to this file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one report with plots to this file.")] = None,
    config: ConfigOption = None,
) -> None:
    """Run laws on the centre's own past: its ring, answer, talk and wrap-up times, hour by hour."""
    chosen, numbers, report = _laws(laws), _seeds(seeds), _report(html, json)
    past = pacing_ahead.past_as_scenario(campaign, days, config)
    Console().print(
        f"{past.calls} calls, {past.people} people, {past.wrap_ups} wrap-ups, {past.agents} agents a day",
        highlight=False,
    )
    for team in _teams(agents, past.scenario):
        comparison = compare_laws(past.scenario, chosen, team, numbers)
        _print_comparison(comparison)
        _keep(report, comparison)


def _laws(names: str) -> list[SimLaw]:
    return list(LAWS.values()) if names == "all" else [_law(name) for name in names.split(",")]


def _see_that_it_can_be_written(option: str, path: Path | None) -> None:
    """Before minutes of computing, not after them."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise _fail(f"{option}: {path} cannot be written: " + ("it is a folder" if path.is_dir() else "no such folder"))


def _report(html: Path | None, json: Path | None) -> Report:
    _see_that_it_can_be_written("--html", html)
    _see_that_it_can_be_written("--json", json)
    try:
        return Report(html, json)
    except PlotsMissing as error:
        raise _fail(str(error)) from None


def _keep(report: Report, comparison: Comparison) -> None:
    try:
        report.add(comparison)
    except OSError as error:
        raise _fail(f"{error.filename}: cannot be written: {error.strerror}") from None


def _table(title: str, columns: tuple[str, ...]) -> Table:
    """A table whose names and figures are whole on a terminal of 80 columns; long titles of columns take two lines."""
    table = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for name in columns:
        table.add_column(name.replace(" ", "\n"), justify="left" if name == "law" else "right")
    return table


def _print_comparison(comparison: Comparison) -> None:
    table = _table(
        f"{comparison.scenario}, {comparison.agents} agents, {len(comparison.seeds)} seeds (± 95 %)",
        ("law", "occupancy %", "abandoned %", "worst seed", "seeds over", "idle s", "productive %"),
    )
    for row in comparison.rows:
        table.add_row(
            row.law, f"{row.occupancy:.1f} ± {row.occupancy_half:.1f}", f"{row.abandonment:.2f}",
            f"{row.worst_abandonment:.2f}", str(row.seeds_over), f"{row.mean_idle_s:.1f}", f"{row.productive:.1f}",
        )  # fmt: skip
    Console().print(table)


def _write(path: Path, data: dict[str, Any]) -> None:
    _save(path, orjson.dumps(data, option=orjson.OPT_INDENT_2))


def _save(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise _fail(f"{path}: cannot be written: {error.strerror}") from None
