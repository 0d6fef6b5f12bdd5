"""Every law that a campaign file may name paces a whole dialer; what it is told of caps, windows and audits."""

import asyncio
from dataclasses import replace

import pytest
from pacing_crowd import crowded_house
from pacing_snapshots import agents, look

from agents.agent import Seat
from campaigns.audit import mistaken_share
from campaigns.calling_window import window_of
from campaigns.campaign import AbTest, DialMode, PacingLawName, PacingSettings, WrapUp
from campaigns.ledger import Share, Standing, cap_to_go
from dialer.pacing.ab import arm_of, block_of
from dialer.pacing.laws import make_law
from dialer.pacing.plan import Limits, Tally
from dialer.pacing.window import window_left_s
from dialer.pacing_events import LawTaught
from telephony.sim.virtual_time import run_virtual
from tests.unit.dialer.house import CAMPAIGN

PREDICTIVE = replace(CAMPAIGN, mode=DialMode.PREDICTIVE)


@pytest.mark.parametrize("name", PacingLawName)
def test_every_law_of_a_campaign_file_dials_and_agents_talk(name: PacingLawName) -> None:
    campaign = replace(PREDICTIVE, pacing=PacingSettings(law=name, ratio=2.0))

    async def dial() -> Tally:
        async with crowded_house(campaign, agents=4) as (house, run):
            await asyncio.sleep(120)
            assert house.troubles() == []
            return run.tally

    tally = run_virtual(dial())
    assert tally.placed >= 8
    assert tally.people >= 4


def test_given_two_ways_of_pacing_turns_come_in_pairs_of_one_each_and_each_arm_has_its_own_cap() -> None:
    test = AbTest(PacingSettings(law=PacingLawName.PROGRESSIVE), block_s=600.0)
    law = make_law(replace(PREDICTIVE, ab=test))
    arms = [arm_of(block, test) for block in range(200)]
    assert all({arms[block], arms[block + 1]} == {0, 1} for block in range(0, 200, 2))
    assert 30 < sum(arms[0::2]) < 70, "the order within pairs is a coin's"
    for wall_s in (0.0, 600.0, 1200.0, 1800.0):
        plan = law.plan(replace(look(wall_s, agents(idle=4)), wall_s=wall_s))
        assert dict(plan.forecast)["arm"] == arm_of(block_of(wall_s, test), test)
        assert plan.place >= 4


def test_given_a_debt_in_a_rules_period_the_cap_is_lower_until_it_is_paid_back_and_never_higher() -> None:
    fine = Standing("us", 0.03, Share(20.0, 1000.0))
    indebted = Standing("gb", 0.03, Share(40.0, 1000.0))
    assert cap_to_go(0.03, [fine]) == (0.03, "")
    cap, rule_id = cap_to_go(0.03, [fine, indebted])
    assert rule_id == "gb"
    assert cap == pytest.approx(0.03 - 10.0 / 500.0)
    assert cap_to_go(0.03, [Standing("gb", 0.03, Share(100.0, 1000.0))]) == (0.0, "gb")


def test_given_a_target_under_the_cap_the_law_aims_at_the_target_and_the_cap_stays_the_hard_stop() -> None:
    def aim(target: float) -> float:
        law = make_law(PREDICTIVE)
        limits = Limits(5000, 500.0, abandonment_cap=0.03, abandonment_target=target)
        law.plan(look(0.0, agents(idle=4), limits=limits))
        plan = law.plan(look(3600.0, agents(idle=4), today=Tally(500, 200, 100), limits=limits))
        return dict(plan.forecast)["aim"]

    assert aim(0.01) == pytest.approx(aim(0.03) - 0.02 * 0.99, abs=1e-6)


def test_the_window_that_is_left_is_the_campaigns_own_by_its_own_clock() -> None:
    madrid = window_of(("mon-fri 09:00-14:00", "mon-fri 16:00-20:30"))
    noon_s = 1_763_982_000.0  # Monday, 24 November 2025, 12:00 in Madrid
    assert window_left_s(madrid, "Europe/Madrid", noon_s) == pytest.approx(2 * 3600, abs=2)
    assert window_left_s(madrid, "Europe/Madrid", noon_s + 3 * 3600) == 0.0
    assert window_left_s(madrid, "Europe/Madrid", noon_s + 8 * 3600) == pytest.approx(1800, abs=2)


def test_an_audit_gives_an_estimate_and_an_upper_bound_and_the_law_holds_the_bound_back() -> None:
    assert mistaken_share(0, 0, assumed=0.01).upper == 0.01
    found = mistaken_share(400, 2)
    assert found.estimate == 0.005
    assert found.upper == pytest.approx(0.01566, abs=1e-4)  # qbeta(0.95, 3, 398)
    assert mistaken_share(100, 0).upper == pytest.approx(1 - 0.05 ** (1 / 100), abs=1e-9)
    assert mistaken_share(10, 10).upper == 1.0


def test_the_law_is_told_everything_in_the_order_in_which_the_house_hears_it() -> None:
    async def dial() -> None:
        async with crowded_house(PREDICTIVE, agents=2) as (house, run):
            await asyncio.sleep(30)
            taught = [event for told in house.events if isinstance(told, LawTaught) for event in told.events]
            assert [event.at_s for event in taught] == sorted(event.at_s for event in taught)
            assert sum(event.kind.value == "placed" for event in taught) >= run.tally.placed - 2 > 0

    run_virtual(dial())


def test_given_agents_who_agreed_wrap_ups_end_for_people_within_each_agents_share() -> None:
    wrap_up = WrapUp(max_s=15.0, interruptible_share=0.3)
    campaign = replace(PREDICTIVE, wrap_up=wrap_up, pacing=PacingSettings(abandonment_target=0.03))

    async def dial() -> list[Seat]:
        async with crowded_house(campaign, agents=4) as (house, _):
            await asyncio.sleep(600)
            assert house.troubles() == []
            return list(house.desk.pool.seats())

    seats = run_virtual(dial())
    assert sum(seat.interrupted for seat in seats) >= 1
    assert all(seat.interrupted <= 0.3 * (seat.talks + 3) for seat in seats)


def test_given_a_rule_in_debt_the_running_campaign_has_the_lower_cap_and_at_nought_abandons_nobody() -> None:
    async def dial() -> tuple[Limits, Tally]:
        async with crowded_house(PREDICTIVE, agents=3) as (house, run):
            hopeless = Standing("gb-abandonment", 0.03, Share(100.0, 1000.0))
            object.__setattr__(house.services, "standings", lambda campaign_id: (hopeless,))
            await asyncio.sleep(120)
            return run.snapshot().limits, run.tally

    limits, tally = run_virtual(dial())
    assert (limits.abandonment_cap, limits.abandonment_target, limits.cap_rule) == (0.0, 0.0, "gb-abandonment")
    assert tally.placed >= 8
    assert tally.abandoned == 0
