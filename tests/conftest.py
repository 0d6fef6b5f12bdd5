"""Real parts for the whole session. A part that is missing fails the tests that need it: nothing is skipped."""

import faulthandler
import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from telephony.asterisk import install
from telephony.asterisk.installation import Installation
from telephony.asterisk.process import AsteriskInstance
from tests.support import databases
from tests.support.servers import AsteriskFactory

# How long an example takes says how busy the machine is, nothing about the code.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

_TEARDOWN_S = 240.0
_stderr = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the way to the terminal: while tests run theirs is captured."""
    config.stash[_stderr] = os.dup(2)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """End everything, and say where it stood, when a teardown hangs: at a failure pytest-timeout stops its clock."""
    faulthandler.dump_traceback_later(_TEARDOWN_S, exit=True, file=item.config.stash[_stderr])
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session")
def asterisk_root() -> Installation:
    """The installed Asterisk."""
    return install.require()


@pytest.fixture(scope="session")
def asterisk_instance(asterisk_root: Installation) -> Iterator[AsteriskFactory]:
    """Factory of instances on free ports: `asterisk_instance(agents=...)` runs, `.make(...)` is not started yet."""
    factory = AsteriskFactory(asterisk_root)
    yield factory
    factory.close()


@pytest.fixture(scope="session")
def dialer_asterisk(asterisk_instance: AsteriskFactory) -> AsteriskInstance:
    """One Asterisk shared by the session, without agents or trunks."""
    return asterisk_instance()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """URL of a Redis of the session's own."""
    with databases.redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """SQLAlchemy URL of a PostgreSQL of the session's own."""
    with databases.postgres_server() as url:
        yield url
