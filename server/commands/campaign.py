"""`timbre campaign`: check a file, add it, fill its lists, start, pause, stop, look."""

from pathlib import Path
from typing import Annotated

import typer

from server.commands.console import ConfigOption, ask, console, fail, settings_of, table_of

app = typer.Typer(
    help="Campaigns: check, add, import leads, start, pause, stop.",
    epilog="For example: `timbre campaign check ventas.toml`, `add ventas.toml`, `import otono-2026 leads.csv`, "
    "`start ventas-otono`. A file to begin with: campaigns/examples/ventas.toml.",
    no_args_is_help=True,
)
FileArgument = Annotated[Path, typer.Argument(help="A campaign file (TOML); docs/campaign-file.md has every field.")]
CampaignId = Annotated[str, typer.Argument(help="The campaign's id.")]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        fail(f"{file} cannot be read: it is no text in UTF-8 (byte {error.start}); save it as UTF-8")


@app.command()
def check(file: FileArgument) -> None:
    """Say everything that is wrong with a campaign file, with its lines."""
    from campaigns.campaign_file import CampaignFileError, read_campaign
    from campaigns.compliance import faults_of
    from dialer.gate import in_words
    from server.clock import SystemClock

    try:
        campaign = read_campaign(_text(file), str(file))
    except CampaignFileError as error:
        fail(error)
    console.print(f"{file}: campaign {campaign.campaign_id} ({campaign.mode.value}) is sound", highlight=False)
    for fault in faults_of(campaign, SystemClock().now_s()):
        words = f"  it cannot start yet: {in_words(fault)}"
        console.print(words, style="yellow", highlight=False, markup=False, soft_wrap=True)


@app.command()
def add(file: FileArgument, config: ConfigOption = None) -> None:
    """Add a campaign to the running server, or change it."""
    from campaigns.campaign_file import CampaignFileError, read_campaign

    text = _text(file)
    try:
        read_campaign(text, str(file))
    except CampaignFileError as error:
        fail(error)
    view = ask(settings_of(config), "PUT", "/campaigns", content=text.encode())
    console.print(f"campaign {view['campaign_id']} dials lists {', '.join(view['lists'])}", highlight=False)
    if view["running"]:
        words = f"it goes on as it was until `timbre campaign stop` and `start {view['campaign_id']}`"
        console.print(words, style="yellow", highlight=False)


@app.command("import")
def import_leads(
    list_id: Annotated[str, typer.Argument(help="The lead list, as the campaign names it.")],
    file: Annotated[Path, typer.Argument(help="CSV as it is; docs/lead-import.md says what is understood.")],
    region: Annotated[str, typer.Option(help="Country of numbers without a prefix (ISO 3166 alpha-2).")] = "ES",
    column: Annotated[
        list[str], typer.Option(help="phone=COLUMN, name=COLUMN... for unusual headers; repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    config: ConfigOption = None,
) -> None:
    """Import a CSV of leads. Bad rows are listed with their reason, the others are imported."""
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    settings = settings_of(config)
    report = ask(
        settings,
        "POST",
        f"/lists/{list_id}/import",
        content=content,
        params={"region": region.upper(), "column": column},
    )
    console.print(
        f"{report['added']} leads added, {report['duplicates']} duplicates, {report['rejected']} rejected",
        highlight=False,
    )
    for words in report["rejections"]:
        console.print(f"  {words}", style="yellow", highlight=False, markup=False)
    if (more := report["rejected"] - len(report["rejections"])) > 0:
        console.print(f"  and {more} more", style="yellow", highlight=False)
    if not any(list_id in each["lists"] for each in ask(settings, "GET", "/campaigns")):
        console.print(f"no campaign dials the list {list_id!r} yet", style="yellow", highlight=False, markup=False)


@app.command("list")
def show_all(config: ConfigOption = None) -> None:
    """Every campaign."""
    rows = ask(settings_of(config), "GET", "/campaigns")
    console.print(table_of(rows, "campaign_id", "name", "mode", "lists", "wanted", "running"))


@app.command()
def show(campaign_id: CampaignId, config: ConfigOption = None) -> None:
    """One campaign: its leads, outcomes and dispositions."""
    view = ask(settings_of(config), "GET", f"/campaigns/{campaign_id}")
    console.print(f"{view['name']} ({view['mode']}), wanted {view['wanted']}, running {view['running'] or 'no'}")
    for title in ("leads", "outcomes", "dispositions"):
        counts = ", ".join(f"{count} {name}" for name, count in sorted(view[title].items())) or "none"
        console.print(f"{title}: {counts}", highlight=False)


@app.command()
def start(campaign_id: CampaignId, config: ConfigOption = None) -> None:
    """Start a campaign, or take a paused one up again."""
    _order(campaign_id, "start", config)


@app.command()
def pause(campaign_id: CampaignId, config: ConfigOption = None) -> None:
    """Place no new calls; calls in flight and conversations go on."""
    _order(campaign_id, "pause", config)


@app.command()
def stop(campaign_id: CampaignId, config: ConfigOption = None) -> None:
    """Take ringing calls back and stop."""
    _order(campaign_id, "stop", config)


def _order(campaign_id: str, verb: str, config: Path | None) -> None:
    view = ask(settings_of(config), "POST", f"/campaigns/{campaign_id}/{verb}")
    console.print(f"campaign {campaign_id}: wanted {view['wanted']}, running {view['running'] or 'no'}")
