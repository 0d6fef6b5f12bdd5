"""Calls that agents place themselves."""

from dataclasses import replace

import pytest

from agents.agent import AgentError, AgentState
from campaigns.campaign import DialMode
from campaigns.outcome import Outcome
from dialer.engine import EngineError
from dialer.pacing.simple import AgentPlaced
from dialer.preview import PreviewDesk
from dialer.trunk import Trunk, TrunkSettings
from telephony.sim.far_end import FarEnd
from tests.support.virtual import virtual
from tests.unit.dialer.house import CAMPAIGN, House

PREVIEW = replace(CAMPAIGN, mode=DialMode.PREVIEW)


async def preview_house(far_ends: list[FarEnd]) -> tuple[House, PreviewDesk]:
    house = await House(campaign=PREVIEW, law=AgentPlaced()).open()
    await house.fill(far_ends)
    return house, PreviewDesk(house.engine, house.source, house.leads)


@virtual
async def test_an_agent_sees_a_lead_says_go_and_talks_without_amd() -> None:
    house, desk = await preview_house([FarEnd.person(talk_s=10)])
    async with house.engine:
        await house.staffed(1)
        run = await house.engine.start(PREVIEW)
        lead = await desk.offer("agent00", "c1")
        assert lead is not None and lead.lead_id == "lead-0000"
        assert (await desk.offer("agent00", "c1")) == lead
        assert await desk.call("agent00")
        await house.until(lambda: run.idle)
        assert house.ended() == {"lead-0000": Outcome.BRIDGED}
        assert desk.offer_of("agent00") is None
    assert not await house.leaks()


@virtual
async def test_two_agents_never_see_the_same_lead() -> None:
    house, desk = await preview_house([FarEnd.no_answer(), FarEnd.no_answer()])
    async with house.engine:
        await house.staffed(2)
        await house.engine.start(PREVIEW)
        first, second = await desk.offer("agent00", "c1"), await desk.offer("agent01", "c1")
        assert first is not None and second is not None and first.lead_id != second.lead_id
        assert await desk.offer("agent00", "c1") == first


@virtual
async def test_a_busy_number_leaves_the_agent_ready_again() -> None:
    house, desk = await preview_house([FarEnd.busy()])
    async with house.engine:
        await house.staffed(1)
        run = await house.engine.start(PREVIEW)
        await desk.offer("agent00", "c1")
        assert await desk.call("agent00")
        await house.until(lambda: run.idle)
        assert house.ended() == {"lead-0000": Outcome.BUSY}
        assert house.agent_states()[AgentState.IDLE] == 1


@virtual
async def test_a_dialled_number_joins_the_list_and_is_called() -> None:
    house, desk = await preview_house([])
    house.exchange.network.put("+34600999999", FarEnd.person(talk_s=5))
    async with house.engine:
        await house.staffed(1)
        run = await house.engine.start(PREVIEW)
        assert await desk.dial("agent00", "c1", "+34600999999")
        await house.until(lambda: run.idle)
        assert list(house.ended().values()) == [Outcome.BRIDGED]


@virtual
async def test_what_cannot_be_done_says_what_to_do_first() -> None:
    house, desk = await preview_house([FarEnd.busy()])
    async with house.engine:
        await house.staffed(1)
        with pytest.raises(EngineError, match="start it first"):
            await desk.offer("agent00", "c1")
        await house.engine.start(PREVIEW)
        with pytest.raises(AgentError, match="ask for one first"):
            await desk.call("agent00")


@virtual
async def test_given_no_trunk_takes_calls_when_an_agent_calls_then_it_is_told_which_and_nothing_is_lost() -> None:
    house, _ = await preview_house([FarEnd.person(talk_s=1)])
    house.trunks["carrier"] = Trunk(TrunkSettings("carrier", channels=1))
    async with house.engine:
        await house.staffed(1)
        run = await house.engine.start(PREVIEW)
        house.trunks["carrier"].seize()
        with pytest.raises(EngineError, match=r"no trunk can take a call now \(carrier\): full or resting"):
            await house.engine.place("c1", "lead-0000", "agent00")
        assert house.ended() == {}
        house.trunks["carrier"].release()
        assert await house.engine.place("c1", "lead-0000", "agent00")
        await house.until(lambda: run.idle)
        assert house.ended() == {"lead-0000": Outcome.BRIDGED}
    assert not await house.leaks()
