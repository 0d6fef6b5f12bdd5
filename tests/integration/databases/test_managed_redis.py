"""The Redis that Timbre runs itself: started once, survived, ended, and never confused with somebody else's."""

import os
import signal
from pathlib import Path

import pytest

from server.managed_redis import ManagedRedis
from telephony.asterisk import ports
from telephony.asterisk.ports import PortInUse
from tests.support.until import until


async def test_given_a_managed_redis_then_it_starts_once_survives_a_kill_by_a_new_start_and_stops(
    tmp_path: Path,
) -> None:
    redis = ManagedRedis(tmp_path, ports.free_tcp_port())
    try:
        await redis.start()
        first = redis.pid
        assert first is not None
        await redis.start()
        assert redis.pid == first
        os.kill(first, signal.SIGKILL)
        await until(lambda: redis.pid is None, 5.0)
        await redis.start()
        assert redis.pid not in (None, first)
    finally:
        await redis.stop()
    assert redis.pid is None
    await redis.stop()  # one that does not run is a success


async def test_given_the_port_of_another_redis_then_start_says_which_setting_to_change(tmp_path: Path) -> None:
    port = ports.free_tcp_port()
    theirs, ours = ManagedRedis(tmp_path / "theirs", port), ManagedRedis(tmp_path / "ours", port)
    try:
        await theirs.start()
        with pytest.raises(PortInUse, match=f"port {port} is taken by another Redis: set redis.port"):
            await ours.start()
        assert ours.pid is None
    finally:
        await theirs.stop()
