"""What the commands share: a console, one way to fail, one way to ask the running server."""

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from server.settings import Settings, SettingsError, load
from server.token import api_token

console = Console()
_errors = Console(stderr=True)
ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file instead of timbre.toml.")]


def what_a_person_mends() -> tuple[type[Exception], ...]:
    """The errors that are one message and never a traceback. Imported when there is one: they live on every floor."""
    from campaigns.campaign_file import CampaignFileError
    from campaigns.csv_text import LeadFileError
    from media.prompts import PromptMissing
    from media.soundfiles import SoundFileUnusable
    from storage.errors import StorageError
    from telephony.asterisk.settings import AsteriskSettingsError
    from telephony.errors import TelephonyError

    return (
        AsteriskSettingsError,
        CampaignFileError,
        LeadFileError,
        OSError,
        PromptMissing,
        SettingsError,
        SoundFileUnusable,
        StorageError,
        TelephonyError,
    )


def settings_of(config: Path | None) -> Settings:
    """The settings. Ends the command with what is wrong with them."""
    try:
        return load(config)
    except (SettingsError, OSError) as error:
        fail(error)


def fail(*errors: BaseException | str) -> NoReturn:
    """Say what is wrong, once, and leave with exit status 1."""
    for each in dict.fromkeys(text for error in errors for text in _flat(error)):
        _errors.print(each, style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(1)


def _flat(error: BaseException | str) -> list[str]:
    if isinstance(error, BaseExceptionGroup):
        return [text for each in error.exceptions for text in _flat(each)]
    if isinstance(error, OSError) and error.filename and error.strerror:
        return [f"{error.filename}: {error.strerror}"]
    return [str(error) or repr(error)]


def ask(settings: Settings, method: str, path: str, **more: Any) -> Any:
    """One request to the running server; its answer as JSON. Ends the command with a message when it says no."""
    import httpx

    url = f"http://{settings.http.host}:{settings.http.port}/api/v1{path}"
    headers = {"Authorization": f"Bearer {api_token(settings)}"}
    try:
        answer = httpx.request(method, url, headers=headers, timeout=600.0, **more)
    except httpx.HTTPError as error:
        fail(f"no server answers at {url} ({error}): start it with `timbre up`")
    if answer.is_error:
        detail = answer.json().get("detail", answer.text) if answer.content else answer.reason_phrase
        fail(*(_said(each) for each in detail) if isinstance(detail, list) else (str(detail),))
    return answer.json()


def _said(problem: Any) -> str:
    """One field that the API refuses, in words."""
    return f"{'.'.join(map(str, problem['loc'][1:]))}: {problem['msg']}"


def table_of(rows: list[dict[str, Any]], *columns: str) -> Table:
    """Rows as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_status(settings: Settings) -> None:
    """Print what the running server does."""
    now = ask(settings, "GET", "/status")
    link = "[green]may dial[/green]" if now["may_dial"] else f"[red]may not dial[/red] (link {now['link']})"
    console.print(f"node {now['node']}: {link}; live store {'up' if now['live_store_up'] else 'down'}")
    agents = ", ".join(f"{count} {state}" for state, count in sorted(now["agents"].items())) or "nobody signed in"
    mute = now["agents_without_phone"]
    console.print(f"agents: {agents}" + (f"; {mute} without a connected phone" if mute else ""), highlight=False)
    if now["voice_occupancy"] is not None:
        voice, productive = 100 * now["voice_occupancy"], 100 * now["productive_occupancy"]
        waiting = now["digital_waiting"]
        console.print(
            f"occupancy: voice {voice:.1f} %, productive {productive:.1f} %; {waiting} digital items wait",
            highlight=False,
        )
    columns = ("campaign_id", "state", "in_flight", "talking", "placed", "people", "machines", "abandoned")
    console.print(table_of(now["campaigns"], *columns))
    for each in now["campaigns"]:
        if each["held_by"]:
            words = f"{each['campaign_id']}: what bounds dialling now: {each['held_by']}"
            console.print(words, highlight=False, markup=False)
    for trouble in now["troubles"][-10:]:
        console.print(f"{trouble['where']}: {trouble['words']}", style="yellow", highlight=False, markup=False)
