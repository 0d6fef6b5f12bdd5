"""What came of one attempt. One word per attempt, final; counted by reports, compliance and recycling."""

from enum import StrEnum


class Outcome(StrEnum):
    """How an attempt ended."""

    BRIDGED = "bridged"  # a person talked with an agent
    ABANDONED = "abandoned"  # a person answered, no agent in time, the safe-harbour message was played
    CUSTOMER_HUNG_UP = "customer_hung_up"  # a person hung up before an agent was due
    MACHINE = "machine"  # voicemail or another machine; hung up
    MESSAGE_LEFT = "message_left"  # voicemail; our message was left after the beep
    SCREENING = "screening"  # call screening asked who calls and nobody took the call
    FAX = "fax"
    SILENCE = "silence"  # answered, nothing heard
    ANNOUNCEMENT = "announcement"  # an announcement or SIT by the network, before or after answer
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    CONGESTION = "congestion"  # the network or trunk had no room: says nothing about the number
    UNALLOCATED = "unallocated"  # the number does not exist
    REJECTED = "rejected"  # the callee or its network refused
    GIVEN_UP = "given_up"  # pacing took it back while it rang
    REFUSED = "refused"  # compliance said no at the moment of dialling; never originated
    FAILED = "failed"  # a technical fault on our side
    LOST = "lost"  # a crash or lost link; recovery found no live call

    @property
    def answered_by_person(self) -> bool:
        """Whether a regulator counts the attempt among calls answered by a person."""
        return self in _ANSWERED_BY_PERSON

    @property
    def counts_as_attempt(self) -> bool:
        """Whether it uses up one of the lead's attempts; a full trunk, a fault or a refusal of ours does not."""
        return self not in _NOT_COUNTED


_NOT_COUNTED = frozenset({Outcome.CONGESTION, Outcome.FAILED, Outcome.REFUSED})
_ANSWERED_BY_PERSON = frozenset({Outcome.BRIDGED, Outcome.ABANDONED, Outcome.CUSTOMER_HUNG_UP})
