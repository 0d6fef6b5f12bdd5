"""What a hang-up means: the only map from signalling causes and network announcements to an outcome.

Causes: ITU-T Q.850 (05/2018) table 1. SIP statuses: RFC 3261 section 21, their causes RFC 3398 section 7.2.4.1.
SIT kinds: ITU-T E.180 supplement 2 and ANSI T1.401: the frequencies and lengths of the three tones tell the reason.
"""

from dataclasses import dataclass
from enum import StrEnum

from amd.verdict import CallClass, Verdict
from campaigns.outcome import Outcome
from telephony.events import HungUp


class SitKind(StrEnum):
    """The four special information tones that say why, and the one that does not."""

    VACANT = "vacant"  # the number is not assigned
    INTERCEPT = "intercept"  # the number was changed or disconnected
    NO_CIRCUIT = "no_circuit"  # all trunks busy
    REORDER = "reorder"  # the call could not be completed as dialled
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Meaning:
    """outcome: how the attempt ended. dead_number: the number cannot be reached and should be marked so."""

    outcome: Outcome
    dead_number: bool = False


_DEAD = Meaning(Outcome.UNALLOCATED, dead_number=True)
_BUSY = Meaning(Outcome.BUSY)
_NO_ANSWER = Meaning(Outcome.NO_ANSWER)
_CONGESTION = Meaning(Outcome.CONGESTION)
_REJECTED = Meaning(Outcome.REJECTED)
_FAILED = Meaning(Outcome.FAILED)
_ANNOUNCED = Meaning(Outcome.ANNOUNCEMENT)

_BY_Q850: dict[int, Meaning] = {
    1: _DEAD,  # unallocated number
    2: _CONGESTION,  # no route to transit network
    3: _FAILED,  # no route to destination: our trunk or numbering plan, the number may be fine
    4: _ANNOUNCED,  # send special information tone
    5: _FAILED,  # misdialled trunk prefix
    6: _FAILED,  # channel unacceptable
    8: _FAILED,  # pre-emption
    16: _NO_ANSWER,  # normal clearing before answer: the far end let it go
    17: _BUSY,
    18: _NO_ANSWER,  # no user responding
    19: _NO_ANSWER,  # no answer, user alerted
    20: _NO_ANSWER,  # subscriber absent: phone off or out of coverage
    21: _REJECTED,
    22: _DEAD,  # number changed
    23: _FAILED,  # redirection to a new destination
    25: _FAILED,  # exchange routing error
    26: _REJECTED,  # non-selected user clearing
    27: _CONGESTION,  # destination out of order: a fault there, not a dead number
    28: _DEAD,  # invalid number format
    29: _REJECTED,  # facility rejected
    31: _NO_ANSWER,  # normal, unspecified
    34: _CONGESTION,  # no circuit available
    38: _CONGESTION,  # network out of order
    41: _CONGESTION,  # temporary failure
    42: _CONGESTION,  # switching equipment congestion
    44: _CONGESTION,  # requested circuit not available
    47: _CONGESTION,  # resource unavailable
    50: _FAILED,  # requested facility not subscribed
    52: _REJECTED,  # outgoing calls barred
    54: _REJECTED,  # incoming calls barred
    55: _REJECTED,  # incoming calls barred within the closed user group
    57: _FAILED,  # bearer capability not authorised
    58: _CONGESTION,  # bearer capability not presently available
    65: _FAILED,  # bearer capability not implemented
    66: _FAILED,  # channel type not implemented
    69: _FAILED,  # requested facility not implemented
    79: _FAILED,  # service or option not implemented
    87: _REJECTED,  # not a member of the closed user group
    88: _FAILED,  # incompatible destination
    96: _FAILED,  # mandatory information element missing
    102: _NO_ANSWER,  # recovery on timer expiry
    111: _FAILED,  # protocol error
    127: _FAILED,  # interworking, unspecified
}

_BY_SIP: dict[int, Meaning] = {
    301: _DEAD,  # moved permanently: number changed
    302: _FAILED,  # moved temporarily: redirections are not followed
    400: _FAILED,
    401: _FAILED,  # our account at the carrier
    402: _REJECTED,
    403: _REJECTED,
    404: _DEAD,
    407: _FAILED,  # our account at the carrier
    408: _NO_ANSWER,
    410: _DEAD,
    415: _FAILED,
    429: _CONGESTION,
    480: _NO_ANSWER,
    482: _FAILED,
    483: _FAILED,
    484: _DEAD,  # address incomplete
    486: _BUSY,
    487: _NO_ANSWER,  # request terminated: it was cancelled while it rang
    488: _FAILED,
    500: _CONGESTION,
    502: _CONGESTION,
    503: _CONGESTION,
    504: _CONGESTION,
    600: _BUSY,
    603: _REJECTED,
    604: _DEAD,
    606: _FAILED,
    607: _REJECTED,  # unwanted, RFC 8197
    608: _REJECTED,  # rejected by an analytics engine, RFC 8688
}

# Causes that say little: a SIP status, if told, knows better.
_VAGUE_CAUSES = frozenset({0, 16, 31, 127})

_BY_SIT: dict[SitKind, Meaning] = {
    SitKind.VACANT: _DEAD,
    SitKind.INTERCEPT: _DEAD,
    SitKind.NO_CIRCUIT: _CONGESTION,
    SitKind.REORDER: _CONGESTION,
    SitKind.UNKNOWN: _ANNOUNCED,
}

_BY_EARLY_CLASS: dict[CallClass, Meaning] = {
    CallClass.SIT: _ANNOUNCED,
    CallClass.MACHINE: _ANNOUNCED,
    CallClass.HUMAN: _ANNOUNCED,  # a voice before answer belongs to the network, not to a person
    CallClass.SCREENING: _ANNOUNCED,
    CallClass.BUSY: _BUSY,
}


def meaning_of_hang_up(q850: int, sip_status: int | None = None) -> Meaning:
    """What the end of a call that was never answered means.

    q850: Asterisk's cause, 0 unknown. sip_status: the final SIP status, None when it was not told. The cause wins
    unless it is vague; SIP 480 under cause 19 is Asterisk's own ring timeout and stays "no answer". Whatever is in
    no table is a failure.
    """
    if sip_status is not None and (q850 in _VAGUE_CAUSES or q850 not in _BY_Q850):
        return _meaning_of_sip(sip_status)
    return _BY_Q850.get(q850, _FAILED)


def _meaning_of_sip(status: int) -> Meaning:
    known = _BY_SIP.get(status)
    if known is not None:
        return known
    if 500 <= status < 600:
        return _CONGESTION
    return _REJECTED if status >= 600 else _FAILED


def meaning_of_sit(kind: SitKind) -> Meaning:
    """What a special information tone means, before or after answer."""
    return _BY_SIT[kind]


def meaning_of_early_media(call_class: CallClass, q850: int = 0, sip_status: int | None = None) -> Meaning:
    """What the end of a call means in whose early media `call_class` was heard.

    A cause that names the number's or the callee's state (unallocated, busy, rejected...) is more precise than what
    was heard; a vague one, a plain no answer or none at all gives way to it.
    """
    signalled = meaning_of_hang_up(q850, sip_status)
    heard = _BY_EARLY_CLASS.get(call_class)
    if heard is None or signalled.outcome not in (Outcome.NO_ANSWER, Outcome.FAILED):
        return signalled
    return heard


# What an answered call (or its early media) is when this was heard; HUMAN and UNKNOWN go to an agent instead.
_BY_ANSWERED_CLASS: dict[CallClass, Meaning] = {
    CallClass.MACHINE: Meaning(Outcome.MACHINE),
    CallClass.MUSIC: Meaning(Outcome.MACHINE),
    CallClass.BEEP: Meaning(Outcome.MACHINE),
    CallClass.SCREENING: Meaning(Outcome.SCREENING),
    CallClass.SIT: _ANNOUNCED,
    CallClass.FAX: Meaning(Outcome.FAX),
    CallClass.BUSY: _BUSY,
    CallClass.RINGBACK: _NO_ANSWER,
    CallClass.SILENCE: Meaning(Outcome.SILENCE),
}


def outcome_of_hangup(hung_up: HungUp, early: Verdict | None = None, *, rang: bool = False) -> Outcome:
    """The outcome of a call that ended before it was answered; early: what was heard in its early media.

    rang: the network took the call up. Asterisk 22.10 tells of about one refusal in 8,000 with neither cause nor
    status. A call that rang and ended so was no fault of ours: a failure would not count against the caps on calls
    to a number, and the same phone would ring again after minutes.
    """
    if early is None:
        if rang and hung_up.q850 == 0 and hung_up.sip_status is None:
            return Outcome.NO_ANSWER
        return meaning_of_hang_up(hung_up.q850, hung_up.sip_status).outcome
    return meaning_of_early_media(early.call_class, hung_up.q850, hung_up.sip_status).outcome


def kind_of_sit(verdict: Verdict) -> SitKind:
    """Which special information tone was heard; UNKNOWN for the one of E.180 (950, 1,400, 1,800 Hz)."""
    named = (kind for kind in SitKind if kind.value.replace("_", " ") in verdict.cause)
    return next(named, SitKind.UNKNOWN)


def network_knows_more(early: Verdict) -> bool:
    """Whether what was heard before the answer says nothing of the number, while the cause that may follow does."""
    return early.call_class is CallClass.SIT and kind_of_sit(early) is SitKind.UNKNOWN


def outcome_of_verdict(verdict: Verdict) -> Outcome:
    """The outcome of a call that is ended because of what was heard. Raises KeyError for a person."""
    if verdict.call_class is CallClass.SIT and verdict.early_media:
        return meaning_of_sit(kind_of_sit(verdict)).outcome
    return _BY_ANSWERED_CLASS[verdict.call_class].outcome
