"""`timbre up|status|token`: run a node, look at one that runs."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from server.commands.console import ConfigOption, console, fail, settings_of, show_status, what_a_person_mends
from server.token import api_token


def up(
    config: ConfigOption = None,
    keep: Annotated[bool, typer.Option(help="Leave the managed Asterisk and Redis running at the end.")] = False,
) -> None:
    """Run the server until Ctrl-C: recovers what was live, goes on with the campaigns that ran.

    TERM, or closing its terminal, stops it in order too. Without a terminal (systemd) HUP reads the flows again.
    """
    settings = settings_of(config)
    from server.logs import configure
    from server.run import open_node, reload_flows
    from server.signals import end_by_signals, until_told_to_stop

    configure(settings.log)

    def say(line: str) -> None:
        console.print(line, highlight=False)

    async def work() -> None:
        end_by_signals()
        async with open_node(settings, say, keep=keep) as house:
            console.print("Timbre is up. Ctrl-C stops it.", style="green")
            await until_told_to_stop(lambda: reload_flows(house, say))
            console.print("Stopping: ringing calls are taken back, conversations get a few seconds to end.")

    run(work)


def status(config: ConfigOption = None) -> None:
    """What the node does now, and its latest troubles."""
    show_status(settings_of(config))


def token(config: ConfigOption = None) -> None:
    """Print the API's bearer token."""
    typer.echo(api_token(settings_of(config)))


def run(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function to its end; what a person can mend is one message, never a traceback."""
    import uvloop

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work())
    except* what_a_person_mends() as group:
        fail(*group.exceptions)
    except* KeyboardInterrupt:
        raise typer.Exit(130) from None
    except* asyncio.CancelledError:  # told to end while it started: what had begun was ended in order
        raise typer.Exit(0) from None
