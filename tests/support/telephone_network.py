"""The simulated telephone network for tests: a second Asterisk on free ports."""

from server.demo.network import Network, prepare_network
from telephony.asterisk.process import AsteriskInstance
from tests.support.servers import AsteriskFactory


def make_network(factory: AsteriskFactory) -> tuple[AsteriskInstance, Network]:
    """A network that is not started yet; the factory ends it."""
    instance = factory.make(name="network")
    network = prepare_network(instance.settings, factory.installation)
    instance.settings = network.settings
    return instance, network
