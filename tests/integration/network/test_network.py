"""Every far end of the simulated network, called over real SIP and RTP: what arrives on the wire, and what it heard."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from media import levels, soundfiles, tones
from media.frames import SAMPLE_RATE_HZ
from server.demo import voices
from server.demo.behaviours import FAR_ENDS, Behaviour, FarEnd, Phase, codes_of
from server.demo.numbering import RING_S, DemoNumber
from server.demo.synthesis import LINE_NOISE_DBFS, from_pcm, to_pcm
from tests.integration.network.conftest import PATIENCE_S, Call, Session
from tests.integration.network.sip_caller import SipCaller

pytestmark = pytest.mark.asterisk

_RING_TOLERANCE_S = 0.35  # sixty calls at the same instant on two busy cores
_EDGE_S = 0.1
_VOICE_IS_THERE = 0.6  # media.levels.find: other voices stay below 0.3


def _ids(far_ends: list[FarEnd]) -> list[str]:
    return [f"{far_end.behaviour}-{far_end.variant}" for far_end in far_ends]


def _far_ends(*phases: Phase) -> list[FarEnd]:
    return [far_end for far_end in FAR_ENDS.values() if far_end.rule.phase in phases]


def _people() -> list[FarEnd]:
    return [far_end for far_end in _far_ends(Phase.ANSWERED) if far_end.rule.is_person]


def _audio(call: Call) -> NDArray[np.int16]:
    """What the caller heard from the far end, early or answered."""
    return call.heard.audio(answered=call.heard.answered_s is not None)


def _greeting(session: Session, far_end: FarEnd) -> NDArray[np.int16]:
    """What the far end was told to play, without its edges: early media may lose a frame or two there."""
    prompt = session.network.prompts[far_end.code]
    return _at(soundfiles.load(Path(f"{prompt.greeting}.wav")), _EDGE_S, prompt.length_ms / 1000 - 2 * _EDGE_S)


def _at(samples: NDArray[np.int16], start_s: float, duration_s: float) -> NDArray[np.int16]:
    first = round(start_s * SAMPLE_RATE_HZ)
    return samples[first : first + round(duration_s * SAMPLE_RATE_HZ)]


@pytest.mark.parametrize("far_end", _far_ends(Phase.REFUSED), ids=_ids(_far_ends(Phase.REFUSED)))
def test_given_a_far_end_that_refuses_when_called_then_it_rings_and_gives_its_status(
    network_session: Session, far_end: FarEnd
) -> None:
    call = network_session.calls[far_end.code]
    gives_up_first = far_end.behaviour is Behaviour.NO_ANSWER  # our patience is shorter than its ringing

    assert call.heard.statuses == [100, 180, 487 if gives_up_first else far_end.rule.sip_status]
    assert call.heard.packets == []
    assert call.truth.answered_s is None and call.truth.greeting_end_s is None
    assert call.truth.ended_by_callee is not gives_up_first
    rang_s = call.truth.ended_s - call.truth.arrived_s
    assert rang_s == pytest.approx(PATIENCE_S if gives_up_first else RING_S[0], abs=_RING_TOLERANCE_S)


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        (Behaviour.BUSY, 17),
        (Behaviour.CONGESTION, 34),
        (Behaviour.UNALLOCATED, 1),
        (Behaviour.SWITCHED_OFF, 20),
        (Behaviour.FORBIDDEN, 21),
        (Behaviour.SIT_EARLY, 1),
        (Behaviour.UNAVAILABLE_EARLY, 31),
    ],
)
def test_given_a_refusal_when_it_arrives_then_its_reason_header_carries_the_q850_cause(
    network_session: Session, behaviour: Behaviour, cause: int
) -> None:
    assert network_session.calls[codes_of(behaviour)[0]].heard.reason_cause == cause


@pytest.mark.parametrize("far_end", _far_ends(Phase.EARLY_MEDIA), ids=_ids(_far_ends(Phase.EARLY_MEDIA)))
def test_given_an_announcement_in_early_media_when_called_then_it_is_heard_and_never_answered(
    network_session: Session, far_end: FarEnd
) -> None:
    call = network_session.calls[far_end.code]
    prompt = network_session.network.prompts[far_end.code]

    assert call.heard.statuses == [100, 183, far_end.rule.sip_status]
    assert call.heard.answered_s is None
    early = _audio(call)
    # A busy machine may cost some of its edges (0.3 s of 9 s were seen at a load of 18), never more than it has.
    assert -0.6 < len(early) / SAMPLE_RATE_HZ - prompt.length_ms / 1000 < 0.1
    assert levels.find(_greeting(network_session, far_end), early).similarity > 0.9


@pytest.mark.parametrize("far_end", _far_ends(Phase.ANSWERED), ids=_ids(_far_ends(Phase.ANSWERED)))
def test_given_a_far_end_that_answers_when_called_then_its_greeting_is_heard_from_answer_on_and_it_hangs_up_itself(
    network_session: Session, far_end: FarEnd
) -> None:
    call = network_session.calls[far_end.code]

    assert call.heard.statuses == [100, 180, 200]
    assert call.heard.ended_by_far_end and call.truth.ended_by_callee
    found = levels.find(_greeting(network_session, far_end), _audio(call))
    assert found.similarity > (0.5 if far_end.behaviour is Behaviour.OPEN_LINE else 0.9)
    assert found.offset_s == pytest.approx(_EDGE_S, abs=0.04)
    # 300 ms is what Asterisk may wait for the caller's first packet before it goes on after an answer.
    assert call.heard.packets[0][0] - (call.heard.answered_s or 0.0) < 0.3


@pytest.mark.parametrize("far_end", _people(), ids=_ids(_people()))
def test_given_a_person_when_they_answer_then_the_line_carries_noise_before_they_speak(
    network_session: Session, far_end: FarEnd
) -> None:
    call = network_session.calls[far_end.code]
    before_speech = _at(_audio(call), 0.02, 0.14)

    louder_db = 25.0 if far_end.behaviour is Behaviour.PERSON_IN_NOISE else 3.0
    assert LINE_NOISE_DBFS - 3.0 < levels.dbfs(before_speech) < LINE_NOISE_DBFS + louder_db


@pytest.mark.parametrize(
    ("behaviour", "source"),
    [
        (Behaviour.PERSON_SHORT_WORD, lambda voice: voices.words(voice)[0]),
        (Behaviour.PERSON_TWO_WORDS, lambda voice: voices.words(voice)[1]),
        (Behaviour.PERSON_SENTENCE, lambda voice: voices.sentence(voice)[0]),
    ],
)
def test_given_eight_people_of_a_kind_when_they_speak_then_each_has_a_voice_of_their_own(
    network_session: Session, behaviour: Behaviour, source: object
) -> None:
    assert callable(source)
    for code in codes_of(behaviour):
        audio = _audio(network_session.calls[code])
        own = FAR_ENDS[code].variant
        others = [levels.find(to_pcm(source(voice)), audio).similarity for voice in range(8) if voice != own]
        assert levels.find(to_pcm(source(own)), audio).similarity > 0.9
        assert max(others) < _VOICE_IS_THERE


_CLEAR = [far_end for far_end in _people() if far_end.behaviour is not Behaviour.PERSON_IN_NOISE]


@pytest.mark.parametrize("far_end", _CLEAR, ids=_ids(_CLEAR))
def test_given_a_person_when_the_greeting_ends_then_the_truth_says_so_to_twenty_milliseconds(
    network_session: Session, far_end: FarEnd
) -> None:
    call = network_session.calls[far_end.code]
    assert call.truth.greeting_start_s is not None and call.truth.greeting_end_s is not None
    prompt = network_session.network.prompts[far_end.code]
    until_s = (prompt.greeting_end_ms + 100) / 1000
    start_s, end_s = voices.speech_span_s(from_pcm(_at(_audio(call), 0.0, until_s)))
    played_s = call.truth.greeting_start_s - prompt.greeting_start_ms / 1000
    assert start_s == pytest.approx(call.truth.greeting_start_s - played_s, abs=0.021)
    assert end_s == pytest.approx(call.truth.greeting_end_s - played_s, abs=0.021)


def test_given_many_answers_when_their_first_packets_are_timed_then_the_truths_clock_agrees_with_the_wire(
    network_session: Session,
) -> None:
    late_s = []
    for far_end in _people():
        call = network_session.calls[far_end.code]
        prompt = network_session.network.prompts[far_end.code]
        assert call.heard.answered_s is not None and call.truth.answered_s is not None
        assert call.truth.greeting_start_s is not None
        on_wire_s = call.heard.packets[0][0] - call.heard.answered_s
        in_truth_s = call.truth.greeting_start_s - prompt.greeting_start_ms / 1000 - call.truth.answered_s
        late_s.append(on_wire_s - in_truth_s)
    assert abs(np.median(late_s)) < 0.020
    assert np.percentile(np.abs(late_s), 90) < 0.060  # thirty answers in the same instant


@pytest.mark.parametrize("code", codes_of(Behaviour.VOICEMAIL))
def test_given_a_voicemail_when_its_greeting_is_over_then_a_beep_ends_where_the_truth_says(
    network_session: Session, code: int
) -> None:
    call = network_session.calls[code]
    prompt = network_session.network.prompts[code]
    assert prompt.beep_end_ms is not None and call.truth.beep_end_s is not None
    beep = _at(_audio(call), prompt.beep_end_ms / 1000 - 0.2, 0.18)
    after = _at(_audio(call), prompt.beep_end_ms / 1000 + 0.05, 0.5)

    assert 600 < levels.strongest_hz(beep) < 1400
    assert levels.dbfs(beep) > -20.0
    assert levels.dbfs(after) < LINE_NOISE_DBFS + 3.0  # then it records


@pytest.mark.parametrize("behaviour", [Behaviour.SIT_EARLY, Behaviour.SIT_ANSWERED])
def test_given_special_information_tones_when_heard_then_they_are_the_three_of_a_vacant_number(
    network_session: Session, behaviour: Behaviour
) -> None:
    audio = _audio(network_session.calls[codes_of(behaviour)[0]])
    at_s = network_session.network.prompts[codes_of(behaviour)[0]].greeting_start_ms / 1000
    for beat in tones.SIT_SEGMENTS[tones.Sit.VACANT]:
        segment = _at(audio, at_s + 0.04, beat.duration_s - 0.08)
        assert levels.strongest_hz(segment) == pytest.approx(beat.frequencies_hz[0], abs=5.0)
        at_s += beat.duration_s


def test_given_a_fax_when_it_answers_then_2100_hz_come_after_two_seconds(network_session: Session) -> None:
    audio = _audio(network_session.calls[codes_of(Behaviour.FAX)[0]])
    assert levels.dbfs(_at(audio, 0.1, 1.6)) < LINE_NOISE_DBFS + 3.0
    assert levels.strongest_hz(_at(audio, 2.0, 0.3)) == pytest.approx(2100.0, abs=20.0)


def test_given_ringback_after_answer_when_heard_then_it_is_425_hz_in_spanish_cadence(network_session: Session) -> None:
    audio = _audio(network_session.calls[codes_of(Behaviour.RINGBACK_ANSWERED)[0]])
    assert levels.strongest_hz(_at(audio, 0.3, 1.2)) == pytest.approx(425.0, abs=3.0)
    assert levels.dbfs(_at(audio, 1.8, 2.5)) < LINE_NOISE_DBFS + 3.0
    assert levels.dbfs(_at(audio, 4.8, 1.0)) > -25.0


def test_given_a_far_end_without_audio_when_it_answers_then_not_one_packet_comes(network_session: Session) -> None:
    call = network_session.calls[codes_of(Behaviour.NO_AUDIO)[0]]
    assert call.heard.answered_s is not None and call.heard.packets == []
    assert call.heard.ended_by_far_end


def test_given_call_screening_when_the_person_takes_the_call_then_their_voice_follows_the_question(
    network_session: Session,
) -> None:
    for code in codes_of(Behaviour.SCREENING_CONNECTS):
        call = network_session.calls[code]
        person = to_pcm(voices.words(FAR_ENDS[code].variant + 5)[0])
        found = levels.find(person, _audio(call))
        assert found.similarity > 0.9
        assert call.truth.person_end_s is not None and call.truth.greeting_end_s is not None
        assert call.truth.person_end_s - call.truth.greeting_end_s > 4.0


@pytest.mark.parametrize("far_end", _far_ends(Phase.ANSWERED), ids=_ids(_far_ends(Phase.ANSWERED)))
def test_given_a_call_that_was_answered_when_it_is_over_then_the_called_sides_recording_holds_the_caller(
    network_session: Session, far_end: FarEnd
) -> None:
    call = network_session.calls[far_end.code]
    assert call.truth.heard is not None and call.truth.said is not None
    heard, said = soundfiles.load(call.truth.heard), soundfiles.load(call.truth.said)
    agent = soundfiles.load(voices.agent_voice_files()[0])

    held_s = call.truth.ended_s - call.truth.answered_s if call.truth.answered_s is not None else 0.0
    assert len(heard) == len(said)
    # Where one side comes late, Asterisk's mixer writes silence for it: at a load of 18 recordings were 7 % longer.
    assert -0.3 < len(heard) / SAMPLE_RATE_HZ - held_s < 0.3 + 0.1 * held_s
    began = levels.find(_greeting(network_session, far_end)[:16_000], said)
    assert began.similarity > 0.9 and began.offset_s == pytest.approx(_EDGE_S, abs=0.041)
    piece = _at(heard, 0.3, 0.8)
    assert levels.find(piece, agent).similarity > 0.9


def test_given_the_truth_log_when_read_then_every_line_is_json_and_names_a_far_end_that_was_called(
    network_session: Session,
) -> None:
    lines = network_session.network.truth_file.read_text(encoding="utf-8").splitlines()
    codes = {int(json.loads(line)["code"]) for line in lines}
    assert codes == set(FAR_ENDS)
    for code, call in network_session.calls.items():
        assert call.truth.far_end is FAR_ENDS[code]


async def test_given_a_number_that_the_network_does_not_have_when_called_then_it_is_unallocated(
    network_session: Session,
) -> None:
    caller = SipCaller(("127.0.0.1", network_session.network.settings.sip_port))
    heard = await caller.call("+34788000099")
    assert heard.statuses == [100, 404]
    assert heard.reason_cause == 1


async def test_given_a_ring_digit_when_called_then_it_rings_for_that_long(network_session: Session) -> None:
    caller = SipCaller(("127.0.0.1", network_session.network.settings.sip_port))
    heard = await caller.call(DemoNumber.of(Behaviour.PERSON_HANGS_UP_AT_ONCE, ring=2).e164)
    assert heard.answered_s is not None
    assert heard.answered_s - heard.placed_s == pytest.approx(RING_S[2], abs=0.2)


def test_given_sixty_calls_at_once_when_they_are_over_then_asterisk_logged_no_error(network_session: Session) -> None:
    log = (network_session.network.settings.log_dir / "messages.log").read_text(errors="replace")
    assert [line for line in log.splitlines() if "ERROR" in line or "WARNING" in line] == []
