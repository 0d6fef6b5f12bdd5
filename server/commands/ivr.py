"""`timbre ivr`: check a flow, draw it, walk through it in the terminal, run its script; and what `flows` has live."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from ivr.checker import Known, check_file
from ivr.drawing import draw as picture
from ivr.flow import FlowError, LoadedFlow, load_flow
from ivr.given import Given
from ivr.line import KeyRequest, RecordRequest
from ivr.schema.__main__ import schema_text
from ivr.simulate import Act, Walk, walk
from ivr.testing import Script, given_of, read_script, run_script, script_of
from server.commands import flows as live
from server.commands import speech
from server.commands.console import console, fail, settings_of
from server.settings import SettingsError

app = typer.Typer(help="Menus for callers: check, draw, simulate and test flow files.", no_args_is_help=True)
app.command()(speech.say)
for _name, _command in live.COMMANDS.items():
    app.command(_name)(_command)
Flows = Annotated[list[Path], typer.Argument(help="Flow files, or folders of them.")]
FlowFile = Annotated[Path, typer.Argument(help="A flow file.")]


@app.command()
def check(
    flows: Flows,
    config: Annotated[
        Path | None, typer.Option(help="Settings to check against too: recorded prompts, queues, sources, hooks.")
    ] = None,
) -> None:
    """Prove flows sound: one message for each thing to mend, with file and line."""
    broken, known = 0, _known(config) if config else None
    for file in _files(flows):
        loaded, findings = check_file(file, known)
        for finding in findings:
            console.print(finding.said(str(file)), highlight=False, markup=False, soft_wrap=True)
        errors = sum(not finding.warning for finding in findings)
        broken += bool(errors)
        if not errors and loaded:
            console.print(f"{file}: sound, {len(loaded.flow.nodes)} nodes, version {loaded.version}", highlight=False)
    if broken:
        raise typer.Exit(1)


@app.command()
def schema(
    out: Annotated[Path, typer.Option("-o", "--out", help="The JSON file to write.")] = Path("flow.schema.json"),
) -> None:
    """Write the JSON Schema of flow files: an editor completes and checks them with it."""
    out.write_text(schema_text(), encoding="utf-8")
    console.print(f"{out}: make this the first line of a flow file:", highlight=False)
    console.print(f"# yaml-language-server: $schema={out}", highlight=False, markup=False, soft_wrap=True)


@app.command()
def draw(
    flow: FlowFile,
    out: Annotated[Path, typer.Option("-o", "--out", help="The SVG file to write.")],
    language: Annotated[str, typer.Option(help="es or en; the flow's own when not given.")] = "",
) -> None:
    """Draw a flow as an SVG picture."""
    out.write_text(picture(_loaded(flow).flow, language), encoding="utf-8")
    console.print(f"{out} shows {flow}", highlight=False)


@app.command()
def simulate(
    flow: FlowFile,
    scenario: Annotated[str, typer.Option(help="Take the `given` of this scenario of the test file.")] = "",
) -> None:
    """Call a flow from the terminal: type keys and Enter; Enter alone is silence, h hangs up. Time is virtual."""
    loaded = _sound(flow)
    console.print("Keys and Enter; Enter alone: silence; h: hang up; s 4: speak for 4 s", style="dim", highlight=False)
    taken = walk(loaded, _given(flow, scenario), _at_terminal, _say)
    if taken.ended is not None:
        console.print(f"The call ended: {taken.ended.exit}, in node {taken.ended.node}.", style="bold", highlight=False)


@app.command()
def test(flows: Flows) -> None:
    """Run the given/when/then scripts beside flows (name.test.yaml)."""
    passed = failed = 0
    for file in _files(flows):
        if not script_of(file).exists():
            console.print(f"{file}: no {script_of(file).name} beside it", style="yellow", highlight=False)
            continue
        for result in run_script(_sound(file), _script(file)):
            passed, failed = passed + (not result.problems), failed + bool(result.problems)
            for problem in result.problems:
                line = f"{script_of(file)}: {result.name}: {problem}"
                console.print(line, style="red", highlight=False, markup=False, soft_wrap=True)
    console.print(f"{passed} passed, {failed} failed")
    if failed or not passed:
        raise typer.Exit(1)


async def _at_terminal(taken: Walk, request: KeyRequest | RecordRequest) -> Act:
    try:
        typed = console.input("[bold]keys> [/bold]").strip()
    except EOFError:  # nobody is at the terminal any more
        typed = "h"
    if typed.lower() == "h":
        return Act(hang_up=True)
    first, _, rest = typed.partition(" ")
    if first.lower() == "s":
        return Act(speaks_s=float(rest) if rest.replace(".", "", 1).isdigit() else 5.0)
    return Act(press="".join(key for key in typed if key in "0123456789*#"))


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _given(flow: Path, scenario: str) -> Given:
    if not script_of(flow).exists():
        return Given()
    script = _script(flow)
    for each in script.scenarios:
        if each.name == scenario:
            return given_of(script, each)
    if scenario:
        fail(f"{script_of(flow)} has no scenario {scenario!r}: {', '.join(each.name for each in script.scenarios)}")
    return Given.model_validate(script.given)


def _loaded(flow: Path) -> LoadedFlow:
    try:
        return load_flow(flow)
    except FlowError as error:
        fail(error)


def _sound(flow: Path) -> LoadedFlow:
    """A flow that can be walked; else what `check` says of it."""
    loaded, findings = check_file(flow)
    errors = [finding for finding in findings if not finding.warning]
    if loaded is None or errors:
        fail("\n".join(finding.said(str(flow)) for finding in errors))
    return loaded


def _known(config: Path) -> Known:
    from server.flow_check import known_to  # half a second of libraries that other commands do without

    try:
        with TemporaryDirectory(prefix="timbre-check-") as scratch:
            return known_to(settings_of(config), Path(scratch))
    except SettingsError as error:
        fail(error)


def _script(flow: Path) -> Script:
    try:
        return read_script(script_of(flow))
    except FlowError as error:
        fail(error)


def _files(flows: list[Path]) -> Iterator[Path]:
    for each in flows:
        if each.is_dir():
            yield from (file for file in sorted(each.rglob("*.yaml")) if _is_flow(file))
        else:
            yield each


def _is_flow(file: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.parts[:-1] if part not in (".", ".."))
    return not hidden and not file.name.endswith(".test.yaml")
