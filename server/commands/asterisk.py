"""`timbre asterisk install|start|stop|status`: the Asterisk beside the server, by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from server.managed_asterisk import asterisk_settings
from server.settings import SettingsError
from server.settings import load as load_settings
from telephony.asterisk import install as installer
from telephony.asterisk.process import AsteriskInstance, InstanceStatus
from telephony.asterisk.settings import AsteriskSettingsError
from telephony.errors import TelephonyError

app = typer.Typer(help="The Asterisk beside the server: install, start, stop, status.", no_args_is_help=True)


@app.callback()
def _which_settings(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="Settings file instead of timbre.toml.")] = None,
) -> None:
    """Keep the settings file for the commands that need it."""
    context.obj = config


@app.command()
def install() -> None:
    """Use the machine's Asterisk when it is new enough, else unpack a private one into the cache folder."""
    try:
        found = installer.install(lambda line: _console().print(line, highlight=False))
    except TelephonyError as error:
        _fail(str(error))
    where = found.root or found.command[0]
    _console().print(f"Asterisk {found.version_text}: {where}", highlight=False, soft_wrap=True)


@app.command()
def start(context: typer.Context) -> None:
    """Start the instance and wait until it is ready. One that runs already is fine."""
    _show(_with_instance(context, AsteriskInstance.start))


@app.command()
def stop(context: typer.Context) -> None:
    """Stop the instance: calls get their BYE. One that does not run is fine."""
    _show(_with_instance(context, AsteriskInstance.stop))


@app.command()
def status(context: typer.Context) -> None:
    """Say whether the instance runs. Exit status 3 when it does not."""
    now = _with_instance(context, None)
    _show(now)
    if not now.booted:
        raise typer.Exit(3)


def _with_instance(
    context: typer.Context, action: Callable[[AsteriskInstance], Awaitable[None]] | None
) -> InstanceStatus:
    async def act(instance: AsteriskInstance) -> InstanceStatus:
        if action is not None:
            await action(instance)
        return await instance.status()

    try:
        settings = asterisk_settings(load_settings(context.obj))
        return asyncio.run(act(AsteriskInstance(settings, installer.require())))
    except (TelephonyError, SettingsError, AsteriskSettingsError) as error:
        _fail(str(error))


def _show(now: InstanceStatus) -> None:
    state = "[green]ready[/green]" if now.booted else "[yellow]starting[/yellow]" if now.pid else "stopped"
    table = Table.grid(padding=(0, 2))
    table.add_row("instance", now.name)
    table.add_row("state", state)
    table.add_row("pid", str(now.pid or "-"))
    table.add_row("Asterisk", now.version)
    table.add_row("folder", str(now.directory))
    _console().print(table)


def _console() -> Console:
    return Console()


def _fail(message: str) -> NoReturn:
    Console(stderr=True).print(message, style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(1)
