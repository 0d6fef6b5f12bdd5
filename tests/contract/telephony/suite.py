"""The contract of `telephony.port.CallControl`: every exchange must pass it.

A test module makes a class of it and gives it a `harness` fixture (see `harness.ExchangeHarness`)::

    class TestSimulatedExchange(CallControlContract):
        virtual_time = True

        @pytest.fixture
        async def harness(self) -> AsyncIterator[ExchangeHarness]: ...

An exchange whose harness can also cut the link makes a second class of `link_loss.SurvivingLinkLoss`.

Every wait is a condition with the harness's patience; no test knows which exchange it talks to.
"""

from tests.contract.telephony.bridging import Bridging
from tests.contract.telephony.listening import Listening
from tests.contract.telephony.placing import PlacingCalls
from tests.contract.telephony.prompting import Arriving, Prompting


class CallControlContract(PlacingCalls, Bridging, Listening, Prompting, Arriving):
    """All of it."""
