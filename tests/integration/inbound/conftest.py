"""A node that answers calls, on real Asterisk; the network is only there for calls to somebody outside."""

import asyncio
from collections.abc import Iterator

import pytest

from server.demo.network import Network
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network


@pytest.fixture(scope="session")
def inbound_network(asterisk_instance: AsteriskFactory) -> Iterator[Network]:
    instance, network = make_network(asterisk_instance)
    asyncio.run(instance.start())
    yield network
