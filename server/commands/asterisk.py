"""`timbre asterisk install|start|stop|status`: the Asterisk beside the server, by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from telephony.asterisk import install as installer
from telephony.asterisk.process import AsteriskInstance, InstanceStatus
from telephony.asterisk.settings import AsteriskSettings, AsteriskSettingsError, PortRange
from telephony.errors import TelephonyError

app = typer.Typer(help="The Asterisk beside the server: install, start, stop, status.", no_args_is_help=True)


@app.callback()
def _instance_options(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Option(envvar="TIMBRE_ASTERISK_DIR", help="Folder of the instance: configuration, logs, secrets.")
    ] = Path("var/asterisk"),
    http_port: Annotated[int, typer.Option(envvar="TIMBRE_ASTERISK_HTTP_PORT", help="ARI, TCP on loopback.")] = 8088,
    ami_port: Annotated[int, typer.Option(envvar="TIMBRE_ASTERISK_AMI_PORT", help="AMI, TCP on loopback.")] = 5038,
    sip_port: Annotated[int, typer.Option(envvar="TIMBRE_ASTERISK_SIP_PORT", help="SIP, UDP.")] = 5060,
    rtp_first: Annotated[int, typer.Option(envvar="TIMBRE_ASTERISK_RTP_FIRST", help="First RTP port, UDP.")] = 10_000,
    rtp_last: Annotated[int, typer.Option(envvar="TIMBRE_ASTERISK_RTP_LAST", help="Last RTP port, UDP.")] = 14_999,
) -> None:
    """Which instance is meant."""
    try:
        context.obj = AsteriskSettings(
            directory=directory.absolute(),
            http_port=http_port,
            ami_port=ami_port,
            sip_port=sip_port,
            rtp_ports=PortRange(rtp_first, rtp_last),
        )
    except AsteriskSettingsError as error:
        _fail(str(error))


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
        return asyncio.run(act(AsteriskInstance(context.obj, installer.require())))
    except TelephonyError as error:
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
