from collections.abc import AsyncIterator

import pytest

from tests.contract.telephony.harness import ExchangeHarness
from tests.contract.telephony.sim_harness import SimHarness
from tests.contract.telephony.suite import CallControlContract


class TestSimulatedExchange(CallControlContract):
    virtual_time = True

    @pytest.fixture
    async def harness(self) -> AsyncIterator[ExchangeHarness]:
        harness = SimHarness()
        yield harness
        state = await harness.control.snapshot()
        assert state.bridges == () and harness.taps.open_count == 0
