"""The hazard law inside the whole dialer, on virtual time against a crowd drawn from distributions (base25)."""

import asyncio
from dataclasses import dataclass, replace
from statistics import fmean, stdev

import pytest
from house import CAMPAIGN, LIST, House

from agents.agent import AgentState
from campaigns.campaign import DialMode, PacingSettings, WrapUp
from campaigns.lead import Lead
from dialer.pacing.laws import make_law
from dialer.pacing.plan import Tally
from dialer.pacing.sim.laws import law_named
from dialer.pacing.sim.run import simulate
from dialer.pacing.sim.scenario import parse
from storage.port import LeadList, StoredCampaign
from storage.sql.campaigns import SqlListStore
from telephony.sim.crowd import Crowd
from telephony.sim.network import Network
from telephony.sim.virtual_time import run_virtual


@dataclass
class Shift:
    occupancy: float
    tally: Tally
    troubles: list[str]


async def shift(mode: DialMode, minutes: float, agents: int, crowd: Crowd, wrap_up_s: float) -> Shift:
    """Agents at work from nothing; occupancy: share of their time in talk and wrap-up."""
    campaign = replace(
        CAMPAIGN, mode=mode, wrap_up=WrapUp(max_s=wrap_up_s), pacing=PacingSettings(abandonment_target=0.03)
    )
    house = await House(campaign=campaign, law=make_law(campaign)).open()
    house.exchange.network = Network(default=crowd.maker(11))
    now_s = house.clock.now_s()
    await SqlListStore(house.database).put(LeadList(LIST, LIST, now_s))
    await house.campaigns.put(StoredCampaign("c1", "Test", "", now_s, now_s, list_ids=(LIST,)))
    await house.leads.add([Lead(f"lead-{n:05}", LIST, f"+346{n:08}") for n in range(int(minutes * 20 * agents))])
    async with house.engine:
        await house.staffed(agents)
        began_s = house.clock.monotonic_s()
        run = await house.engine.start(campaign)
        await asyncio.sleep(minutes * 60)
        busy = (AgentState.TALKING, AgentState.WRAP_UP)
        busy_s = sum(seat.busy_s.get(state, 0.0) for seat in house.desk.pool.seats() for state in busy)
        now_s = house.clock.monotonic_s()
        busy_s += sum(now_s - seat.since_s for seat in house.desk.pool.seats() if seat.state in busy)
        occupancy = busy_s / agents / (now_s - began_s)
        return Shift(occupancy, run.tally, house.troubles())


def test_given_an_hour_of_base25_agents_talk_more_than_with_progressive_dialling_and_the_cap_holds() -> None:
    crowd = Crowd()
    plain = run_virtual(shift(DialMode.PROGRESSIVE, 60, 10, crowd, 20.0))
    ours = run_virtual(shift(DialMode.PREDICTIVE, 60, 10, crowd, 20.0))
    assert ours.troubles == []
    assert ours.occupancy > plain.occupancy + 0.08
    assert ours.tally.people > 150
    assert ours.tally.abandoned <= 0.03 * ours.tally.people + 1


@pytest.mark.parametrize(("mode", "law"), [(DialMode.PROGRESSIVE, "progressive"), (DialMode.PREDICTIVE, "hazard")])
def test_the_real_engine_on_virtual_time_does_what_the_fast_simulator_says(mode: DialMode, law: str) -> None:
    """One engine hour lies within the spread of simulated hours with the same parameters (mean and four deviations)."""
    crowd = Crowd(hang_up_at_once=0.0, patience_s=(20.0, 30.0))
    engine = run_virtual(shift(mode, 60, 10, crowd, 20.0))
    same = parse(
        {
            "name": "as the engine",
            "hours": 1,
            "lists": [{"people": 0.25, "machines": 0.35, "bad": 0.16, "wrap_up": {"kind": "constant", "mean_s": 20}}],
        },
        "here",
    )
    simulated = [simulate(same, law_named(law), 10, seed) for seed in range(1, 31)]
    for ours, theirs in (
        (100 * engine.occupancy, [each.occupancy_pct for each in simulated]),
        (engine.tally.people, [float(each.people_answered) for each in simulated]),
        (engine.tally.placed, [float(each.calls_placed) for each in simulated]),
    ):
        assert abs(ours - fmean(theirs)) <= 4 * stdev(theirs), (ours, fmean(theirs), stdev(theirs))


def test_given_two_campaigns_with_the_same_agents_each_sees_the_others_calls_and_they_take_turns() -> None:
    async def look() -> None:
        house = await House(law=make_law(CAMPAIGN)).open()
        house.exchange.network = Network(default=Crowd(people=0.0, machines=0.0, unallocated=0.0).maker(1))
        now_s = house.clock.now_s()
        await SqlListStore(house.database).put(LeadList(LIST, LIST, now_s))
        for name in ("c1", "c2"):
            await house.campaigns.put(StoredCampaign(name, "Test", "", now_s, now_s, list_ids=(LIST,)))
        await house.leads.add([Lead(f"lead-{n:05}", LIST, f"+346{n:08}") for n in range(50)])
        async with house.engine:
            await house.staffed(2)
            first = await house.engine.start(replace(CAMPAIGN, campaign_id="c1"))
            assert not first.snapshot().shared
            second = await house.engine.start(replace(CAMPAIGN, campaign_id="c2"))
            await asyncio.sleep(5)
            ours, theirs = first.snapshot(), second.snapshot()
            assert ours.shared and theirs.shared
            assert ours.my_turn != theirs.my_turn
            assert ours.flights or theirs.flights
            assert [flight.attempt_id for flight in ours.rivals] == [flight.attempt_id for flight in theirs.flights]
            assert [flight.attempt_id for flight in theirs.rivals] == [flight.attempt_id for flight in ours.flights]

    run_virtual(look())


@pytest.mark.parametrize("people", [0.25, 0.6])
def test_given_two_minutes_and_short_talks_agents_talk_soon_and_few_are_abandoned(people: float) -> None:
    crowd = Crowd(people=people, machines=0.2, ring_mean_s=6.0, talk_mean_s=20.0)
    ours = run_virtual(shift(DialMode.PREDICTIVE, 2, 10, crowd, 6.0))
    assert ours.tally.people >= 20
    assert ours.tally.abandoned <= 2
