"""`timbre amd signalling`: what ring times and early media say of who answers, by the centre's own calls."""

import asyncio
import time

from rich.table import Table

from dialer.ringing import LEAST_CALLS, RingTimes
from server.commands.console import ConfigOption, console, fail
from server.ring_times import times_of
from server.settings import SettingsError, load
from server.stores import open_stores
from storage.errors import StorageError
from storage.sql.history import SqlHistory


def signalling(config: ConfigOption = None) -> None:
    """Show what ring times and early media say of who answers, counted from the last 30 days of your own calls."""

    async def count() -> RingTimes:
        settings = load(config)
        async with open_stores(settings.database_url, settings.database) as stores:
            return await times_of(SqlHistory(stores.database), time.time(), settings.amd.collect.machine_codes)

    try:
        rows = asyncio.run(count()).table()
    except (OSError, SettingsError, StorageError) as error:
        fail(error)
    if not rows:
        fail("no calls yet of which it is known who answered: agents' conversations, and machines plain to hear")
    table = Table("calls", "signal", "people", "machines", "log-odds of a person", caption=_CAPTION)
    for route, kind, value, people, machines, odds in rows:
        where = ", ".join(part for part in route if part) or "all"
        table.add_row(where, f"{kind} {value}", str(people), str(machines), f"{odds:+.2f}" if odds else "-")
    console.print(table)


_CAPTION = f"Nothing (-) is said of calls of a kind before {LEAST_CALLS} people and {LEAST_CALLS} machines."
