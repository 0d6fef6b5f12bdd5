from collections.abc import AsyncIterator

import pytest

from tests.contract.telephony.link_loss import SurvivingLinkLoss
from tests.contract.telephony.sim_harness import SimHarness
from tests.contract.telephony.suite import CallControlContract


@pytest.fixture
async def harness() -> AsyncIterator[SimHarness]:
    harness = SimHarness()
    yield harness
    state = await harness.control.snapshot()
    assert state.bridges == () and harness.taps.open_count == 0


class TestSimulatedExchange(CallControlContract):
    virtual_time = True


class TestSimulatedExchangeLosingItsLink(SurvivingLinkLoss):
    virtual_time = True
