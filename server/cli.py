"""The `timbre` command."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
import uvloop

from server.commands import agent, amd, asterisk, campaign, demo, doctor, ivr, pacing, queue, speech
from server.commands.console import WHAT_A_PERSON_MENDS, ConfigOption, console, fail, show_status
from server.logs import configure
from server.run import open_node, until_told_to_stop
from server.settings import Settings, load
from server.token import api_token

app = typer.Typer(
    help="Timbre: voice server and predictive dialer on Asterisk.", no_args_is_help=True, pretty_exceptions_enable=False
)
app.add_typer(asterisk.app, name="asterisk")
app.add_typer(amd.app, name="amd")
app.add_typer(campaign.app, name="campaign")
app.add_typer(agent.app, name="agent")
app.add_typer(queue.app, name="queue")
app.add_typer(pacing.app, name="pacing")
app.add_typer(ivr.app, name="ivr")
ivr.app.command("say")(speech.say)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)


@app.command()
def up(
    config: ConfigOption = None,
    keep: Annotated[bool, typer.Option(help="Leave the managed Asterisk and Redis running at the end.")] = False,
) -> None:
    """Run the server until Ctrl-C: recovers what was live, goes on with the campaigns that ran."""
    settings = _settings(config)
    configure(settings.log)

    async def work() -> None:
        async with open_node(settings, lambda line: console.print(line, highlight=False), keep=keep):
            console.print("Timbre is up. Ctrl-C stops it.", style="green")
            await until_told_to_stop()
            console.print("Stopping: ringing calls are taken back, conversations get a few seconds to end.")

    run(work)


@app.command()
def status(config: ConfigOption = None) -> None:
    """What the node does now, and its latest troubles."""
    show_status(_settings(config))


@app.command()
def token(config: ConfigOption = None) -> None:
    """Print the API's bearer token."""
    typer.echo(api_token(_settings(config)))


def _settings(config: Path | None) -> Settings:
    try:
        return load(config)
    except WHAT_A_PERSON_MENDS as error:
        fail(error)


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function to its end; what a person can mend is one message, never a traceback."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work())
    except* WHAT_A_PERSON_MENDS as group:
        fail(*group.exceptions)
    except* KeyboardInterrupt:
        raise typer.Exit(130) from None


def main() -> None:
    """Entry point of the command."""
    os.umask(0o027)
    app()


if __name__ == "__main__":
    main()
