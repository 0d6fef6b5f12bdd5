"""Adds leads under a limit of the file size, as on a full disk: prints what was acknowledged, then the error."""

import asyncio
import resource
import signal
import sys

from campaigns.lead import Lead
from storage.errors import StorageFull
from storage.port import LeadList
from storage.sql.store import open_storage


async def main(url: str, limit_bytes: int) -> None:
    storage = await open_storage(url)
    await storage.lists.put(LeadList("l", "l", 1.0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    try:
        for n in range(100_000):
            await storage.leads.add([Lead(f"l{n:06d}", "l", f"+52{n:010d}", name="x" * 4000)])
            print("added", n, flush=True)
    except StorageFull as full:
        print("full", full, flush=True)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
