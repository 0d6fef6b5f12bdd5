"""Blending in the whole dialer on virtual time: agents who wait are productive, and calls lose nothing by it."""

import asyncio
from collections import Counter
from dataclasses import replace

from pacing_crowd import CROWD, crowded_house

from agents.digital import DigitalItem, DigitalStep, Occupancy, StepKind
from campaigns.campaign import DialMode
from dialer.blending import DigitalDesk
from dialer.events import PersonConnected
from telephony.sim.virtual_time import run_virtual
from tests.unit.dialer.house import CAMPAIGN

PROGRESSIVE = replace(CAMPAIGN, mode=DialMode.PROGRESSIVE)


def test_given_digital_work_idle_time_is_productive_and_every_person_is_connected_at_once() -> None:
    steps: list[DigitalStep] = []

    async def dial() -> tuple[Occupancy | None, list[PersonConnected], int]:
        async with crowded_house(PROGRESSIVE, agents=3, crowd=replace(CROWD, hang_up_at_once=0.0)) as (house, run):
            desk = DigitalDesk(house.desk.pool, house.clock)
            desk.listen(steps.append)
            house.listeners.append(desk.take)
            ticking = asyncio.create_task(desk.run())
            for number in range(6):
                desk.offer(DigitalItem(f"mail{number}", "mail", "email", house.clock.monotonic_s()))
            await asyncio.sleep(900)
            ticking.cancel()
            assert house.troubles() == []
            return desk.occupancy(), house.connected(), run.tally.abandoned

    seen, connected, abandoned = run_virtual(dial())
    assert seen is not None
    assert seen.productive > 0.85 > seen.voice
    kinds = Counter(step.kind for step in steps)
    assert kinds[StepKind.GIVEN] == 3, "each agent keeps its item from call to call"
    assert kinds[StepKind.INTERRUPTED] > 10
    assert abs(kinds[StepKind.INTERRUPTED] - kinds[StepKind.RESUMED]) <= 3
    assert abandoned == 0
    assert len(connected) > 30
    assert all(person.bridged_at_s - person.verdict_at_s < 0.5 for person in connected)
