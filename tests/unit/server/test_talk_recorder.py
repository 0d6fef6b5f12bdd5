"""Recordings of talks with callers: begun before the bridge, kept with the talk, undone without one."""

from pathlib import Path
from typing import cast

from dialer.events import DialerEvent, Trouble
from media.recordings import RecordingStore
from server.talk_recorder import TalkRecorder
from telephony.errors import LinkDown
from telephony.port import CallControl
from telephony.sim.virtual_time import VirtualClock
from tests.support.virtual import virtual

_SECOND = bytes(32_000)
CALLER = ("sales", "+34*****222", "channel-1")


class Exchange:
    """What the exchange records of a channel goes into its last file."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.is_down = False

    async def start_recording(self, channel_id: str, path: str) -> None:
        self.asked.append(f"start {Path(path).name}")
        if self.is_down:
            raise LinkDown("the manager interface is down")
        self._says(Path(f"{path}.raw"))

    def _says(self, raw: Path) -> None:
        raw.write_bytes(_SECOND)

    async def stop_recording(self, channel_id: str) -> None:
        self.asked.append("stop")


class World:
    def __init__(self, folder: Path) -> None:
        self.folder, self.exchange, self.told = folder, Exchange(), list[str]()
        self.recorder = self.again()

    def again(self) -> TalkRecorder:
        """The recorder of a server that starts over the same folder."""
        store = RecordingStore(self.folder, min_free_bytes=0)
        return TalkRecorder(store, cast(CallControl, self.exchange), VirtualClock(), self._take)

    def _take(self, event: DialerEvent) -> None:
        assert isinstance(event, Trouble)
        self.told.append(event.words)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@virtual
async def test_given_a_talk_when_it_was_begun_before_then_one_recording_is_kept(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.recorder.begin("t1", *CALLER)
    assert world.files() == ["t1.json", "t1.raw"]
    assert await world.recorder.start("t1", *CALLER) == "t1.flac"
    await world.recorder.finish("t1", "channel-1")
    await world.recorder.close()
    assert world.exchange.asked == ["start t1", "stop"] and world.files() == ["t1.flac", "t1.json"]


@virtual
async def test_given_no_talk_after_all_then_nothing_is_kept_and_the_next_begin_waits_for_that(tmp_path: Path) -> None:
    world = World(tmp_path)
    await world.recorder.begin("t1", *CALLER)
    world.recorder.discard("t1", "channel-1")
    assert await world.recorder.start("t2", *CALLER) == "t2.flac"
    assert world.exchange.asked == ["start t1", "stop", "start t2"] and world.files() == ["t2.json", "t2.raw"]


@virtual
async def test_given_a_begun_recording_when_the_server_starts_again_then_it_is_found_and_goes_on(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    await world.recorder.begin("t1", *CALLER)
    after = world.again()
    assert await after.begun("another") == "" and await after.begun("channel-1") == "t1"
    assert await after.start("t1", *CALLER) == "t1.flac" and world.exchange.asked == ["start t1"]


@virtual
async def test_given_an_exchange_that_refuses_then_the_operator_is_told_once_and_the_talk_goes_on(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.exchange.is_down = True
    await world.recorder.begin("t1", *CALLER)
    assert await world.recorder.start("t1", *CALLER) == ""
    assert world.told == ["a talk is not recorded: the manager interface is down"]
