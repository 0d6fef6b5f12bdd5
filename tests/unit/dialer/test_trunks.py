"""A campaign's trunks: tried in their order, passed over while they are full or turn calls down."""

from dataclasses import replace

import pytest

from campaigns.outcome import Outcome
from dialer.campaign_run import CampaignRun
from dialer.events import PlanMade
from dialer.trunk import FAILURES_IN_A_ROW, REST_S, Route, Trunk, TrunkSettings
from telephony.sim.far_end import FarEnd
from tests.support.virtual import virtual
from tests.unit.dialer.checks import attempts_are_whole, nothing_is_left
from tests.unit.dialer.house import CAMPAIGN, House
from tests.unit.dialer.test_restart import VirtualPause
from tests.unit.dialer.test_ways_of_a_call import AlwaysOne

TWO = replace(CAMPAIGN, trunks=("first", "second"))


async def two_trunks(wanted: int, channels: int = 100) -> House:
    house = await House(campaign=TWO, law=AlwaysOne(wanted)).open()
    for name in TWO.trunks:
        house.trunks[name] = Trunk(TrunkSettings(name, channels=channels, calls_per_s=50))
    return house


def broken(trunk: Trunk, now_s: float, count: int = FAILURES_IN_A_ROW) -> list[str]:
    return [trunk.ended(Outcome.CONGESTION, rang=False, placed_s=now_s, now_s=now_s) for _ in range(count)]


def test_given_calls_turned_down_in_a_row_then_the_trunk_rests_and_one_message_says_so() -> None:
    trunk = Trunk(TrunkSettings("t", channels=7))
    words = broken(trunk, 10.0, 20)
    assert sum(map(bool, words)) == 1
    assert "trunk t turned down 5 calls in a row (the last: congestion)" in words[FAILURES_IN_A_ROW - 1]
    assert trunk.usable(10.0 + REST_S - 0.1) == 0
    assert trunk.usable(10.0 + REST_S) == 1
    trunk.seize()
    assert trunk.usable(10.0 + REST_S) == 0  # one call tries it
    told = trunk.ended(Outcome.BUSY, rang=False, placed_s=10.0 + REST_S, now_s=41.0)
    assert told == "trunk t takes calls again"
    assert trunk.usable(41.0) == 6


def test_given_a_resting_trunk_when_a_call_of_before_ends_well_or_the_try_fails_then_it_rests_on() -> None:
    trunk = Trunk(TrunkSettings("t"))
    broken(trunk, 10.0)
    assert trunk.ended(Outcome.BRIDGED, rang=True, placed_s=1.0, now_s=15.0) == ""
    trunk.seize()
    assert trunk.ended(Outcome.FAILED, rang=False, placed_s=41.0, now_s=42.0) == ""
    trunk.release()
    assert trunk.usable(42.0 + REST_S - 0.1) == 0
    assert trunk.usable(42.0 + REST_S) == 1


@pytest.mark.parametrize(
    ("outcome", "rang"),
    [(Outcome.BUSY, False), (Outcome.UNALLOCATED, False), (Outcome.REJECTED, True), (Outcome.BRIDGED, True)],
)
def test_given_one_call_the_network_took_up_then_failures_before_it_count_no_more(outcome: Outcome, rang: bool) -> None:
    trunk = Trunk(TrunkSettings("t"))
    broken(trunk, 1.0, FAILURES_IN_A_ROW - 1)
    trunk.ended(outcome, rang=rang, placed_s=1.0, now_s=2.0)
    assert not any(broken(trunk, 3.0, FAILURES_IN_A_ROW - 1))
    assert trunk.usable(3.0) == 60


@pytest.mark.parametrize("outcome", [Outcome.LOST, Outcome.GIVEN_UP])
def test_given_our_own_endings_then_they_say_nothing_of_the_trunk(outcome: Outcome) -> None:
    trunk = Trunk(TrunkSettings("t"))
    broken(trunk, 1.0, FAILURES_IN_A_ROW - 1)
    trunk.ended(outcome, rang=False, placed_s=1.0, now_s=2.0)
    assert any(broken(trunk, 3.0, 1))


def test_given_failures_long_apart_then_the_trunk_is_well() -> None:
    trunk = Trunk(TrunkSettings("t"))
    assert not any(broken(trunk, 30.0 * step, 1)[0] for step in range(20))


def test_given_a_route_then_slots_go_to_the_first_trunk_until_its_second_is_full() -> None:
    first, second = (Trunk(TrunkSettings(name, calls_per_s=2.0)) for name in ("first", "second"))
    route = Route([first, second])
    assert route.calls_per_s(0.0) == 4.0
    names = [(trunk.settings.name, start_s) for trunk, start_s in (route.next_start(0.0, 1.0) for _ in range(4))]
    assert names == [("first", 0.0), ("first", 0.5), ("second", 0.0), ("second", 0.5)]
    broken(first, 0.0)
    assert route.calls_per_s(0.0) == 2.0
    assert route.pick(0.0) is second


@virtual
async def test_given_the_first_trunk_is_down_then_the_second_takes_over_and_no_lead_is_used_up() -> None:
    house = await two_trunks(3)
    house.exchange.faults.refused.add("@first")
    leads = await house.fill([FarEnd.busy(1.0) for _ in range(40)])
    async with house.engine:
        await house.engine.start(TWO)
        await house.until(lambda: sum(outcome is Outcome.BUSY for outcome in house.ended().values()) >= 30)
    failed = [attempt for attempt in await house.attempts() if attempt.outcome is Outcome.FAILED]
    assert FAILURES_IN_A_ROW <= len(failed) <= FAILURES_IN_A_ROW + 3
    for attempt in failed:
        lead = await house.leads.get(attempt.lead_id)
        assert lead is not None
        later = [each for each in await house.attempts() if each.lead_id == lead.lead_id and each is not attempt]
        assert lead.attempts == sum(each.outcome is not Outcome.FAILED for each in later)
    assert [words for words in house.troubles() if "turned down" in words][1:] == []
    assert "trunk first turned down 5 calls" in "".join(house.troubles())
    assert len(leads) == 40
    assert await attempts_are_whole(house) == []
    assert await nothing_is_left(house) == []


@virtual
async def test_given_the_only_trunk_is_down_then_few_calls_are_tried_and_dialling_goes_on_when_it_is_back() -> None:
    house = await House(law=AlwaysOne(3)).open()
    await house.fill([FarEnd.busy(1.0) for _ in range(40)])
    house.exchange.faults.refused.add("@carrier")
    async with house.engine:
        await house.engine.start(house.campaign)
        await house.until(VirtualPause(house.clock, 4 * REST_S))
        tried = len(house.wire.times("originate"))
        house.exchange.faults.refused.clear()
        await house.until(lambda: sum(outcome is Outcome.BUSY for outcome in house.ended().values()) >= 30)
    assert tried <= FAILURES_IN_A_ROW + 3 + 4
    told = [words for words in house.troubles() if "trunk carrier" in words]
    assert ["turned down" in told[0], told[1:]] == [True, ["campaign: trunk carrier takes calls again"]]


@virtual
async def test_given_a_full_first_trunk_then_the_next_takes_the_rest_and_pacing_sees_the_channels_of_both() -> None:
    house = await two_trunks(9, channels=4)
    await house.fill([FarEnd.no_answer() for _ in range(30)])
    async with house.engine:
        run: CampaignRun = await house.engine.start(TWO)
        await house.until(lambda: len(run.flows) == 8)
        in_use = {name: house.trunks[name].in_use for name in TWO.trunks}
        limits = {event.snapshot.limits.channels for event in house.events if isinstance(event, PlanMade)}
    assert in_use == {"first": 4, "second": 4}
    assert limits == {8}
    assert await nothing_is_left(house) == []
