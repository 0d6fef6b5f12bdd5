"""Stereo recordings of calls: from Asterisk's raw file to one FLAC with a sidecar, without ever ending a call.

MixMonitor writes `NAME.raw`: interleaved s16le stereo at 8 kHz, left what the channel said, right what it heard.
A `NAME.json` sidecar is written before it starts and tells who it is; `finish` turns both into `NAME.flac` and a
complete sidecar. Files appear whole or not at all, and `recover` finishes what a crash left behind.
"""

import asyncio
import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import soundfile

from media.frames import SAMPLE_RATE_HZ
from media.levels import dbfs
from media.soundfiles import replacing

MIN_FREE_BYTES = 200_000_000
"""Enough for fifty calls of two minutes: recordings stop before the database and the logs lose their disk."""
_FRAME_BYTES = 4  # two channels of 16 bit
_CHUNK_FRAMES = 60 * SAMPLE_RATE_HZ


class RecordingError(Exception):
    """A recording cannot be started or finished; the call goes on. The message names the file and the remedy."""


class RecordingStorageFull(RecordingError):
    """The disk for recordings has too little room left."""


@dataclass(frozen=True, slots=True)
class RecordingLabel:
    """Who is on a recording. number_masked: never the whole number. started_at_s: seconds since 1970, UTC.

    channel_id: the exchange's channel, by which a restarted server knows a recording that goes on; "" when not kept.
    """

    attempt_id: str
    campaign: str
    number_masked: str
    started_at_s: float
    channel_id: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished recording. Levels are RMS dBFS over the whole length (-100: that side is silent)."""

    path: Path
    label: RecordingLabel
    duration_s: float
    left_dbfs: float
    right_dbfs: float
    sha256: str


class _FaultKeeper:
    """A file for soundfile, which prints what is raised in its callbacks and goes on: the first fault waits in here."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._fault: OSError | None = None

    def check(self) -> None:
        """Raises OSError when anything went wrong so far."""
        if self._fault is not None:
            raise self._fault

    def write(self, data: bytes) -> int:
        return self._kept(lambda: self._file.write(data), len(data))

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._kept(lambda: self._file.seek(offset, whence), 0)

    def tell(self) -> int:
        return self._kept(self._file.tell, 0)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def _kept(self, work: Callable[[], int], otherwise: int) -> int:
        try:
            return work()
        except OSError as error:
            self._fault = self._fault or error
            return otherwise


class RecordingStore:
    """The recordings' folder. `free_bytes` tells the room left on its disk (a seam for tests).

    suffix: "flac" or "wav".
    """

    def __init__(
        self,
        folder: Path,
        *,
        suffix: Literal["flac", "wav"] = "flac",
        min_free_bytes: int = MIN_FREE_BYTES,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self.folder = folder
        self._suffix = suffix
        self._min_free_bytes = min_free_bytes
        self._free_bytes = free_bytes

    def start(self, label: RecordingLabel) -> Path:
        """Make room for one recording: the path without extension to give to `CallControl.start_recording`.

        Raises RecordingStorageFull when the disk is nearly full, RecordingError when the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            free = self._free_bytes(self.folder)
            if free < self._min_free_bytes:
                raise RecordingStorageFull(
                    f"{self.folder}: {free // 1_000_000} MB are free, "
                    f"recording needs {self._min_free_bytes // 1_000_000} MB: "
                    "free some disk or move media.recordings_folder; calls go on without recording"
                )
            base = self.folder / label.attempt_id
            self._write_sidecar(base, {**asdict(label), "finished": False})
        except OSError as error:
            raise _failure(self.folder, error) from error
        return base

    def started_at_s(self, attempt_id: str) -> float:
        """When a recording began, seconds since 1970 (UTC); 0 when its sidecar does not tell. Blocking."""
        return self._label(self.folder / attempt_id).started_at_s

    def open_on(self, channel_id: str) -> str:
        """The recording of a channel that was begun and not finished, by its label; "" when there is none. Blocking."""
        for raw in sorted(self.folder.glob("*.raw")):
            if self._label(raw.with_suffix("")).channel_id == channel_id:
                return raw.stem
        return ""

    def room_bytes(self) -> int:
        """The room left on the folder's disk. Raises RecordingError. Blocking."""
        try:
            return self._free_bytes(self.folder)
        except OSError as error:
            raise _failure(self.folder, error) from error

    async def finish(self, base: Path) -> Recording | None:
        """`finish_now` in a worker thread."""
        return await asyncio.to_thread(self.finish_now, base)

    def finish_now(self, base: Path) -> Recording | None:
        """Turn `base`.raw into a finished recording; None when nothing was recorded. Blocking.

        Doing it twice gives the same. Raises RecordingStorageFull or RecordingError; the raw file stays for `recover`.
        """
        try:
            return self._finish(base)
        except (OSError, soundfile.SoundFileError, RuntimeError) as error:
            raise _failure(base, error) from error

    def recover(self) -> tuple[list[Recording], list[RecordingError]]:
        """Finish every recording that a crash left open (none may be running): what was finished, what failed."""
        finished: list[Recording] = []
        failed: list[RecordingError] = []
        for path in sorted(self.folder.glob("*.raw")):
            try:
                recording = self.finish_now(path.with_suffix(""))
            except RecordingError as error:
                failed.append(error)
            else:
                finished += [recording] if recording else []
        for hidden in self.folder.glob(".*"):  # half-written files of `replacing`
            if hidden.is_file():
                hidden.unlink(missing_ok=True)
        return finished, failed

    def _finish(self, base: Path) -> Recording | None:
        raw = base.with_name(base.name + ".raw")
        target = base.with_name(f"{base.name}.{self._suffix}")
        if not raw.exists():
            return self._read_finished(base, target)
        if raw.stat().st_size < _FRAME_BYTES:
            raw.unlink()
            base.with_name(base.name + ".json").unlink(missing_ok=True)
            return None
        duration_s, left_dbfs, right_dbfs = self._encode(raw, target)
        label = self._label(base)
        recording = Recording(target, label, duration_s, left_dbfs, right_dbfs, _sha256(target))
        values = {**asdict(recording), "path": target.name}
        del values["label"]
        self._write_sidecar(base, {**asdict(label), **values, "finished": True})
        raw.unlink()
        return recording

    def _encode(self, raw: Path, target: Path) -> tuple[float, float, float]:
        """Write `target` a minute at a time: duration_s, left_dbfs, right_dbfs."""
        frames = raw.stat().st_size // _FRAME_BYTES  # a torn last frame is left out
        levels: list[tuple[int, float, float]] = []
        with replacing(target) as whole, raw.open("rb") as source:
            file = _FaultKeeper(whole)
            with soundfile.SoundFile(file, "w", SAMPLE_RATE_HZ, 2, "PCM_16", format=self._suffix.upper()) as sound:
                for start in range(0, frames, _CHUNK_FRAMES):
                    count = min(_CHUNK_FRAMES, frames - start)
                    block = np.frombuffer(source.read(count * _FRAME_BYTES), "<i2").reshape(-1, 2)
                    sound.write(block)
                    levels.append((count, dbfs(block[:, 0]), dbfs(block[:, 1])))
                    file.check()
            file.check()
        return frames / SAMPLE_RATE_HZ, _mean_dbfs(levels, 1), _mean_dbfs(levels, 2)

    def _read_finished(self, base: Path, target: Path) -> Recording | None:
        if not target.exists():
            return None
        values = self._sidecar(base)
        return Recording(
            target,
            self._label(base),
            float(values.get("duration_s", 0.0)),
            float(values.get("left_dbfs", -100.0)),
            float(values.get("right_dbfs", -100.0)),
            str(values.get("sha256", "")),
        )

    def _sidecar(self, base: Path) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            values = json.loads(base.with_name(base.name + ".json").read_text(encoding="utf-8"))
            if isinstance(values, dict):
                return values
        return {}

    def _label(self, base: Path) -> RecordingLabel:
        """Who it is, as far as the sidecar still tells."""
        values = self._sidecar(base)
        return RecordingLabel(
            attempt_id=str(values.get("attempt_id", base.name)),
            campaign=str(values.get("campaign", "")),
            number_masked=str(values.get("number_masked", "")),
            started_at_s=float(values.get("started_at_s", 0.0)),
            channel_id=str(values.get("channel_id", "")),
        )

    @staticmethod
    def _write_sidecar(base: Path, values: dict[str, Any]) -> None:
        with replacing(base.with_name(base.name + ".json")) as file:
            file.write(json.dumps(values, indent=1).encode())


def _mean_dbfs(levels: list[tuple[int, float, float]], side: Literal[1, 2]) -> float:
    power = sum(level[0] * 10 ** (level[side] / 10) for level in levels) / sum(level[0] for level in levels)
    return round(10 * float(np.log10(power)), 1)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _failure(path: Path, error: Exception) -> RecordingError:
    if isinstance(error, OSError) and error.errno in (28, 122):  # ENOSPC, EDQUOT
        return RecordingStorageFull(f"{path}: the disk is full: free some, what was written is kept and finished then")
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return RecordingError(f"{path}: the recording cannot be written: {reason}; check the folder and who owns it")


__all__ = ["MIN_FREE_BYTES", "Recording", "RecordingError", "RecordingLabel", "RecordingStorageFull", "RecordingStore"]
