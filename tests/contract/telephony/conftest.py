import pytest

from tests.support.virtual import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]

for _name in ("harness", "placing", "bridging", "link_loss", "listening", "prompting"):
    pytest.register_assert_rewrite(f"tests.contract.telephony.{_name}")
