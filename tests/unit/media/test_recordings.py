"""Recordings: from Asterisk's raw stereo file to FLAC and sidecar, also after a crash and on a full disk."""

import contextlib
import errno
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from media import recordings
from media.recordings import RecordingError, RecordingLabel, RecordingStorageFull, RecordingStore
from media.tones import silence, tone

LABEL = RecordingLabel("01jd0000000000000000000000", "spring", "+34 6** *** *12", 1_790_000_000.0)


@pytest.fixture
def store(tmp_path: Path) -> RecordingStore:
    return RecordingStore(tmp_path / "recordings")


def write_raw(base: Path, extra: bytes = b"") -> np.ndarray:
    stereo = np.stack([tone((440,), 1.0, -20.0), silence(1.0)], axis=1)
    base.with_name(base.name + ".raw").write_bytes(stereo.astype("<i2").tobytes() + extra)
    return stereo


async def test_given_a_raw_file_when_finished_then_flac_and_sidecar_tell_all(store: RecordingStore) -> None:
    base = store.start(LABEL)
    stereo = write_raw(base)
    recording = await store.finish(base)
    assert recording is not None
    assert recording.label == LABEL
    assert recording.duration_s == 1.0
    assert recording.left_dbfs == pytest.approx(-20, abs=0.2)
    assert recording.right_dbfs == pytest.approx(-100, abs=0.1)
    audio, rate_hz = soundfile.read(recording.path, dtype="int16")
    assert rate_hz == 8000
    assert np.array_equal(audio, stereo)
    sidecar = json.loads((store.folder / f"{LABEL.attempt_id}.json").read_text())
    assert sidecar["finished"] is True
    assert sidecar["sha256"] == hashlib.sha256(recording.path.read_bytes()).hexdigest()
    assert not list(store.folder.glob("*.raw"))
    assert await store.finish(base) == recording, "finishing twice gives the same"


def test_given_a_torn_last_frame_then_the_rest_is_kept(store: RecordingStore) -> None:
    base = store.start(LABEL)
    write_raw(base, b"\x01\x02\x03")
    recording = store.finish_now(base)
    assert recording is not None
    assert recording.duration_s == 1.0


def test_given_nothing_recorded_then_nothing_stays(store: RecordingStore) -> None:
    base = store.start(LABEL)
    base.with_name(base.name + ".raw").write_bytes(b"")
    assert store.finish_now(base) is None
    assert list(store.folder.iterdir()) == []


def test_given_a_crash_when_recovered_then_leftovers_are_finished(store: RecordingStore) -> None:
    write_raw(store.start(LABEL))
    orphan = store.folder / "01jd0000000000000000000001"
    write_raw(orphan)  # its sidecar is lost
    (store.folder / ".half.flac.x1").write_bytes(b"half")
    finished, failed = store.recover()
    assert [recording.label.attempt_id for recording in finished] == [LABEL.attempt_id, orphan.name]
    assert failed == []
    assert sorted(path.suffix for path in store.folder.iterdir()) == [".flac", ".flac", ".json", ".json"]
    assert store.recover() == ([], [])


def test_given_little_room_then_start_says_how_much_and_what_to_do(tmp_path: Path) -> None:
    store = RecordingStore(tmp_path, free_bytes=lambda _path: 5_000_000)
    with pytest.raises(RecordingStorageFull, match=r"5 MB are free, recording needs 200 MB.*recordings_folder"):
        store.start(LABEL)
    assert list(tmp_path.iterdir()) == []


def test_given_the_disk_fills_while_finishing_then_the_raw_file_stays(
    store: RecordingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = store.start(LABEL)
    write_raw(base)

    def full(_path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(recordings, "replacing", full)
        with pytest.raises(RecordingStorageFull, match="disk is full"):
            store.finish_now(base)
    assert store.finish_now(base) is not None


def test_given_the_disk_fills_while_encoding_then_nothing_is_printed_and_the_raw_file_stays(
    store: RecordingStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    base = store.start(LABEL)
    write_raw(base)
    with monkeypatch.context() as patched:
        patched.setattr(recordings, "replacing", lambda path: contextlib.nullcontext(Full()))
        with pytest.raises(RecordingStorageFull, match="kept and finished then"):
            store.finish_now(base)
    assert capsys.readouterr().err == ""
    recording = store.finish_now(base)
    assert recording is not None and recording.duration_s == 1.0


def test_given_a_folder_that_is_a_file_then_start_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="cannot be written"):
        RecordingStore(tmp_path / "file").start(LABEL)


def test_given_wav_is_wanted_then_it_is_wav(tmp_path: Path) -> None:
    store = RecordingStore(tmp_path, suffix="wav")
    base = store.start(LABEL)
    write_raw(base)
    recording = store.finish_now(base)
    assert recording is not None
    assert soundfile.info(recording.path).format == "WAV"
