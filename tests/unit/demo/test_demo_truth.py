import json
from pathlib import Path

import pytest

from amd.verdict import CallClass
from server.demo.behaviours import FAR_ENDS, Behaviour
from server.demo.prompts import Prompt
from server.demo.truth import TruthIndex, confusion, parse_line, read_truth

PROMPTS = {40: Prompt("g", "a", 6000, 400, 5000, beep_end_ms=5900)}


def line(**changes: str) -> str:
    call = {
        "number": "+34788000040",
        "code": "40",
        "call_id": "1.1",
        "stem": "/r/34788000040-1.1",
        "arrived_s": "1000.000",
        "answered_s": "1002.000",
        "played_s": "1002.020",
        "ended_s": "1010.000",
        "ended_by": "caller",
    }
    return json.dumps(call | changes)


def test_given_an_answered_voicemail_when_read_then_its_moments_are_counted_from_the_first_sample() -> None:
    call = parse_line(line(), PROMPTS)
    assert call.far_end is FAR_ENDS[40]
    assert call.call_class is CallClass.MACHINE and not call.is_person
    assert call.greeting_start_s == pytest.approx(1002.42)
    assert call.greeting_end_s == pytest.approx(1007.02)
    assert call.beep_end_s == pytest.approx(1007.92)
    assert call.heard == Path("/r/34788000040-1.1-heard.wav")


def test_given_a_caller_who_left_in_the_greeting_when_read_then_the_greeting_has_no_end() -> None:
    call = parse_line(line(ended_s="1005.000"), PROMPTS)
    assert call.greeting_start_s is not None
    assert call.greeting_end_s is None and call.beep_end_s is None


def test_given_a_refusal_when_read_then_nothing_was_answered() -> None:
    call = parse_line(line(code="60", stem="", answered_s="", played_s="", ended_by="callee"), PROMPTS)
    assert call.behaviour is Behaviour.BUSY
    assert (call.answered_s, call.heard, call.greeting_end_s) == (None, None, None)
    assert call.ended_by_callee


def test_given_an_unknown_number_when_read_then_it_has_no_far_end() -> None:
    assert parse_line(line(code="unknown", stem=""), PROMPTS).far_end is None


@pytest.mark.parametrize("text", ["", "{}", "[]", "not json", '{"code": "40"}', line(arrived_s="soon")])
def test_given_a_line_that_is_none_when_read_then_the_error_shows_it(text: str) -> None:
    with pytest.raises(ValueError, match="not a line of the network's truth log"):
        parse_line(text, PROMPTS)


def test_given_no_log_yet_when_read_then_there_are_no_calls(tmp_path: Path) -> None:
    assert read_truth(tmp_path / "truth.jsonl", PROMPTS) == []


def test_given_a_number_dialled_twice_when_looked_up_then_the_nearest_call_in_time_is_found() -> None:
    first = parse_line(line(call_id="1", arrived_s="1000.0"), PROMPTS)
    second = parse_line(line(call_id="2", arrived_s="1060.0"), PROMPTS)
    index = TruthIndex([second, first])
    assert index.find("+34788000040", 1001.0) is first
    assert index.find("+34788000040", 1059.0) is second
    assert index.find("+34788000041", 1000.0) is None


def test_given_verdicts_when_counted_then_truth_stands_against_verdict() -> None:
    machine = parse_line(line(), PROMPTS)
    busy = parse_line(line(code="60", stem="", answered_s="", played_s=""), PROMPTS)
    table = confusion([(machine, "machine"), (machine, "human"), (machine, "machine"), (busy, None)])
    assert table == {"machine": {"human": 1, "machine": 2}, "not_answered": {"none": 1}}


def test_given_an_answered_call_when_read_then_its_recording_begins_with_the_greeting_file() -> None:
    assert parse_line(line(), PROMPTS).recorded_from_s == pytest.approx(1002.02)
    assert parse_line(line(stem=""), PROMPTS).recorded_from_s is None
