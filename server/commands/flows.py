"""`timbre ivr publish | reload | versions | roll-back | funnel | switch`: flows of the server that runs."""

import getpass
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ivr.drawing import Passed
from ivr.drawing import draw as picture
from ivr.flow import FlowError, load_flow, read_flow
from server.commands.console import ConfigOption, ask, console, fail, settings_of, table_of

FlowName = Annotated[str, typer.Argument(help="The flow's name.")]


def publish(
    flow: Annotated[Path, typer.Argument(help="A flow file; the server keeps a copy.")], config: ConfigOption = None
) -> None:
    """Check a flow file against the server's settings and serve it to new calls; calls in progress keep theirs."""
    try:
        loaded = load_flow(flow)
    except FlowError as error:
        fail(error)
    body = {"text": loaded.source, "by": getpass.getuser()}
    done = ask(settings_of(config), "PUT", f"/flows/{loaded.flow.flow}", json=body)
    console.print(f"{done['flow']}: version {done['version']} is served to new calls", highlight=False)


def reload(config: ConfigOption = None) -> None:
    """Read the folder of flows again; what is broken is refused and its old version served on."""
    done = ask(settings_of(config), "POST", "/flows/reload")
    for what in ("taken", "removed"):
        if done[what]:
            console.print(f"{what}: {', '.join(done[what])}", highlight=False)
    console.print(f"served: {', '.join(done['flows']) or 'no flow'}", highlight=False)
    if done["problems"]:
        fail(*done["problems"])


def versions(flow: FlowName, config: ConfigOption = None) -> None:
    """Versions of a flow that were served, the oldest first."""
    console.print(table_of(ask(settings_of(config), "GET", f"/flows/{flow}/versions"), "number", "version", "served"))


def roll_back(
    flow: FlowName,
    version: Annotated[str, typer.Argument(help="A version; the one before the present when not given.")] = "",
    config: ConfigOption = None,
) -> None:
    """Serve an older version of a flow again; calls in progress keep theirs."""
    body = {"version": version, "by": getpass.getuser()}
    done = ask(settings_of(config), "POST", f"/flows/{flow}/roll-back", json=body)
    console.print(f"{done['flow']}: version {done['version']} is served to new calls", highlight=False)


def funnel(
    flow: FlowName,
    out: Annotated[Path, typer.Option("-o", "--out", help="The SVG file to write.")],
    hours: Annotated[float, typer.Option("--hours", help="How far back to look.")] = 24.0,
    language: Annotated[str, typer.Option(help="es or en; the flow's own when not given.")] = "",
    config: ConfigOption = None,
) -> None:
    """Draw a flow with how many callers came to each node, and how many hung up there."""
    settings = settings_of(config)
    served = read_flow(ask(settings, "GET", f"/flows/{flow}")["text"], flow)
    counts = ask(settings, "GET", "/inbound/funnel", params={"since_s": time.time() - hours * 3600.0})
    passed = {each["node"]: Passed(each["entered"], each["left"]) for each in counts if each["flow"] == flow}
    out.write_text(picture(served.flow, language, passed), encoding="utf-8")
    console.print(f"{out} shows where callers left {flow}", highlight=False)


def switch(
    name: Annotated[str, typer.Argument(help="The switch's name; none: show those that are on.")] = "",
    on: Annotated[bool | None, typer.Option("--on/--off", help="Flip it.")] = None,
    text: Annotated[str, typer.Option(help="What callers hear instead of the flow's own words.")] = "",
    prompt: Annotated[str, typer.Option(help="A recorded prompt that they hear instead.")] = "",
    config: ConfigOption = None,
) -> None:
    """Flip an emergency switch for calls from this moment; it stays so over restarts."""
    settings = settings_of(config)
    if name and on is None:
        fail("say --on or --off")
    if name:
        body = {"on": on, "text": text, "prompt": prompt, "by": getpass.getuser()}
        ask(settings, "PUT", f"/inbound/emergency/{name}", json=body)
    rows = ask(settings, "GET", "/inbound/emergency")
    console.print(table_of(rows, "name", "text", "prompt", "flipped_by") if rows else "every switch is off")


COMMANDS: dict[str, Callable[..., None]] = {
    "publish": publish,
    "reload": reload,
    "versions": versions,
    "roll-back": roll_back,
    "funnel": funnel,
    "switch": switch,
}
"""What `timbre ivr` offers beside its work on files."""
