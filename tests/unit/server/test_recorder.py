"""The recorder on a disk that runs full and has room again: one message each time, and rows that say the truth."""

import asyncio
import errno
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from campaigns.attempt import Attempt, AttemptState
from campaigns.outcome import Outcome
from dialer.events import DialerEvent, Trouble
from media import recordings
from server.recorder import Recorder
from server.settings import MediaSettings, Settings
from storage.port import RecordingState, StoredRecording
from telephony.errors import LinkDown
from telephony.port import CallControl
from telephony.sim.virtual_time import VirtualClock
from tests.support.virtual import virtual

_BYTES_PER_S = 32_000
_Usage = namedtuple("_Usage", "free")


class Exchange:
    """`say` is what MixMonitor writes of a call."""

    def __init__(self) -> None:
        self.paths: dict[str, Path] = {}
        self.asked = 0
        self.is_down = False

    async def start_recording(self, channel_id: str, path: str) -> None:
        self.asked += 1
        if self.is_down:
            raise LinkDown("the manager interface is down")
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

    def attempt(self, number: int) -> Attempt:
        return Attempt(f"01m8078pnjv3rs3dtr98h6{number:04}", "spring", "lead", "+34600000000", "node1", 0.0)

    async def talk(self, number: int, *, lasts_s: float, written_s: float) -> StoredRecording:
        """A conversation of which so much was written; its row."""
        attempt = self.attempt(number)
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

    again = World(tmp_path)
    again.rows.update(world.rows)
    assert await again.recorder.recover(cast(Any, Log(attempt))) == 1
    row = again.rows[attempt.attempt_id]
    assert (row.state, row.duration_s) == (RecordingState.FAILED, 3.0)
    assert await again.recorder.recover(cast(Any, Log(attempt))) == 0


class Log:
    """Attempts that are over, and how."""

    def __init__(self, *attempts: Attempt) -> None:
        self._attempts = {attempt.attempt_id: attempt for attempt in attempts}

    async def get(self, attempt_id: str) -> Attempt | None:
        return self._attempts.get(attempt_id)


async def begun(world: World, number: int) -> Attempt:
    """A recording that was asked for before the bridge was."""
    await world.recorder.recover(cast(Any, Log()))
    attempt = world.attempt(number)
    world.recorder.begin(attempt)
    world.recorder.begin(attempt)  # the second agent, because the first one's bridge was gone
    await asyncio.sleep(0)
    assert world.exchange.asked == 1
    return attempt


@virtual
async def test_given_a_recording_that_was_begun_then_the_conversation_takes_it_over(tmp_path: Path, disk: Disk) -> None:
    world = World(tmp_path)
    await begun(world, 1)
    row = await world.talk(1, lasts_s=20.0, written_s=20.0)
    assert (row.state, row.duration_s, world.exchange.asked) == (RecordingState.COMPLETE, 20.0, 1)


@virtual
async def test_given_no_conversation_came_of_it_then_nothing_is_kept(tmp_path: Path, disk: Disk) -> None:
    world = World(tmp_path)
    world.recorder.discard(await begun(world, 1))
    world.recorder.discard(world.attempt(2))  # never begun
    await world.recorder.close()
    assert list(world.recorder.folder.folder.glob("*")) == [] and world.rows == {} and world.told == []


@virtual
async def test_given_the_exchange_did_not_begin_then_the_conversation_asks_again_and_tells(
    tmp_path: Path, disk: Disk
) -> None:
    world = World(tmp_path)
    world.exchange.is_down = True
    await begun(world, 1)
    row = await world.talk(1, lasts_s=20.0, written_s=20.0)
    assert (row.state, world.exchange.asked) == (RecordingState.FAILED, 2)
    assert world.told == ["a conversation is not recorded: the manager interface is down"]


@virtual
async def test_given_a_begun_recording_and_no_room_then_nothing_is_left_of_it(tmp_path: Path, disk: Disk) -> None:
    world = World(tmp_path)
    await begun(world, 1)
    disk.free_bytes = 0
    row = await world.talk(1, lasts_s=20.0, written_s=20.0)
    assert row.state is RecordingState.FAILED
    assert list(world.recorder.folder.folder.glob("*")) == []


@virtual
async def test_given_a_crash_before_the_row_was_written_then_a_conversation_that_goes_on_has_all_of_it(
    tmp_path: Path, disk: Disk
) -> None:
    before = World(tmp_path)
    before.exchange.say(await begun(before, 1), 3.0)
    after = World(tmp_path)
    assert await after.recorder.start(after.attempt(1))
    assert after.exchange.asked == 0, "the exchange still records"
    assert after.rows[after.attempt(1).attempt_id].state is RecordingState.RECORDING
    await after.recorder.finish(after.attempt(1))
    await after.recorder.close()
    row = after.rows[after.attempt(1).attempt_id]
    assert (row.state, row.duration_s) == (RecordingState.COMPLETE, 3.0)


@virtual
async def test_given_a_crash_before_the_row_was_written_then_only_conversations_are_kept(
    tmp_path: Path, disk: Disk
) -> None:
    world = World(tmp_path)
    talked, waited = await begun(world, 1), world.attempt(2)
    world.recorder.begin(waited)
    await asyncio.sleep(0)
    for attempt in (talked, waited):
        world.exchange.say(attempt, 3.0)
    log = Log(
        replace(talked, state=AttemptState.ENDED, outcome=Outcome.BRIDGED),
        replace(waited, state=AttemptState.ENDED, outcome=Outcome.ABANDONED),
    )
    after = World(tmp_path)
    await after.recorder.recover(cast(Any, log))
    assert list(after.rows) == [talked.attempt_id]
    assert sorted(path.name for path in after.recorder.folder.folder.iterdir()) == [
        f"{talked.attempt_id}.flac",
        f"{talked.attempt_id}.json",
    ]
