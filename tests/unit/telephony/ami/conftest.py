import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest

from telephony.ami.events import AmiEvent
from telephony.ami.observer import AmiObserver
from telephony.ami.settings import AmiSettings
from tests.unit.telephony.ami.fake_manager import FakeManager


class _Clock:
    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()


@pytest.fixture
async def manager() -> AsyncIterator[FakeManager]:
    fake = FakeManager()
    fake.port = await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def seen() -> list[AmiEvent]:
    return []


@pytest.fixture
def observer(manager: FakeManager, seen: list[AmiEvent]) -> AmiObserver:
    settings = AmiSettings(
        *("127.0.0.1", manager.port, "timbre", "a-secret"),
        request_timeout_s=0.2,
        ping_every_s=0.05,
        backoff_min_s=0.01,
        backoff_max_s=0.02,
    )
    return AmiObserver(settings, _Clock(), random.Random(2), seen.append)


@pytest.fixture
async def running(observer: AmiObserver) -> AsyncIterator[AmiObserver]:
    """An observer whose link is up."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(observer.run())
        await observer.wait_up()
        yield observer
        task.cancel()
