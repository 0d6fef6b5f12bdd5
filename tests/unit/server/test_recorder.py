"""The recorder on a disk that runs full and has room again: one message each time, and rows that say the truth."""

import asyncio
import errno
from collections import namedtuple
from pathlib import Path
from typing import Any, cast

import pytest

from campaigns.attempt import Attempt
from dialer.events import DialerEvent, Trouble
from media import recordings
from server.recorder import Recorder
from server.settings import MediaSettings, Settings
from storage.port import RecordingState, StoredRecording
from telephony.port import CallControl
from telephony.sim.virtual_time import VirtualClock
from tests.support.virtual import virtual

_BYTES_PER_S = 32_000
_Usage = namedtuple("_Usage", "free")


class Exchange:
    """`say` is what MixMonitor writes of a call."""

    def __init__(self) -> None:
        self.paths: dict[str, Path] = {}

    async def start_recording(self, channel_id: str, path: str) -> None:
        self.paths[channel_id] = Path(f"{path}.raw")
        self.paths[channel_id].touch()

    async def stop_recording(self, channel_id: str) -> None:
        pass

    def say(self, attempt: Attempt, seconds: float) -> None:
        self.paths[attempt.channel_id].write_bytes(bytes(round(seconds * _BYTES_PER_S)))


class Rows(dict[str, StoredRecording]):
    async def put(self, row: StoredRecording) -> None:
        self[row.attempt_id] = row

    async def of_attempt(self, attempt_id: str) -> list[StoredRecording]:
        return [self[attempt_id]] if attempt_id in self else []

    async def in_state(self, state: RecordingState, limit: int = 100, after: str = "") -> list[StoredRecording]:
        return [row for row in self.values() if row.state is state]


class Disk:
    """free_bytes: what is left; writes: whether a file can be written at all."""

    free_bytes = 10**9
    writes = True


class World:
    def __init__(self, folder: Path) -> None:
        self.exchange = Exchange()
        self.rows = Rows()
        self.told: list[str] = []
        settings = Settings(var=folder, media=MediaSettings(min_free_mb=2))
        self.recorder = Recorder(
            settings, cast(CallControl, self.exchange), cast(Any, self.rows), VirtualClock(), self._take
        )

    def _take(self, event: DialerEvent) -> None:
        assert isinstance(event, Trouble)
        self.told.append(event.words)

    async def talk(self, number: int, *, lasts_s: float, written_s: float) -> StoredRecording:
        """A conversation of which so much was written; its row."""
        attempt = Attempt(f"01m8078pnjv3rs3dtr98h6{number:04}", "spring", "lead", "+34600000000", "node1", 0.0)
        if await self.recorder.start(attempt):
            self.exchange.say(attempt, written_s)
            await asyncio.sleep(lasts_s)
            await self.recorder.finish(attempt)
        await self.recorder.close()
        return self.rows[attempt.attempt_id]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk, module = Disk(), cast(Any, recordings)
    real = module.replacing

    def replacing(path: Path) -> Any:
        if not disk.writes:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path)

    monkeypatch.setattr(module, "replacing", replacing)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda path: _Usage(disk.free_bytes))
    return disk


@virtual
async def test_given_a_whole_conversation_then_it_is_complete_and_nobody_is_told(tmp_path: Path, disk: Disk) -> None:
    world = World(tmp_path)
    row = await world.talk(1, lasts_s=20.0, written_s=19.6)
    assert (row.state, row.duration_s, row.detail) == (RecordingState.COMPLETE, 19.6, "")
    assert world.told == []


@virtual
async def test_given_the_disk_runs_full_then_one_message_says_so_and_every_failed_recording_is_marked(
    tmp_path: Path, disk: Disk
) -> None:
    world = World(tmp_path)

    async def fills() -> None:
        await asyncio.sleep(5.0)
        disk.free_bytes, disk.writes = 0, False

    filling = asyncio.create_task(fills())
    first = await world.talk(1, lasts_s=20.0, written_s=5.0)
    await filling
    second = await world.talk(2, lasts_s=20.0, written_s=0.0)
    third = await world.talk(3, lasts_s=20.0, written_s=0.0)
    assert {row.state for row in (first, second, third)} == {RecordingState.FAILED}
    assert "not recorded" in second.detail
    (said,) = world.told
    assert "calls go on" in said or "the disk is full" in said

    disk.free_bytes, disk.writes = 10**9, True
    fourth = await world.talk(4, lasts_s=20.0, written_s=20.0)
    assert fourth.state is RecordingState.COMPLETE
    assert world.told[1:] == ["conversations are recorded again"]
    kept = world.rows[first.attempt_id]
    assert (kept.state, kept.duration_s) == (RecordingState.FAILED, 5.0)
    assert "5 s of 20 s were written" in kept.detail
    assert (world.recorder.folder.folder / kept.path).exists()


@virtual
async def test_given_a_full_disk_at_the_last_start_then_what_was_written_is_kept_at_the_next(
    tmp_path: Path, disk: Disk
) -> None:
    world = World(tmp_path)
    attempt = Attempt("01m8078pnjv3rs3dtr98h60001", "spring", "lead", "+34600000000", "node1", 0.0)
    await world.recorder.start(attempt)
    world.exchange.say(attempt, 3.0)
    disk.free_bytes, disk.writes = 0, False
    await world.recorder.finish(attempt)
    await world.recorder.close()
    disk.free_bytes, disk.writes = 10**9, True

    class Log:
        async def get(self, attempt_id: str) -> Attempt | None:
            return attempt if attempt_id == attempt.attempt_id else None

    again = World(tmp_path)
    again.rows.update(world.rows)
    assert await again.recorder.recover(cast(Any, Log())) == 1
    row = again.rows[attempt.attempt_id]
    assert (row.state, row.duration_s) == (RecordingState.FAILED, 3.0)
    assert await again.recorder.recover(cast(Any, Log())) == 0
