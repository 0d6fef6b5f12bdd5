"""The simulated network that a node's trunk names; no walk calls it."""

from collections.abc import Iterator

import pytest

from server.demo.network import Network
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network


@pytest.fixture
def walk_network(asterisk_instance: AsteriskFactory) -> Iterator[Network]:
    _, network = make_network(asterisk_instance)
    yield network
