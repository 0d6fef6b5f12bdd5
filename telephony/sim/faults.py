"""What a test may break in a simulated exchange, and how."""

from dataclasses import dataclass, field
from enum import StrEnum


class LostAnswer(StrEnum):
    """What became of an originate whose answer is lost."""

    PLACED = "placed"  # the call was placed all the same
    NOT_PLACED = "not placed"


@dataclass(slots=True)
class Faults:
    """Switches that may be set at any time.

    answer_after_s: how long every request takes; half before it acts, half before its answer arrives.
    lost_answers: one entry is taken by each coming originate, which then raises OriginateOutcomeUnknown.
    refused: dial strings that hold one of these words raise EndpointRefused (a trunk that is down).
    muted: channels whose events are lost.
    tap_after_s: how long a tap takes to be set up.
    stasis_after_s: how long a new channel is not yet under our control.
    """

    answer_after_s: float = 0.0
    lost_answers: list[LostAnswer] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    muted: set[str] = field(default_factory=set)
    tap_after_s: float = 0.005
    stasis_after_s: float = 0.0

    def refuses(self, endpoint: str) -> bool:
        """Whether this dial string cannot be dialled now."""
        return any(word in endpoint for word in self.refused)
