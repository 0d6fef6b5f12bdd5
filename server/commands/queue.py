"""`timbre queue`: callers now, how queues served, calls, how they ended, where callers leave flows, surveys."""

import time
from typing import Annotated, Any

import typer

from server.commands.console import ConfigOption, ask, console, settings_of, table_of

app = typer.Typer(help="Calls from outside: queues, calls, ends, funnel, surveys, callbacks.", no_args_is_help=True)
Hours = Annotated[float, typer.Option("--hours", help="How far back to look.")]
_SHARES = ("service_level", "abandonment", "left_share", "containment", "resolution", "csat")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Shares as percentages, seconds with one digit."""
    shown = dict(row)
    for name, value in row.items():
        if isinstance(value, float):
            shown[name] = f"{value:.0%}" if name in _SHARES else f"{value:.1f}"
    return shown


def _show(rows: list[dict[str, Any]], *columns: str) -> None:
    console.print(table_of([_readable(row) for row in rows], *columns))


def _since(hours: float) -> dict[str, float]:
    return {"since_s": time.time() - hours * 3600.0}


@app.command("list")
def show_all(config: ConfigOption = None) -> None:
    """Every queue now, with its figures of the last half hour."""
    columns = ("queue_id", "agents", "open", "waiting", "longest_s", "answered", "abandoned", "service_level", "asa_s")
    _show(ask(settings_of(config), "GET", "/queues"), *columns)


@app.command()
def history(
    queue_id: Annotated[str, typer.Argument(help="As `timbre queue list` names it.")],
    hours: Hours = 24.0,
    config: ConfigOption = None,
) -> None:
    """Service level, speed of answer and abandonment of the last hours."""
    row = ask(settings_of(config), "GET", f"/queues/{queue_id}/history", params=_since(hours))
    _show([row], "offered", "answered", "answered_in_time", "abandoned", "service_level", "abandonment", "asa_s")


@app.command()
def calls(hours: Hours = 1.0, config: ConfigOption = None) -> None:
    """The calls of the last hours; numbers are masked."""
    rows = ask(settings_of(config), "GET", "/inbound/calls", params=_since(hours) | {"limit": 1000})
    _show(rows, "call_id", "did", "caller", "stage", "flow", "queue", "agent_id", "waited_s", "talk_s", "ended_how")


@app.command()
def funnel(hours: Hours = 24.0, config: ConfigOption = None) -> None:
    """Where callers leave the flows."""
    rows = ask(settings_of(config), "GET", "/inbound/funnel", params=_since(hours))
    _show(rows, "flow", "node", "kind", "entered", "left", "left_share", "mean_s")


@app.command()
def ends(hours: Hours = 24.0, config: ConfigOption = None) -> None:
    """How calls ended: served by the menu alone, with a person, promised, given up."""
    rows = ask(settings_of(config), "GET", "/inbound/ends", params=_since(hours))
    _show(rows, "flow", "calls", "contained", "containment", "to_people", "promised", "left")


@app.command("first-contact")
def first_contact(
    days: Annotated[
        float, typer.Option("--days", help="Who calls the same line again within so many days came back.", min=0)
    ] = 0.0,
    config: ConfigOption = None,
) -> None:
    """Callers who were served and did not call the same line again; by line, then all of them."""
    found = ask(settings_of(config), "GET", "/inbound/first-contact", params={"within_days": days})
    _show([*found["lines"], found | {"line": "all"}], "line", "contacts", "came_back", "anonymous", "resolution")
    days_counted = f"{found['within_days']:g}"
    console.print(f"Within {days_counted} days; who was served in the last {days_counted} days is not counted yet.")


@app.command()
def survey(hours: Hours = 168.0, config: ConfigOption = None) -> None:
    """What callers answered."""
    rows = ask(settings_of(config), "GET", "/inbound/survey", params=_since(hours))
    _show(rows, "flow", "question", "scale", "answers", "mean", "csat", "nps")


@app.command()
def callbacks(config: ConfigOption = None) -> None:
    """Promised calls that are still to be made."""
    _show(ask(settings_of(config), "GET", "/inbound/callbacks"), "queue", "phone", "state", "attempts")
