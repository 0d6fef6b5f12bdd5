import pytest

from amd.verdict import CallClass
from campaigns.outcome import Outcome
from telephony.causes import (
    Meaning,
    SitKind,
    meaning_of_early_media,
    meaning_of_hang_up,
    meaning_of_sit,
    outcome_of_hangup,
)
from telephony.events import HungUp

_OF_UNANSWERED = {
    Outcome.BUSY,
    Outcome.NO_ANSWER,
    Outcome.CONGESTION,
    Outcome.UNALLOCATED,
    Outcome.REJECTED,
    Outcome.FAILED,
    Outcome.ANNOUNCEMENT,
}


# (cause, SIP status) as Asterisk 22.10 really reports them: tests/integration/ari/test_causes_on_asterisk.py
@pytest.mark.parametrize(
    ("q850", "sip_status", "outcome", "dead"),
    [
        (17, 486, Outcome.BUSY, False),
        (1, 404, Outcome.UNALLOCATED, True),
        (34, 503, Outcome.CONGESTION, False),
        (21, 603, Outcome.REJECTED, False),
        (19, 480, Outcome.NO_ANSWER, False),
        (16, None, Outcome.NO_ANSWER, False),
        (0, None, Outcome.FAILED, False),
        (0, 410, Outcome.UNALLOCATED, True),
        (127, 486, Outcome.BUSY, False),
        (99, 599, Outcome.CONGESTION, False),
        (99, 699, Outcome.REJECTED, False),
        (99, 499, Outcome.FAILED, False),
    ],
)
def test_a_hang_up_means(q850: int, sip_status: int | None, outcome: Outcome, dead: bool) -> None:
    assert meaning_of_hang_up(q850, sip_status) == Meaning(outcome, dead)


@pytest.mark.parametrize(
    ("rang", "q850", "sip_status", "outcome"),
    [
        (True, 0, None, Outcome.NO_ANSWER),
        (False, 0, None, Outcome.FAILED),
        (True, 0, 486, Outcome.BUSY),
        (True, 3, None, Outcome.FAILED),
    ],
)
def test_a_call_that_rang_and_ended_without_any_cause_is_no_fault_of_ours(
    rang: bool, q850: int, sip_status: int | None, outcome: Outcome
) -> None:
    assert outcome_of_hangup(HungUp("c", 0.0, q850, sip_status), rang=rang) is outcome


@pytest.mark.parametrize("sip_status", [None, 0, 100, 200, 302, 404, 486, 487, 499, 503, 599, 603, 699, 700])
def test_every_cause_has_a_meaning_and_only_unallocated_numbers_are_dead(sip_status: int | None) -> None:
    for q850 in range(-1, 129):
        meaning = meaning_of_hang_up(q850, sip_status)
        assert meaning.outcome in _OF_UNANSWERED
        assert meaning.dead_number == (meaning.outcome is Outcome.UNALLOCATED)


def test_congestion_and_our_own_faults_never_kill_a_number() -> None:
    for q850 in (2, 3, 27, 34, 38, 41, 42, 44, 47):
        assert not meaning_of_hang_up(q850).dead_number


def test_every_special_information_tone_has_a_meaning() -> None:
    dead = {kind for kind in SitKind if meaning_of_sit(kind).dead_number}
    assert dead == {SitKind.VACANT, SitKind.INTERCEPT}


@pytest.mark.parametrize("call_class", list(CallClass))
def test_a_precise_cause_beats_what_was_heard(call_class: CallClass) -> None:
    assert meaning_of_early_media(call_class, 1, 404).outcome is Outcome.UNALLOCATED
    assert meaning_of_early_media(call_class, 17, 486).outcome is Outcome.BUSY


def test_an_announcement_beats_a_plain_no_answer_and_ringback_does_not() -> None:
    assert meaning_of_early_media(CallClass.MACHINE, 19, 480).outcome is Outcome.ANNOUNCEMENT
    assert meaning_of_early_media(CallClass.BUSY, 16).outcome is Outcome.BUSY
    assert meaning_of_early_media(CallClass.RINGBACK, 19, 480).outcome is Outcome.NO_ANSWER
