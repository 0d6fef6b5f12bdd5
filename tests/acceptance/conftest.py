"""One simulated telephone network for every acceptance test."""

import asyncio
from collections.abc import Iterator

import pytest

from server.demo.network import Network
from server.logs import configure
from server.settings import LogSettings
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network


@pytest.fixture(scope="session")
def telephone_network(asterisk_instance: AsteriskFactory) -> Iterator[Network]:
    """A running network."""
    configure(LogSettings(level="warning"))
    instance, network = make_network(asterisk_instance)
    asyncio.run(instance.start())
    yield network
    asyncio.run(instance.stop())
