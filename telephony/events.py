"""What happens on a call, in the house's own words. Frozen, one class per event.

`at_s` is the monotonic time (Clock.monotonic_s) at which the event was read from the link.
"""

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something that happened on one channel."""

    channel_id: str
    at_s: float


@dataclass(frozen=True, slots=True)
class Ringing(CallEvent):
    """The far end rings (180)."""


@dataclass(frozen=True, slots=True)
class EarlyMedia(CallEvent):
    """The network sends audio before answer (183): announcements and tones can be heard now."""


@dataclass(frozen=True, slots=True)
class Answered(CallEvent):
    """The far end answered."""


@dataclass(frozen=True, slots=True)
class HungUp(CallEvent):
    """The channel is gone. q850: ITU-T Q.850 cause (0 unknown); sip_status: final SIP status, when it is told.

    lost: nobody saw it end; a reconciliation after a lost link or a restart of the exchange found it missing.
    """

    q850: int = 0
    sip_status: int | None = None
    text: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Dtmf(CallEvent):
    """A key was pressed. Digits may be sensitive: never log them."""

    digit: str = ""
    duration_ms: int = 0


@dataclass(frozen=True, slots=True)
class PlaybackEnded(CallEvent):
    """A prompt ended, was stopped, or failed (`failed`: file missing, format unknown, channel gone)."""

    playback_id: str = ""
    failed: bool = False


@dataclass(frozen=True, slots=True)
class BridgeEntered(CallEvent):
    """The channel is in the bridge."""

    bridge_id: str = ""


@dataclass(frozen=True, slots=True)
class BridgeLeft(CallEvent):
    """The channel left the bridge."""

    bridge_id: str = ""


@dataclass(frozen=True, slots=True)
class TalkChanged(CallEvent):
    """The exchange's own talk detection: `talking` started or stopped (only when asked for)."""

    talking: bool = False


@dataclass(frozen=True, slots=True)
class InboxOverflowed(CallEvent):
    """The call's consumer was too slow: events were dropped, the call is being hung up. Always the last event."""


@dataclass(frozen=True, slots=True)
class Arrived(CallEvent):
    """A call came in from outside and waits for us. called: the DID; caller: the caller's number, may be empty."""

    called: str = ""
    caller: str = ""
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)


class LinkState(StrEnum):
    """The state of the link to the exchange."""

    UP = "up"  # requests are answered; events are complete since the last reconciliation
    DOWN = "down"  # nothing can be asked; calls that are up stay up
    LOST_STATE = "lost_state"  # the exchange itself restarted: every channel it had is gone
    REFUSED = "refused"  # wrong secret or another controller took over: needs a person
