"""Plans and ends attempts for ever and prints each fact after it was acknowledged; made to be killed."""

import asyncio
import random
import sys

from campaigns.attempt import Attempt, AttemptState
from campaigns.ids import new_id
from campaigns.lead import Lead, LeadChange, LeadState
from campaigns.outcome import Outcome
from storage.port import LeadList, StoredCampaign
from storage.sql.store import SqlStorage, open_storage


async def dial(storage: SqlStorage, lead: Lead, rng: random.Random) -> None:
    attempt = Attempt(new_id(1.0, rng), "c", lead.lead_id, lead.phone, "n", 1.0)
    assert await storage.attempts.plan(attempt)
    print("planned", attempt.attempt_id, flush=True)
    attempt, move = attempt.move(AttemptState.DIALING, 2.0)
    await storage.attempts.record(move)
    print("dialing", attempt.attempt_id, flush=True)
    attempt, move = attempt.move(AttemptState.ENDED, 3.0, Outcome.BUSY)
    await storage.attempts.end(move, LeadChange(lead.lead_id, LeadState.NEW))
    print("ended", attempt.attempt_id, flush=True)


async def main(url: str) -> None:
    storage = await open_storage(url)
    await storage.lists.put(LeadList("l", "l", 1.0))
    await storage.campaigns.put(StoredCampaign("c", "c", "", 1.0, 1.0, list_ids=("l",)))
    leads = [Lead(f"l{n}", "l", f"+52{n:010d}") for n in range(40)]
    await storage.leads.add(leads)
    rng = random.Random(3)
    while True:
        await asyncio.gather(*(dial(storage, lead, rng) for lead in leads))


asyncio.run(main(sys.argv[1]))
