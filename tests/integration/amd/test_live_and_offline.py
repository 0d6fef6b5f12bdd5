"""Calls through SIP, RTP and the tap of a real Asterisk are judged as the same calls are offline."""

import pytest

from benchmarks.amd.live import figures, place_of, play, shipped_calls
from dialer.tapes import Sound, Tape

pytestmark = pytest.mark.asterisk


async def test_given_the_same_calls_then_what_is_said_live_is_what_is_said_of_the_recording() -> None:
    rows, _ = await play(shipped_calls(8), at_once=8)
    # The very frames of the tap, judged again: one code, so one verdict, however busy the machine was.
    assert [row for row in rows if row.live != row.frames] == []
    # The file that was played may be heard a little differently where packets came late.
    same = [row for row in rows if row.live[0] == row.file[0]]
    assert len(same) >= 6, [row for row in rows if row not in same]
    assert figures(rows)["calls"] == 8 and all(row.after_answer_s for row in rows)


def test_given_a_tape_then_the_place_of_the_file_in_it_is_found() -> None:
    samples = shipped_calls(2)[0].samples
    sound = Sound(longest=300)
    whole = [0] * 480 + samples.tolist()
    for start in range(0, 300 * 160, 160):
        sound.add(whole[start : start + 160], True)  # type: ignore[arg-type]
    assert place_of(samples, Tape("c", Sound(1), sound, answered=True)) == 480
