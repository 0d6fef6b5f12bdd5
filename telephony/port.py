"""CallControl: everything Timbre asks of a telephone exchange. Implemented by `ari` (Asterisk) and `sim` (virtual).

One contract suite (tests/contract) runs against both. Ids are chosen by the caller, before the request: register an
inbox for the channel id first, then act, and no event can come "before the reply".
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from telephony.events import Arrived, CallEvent, LinkState


@dataclass(frozen=True, slots=True)
class OriginateOrder:
    """One call to place. endpoint: the exchange's dial string ("PJSIP/+34600000000@carrier").

    ring_timeout_s: after this the exchange gives up by itself (HungUp with cause 19, no answer).
    """

    channel_id: str
    endpoint: str
    caller_id: str
    ring_timeout_s: float
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A channel that the exchange has now. state: "down", "ring", "ringing", "up": Asterisk's words, lower case.

    waits: what its arrival said, while it is a call from outside that nobody has answered.
    """

    channel_id: str
    name: str
    state: str
    created_at_s: float | None = None
    waits: Arrived | None = None


@dataclass(frozen=True, slots=True)
class BridgeInfo:
    """A bridge that the exchange has now."""

    bridge_id: str
    channel_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExchangeState:
    """What the exchange really holds: recovery compares attempts with it."""

    channels: tuple[ChannelInfo, ...]
    bridges: tuple[BridgeInfo, ...]


@dataclass(frozen=True, slots=True)
class TapOrder:
    """Copy what the far end of `channel_id` says to `tap_id` (a UUID opened at media.taps).

    The exchange makes `tap_channel_id` and joins both in `bridge_id`.
    """

    channel_id: str
    tap_id: str
    tap_channel_id: str
    bridge_id: str

    @property
    def overheard_id(self) -> str:
        """The channel that the exchange makes to `overhear`; as long as the others (see campaigns.ids)."""
        return f"{self.tap_channel_id[:-1]}s"


class CallInbox(Protocol):
    """The ordered events of one channel. Bounded: overflow ends that one call loudly (InboxOverflowed, hang-up)."""

    async def next(self) -> CallEvent:
        """Wait for the channel's next event. After HungUp or InboxOverflowed nothing follows."""
        ...

    def listen(self, take: Callable[[CallEvent], None]) -> None:
        """From now on hand every event to `take` as it comes (it must not block); `next` is not used any more.

        A consumer like that has nothing unread, so its inbox never overflows.
        """
        ...


class CallControl(Protocol):
    """An exchange. Every method raises LinkDown while the link is down, RequestRejected when the exchange says no."""

    @property
    def link_state(self) -> LinkState:
        """The link's state now."""
        ...

    def on_link(self, listener: Callable[[LinkState], None]) -> None:
        """Call `listener` (must not block) at every change of the link's state."""
        ...

    def inbox(self, channel_id: str) -> AbstractContextManager[CallInbox]:
        """Register for a channel's events; leaving the context forgets them. Register before you act."""
        ...

    def arrivals(self) -> AsyncIterator[Arrived]:
        """Calls from outside, in order."""
        ...

    async def originate(self, order: OriginateOrder) -> None:
        """Place a call. Returns when the exchange accepted it; ringing, answer and hang-up come as events.

        Raises DuplicateChannel (it was already placed), EndpointRefused, OriginateOutcomeUnknown (never repeat it).
        """
        ...

    async def answer(self, channel_id: str) -> None:
        """Answer an incoming call."""
        ...

    async def hang_up(self, channel_id: str, reason: str = "normal") -> None:
        """Hang up. A channel that is gone already is a success. reason: "normal", "busy", "congestion", "no_answer"."""
        ...

    async def create_bridge(self, bridge_id: str) -> None:
        """Make a mixing bridge that reports DTMF. A bridge that exists already is a success."""
        ...

    async def destroy_bridge(self, bridge_id: str) -> None:
        """Remove a bridge; channels in it stay alive outside. One that is gone already is a success."""
        ...

    async def add_to_bridge(self, bridge_id: str, channel_id: str) -> None:
        """Put a channel into a bridge, out of the one it was in, if any. Raises ChannelGone, NotInStasis."""
        ...

    async def remove_from_bridge(self, bridge_id: str, channel_id: str) -> None:
        """Take a channel out of a bridge; not being in it is a success."""
        ...

    async def renew_audio(self, channel_id: str) -> None:
        """Make the exchange forget whom the channel heard last; call it between two talkers, out of any bridge.

        A transcoder that survives a change of talkers may drop all that the next one says. Raises ChannelGone.
        """
        ...

    async def start_tap(self, order: TapOrder) -> None:
        """Start copying a channel's audio. Works before answer (early media). Returns when the audio flows."""
        ...

    async def overhear(self, order: TapOrder) -> None:
        """Let a tap that was started hear its channel wherever that is: in other bridges, while prompts play to it.

        It hears what the far end says and nothing that is said to it. The channel leaves the tap's bridge. Raises
        ChannelGone; the tap must be stopped all the same.
        """
        ...

    async def stop_tap(self, order: TapOrder) -> None:
        """End a tap: its channel and bridge go; the tapped channel stays up wherever it is. Repeating is a success."""
        ...

    async def play(self, channel_id: str, media: Sequence[str], playback_id: str) -> None:
        """Play prompts one after the other to a channel. media: sound URIs ("sound:/path/without/extension").

        PlaybackEnded with this id follows on the channel's inbox.
        """
        ...

    async def stop_playback(self, playback_id: str) -> None:
        """Stop a prompt at once; one that ended already is a success."""
        ...

    async def start_recording(self, channel_id: str, path: str) -> None:
        """Record a channel in stereo (left: what it says, right: what it hears), raw s16le, into `path`.raw."""
        ...

    async def stop_recording(self, channel_id: str) -> None:
        """End the recording; a channel that is gone already is a success."""
        ...

    async def snapshot(self) -> ExchangeState:
        """What the exchange holds now."""
        ...
