"""The contract on a real Asterisk."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.contract.telephony.asterisk_harness import AsteriskHarness, TwoExchanges, running_harness, start_two
from tests.contract.telephony.link_loss import SurvivingLinkLoss
from tests.contract.telephony.suite import CallControlContract
from tests.support.servers import AsteriskFactory, scratch_dir

pytestmark = pytest.mark.asterisk


@pytest.fixture(scope="module")
def exchanges(asterisk_instance: AsteriskFactory) -> Iterator[TwoExchanges]:
    with scratch_dir("timbre-prompts-") as prompts:
        prompts.chmod(0o755)  # Asterisk runs as somebody else
        yield start_two(asterisk_instance, prompts)


@pytest.fixture
async def harness(exchanges: TwoExchanges) -> AsyncIterator[AsteriskHarness]:
    async with running_harness(exchanges) as harness:
        yield harness


class TestAsterisk(CallControlContract):
    """Every promise of the port."""


class TestAsteriskLosingItsLink(SurvivingLinkLoss):
    """What happens when the link goes, or Asterisk itself."""
