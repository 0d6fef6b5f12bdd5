"""Records talks with callers, and the messages they leave: MixMonitor through the exchange, files in a folder."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import numpy as np

from campaigns.clock import Clock
from dialer.events import EventSink, Trouble
from ivr.line import Recorded, RecordRequest
from media import soundfiles
from media.frames import SAMPLE_RATE_HZ
from media.levels import dbfs
from media.recordings import RecordingError, RecordingLabel, RecordingStore
from telephony.errors import TelephonyError
from telephony.port import CallControl

# MixMonitor writes its last frames a moment after it is stopped.
_FLUSH_S = 0.25
# How long a caller waits at most for the recording of a talk to begin: usually a few milliseconds.
_BEGIN_S = 0.2
_FRAME_BYTES = 4  # two channels of 16 bit
_LOOK_BACK_S = 15
_WINDOW = SAMPLE_RATE_HZ // 10
_QUIET_DBFS = -45.0


class TalkRecorder:
    """`dialer.inbound.services.TalkRecorder` over a recordings folder."""

    def __init__(self, folder: RecordingStore, control: CallControl, clock: Clock, sink: EventSink) -> None:
        """Record into `folder`."""
        self._folder = folder
        self._control = control
        self._clock = clock
        self._sink = sink
        self._finishing = asyncio.Semaphore(2)  # encoding is work for a core: calls come first
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun: dict[str, asyncio.Task[str]] = {}  # talk id -> why the exchange does not record, "" when it does
        self._undoing: dict[str, asyncio.Task[None]] = {}  # by channel: what was begun in vain ends there first

    async def begin(self, talk_id: str, queue: str, caller: str, channel_id: str) -> None:
        """Record from before the talk on; returns when the exchange does, or after a moment."""
        label = RecordingLabel(talk_id, queue, caller, self._clock.now_s(), channel_id)
        beginning = asyncio.create_task(self._begin(label, channel_id), name=f"begin of recording {talk_id}")
        self._begun[talk_id] = beginning
        await asyncio.wait({beginning}, timeout=_BEGIN_S)

    async def _begin(self, label: RecordingLabel, channel_id: str) -> str:
        if undoing := self._undoing.get(channel_id):
            await undoing
        try:
            base = await asyncio.to_thread(self._folder.start, label)
            await self._control.start_recording(channel_id, str(base))
        except (RecordingError, TelephonyError) as error:
            return f"a talk is not recorded: {error}"
        return ""

    def discard(self, talk_id: str, channel_id: str) -> None:
        """No talk came of it: nothing that was begun is kept."""
        begun = self._begun.pop(talk_id, None)
        task = self._in_background(self._undo(talk_id, channel_id, begun), talk_id)
        self._undoing[channel_id] = task
        task.add_done_callback(lambda done: self._undone(channel_id, done))

    def _undone(self, channel_id: str, done: "asyncio.Task[None]") -> None:
        if self._undoing.get(channel_id) is done:
            del self._undoing[channel_id]

    async def _undo(self, talk_id: str, channel_id: str, begun: "asyncio.Task[str] | None") -> None:
        if begun:
            await begun
        try:
            await self._control.stop_recording(channel_id)
        except TelephonyError:
            pass  # it ends with the channel, which the call's own end sees to
        await asyncio.sleep(_FLUSH_S)
        await asyncio.to_thread(self._remove, talk_id)

    def _remove(self, talk_id: str) -> None:
        for suffix in (".raw", ".json"):
            (self._folder.folder / f"{talk_id}{suffix}").unlink(missing_ok=True)

    async def begun(self, channel_id: str) -> str:
        """The talk whose recording was begun on a channel before a restart, "" when there is none."""
        return await asyncio.to_thread(self._folder.open_on, channel_id)

    async def start(self, talk_id: str, queue: str, caller: str, channel_id: str) -> str:
        """Keep what was begun, or begin now; the recording's file, "" when it cannot be recorded."""
        raw = self._folder.folder / f"{talk_id}.raw"
        begun = self._begun.pop(talk_id, None)
        if begun is None and not await asyncio.to_thread(raw.exists):  # there: the exchange records across a restart
            await self.begin(talk_id, queue, caller, channel_id)
            begun = self._begun.pop(talk_id)
        if begun and (refused := await begun):
            self._report(talk_id, refused)
            return ""
        return f"{talk_id}.flac"

    async def finish(self, talk_id: str, channel_id: str) -> None:
        """End and keep it; encoding goes on behind the call's back."""
        self._in_background(self._finish(talk_id, channel_id), talk_id)

    def _in_background(self, work: Coroutine[Any, Any, None], talk_id: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=f"recording {talk_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        """Wait until every recording is finished."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _finish(self, talk_id: str, channel_id: str) -> None:
        try:
            await self._control.stop_recording(channel_id)
            await asyncio.sleep(_FLUSH_S)
            async with self._finishing:
                if await self._folder.finish(self._folder.folder / talk_id) is None:
                    self._report(talk_id, "nothing of a talk was recorded")
        except (RecordingError, TelephonyError) as error:
            self._report(talk_id, f"a recording was not finished: {error}")

    def _report(self, talk_id: str, words: str) -> None:
        self._sink(Trouble(self._clock.now_s(), "recordings", words, talk_id))


class MessageRecorder:
    """`dialer.inbound.services.MessageRecorder`: what callers leave, as WAV that Asterisk can play."""

    def __init__(self, folder: Path, control: CallControl) -> None:
        """Keep messages in `folder`, which Asterisk can write to."""
        self._folder = folder
        self._control = control

    async def start(self, message_id: str, channel_id: str) -> None:
        """Begin."""
        await self._control.start_recording(channel_id, str(self._folder / message_id))

    async def silent_s(self, message_id: str) -> float:
        """For how long nothing was said, up to now (at most the last 15 s are looked at)."""
        return await asyncio.to_thread(_silent_s, self._raw(message_id))

    async def finish(self, message_id: str, channel_id: str, request: RecordRequest) -> Recorded:
        """End it and keep it durably."""
        await self._control.stop_recording(channel_id)
        await asyncio.sleep(_FLUSH_S)
        return await asyncio.to_thread(self._keep, message_id)

    def _keep(self, message_id: str) -> Recorded:
        raw = self._raw(message_id)
        said = _left(raw, None)
        if _silent(said) >= len(said) // _WINDOW:  # nobody spoke: there is no message
            raw.unlink(missing_ok=True)
            return Recorded(message_id, 0.0)
        path = self._folder / f"{message_id}.wav"
        soundfiles.save(path, said)
        raw.unlink(missing_ok=True)
        return Recorded(message_id, len(said) / SAMPLE_RATE_HZ, (f"sound:{path.with_suffix('')}",))

    def _raw(self, message_id: str) -> Path:
        return self._folder / f"{message_id}.raw"


def _left(raw: Path, last_s: int | None) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    """What the caller said: (n,) int16 at 8 kHz; empty while there is no file yet."""
    try:
        with raw.open("rb") as file:
            size = file.seek(0, 2) // _FRAME_BYTES * _FRAME_BYTES
            wanted = size if last_s is None else min(size, last_s * SAMPLE_RATE_HZ * _FRAME_BYTES)
            file.seek(size - wanted)
            data = file.read(wanted)
    except FileNotFoundError:
        return np.zeros(0, np.int16)
    return np.frombuffer(data, "<i2").reshape(-1, 2)[:, 0].astype(np.int16)


def _silent_s(raw: Path) -> float:
    return _silent(_left(raw, _LOOK_BACK_S)) * _WINDOW / SAMPLE_RATE_HZ


def _silent(said: "np.ndarray[tuple[int], np.dtype[np.int16]]") -> int:
    """How many tenths of a second at its end are silent."""
    quiet = 0
    for end in range(len(said), _WINDOW - 1, -_WINDOW):
        if dbfs(said[end - _WINDOW : end]) > _QUIET_DBFS:
            break
        quiet += 1
    return quiet
