"""What callers leave for a mailbox: speech is kept, silence is no message."""

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ivr.line import RecordRequest
from media import soundfiles
from media.tones import tone
from server.talk_recorder import MessageRecorder
from telephony.port import CallControl


class Control:
    async def stop_recording(self, channel_id: str) -> None:
        """Nothing runs."""


def recorder(folder: Path, said: NDArray[np.int16]) -> MessageRecorder:
    """One whose message "m" was recorded: the caller left, the house right."""
    raw = np.stack([said, np.full_like(said, 3000)], axis=1)
    (folder / "m.raw").write_bytes(raw.astype("<i2").tobytes())
    return MessageRecorder(folder, cast(CallControl, Control()))


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_given_a_caller_who_says_nothing_when_recorded_then_there_is_no_message(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(-60, 60, 5 * 8000).astype(np.int16)
    taken = await recorder(tmp_path, noise).finish("m", "channel", RecordRequest("voicemail"))
    assert taken.length_s == 0.0 and names(tmp_path) == []


async def test_given_a_caller_who_speaks_and_then_is_silent_when_recorded_then_all_of_it_is_kept(
    tmp_path: Path,
) -> None:
    said = np.concatenate([np.zeros(8000, np.int16), tone((400.0,), 2.0), np.zeros(4 * 8000, np.int16)])
    made = recorder(tmp_path, said)
    assert await made.silent_s("m") == 4.0
    taken = await made.finish("m", "channel", RecordRequest("voicemail"))
    assert taken.length_s == 7.0 and names(tmp_path) == ["m.wav"]
    assert np.abs(soundfiles.load(tmp_path / "m.wav")).max() > 1000
