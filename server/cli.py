"""The `timbre` command."""

import os
import sys
from importlib import metadata
from typing import Annotated

import typer

from server.commands.lazy import Place, lazy_app

COMMANDS = {
    "up": Place("node:up", "Run the server until Ctrl-C: recovers what was live, goes on with the campaigns that ran."),
    "status": Place("node:status", "What the node does now, and its latest troubles."),
    "token": Place("node:token", "Print the API's bearer token."),
    "demo": Place("demo:demo", "Run a predictive campaign against a simulated telephone network."),
    "doctor": Place("doctor:doctor", "Look at everything a node needs, say what is missing and how to get it."),
    "asterisk": Place("asterisk:app", "The Asterisk beside the server: install, start, stop, status."),
    "campaign": Place("campaign:app", "Campaigns: check, add, import leads, start, pause, stop."),
    "rules": Place("rules:app", "Calling rules: what the law packs say; do-not-call numbers, consents."),
    "agent": Place("agent:app", "Agents: add, sign in, ready, pause, sign out."),
    "queue": Place("queue:app", "Calls from outside: queues, calls, ends, funnel, surveys, callbacks."),
    "ivr": Place("ivr:app", "Menus for callers: check, draw, simulate and test flow files."),
    "amd": Place("amd:app", "Answering machine detection: judge recordings, score and train the detector."),
    "pacing": Place("pacing:app", "Pacing: simulate shifts, compare laws, explain decisions."),
}
_FIRST_STEPS = """First steps: `timbre demo` shows everything on this machine, `timbre doctor` says what a node lacks,
`timbre up` runs it.

A campaign: `timbre campaign check ventas.toml`, `add ventas.toml`, `import otono-2026 leads.csv`, `start ventas-otono`.

`timbre COMMAND --help` says more. Settings: timbre.toml (timbre.example.toml explains each), or TIMBRE_* variables.
"""
app = lazy_app(
    COMMANDS,
    help="Timbre: voice server and predictive dialer on Asterisk.",
    epilog=_FIRST_STEPS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"timbre {metadata.version('timbre-dialer')}")
        raise typer.Exit


@app.callback()
def _whole(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of the command."""
    os.umask(0o027)
    try:
        app()
    except OSError as error:  # no right to read or write something, a full disk: never a traceback
        sys.exit(f"{error.filename}: {error.strerror}" if error.filename else str(error))


if __name__ == "__main__":
    main()
