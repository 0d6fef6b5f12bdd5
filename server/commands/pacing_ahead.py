"""`timbre pacing whatif` and `dryrun`: the centre's own past and lists, before anything is changed or dialled."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer

from campaigns.campaign import Campaign
from campaigns.campaign_file import CampaignFileError, read_campaign
from dialer.pacing.history import HistoryTooShort, Past, past_of
from server.commands.console import ConfigOption, console, fail
from server.dry_run import Blocked, Forecast, forecast, scenario_for, who_is_blocked
from server.settings import Settings, SettingsError, load
from server.stores import Stores, open_stores
from storage.errors import StorageError
from storage.sql.history import SqlHistory

CampaignArgument = Annotated[str, typer.Argument(help="The campaign's id, or its file.")]
T = TypeVar("T")
_DAY_S = 86_400.0
_MOST_REASONS = 12


def past_as_scenario(campaign: str, days: float, config: Path | None) -> Past:
    """A campaign's own past; ends the command with one message when there is too little of it."""

    async def read(stores: Stores, settings: Settings) -> Past:
        chosen = await _campaign(stores, settings, campaign)
        history, since_s = SqlHistory(stores.database), time.time() - days * _DAY_S
        calls = await history.calls(chosen.campaign_id, since_s)
        return past_of(calls, await history.stays("wrap_up", since_s), chosen)

    return _with_stores(config, read)


def dryrun(
    campaign: CampaignArgument,
    agents: Annotated[int, typer.Option(min=0, max=1000, help="Size of the team; 0: every active agent.")] = 0,
    at: Annotated[str, typer.Option(help="Start at 2026-11-23T09:30 by the campaign's clock, instead of now.")] = "",
    most: Annotated[int, typer.Option(min=1, help="Leads to judge by the rules, spread evenly.")] = 5000,
    seeds: Annotated[int, typer.Option(min=2, max=100, help="Simulated shifts.")] = 10,
    config: ConfigOption = None,
) -> None:
    """Before a launch: who is blocked and why, when it would be finished, abandonment and occupancy to expect."""

    async def look(stores: Stores, settings: Settings) -> tuple[Campaign, float, Blocked, Forecast | None]:
        chosen = await _campaign(stores, settings, campaign)
        start_s = _start_s(chosen, at)
        blocked = await who_is_blocked(stores, chosen, start_s, most)
        team = agents or sum(agent.active for agent in await stores.agents.list(limit=1000))
        scenario, own = await scenario_for(stores, chosen, start_s)
        if team == 0:
            return chosen, start_s, blocked, None
        told = await asyncio.to_thread(
            forecast, chosen, scenario, own, blocked.allowed, team, start_s, range(1, seeds + 1)
        )
        return chosen, start_s, blocked, told

    chosen, start_s, blocked, told = _with_stores(config, look)
    _print_blocked(chosen, start_s, blocked)
    if told is None:
        fail("no agents: give --agents, or [[agents]] in timbre.toml; without a team nothing can be foretold")
    _print_forecast(chosen, told)


def _with_stores(config: Path | None, work: Callable[[Stores, Settings], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = load(config)
        async with open_stores(settings.database_url, settings.database) as stores:
            return await work(stores, settings)

    try:
        return asyncio.run(run())
    except (CampaignFileError, HistoryTooShort, OSError, SettingsError, StorageError) as error:
        fail(error)


async def _campaign(stores: Stores, settings: Settings, name: str) -> Campaign:
    if name.endswith(".toml"):
        try:
            return read_campaign(await asyncio.to_thread(Path(name).read_text, "utf-8"), name)
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{name}: cannot be read: {getattr(error, 'strerror', None) or 'it is not text in UTF-8'}")
    if stored := await stores.campaigns.get(name):
        return read_campaign(stored.definition, f"stored campaign {name}")
    for path in await asyncio.to_thread(lambda: sorted(settings.campaigns.glob("*.toml"))):
        try:
            found = read_campaign(await asyncio.to_thread(path.read_text, "utf-8"), str(path))
        except CampaignFileError:
            continue
        if found.campaign_id == name:
            return found
    known = ", ".join(each.campaign_id for each in await stores.campaigns.list(limit=100)) or "none"
    fail(f"there is no campaign {name!r}; there is {known}: give an id, or a campaign file")


def _start_s(campaign: Campaign, text: str) -> float:
    """The moment asked for, or now; moved to the opening of the campaign's window when that is closed."""
    zone = campaign.hours.time_zone
    try:
        wanted_s = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() if text else time.time()
    except ValueError:
        fail(f"--at: {text!r} is no moment: write 2026-11-23T09:30")
    opens_s = campaign.calling_window().next_open_s(wanted_s, zone)
    if opens_s is None:
        fail(f"campaign {campaign.campaign_id}: its hours do not open within 40 days: mend [hours]")
    return opens_s


def _print_blocked(campaign: Campaign, start_s: float, blocked: Blocked) -> None:
    say = console.print
    say(f"[bold]{campaign.campaign_id}[/bold], as of {_clock(campaign, start_s)}", highlight=False)
    say(
        f"{blocked.leads} leads: {blocked.callable} to call ({blocked.later} of them later), {blocked.closed} closed "
        f"({blocked.bad_numbers} numbers that do not exist or are a fax), {blocked.on_dnc} on the do-not-call list",
        highlight=False,
    )
    if not blocked.leads:
        lists = ", ".join(campaign.lists)
        say(f"there is nobody to call: no lead is in the lists {lists}", style="yellow", highlight=False)
    refused = blocked.reasons.total()
    of = "" if blocked.asked == blocked.callable else f" (of {blocked.asked} judged, spread evenly)"
    say(f"blocked by rules: {refused}{of}; about {blocked.allowed} may be called", highlight=False)
    for words, count in blocked.reasons.most_common(_MOST_REASONS):
        say(f"  {count} x {words}", highlight=False, markup=False, soft_wrap=True)
    if put_off := blocked.put_off.total():
        say(f"put off to a later hour or day by rules: {put_off}{of}", highlight=False)
    for words, count in blocked.put_off.most_common(_MOST_REASONS):
        say(f"  {count} x {words}", highlight=False, markup=False, soft_wrap=True)
    for words in blocked.advice:
        say(f"  advice: {words}", highlight=False, markup=False, style="yellow", soft_wrap=True)


def _print_forecast(campaign: Campaign, told: Forecast) -> None:
    basis = f"{told.own_history} calls of its own" if told.own_history else "no history: the general list base25"
    finish = _clock(campaign, told.finish_s) if told.finish_s else "not within a year"
    console.print(
        f"simulated with {told.agents} agents and the law {told.law}, on {basis}:\n"
        f"  occupancy {told.occupancy:.1f} ± {told.occupancy_half:.1f} %, abandonment {told.abandonment:.2f} ± "
        f"{told.abandonment_half:.2f} % (worst shift {told.worst:.2f} %; cap "
        f"{100 * campaign.pacing.abandonment_cap:.1f} %)\n"
        f"  {told.calls_per_hour:.0f} calls an hour; about {told.calls} calls, {told.hours:.1f} hours of dialling, "
        f"finished at the earliest {finish}",
        highlight=False,
        soft_wrap=True,
    )


def _clock(campaign: Campaign, at_s: float) -> str:
    zone = campaign.hours.time_zone
    return f"{datetime.fromtimestamp(at_s, ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"
