"""What a called number does, as data: one far end per two-digit code, its truth and the outcomes it may end in.

The code is the last two digits of every number of the simulated network (`server.demo.numbering`).
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from amd.verdict import CallClass
from campaigns.outcome import Outcome

PERSON_VOICES = 8


class Behaviour(StrEnum):
    """How a called number behaves."""

    PERSON_SHORT_WORD = "person_short_word"
    PERSON_TWO_WORDS = "person_two_words"
    PERSON_SENTENCE = "person_sentence"
    PERSON_HANGS_UP_AT_ONCE = "person_hangs_up_at_once"
    PERSON_IN_NOISE = "person_in_noise"
    VOICEMAIL = "voicemail"
    VOICEMAIL_PICKED_UP = "voicemail_picked_up"  # its owner speaks a moment after the beep
    SIT_EARLY = "sit_early"  # special information tones and announcement in early media, then 404
    ANNOUNCEMENT_EARLY = "announcement_early"  # announcement without tones in early media, then 404
    UNAVAILABLE_EARLY = "unavailable_early"  # "is unavailable" in early media, then 480 with cause 31: says nothing
    ANNOUNCEMENT_ANSWERED = "announcement_answered"
    SIT_ANSWERED = "sit_answered"  # a carrier that answers, and bills, what should have been early media
    BUSY = "busy"
    CONGESTION = "congestion"
    UNALLOCATED = "unallocated"
    NO_ANSWER = "no_answer"
    REJECTED = "rejected"
    CANCELLED = "cancelled"  # rings, then 487 from the network's side
    SWITCHED_OFF = "switched_off"  # 480 with cause 20
    FORBIDDEN = "forbidden"  # 403: the trunk does not let us call there
    NO_AUDIO = "no_audio"  # answered, not one RTP packet
    OPEN_LINE = "open_line"  # answered, line noise and nobody
    RINGBACK_ANSWERED = "ringback_answered"
    FAX = "fax"
    SCREENING_CONNECTS = "screening_connects"  # asks who calls, then the person takes the call
    SCREENING_DECLINES = "screening_declines"  # asks who calls, then hangs up


class Phase(StrEnum):
    """How far a call to a far end goes."""

    REFUSED = "refused"  # a final SIP response after ringing, no media
    EARLY_MEDIA = "early_media"  # 183 with audio, then a final SIP response
    MUTE = "mute"  # answered, no media
    ANSWERED = "answered"  # answered, media from the first instant


@dataclass(frozen=True, slots=True)
class Rule:
    """What is true of a behaviour. truth: what a listener should say, None when there is nothing to hear.

    outcomes: how an attempt may end, the usual one first. sip_status: final response of a call that is not answered.
    """

    behaviour: Behaviour
    phase: Phase
    truth: CallClass | None
    outcomes: tuple[Outcome, ...]
    sip_status: int | None = None
    is_person: bool = False


@dataclass(frozen=True, slots=True)
class FarEnd:
    """One code of the numbering plan: a behaviour with one voice, greeting or announcement (`variant`)."""

    code: int
    rule: Rule
    variant: int

    @property
    def behaviour(self) -> Behaviour:
        """How it behaves."""
        return self.rule.behaviour


def _person(behaviour: Behaviour, *outcomes: Outcome) -> Rule:
    return Rule(behaviour, Phase.ANSWERED, CallClass.HUMAN, outcomes, is_person=True)


def _refused(behaviour: Behaviour, status: int, *outcomes: Outcome) -> Rule:
    return Rule(behaviour, Phase.REFUSED, None, outcomes, status)


_TALKS = (Outcome.BRIDGED, Outcome.ABANDONED)
_GREETS = (*_TALKS, Outcome.CUSTOMER_HUNG_UP)
_MACHINE = (Outcome.MACHINE, Outcome.MESSAGE_LEFT)
_NUMBER_IS_BAD = (Outcome.ANNOUNCEMENT, Outcome.UNALLOCATED)

RULES = MappingProxyType(
    {
        rule.behaviour: rule
        for rule in (
            _person(Behaviour.PERSON_SHORT_WORD, *_GREETS),
            _person(Behaviour.PERSON_TWO_WORDS, *_GREETS),
            _person(Behaviour.PERSON_SENTENCE, *_GREETS),
            _person(Behaviour.PERSON_HANGS_UP_AT_ONCE, Outcome.CUSTOMER_HUNG_UP, *_TALKS),
            _person(Behaviour.PERSON_IN_NOISE, *_GREETS),
            Rule(Behaviour.VOICEMAIL, Phase.ANSWERED, CallClass.MACHINE, _MACHINE),
            Rule(Behaviour.VOICEMAIL_PICKED_UP, Phase.ANSWERED, CallClass.MACHINE, (*_MACHINE, *_TALKS)),
            Rule(Behaviour.SIT_EARLY, Phase.EARLY_MEDIA, CallClass.SIT, _NUMBER_IS_BAD, 404),
            Rule(Behaviour.ANNOUNCEMENT_EARLY, Phase.EARLY_MEDIA, CallClass.MACHINE, _NUMBER_IS_BAD[::-1], 404),
            Rule(
                Behaviour.UNAVAILABLE_EARLY,
                Phase.EARLY_MEDIA,
                CallClass.MACHINE,
                (Outcome.ANNOUNCEMENT, Outcome.NO_ANSWER),
                480,
            ),
            Rule(Behaviour.ANNOUNCEMENT_ANSWERED, Phase.ANSWERED, CallClass.MACHINE, (*_MACHINE, Outcome.ANNOUNCEMENT)),
            Rule(Behaviour.SIT_ANSWERED, Phase.ANSWERED, CallClass.SIT, (Outcome.ANNOUNCEMENT,)),
            _refused(Behaviour.BUSY, 486, Outcome.BUSY),
            _refused(Behaviour.CONGESTION, 503, Outcome.CONGESTION),
            _refused(Behaviour.UNALLOCATED, 404, Outcome.UNALLOCATED),
            _refused(Behaviour.NO_ANSWER, 480, Outcome.NO_ANSWER, Outcome.GIVEN_UP),
            _refused(Behaviour.REJECTED, 603, Outcome.REJECTED),
            _refused(Behaviour.CANCELLED, 487, Outcome.NO_ANSWER, Outcome.FAILED),
            _refused(Behaviour.SWITCHED_OFF, 480, Outcome.NO_ANSWER, Outcome.REJECTED),
            _refused(Behaviour.FORBIDDEN, 403, Outcome.REJECTED, Outcome.FAILED),
            Rule(Behaviour.NO_AUDIO, Phase.MUTE, CallClass.SILENCE, (Outcome.SILENCE,)),
            Rule(Behaviour.OPEN_LINE, Phase.ANSWERED, CallClass.SILENCE, (Outcome.SILENCE,)),
            Rule(Behaviour.RINGBACK_ANSWERED, Phase.ANSWERED, CallClass.RINGBACK, (Outcome.NO_ANSWER, *_MACHINE)),
            Rule(Behaviour.FAX, Phase.ANSWERED, CallClass.FAX, (Outcome.FAX,)),
            Rule(
                Behaviour.SCREENING_CONNECTS,
                Phase.ANSWERED,
                CallClass.SCREENING,
                (Outcome.SCREENING, *_TALKS, Outcome.MACHINE),
                is_person=True,
            ),
            Rule(
                Behaviour.SCREENING_DECLINES,
                Phase.ANSWERED,
                CallClass.SCREENING,
                (Outcome.SCREENING, Outcome.MACHINE, Outcome.MESSAGE_LEFT),
            ),
        )
    }
)

# First code and number of variants of each behaviour. Tens are families, so that a number reads at a glance.
_PLAN: tuple[tuple[int, int, Behaviour], ...] = (
    (0, PERSON_VOICES, Behaviour.PERSON_SHORT_WORD),
    (10, PERSON_VOICES, Behaviour.PERSON_TWO_WORDS),
    (20, PERSON_VOICES, Behaviour.PERSON_SENTENCE),
    (30, 3, Behaviour.PERSON_HANGS_UP_AT_ONCE),
    (33, 3, Behaviour.PERSON_IN_NOISE),
    (40, 7, Behaviour.VOICEMAIL),
    (47, 2, Behaviour.VOICEMAIL_PICKED_UP),
    (50, 2, Behaviour.SIT_EARLY),
    (52, 2, Behaviour.ANNOUNCEMENT_EARLY),
    (54, 2, Behaviour.ANNOUNCEMENT_ANSWERED),
    (56, 1, Behaviour.SIT_ANSWERED),
    (57, 2, Behaviour.UNAVAILABLE_EARLY),
    (60, 1, Behaviour.BUSY),
    (61, 1, Behaviour.CONGESTION),
    (62, 1, Behaviour.UNALLOCATED),
    (63, 1, Behaviour.NO_ANSWER),
    (64, 1, Behaviour.REJECTED),
    (65, 1, Behaviour.CANCELLED),
    (66, 1, Behaviour.SWITCHED_OFF),
    (67, 1, Behaviour.FORBIDDEN),
    (70, 1, Behaviour.NO_AUDIO),
    (71, 1, Behaviour.RINGBACK_ANSWERED),
    (72, 1, Behaviour.FAX),
    (73, 1, Behaviour.OPEN_LINE),
    (80, 2, Behaviour.SCREENING_CONNECTS),
    (82, 2, Behaviour.SCREENING_DECLINES),
)

FAR_ENDS = MappingProxyType(
    {
        first + variant: FarEnd(first + variant, RULES[behaviour], variant)
        for first, variants, behaviour in _PLAN
        for variant in range(variants)
    }
)


def codes_of(behaviour: Behaviour) -> tuple[int, ...]:
    """Every code that behaves so, in order of variant."""
    return tuple(code for code, far_end in FAR_ENDS.items() if far_end.behaviour is behaviour)
