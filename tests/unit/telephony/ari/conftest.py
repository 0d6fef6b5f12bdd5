import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from telephony.ari.control import AriCallControl
from telephony.ari.settings import AriSettings
from tests.unit.telephony.ari.fake_asterisk import FakeAsterisk, NoRecorder, Running, SystemClock


@pytest.fixture
async def asterisk() -> AsyncIterator[FakeAsterisk]:
    fake = FakeAsterisk()
    await fake.server.start_server()
    yield fake
    await fake.server.close()


@pytest.fixture
def settings(asterisk: FakeAsterisk) -> AriSettings:
    return AriSettings(
        *("127.0.0.1", asterisk.port, "timbre", "a-secret", "app", "127.0.0.1", 9),
        backoff_min_s=0.01,
        backoff_max_s=0.02,
        request_timeout_s=0.3,
    )


@pytest.fixture
def running(settings: AriSettings) -> Running:
    """`async with running(**changed_settings) as control`: a control whose link is up."""

    @asynccontextmanager
    async def run(on_stall: Callable[[], object] = lambda: None, **changes: float) -> AsyncIterator[AriCallControl]:
        control = AriCallControl(
            replace(settings, **changes),
            SystemClock(),
            random.Random(4),
            NoRecorder(),
            on_stall,  # type: ignore[arg-type]
        )
        async with asyncio.TaskGroup() as group:
            task = group.create_task(control.run())
            await control.wait_up()
            try:
                yield control
            finally:
                task.cancel()

    return run
