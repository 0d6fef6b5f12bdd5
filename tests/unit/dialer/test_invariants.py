"""Random crowds, random faults, random agents: the invariants hold all the same."""

import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.agent import AgentError
from dialer.pacing.simple import Ratio
from telephony.sim.crowd import Crowd
from telephony.sim.faults import LostAnswer
from telephony.sim.virtual_time import run_virtual
from tests.unit.dialer.checks import IdleWatch, attempts_are_whole, everybody_heard_something, nothing_is_left
from tests.unit.dialer.house import CAMPAIGN, House
from tests.unit.dialer.test_restart import VirtualPause, settled

GENTLE = ("agent pauses", "agent signs out", "hopper down", "slow database", "taps fail", "a lost answer")
ROUGH = (*GENTLE, "link lost", "exchange restarts", "a leg breaks", "kill -9", "busy database", "events lost")
CROWD = Crowd(people=0.5, machines=0.2, ring_mean_s=6.0, talk_mean_s=15.0, talk_cv=0.6)
SHORT = replace(CAMPAIGN, wrap_up=replace(CAMPAIGN.wrap_up, max_s=2.0), ring_timeout_s=15.0)


async def break_it(house: House, fault: str, rng: random.Random) -> House:
    """One fault, and what mends it some seconds later."""
    seats = list(house.desk.pool.seats())
    agent = rng.choice(seats).profile.agent_id if seats else ""
    pause = VirtualPause(house.clock, rng.uniform(0.1, 4.0))
    match fault:
        case "agent pauses" if agent:
            house.desk.pause(agent, "coffee")
            await house.until(pause)
            try:
                house.desk.ready(agent)
            except AgentError:
                pass  # it was signed out
        case "agent signs out" if agent:
            house.desk.sign_out(agent)
            await house.until(pause)
            await house.staff.sign_in(agent)
            house.desk.ready(agent)
        case "hopper down":
            house.hopper.down = True
            await house.until(pause)
            house.hopper.down = False
            house.hopper.loans.clear()
        case "slow database":
            house.cable.slow_s = rng.uniform(0.2, 2.0)
            await house.until(pause)
            house.cable.slow_s = 0.0
        case "busy database":
            house.cable.busy = True
            await house.until(pause)
            house.cable.busy = False
            house.hopper.loans.clear()
        case "taps fail":
            house.wire.refused.add("start_tap")
            await house.until(pause)
            house.wire.refused.clear()
        case "a lost answer":
            house.exchange.faults.lost_answers = [rng.choice(list(LostAnswer))]
        case "link lost":
            house.exchange.lose_link()
            await house.until(pause)
            house.exchange.restore_link()
        case "exchange restarts":
            house.exchange.restart()
        case "a leg breaks" if agent in house.desk._legs:
            house.exchange.far_end_hangs_up(house.desk._legs[agent][0].channel_id)
        case "events lost":
            live = [name for run in house.engine.runs.values() for name in run.flows]
            if live:
                house.exchange.faults.muted.add(f"{rng.choice(live)}-call")
        case "kill -9":
            await house.kill()
            house = await house.again()
            await house.engine.__aenter__()
            await house.engine.start(house.campaign)
    return house


async def shift(seed: int, faults: list[str], ratio: float, agents: int) -> tuple[House, IdleWatch]:
    """A short shift with these faults, one every few seconds, until everything is over."""
    rng = random.Random(seed)
    house = await House(SHORT, law=Ratio(ratio)).open()
    await house.fill([CROWD.draw(rng) for _ in range(40)])
    await house.engine.__aenter__()
    await house.staffed(agents)
    watch = IdleWatch(house)
    await house.engine.start(house.campaign)
    for fault in faults:
        await house.until(VirtualPause(house.clock, rng.uniform(1.0, 8.0)))
        house = await break_it(house, fault, rng)
    await house.until(VirtualPause(house.clock, 10.0))
    house.engine.drain_s = 200.0
    house.exchange.faults.muted.clear()
    await house.engine.stop("c1")
    await settled(house)
    return house, watch


@given(seed=st.integers(0, 10**6), ratio=st.sampled_from([1.0, 1.8, 4.0]), agents=st.integers(1, 5), data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_given_gentle_faults_then_all_invariants_hold(
    seed: int, ratio: float, agents: int, data: st.DataObject
) -> None:
    faults = data.draw(st.lists(st.sampled_from(GENTLE), max_size=6))

    async def main() -> None:
        house, watch = await shift(seed, faults, ratio, agents)
        assert watch.broken == []
        assert await everybody_heard_something(house) == []

    run_virtual(main())


@given(seed=st.integers(0, 10**6), ratio=st.sampled_from([1.0, 1.8, 4.0]), agents=st.integers(0, 4), data=st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_given_rough_faults_then_no_attempt_lead_or_channel_is_lost(
    seed: int, ratio: float, agents: int, data: st.DataObject
) -> None:
    faults = data.draw(st.lists(st.sampled_from(ROUGH), min_size=1, max_size=8))

    async def main() -> None:
        house, _ = await shift(seed, faults, ratio, agents)
        assert await attempts_are_whole(house) == []
        assert await nothing_is_left(house) == []

    run_virtual(main())
