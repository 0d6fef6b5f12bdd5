"""Records conversations, and never lets trouble with a recording touch a call."""

import asyncio
from pathlib import Path

from campaigns.attempt import Attempt, AttemptState
from campaigns.clock import Clock
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
        self._disk_full = False

    async def start(self, attempt: Attempt) -> str:
        """Begin to record an attempt's channel; the path without extension, "" when it cannot be recorded."""
        now_s = self._clock.now_s()
        label = RecordingLabel(attempt.attempt_id, attempt.campaign_id, mask(attempt.phone), now_s)
        base = self.folder.folder / attempt.attempt_id
        if await asyncio.to_thread(base.with_name(f"{base.name}.raw").exists):
            return str(base)  # after a restart of the server the exchange still records
        try:
            await asyncio.to_thread(self.folder.start, label)
            await self._rows.put(self._row(attempt, now_s, RecordingState.RECORDING))
            await self._control.start_recording(attempt.channel_id, str(base))
        except RecordingStorageFull as error:
            if not self._disk_full:  # said once, not with every call
                self._report(attempt, f"conversations are not recorded until there is room: {error}")
            self._disk_full = True
            return ""
        except (RecordingError, StorageError, TelephonyError) as error:
            self._report(attempt, f"a conversation is not recorded: {error}")
            return ""
        if self._disk_full:
            self._disk_full = False
            self._report(attempt, "conversations are recorded again")
        return str(base)

    async def finish(self, attempt: Attempt) -> None:
        """End an attempt's recording; encoding goes on behind the call's back."""
        task = asyncio.create_task(self._finish(attempt), name=f"recording {attempt.attempt_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def recover(self, attempts: AttemptLog) -> int:
        """Finish what a crash left open, except conversations that are still up; how many."""
        count = 0
        for row in await self._rows.in_state(RecordingState.RECORDING, limit=10_000):
            attempt = await attempts.get(row.attempt_id)
            if attempt is not None and attempt.state is AttemptState.ENDED:
                await self._finish(attempt)
                count += 1
        return count

    async def close(self) -> None:
        """Wait until every recording is finished."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _finish(self, attempt: Attempt) -> None:
        started_s, state, detail, duration_s = self._clock.now_s(), RecordingState.COMPLETE, "", None
        try:
            await self._control.stop_recording(attempt.channel_id)
            await asyncio.sleep(_FLUSH_S)
            async with self._finishing:
                done = await self.folder.finish(self.folder.folder / attempt.attempt_id)
            if done is None:
                state, detail = RecordingState.FAILED, "nothing was recorded"
            else:
                started_s, duration_s = done.label.started_at_s, done.duration_s
        except (RecordingError, TelephonyError) as error:
            state, detail = RecordingState.FAILED, str(error)
            self._report(attempt, f"a recording was not finished: {error}")
        try:
            await self._rows.put(self._row(attempt, started_s, state, duration_s, detail))
        except StorageError as error:
            self._report(attempt, f"a recording's row could not be written: {error}")

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
