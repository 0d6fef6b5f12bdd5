"""The ear of the walks: what is whole passes, what is cut, wrong, foreign or late is told."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ivr.line import Played
from ivr.port import SayAs, Spoken
from ivr.speech import FlowSpeech
from media.g711 import ulaw_decode, ulaw_encode
from media.prompts import PromptLibrary
from media.speech.cache import SpeechCache
from media.speech.espeak import Espeak
from media.speech.speaker import Speaker
from server.clock import SystemClock
from tests.support.walk_audio import Checked, Heard, Listener, heard_of
from tests.support.walk_line import Said, Turn

WORDS = (Spoken(SayAs.TEXT, "Your balance is"), Spoken(SayAs.MONEY, Decimal(250), "PEN"))
BEFORE_S, HZ = 0.4, 8000
Samples = NDArray[np.int16]


@pytest.fixture
def listener(tmp_path: Path) -> Listener:
    library = PromptLibrary([], tmp_path / "prompts")
    return Listener(
        FlowSpeech(Speaker(library, Espeak(), SpeechCache(tmp_path / "speech", SystemClock())), country="PE")
    )


def heard(listener: Listener, sound: Samples, said_in: str = "en") -> Checked:
    """A call in which `sound` was heard 0.4 s after the words were to be said."""
    line = np.concatenate([np.zeros(int(BEFORE_S * HZ), np.int16), sound, np.zeros(HZ, np.int16)])
    line = ulaw_decode(ulaw_encode(line))
    end_s = 100.0 + BEFORE_S + len(sound) / HZ
    said = Said(WORDS, said_in, 100.0, end_s, Played.ENDED)
    return listener.check(Heard(100.0, line), [said], [Turn(100.0, False)], end_s)


def test_given_the_words_when_heard_whole_then_nothing_is_wrong(listener: Listener) -> None:
    checked = heard(listener, listener.made(WORDS, "en"))
    assert checked.faults == () and checked.prompts == 1 and checked.weakest > 0.95
    assert 0.3 < checked.longest_gap_s < 0.7


@pytest.mark.parametrize("end", ["beginning", "end"])
def test_given_the_words_when_150_ms_are_missing_at_an_end_then_it_is_told(listener: Listener, end: str) -> None:
    sound = listener.made(WORDS, "en").copy()
    loud = np.flatnonzero(np.abs(sound) > 500)
    first, last = int(loud[0]), int(loud[-1])
    sound[slice(first, first + 1200) if end == "beginning" else slice(last - 1200, last + 1)] = 0
    assert [fault.split(":")[0] for fault in heard(listener, sound).faults] == [f"its {end} is cut"]


def test_given_the_words_when_held_up_in_their_first_word_then_they_are_whole(listener: Listener) -> None:
    sound = listener.made(WORDS, "en")
    begin = int(np.flatnonzero(np.abs(sound) > 500)[0]) + 1000
    torn = np.concatenate([sound[:begin], np.zeros(1840, np.int16), sound[begin:]])
    assert heard(listener, torn).faults == ()


@pytest.mark.parametrize("place", [0.2, 0.5, 0.8, 0.97])
def test_given_the_words_when_the_exchange_stood_still_for_a_moment_then_they_are_whole(
    listener: Listener, place: float
) -> None:
    sound = listener.made(WORDS, "en")
    at = int(len(sound) * place)
    torn = np.concatenate([sound[:at], np.zeros(int(0.7 * HZ), np.int16), sound[at:]])
    checked = heard(listener, torn)
    assert checked.faults == () and checked.longest_gap_s > 0.65


def test_given_the_words_with_pauses_of_late_frames_when_heard_then_they_are_whole(listener: Listener) -> None:
    sound = listener.made(WORDS, "en")
    late = np.zeros(480, np.int16)
    torn = np.concatenate([sound[:9000], late, sound[9000:16000], late, sound[16000:]])
    assert heard(listener, torn).faults == ()


def test_given_the_other_language_when_heard_then_the_right_one_is_missing(listener: Listener) -> None:
    faults = heard(listener, listener.made(WORDS, "es")).faults
    assert len(faults) == 1 and faults[0].startswith("not heard")


def test_given_more_than_a_second_of_silence_when_it_was_our_turn_then_it_is_told(listener: Listener) -> None:
    sound = listener.made(WORDS, "en")
    half = len(sound) // 2
    torn = np.concatenate([sound[:half], np.zeros(int(1.1 * HZ), np.int16), sound[half:]])
    assert any("a gap of 1." in fault for fault in heard(listener, torn).faults)


def test_given_packets_with_a_pause_between_them_when_put_on_a_line_then_the_pause_is_silence() -> None:
    loud = ulaw_encode(np.full(160, 8000, np.int16))
    early = [(10.0 + index * 0.02, index * 160, loud) for index in range(10)]
    # A new sender after a pause: its time stamps begin anywhere.
    late = [(12.0 + index * 0.02, 99_000 + index * 160, loud) for index in range(10)]
    line = heard_of([*early, *late], ulaw_decode)
    levels = np.abs(line.part(10.0, 12.2)) > 1000
    assert levels[: int(0.19 * HZ)].all() and not levels[int(0.21 * HZ) : int(1.99 * HZ)].any()
    assert levels[int(2.01 * HZ) : int(2.19 * HZ)].all()


def test_given_a_stamp_that_is_some_samples_off_when_put_on_a_line_then_the_sound_has_no_seam() -> None:
    sounds = [ulaw_encode(np.full(160, 1000 * (index + 1), np.int16)) for index in range(8)]
    stamps = [index * 160 + (3 if index > 4 else 0) for index in range(8)]
    late_s = [0.0006 if index > 4 else 0.0 for index in range(8)]
    packets = [(10.0 + at * 0.02 + late_s[at], stamps[at], sounds[at]) for at in range(8)]
    line = heard_of(packets, ulaw_decode)
    assert np.array_equal(line.samples[: 8 * 160], np.concatenate([ulaw_decode(sound) for sound in sounds]))
