"""What a campaign's pacing tells the rest of the house beside its plans: enough to replay them and to explain."""

from dataclasses import dataclass

from dialer.events import DialerEvent
from dialer.pacing.plan import PacingEvent


@dataclass(frozen=True, slots=True)
class LawTaught(DialerEvent):
    """The law was told what happened on calls, in this order, after the plan before and before the next one."""

    campaign_id: str
    events: tuple[PacingEvent, ...]


@dataclass(frozen=True, slots=True)
class DialingHeld(DialerEvent):
    """A campaign that runs does not plan at all. why: "" when it plans again."""

    campaign_id: str
    why: str


@dataclass(frozen=True, slots=True)
class LaunchFell(DialerEvent):
    """Fewer calls were placed than planned. missing: how many; why: in words."""

    campaign_id: str
    missing: int
    why: str


@dataclass(frozen=True, slots=True)
class LeadRefused(DialerEvent):
    """A rule forbade a lead at the moment of dialling. words: which and why, without the number."""

    campaign_id: str
    words: str
