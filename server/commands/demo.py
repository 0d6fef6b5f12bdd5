"""`timbre demo`: see the whole thing work, with nothing but this machine."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import orjson
import typer
import uvloop
from rich.live import Live

from media.softphone.fleet import SoftphoneError
from server.commands.console import console, fail, what_a_person_mends
from server.demo.folder import default_folder
from server.demo.options import DemoOptions
from server.demo.report import DemoResult, progress, summary
from server.demo.run import run_demo
from server.demo.witness import Witness
from server.logs import configure
from server.settings import LogSettings

_TELL_EVERY_S = 15.0  # where no screen shows the figures as they change


def demo(
    seconds: Annotated[float, typer.Option(min=10, help="How long the campaign dials.")] = 120.0,
    agents: Annotated[int, typer.Option(min=1, max=40, help="Agents, each a softphone robot.")] = 10,
    leads: Annotated[int, typer.Option(min=1, max=20_000, help="Fictional leads.")] = 300,
    seed: Annotated[int, typer.Option(help="Draws the leads and what their numbers do.")] = 7,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Recordings and database: a new folder, or an earlier demo's, which is emptied.")
    ] = None,
) -> None:
    """Run a predictive campaign against a simulated telephone network.

    Exit status 0 only when the campaign really ran and its invariants held.

    For example: timbre demo --seconds 60 --agents 5 --json out.json
    """
    if json:
        _require_writable(json)
    options = DemoOptions(seconds, agents, leads, seed, (folder or default_folder()).absolute())
    configure(LogSettings(level="error"))
    result = _run(options)
    console.print(summary(result))
    if json:
        json.write_bytes(orjson.dumps(result.values(), option=orjson.OPT_INDENT_2))
        console.print(f"figures: {json}", highlight=False)
    if not (result.ran and result.held):
        fail("the campaign did not really run" if not result.ran else "an invariant was broken: see above")


def _run(options: DemoOptions) -> DemoResult:
    results: list[DemoResult] = []
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        told = [0.0]

        def watch(witness: Witness, elapsed_s: float, so_far: DemoResult) -> None:
            screen = progress(witness, elapsed_s, options.seconds, time.monotonic(), so_far)
            if console.is_terminal:
                live.update(screen)
            elif elapsed_s >= told[0] + _TELL_EVERY_S:
                told[0] = elapsed_s
                console.print(screen)

        def say(line: str) -> None:
            console.print(f"· {line}", highlight=False, soft_wrap=True)

        async def work() -> None:
            _end_in_order(say)
            results.append(await run_demo(options, say, watch))

        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(work())
        except* _mendable() as group:
            fail(*group.exceptions)
        except* (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(130) from None
    return results[0]


def _end_in_order(say: Callable[[str], None]) -> None:
    """Ctrl-C, a closed terminal and TERM end the running demo with all its parts; asking again ends it no sooner."""
    loop, demo = asyncio.get_running_loop(), asyncio.current_task()
    asked = False

    def stop() -> None:
        nonlocal asked
        if demo and not asked:
            say("stopping: calls are hung up, both Asterisks and Redis end; some seconds")
            demo.cancel()
        asked = True

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)


def _require_writable(file: Path) -> None:
    """Before two minutes are spent, not after. Ends the command with what is wrong."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    except OSError as error:
        fail(f"--json {file} cannot be written: {error.strerror}")


def _mendable() -> tuple[type[Exception], ...]:
    return (*what_a_person_mends(), SoftphoneError)
