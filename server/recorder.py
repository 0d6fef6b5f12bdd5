"""Records conversations, and never lets trouble with a recording touch a call."""

import asyncio
from collections.abc import Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from campaigns.attempt import Attempt, AttemptState
from campaigns.clock import Clock
from campaigns.outcome import Outcome
from campaigns.phone import mask
from dialer.events import EventSink, Trouble
from media.recordings import RecordingError, RecordingLabel, RecordingStorageFull
from media.recordings import RecordingStore as RecordingFolder
from server.settings import Settings
from storage.errors import StorageError
from storage.port import AttemptLog, RecordingState, RecordingStore, StoredRecording
from telephony.errors import TelephonyError
from telephony.port import CallControl

# MixMonitor writes its last frames a moment after the channel is gone.
_FLUSH_S = 0.25
_MB = 1_000_000
# A file that lacks more than this of its conversation was not written to its end; MixMonitor tells nobody.
_MISSING_S = 2.0
_MISSING_SHARE = 0.05
_NO_ROOM_BYTES = 1_000_000


class Recorder:
    """`dialer.services.CallRecorder`: MixMonitor through the exchange, files in a folder, rows in the database."""

    def __init__(
        self, settings: Settings, control: CallControl, rows: RecordingStore, clock: Clock, sink: EventSink
    ) -> None:
        """Record into the settings' recordings folder."""
        self.folder = RecordingFolder(settings.recordings_dir, min_free_bytes=settings.media.min_free_mb * _MB)
        self._control = control
        self._rows = rows
        self._clock = clock
        self._sink = sink
        self._finishing = asyncio.Semaphore(2)  # encoding is work for a core: calls come first
        self._tasks: set[asyncio.Task[None]] = set()
        self._began_s: dict[str, float] = {}
        self._begun: dict[str, asyncio.Task[bool]] = {}  # before their conversations; whether the exchange does it
        self._folder_made = False
        self._disk_full = False
        # Ended while the disk was full, and how long each ought to be, seconds; None when nobody knows.
        self._waiting: dict[str, tuple[Attempt, float | None]] = {}

    def begin(self, attempt: Attempt) -> None:
        """Let the exchange record from before the conversation on; the file's row and label come with `start`."""
        if self._folder_made and not self._disk_full and attempt.attempt_id not in self._begun:
            beginning = asyncio.create_task(self._begin(attempt), name=f"begin of recording {attempt.attempt_id}")
            self._begun[attempt.attempt_id] = beginning

    async def _begin(self, attempt: Attempt) -> bool:
        try:
            await self._control.start_recording(attempt.channel_id, str(self._base(attempt)))
        except TelephonyError:
            return False  # `start` tries again, and tells
        return True

    def discard(self, attempt: Attempt) -> None:
        """No conversation came of it: nothing that was begun is kept."""
        if begun := self._begun.pop(attempt.attempt_id, None):
            self._in_background(self._undo(attempt, begun), attempt)

    async def _undo(self, attempt: Attempt, begun: asyncio.Task[bool]) -> None:
        await begun
        try:
            await self._control.stop_recording(attempt.channel_id)
        except TelephonyError:
            pass  # it ends with the channel, which the call's own end sees to
        await asyncio.sleep(_FLUSH_S)
        await asyncio.to_thread(self._remove, attempt)

    def _remove(self, attempt: Attempt) -> None:
        for suffix in (".raw", ".json"):
            self._base(attempt).with_suffix(suffix).unlink(missing_ok=True)

    def _base(self, attempt: Attempt) -> Path:
        return self.folder.folder / attempt.attempt_id

    async def start(self, attempt: Attempt) -> str:
        """Record an attempt's channel; the path without extension, "" when it cannot be recorded."""
        now_s, base = self._clock.now_s(), self._base(attempt)
        label = RecordingLabel(attempt.attempt_id, attempt.campaign_id, mask(attempt.phone), now_s)
        begun = self._begun.pop(attempt.attempt_id, None)
        try:
            records = await begun if begun else await asyncio.to_thread(base.with_suffix(".raw").exists)
            if records and not begun and await self._rows.of_attempt(attempt.attempt_id):
                return str(base)  # after a restart of the server the exchange still records
            await asyncio.to_thread(self.folder.start, label)
            self._folder_made = True
            await self._rows.put(self._row(attempt, now_s, RecordingState.RECORDING))
            if not records:
                await self._control.start_recording(attempt.channel_id, str(base))
        except (RecordingError, StorageError, TelephonyError) as error:
            if begun:
                await self._undo(attempt, begun)
            self._failed(attempt, f"a conversation is not recorded: {error}", error)
            await self._keep(self._row(attempt, now_s, RecordingState.FAILED, detail=f"not recorded: {error}"))
            return ""
        self._began_s[attempt.attempt_id] = self._clock.monotonic_s()
        if self._disk_full:
            self._room_again(attempt)
        return str(base)

    def _failed(self, attempt: Attempt, words: str, error: Exception) -> None:
        """Tell the operator; of a full disk once, not with every call."""
        if isinstance(error, RecordingStorageFull):
            if self._disk_full:
                return
            self._disk_full = True
            words = f"conversations are not recorded until there is room: {error}"
        self._report(attempt, words)

    def _room_again(self, attempt: Attempt) -> None:
        """The disk takes recordings again: say so once, and keep what can be kept of those that it did not take."""
        self._disk_full = False
        self._report(attempt, "conversations are recorded again")
        waiting, self._waiting = self._waiting, {}
        for each, expected_s in waiting.values():
            self._in_background(self._encode(each, expected_s, was_full=True), each)

    async def finish(self, attempt: Attempt) -> None:
        """End an attempt's recording; encoding goes on behind the call's back."""
        began_s = self._began_s.pop(attempt.attempt_id, None)  # none: from before a restart
        lasted_s = None if began_s is None else self._clock.monotonic_s() - began_s
        self._in_background(self._finish(attempt, lasted_s), attempt)

    def _in_background(self, work: Coroutine[Any, Any, None], attempt: Attempt) -> None:
        task = asyncio.create_task(work, name=f"recording {attempt.attempt_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def recover(self, attempts: AttemptLog) -> int:
        """Finish what a crash or a full disk left open, except conversations that are still up; how many."""
        await self._make_folder()
        count = 0
        for row in await self._rows.in_state(RecordingState.RECORDING, limit=10_000):
            attempt = await attempts.get(row.attempt_id)
            if attempt is not None and attempt.state is AttemptState.ENDED:
                await self._finish(attempt, None)
                count += 1
        for raw in await asyncio.to_thread(lambda: sorted(self.folder.folder.glob("*.raw"))):
            rows = await self._rows.of_attempt(raw.stem)
            attempt = await attempts.get(raw.stem)
            if attempt is not None and any(row.state is RecordingState.FAILED for row in rows):
                await self._encode(attempt, None, was_full=True)
                count += 1
            elif attempt is not None and not rows and attempt.state is AttemptState.ENDED:
                await self._without_row(attempt)
        return count

    async def _make_folder(self) -> None:
        """The exchange says "Success" for a folder that is not there: `begin`, which looks at nothing, waits for it."""
        try:
            await asyncio.to_thread(self.folder.folder.mkdir, parents=True, exist_ok=True)
        except OSError:
            return  # the first `start` tells what is wrong with it
        self._folder_made = True

    async def _without_row(self, attempt: Attempt) -> None:
        """The server died between `begin` and `start`: a conversation is kept, anything else is not."""
        if attempt.outcome is Outcome.BRIDGED:
            await self._encode(attempt, None, was_full=False)
        else:
            await asyncio.to_thread(self._remove, attempt)

    async def close(self) -> None:
        """Wait until every recording is finished."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _finish(self, attempt: Attempt, lasted_s: float | None) -> None:
        try:
            await self._control.stop_recording(attempt.channel_id)
        except TelephonyError as error:
            self._report(attempt, f"a recording may lack its end: {error}")
        await asyncio.sleep(_FLUSH_S)
        await self._encode(attempt, lasted_s, was_full=False)

    async def _encode(self, attempt: Attempt, lasted_s: float | None, *, was_full: bool) -> None:
        """Turn what was written into the file that is kept, and say in its row what became of it.

        lasted_s: how long the conversation was, None when nobody knows. was_full: the disk was when it ended.
        """
        started_s = await asyncio.to_thread(self.folder.started_at_s, attempt.attempt_id) or self._clock.now_s()
        row = partial(self._row, attempt, started_s)
        try:
            was_full = was_full or await asyncio.to_thread(self.folder.room_bytes) < _NO_ROOM_BYTES
            async with self._finishing:
                done = await self.folder.finish(self.folder.folder / attempt.attempt_id)
        except RecordingError as error:
            if isinstance(error, RecordingStorageFull):
                self._waiting[attempt.attempt_id] = attempt, lasted_s
            self._failed(attempt, f"a recording was not finished: {error}", error)
            await self._keep(row(RecordingState.FAILED, detail=str(error)))
            return
        if done is None:
            await self._keep(row(RecordingState.FAILED, detail="nothing was recorded"))
            return
        lacks = lasted_s is not None and done.duration_s < lasted_s * (1 - _MISSING_SHARE) - _MISSING_S
        words = f"{done.duration_s:.0f} s of {lasted_s:.0f} s were written" if lasted_s and lacks else ""
        state = RecordingState.COMPLETE
        if was_full and (lacks or lasted_s is None):
            state, words = RecordingState.FAILED, f"the disk was full: {words or 'what was written until then is kept'}"
        await self._keep(row(state, done.duration_s, words))

    async def _keep(self, row: StoredRecording) -> None:
        try:
            await self._rows.put(row)
        except StorageError as error:
            words = f"a recording's row could not be written: {error}"
            self._sink(Trouble(self._clock.now_s(), "recordings", words, row.attempt_id))

    def _row(
        self,
        attempt: Attempt,
        started_s: float,
        state: RecordingState,
        duration_s: float | None = None,
        detail: str = "",
    ) -> StoredRecording:
        path = Path(f"{attempt.attempt_id}.flac")
        return StoredRecording(attempt.attempt_id, attempt.attempt_id, str(path), started_s, state, duration_s, detail)

    def _report(self, attempt: Attempt, words: str) -> None:
        self._sink(Trouble(self._clock.now_s(), "recordings", words, attempt.attempt_id))
