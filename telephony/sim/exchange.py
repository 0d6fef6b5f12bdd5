"""A telephone exchange in the process: `telephony.port.CallControl` with Asterisk's manners and scripted far ends.

It runs on any asyncio loop; on `virtual_time.VirtualTimeLoop` hours pass in seconds. Where it must choose, it does
what Asterisk 22 was seen to do (docs: asterisk-facts).
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager

from campaigns.clock import Clock
from telephony.errors import (
    ChannelGone,
    DuplicateChannel,
    EndpointRefused,
    LinkDown,
    NotInStasis,
    OriginateOutcomeUnknown,
    RequestRejected,
)
from telephony.events import (
    Answered,
    Arrived,
    CallEvent,
    HungUp,
    LinkState,
    PlaybackEnded,
    Ringing,
)
from telephony.port import CallInbox, ChannelInfo, ExchangeState, OriginateOrder, TapOrder
from telephony.sim.far_end import FarEnd
from telephony.sim.faults import Faults, LostAnswer
from telephony.sim.inbox import SimInbox
from telephony.sim.leg import CallRecord, SimLeg
from telephony.sim.network import Network
from telephony.sim.playback import Playback, Playbacks, SoundLength
from telephony.sim.switchboard import Switchboard
from telephony.sim.taps import SimTaps

_HANG_UP_CAUSES = {"normal": 16, "busy": 17, "congestion": 34, "no_answer": 19}


class SimExchange:
    """The exchange. Make it inside a running loop.

    network: who answers where. taps: where tapped audio goes. sound_s: how long a prompt lasts, None when it is
    missing. records: one per channel ever made, in order. faults: what to break.
    """

    def __init__(
        self,
        clock: Clock,
        network: Network | None = None,
        taps: SimTaps | None = None,
        *,
        sound_s: SoundLength = lambda uri: None if "missing" in uri else 2.0,
        inbox_capacity: int = 256,
    ) -> None:
        """Start with the link up and no call."""
        self.network = network or Network()
        self.taps = taps or SimTaps(clock)
        self.faults = Faults()
        self.records: list[CallRecord] = []
        self.recordings: dict[str, tuple[str, float, float | None]] = {}
        self._clock = clock
        self._capacity = inbox_capacity
        self._link_state = LinkState.UP
        self._listeners: list[Callable[[LinkState], None]] = []
        self._inboxes: dict[str, SimInbox] = {}
        self._arrivals: asyncio.Queue[Arrived] = asyncio.Queue()
        self._arrived: dict[str, Arrived] = {}
        self._playbacks = Playbacks(sound_s, self._prompt_changed, self._playback_ended)
        self._board = Switchboard(self.taps, self.emit, self.time_s, self._playbacks.heard_on)
        self._legs = self._board.legs
        self._serial = itertools.count(1)

    # --- link -------------------------------------------------------------------------------------------------

    @property
    def link_state(self) -> LinkState:
        """The link's state now."""
        return self._link_state

    def on_link(self, listener: Callable[[LinkState], None]) -> None:
        """Call `listener` at every change of the link's state."""
        self._listeners.append(listener)

    def lose_link(self) -> None:
        """Cut the link: calls that are up stay up, their events are lost, requests raise LinkDown."""
        self._set_link(LinkState.DOWN)

    def refuse_link(self) -> None:
        """Somebody else took our place (ApplicationReplaced), or our secret is wrong: a person has to mend it."""
        self._set_link(LinkState.REFUSED)

    def restore_link(self) -> None:
        """Mend the link and reconcile: what ended, was answered or rang meanwhile is told."""
        self._link_state = LinkState.UP
        for channel_id, inbox in list(self._inboxes.items()):
            self._reconcile(channel_id, inbox)
        self._set_link(LinkState.UP)

    def restart(self) -> None:
        """The exchange crashed and is back: no channel, bridge or tap survived, and no far end got a farewell."""
        self._set_link(LinkState.DOWN)
        for leg in list(self._legs.values()):
            leg.end(0, None, "restart")
        self._board.clear()
        self._link_state = LinkState.UP  # so that the HungUp of the reconciliation is delivered
        for channel_id, inbox in list(self._inboxes.items()):
            self._reconcile(channel_id, inbox)
        self._set_link(LinkState.LOST_STATE)
        self._set_link(LinkState.UP)

    def _set_link(self, state: LinkState) -> None:
        self._link_state = state
        for listener in self._listeners:
            listener(state)

    def _reconcile(self, channel_id: str, inbox: SimInbox) -> None:
        leg = self._legs.get(channel_id)
        if leg is None and inbox.channel_was_known:
            self._deliver(HungUp(channel_id, self.time_s(), text="ended while the link was down", lost=True))
        elif leg is not None and leg.state == "up" and not inbox.answered:
            self._deliver(Answered(channel_id, self.time_s()))
        elif leg is not None and leg.state == "ringing" and not inbox.rang:
            self._deliver(Ringing(channel_id, self.time_s()))

    async def _ask(self) -> None:
        if self._link_state is not LinkState.UP:
            raise LinkDown(f"the link to the simulated exchange is {self._link_state}")
        await asyncio.sleep(self.faults.answer_after_s / 2)
        if self._link_state is not LinkState.UP:
            raise LinkDown("the link to the simulated exchange went down before the request was answered")

    async def _answer_arrives(self) -> None:
        await asyncio.sleep(self.faults.answer_after_s / 2)
        if self._link_state is not LinkState.UP:
            raise LinkDown("the link to the simulated exchange went down before the request was answered")

    # --- events -----------------------------------------------------------------------------------------------

    @contextmanager
    def inbox(self, channel_id: str) -> Iterator[CallInbox]:
        """Register for a channel's events."""
        if channel_id in self._inboxes:
            raise ValueError(f"channel {channel_id} has an inbox already: one call has one reader")
        inbox = self._inboxes[channel_id] = SimInbox(channel_id, self._capacity)
        inbox.channel_was_known = channel_id in self._legs
        try:
            yield inbox
        finally:
            del self._inboxes[channel_id]

    async def arrivals(self) -> AsyncIterator[Arrived]:
        """Calls from outside, in order."""
        while True:
            yield await self._arrivals.get()

    def emit(self, event: CallEvent) -> None:
        """Deliver an event, unless the link is not up or the channel is muted by a fault."""
        if self._link_state is LinkState.UP and event.channel_id not in self.faults.muted:
            self._deliver(event)

    def _deliver(self, event: CallEvent) -> None:
        inbox = self._inboxes.get(event.channel_id)
        if inbox is not None and not inbox.put(event):
            leg = self._legs.get(event.channel_id)
            if leg is not None:
                asyncio.get_running_loop().call_soon(leg.end, 16, None, "us")

    # --- calls ------------------------------------------------------------------------------------------------

    async def originate(self, order: OriginateOrder) -> None:
        """Place a call."""
        await self._ask()
        if self.faults.lost_answers:
            lost = self.faults.lost_answers.pop(0)
            if lost is LostAnswer.PLACED:
                self._place(order)
            raise OriginateOutcomeUnknown(f"originate of {order.channel_id} was sent and never answered")
        self._place(order)
        try:
            await self._answer_arrives()
        except LinkDown as error:
            raise OriginateOutcomeUnknown(f"originate of {order.channel_id}: {error}") from error

    def call_in(self, called: str, caller: str, far_end: FarEnd, variables: dict[str, str] | None = None) -> str:
        """Let somebody call `called` (a DID); return the channel id. With the link down nobody takes the call."""
        channel_id = f"{int(self._clock.now_s())}.{next(self._serial)}"
        record = CallRecord(channel_id, called, far_end, self.time_s(), inbound=True)
        leg = self._add_leg(record, "trunk")
        if self._link_state is LinkState.UP:
            arrived = Arrived(channel_id, self.time_s(), called, caller, ("incoming", called), variables or {})
            self._arrived[channel_id] = arrived
            self._arrivals.put_nowait(arrived)
            leg.start()
        else:
            leg.end(0, None, "us")
        return channel_id

    async def answer(self, channel_id: str) -> None:
        """Answer an incoming call."""
        await self._ask()
        leg = self._leg(channel_id, "answer")
        if not leg.record.inbound:
            raise RequestRejected(409, "only an incoming call can be answered", f"answer {channel_id}")
        leg.answer()
        await self._answer_arrives()

    async def hang_up(self, channel_id: str, reason: str = "normal") -> None:
        """Hang up; a channel that is gone already is a success."""
        await self._ask()
        leg, tap = self._legs.get(channel_id), self._board.tap_orders.get(channel_id)
        if leg is not None:
            leg.end(_HANG_UP_CAUSES[reason], None, "us")
        elif tap is not None:
            self._board.remove_tap(tap)
        await self._answer_arrives()

    def _place(self, order: OriginateOrder) -> None:
        self._refuse_clash(order.channel_id, "originate")
        far_end = None if self.faults.refuses(order.endpoint) else self.network.at(order.endpoint)
        if far_end is None:
            raise EndpointRefused(500, "Allocation failed", f"originate {order.channel_id}")
        record = CallRecord(order.channel_id, order.endpoint, far_end, self.time_s())
        leg = self._add_leg(record, order.endpoint.partition("/")[2].rpartition("@")[2])
        leg.start(order.ring_timeout_s)

    def _refuse_clash(self, channel_id: str, request: str) -> None:
        if self._board.live_ids.clashes(channel_id):
            raise DuplicateChannel(409, "Channel with given unique ID already exists", f"{request} {channel_id}")

    def _add_leg(self, record: CallRecord, endpoint_name: str) -> SimLeg:
        leg = SimLeg(self, record, f"PJSIP/{endpoint_name}-{next(self._serial):08x}")
        self.records.append(record)
        self._board.add_leg(leg)
        inbox = self._inboxes.get(record.channel_id)
        if inbox is not None:
            inbox.channel_was_known = True
        return leg

    def _leg(self, channel_id: str, request: str) -> SimLeg:
        leg = self._legs.get(channel_id)
        if leg is None:
            raise ChannelGone(404, "Channel not found", f"{request} {channel_id}")
        if self.time_s() < leg.created_at_s + self.faults.stasis_after_s:
            raise NotInStasis(422, "Channel not in Stasis application", f"{request} {channel_id}")
        return leg

    # --- what a leg tells us (LegHost) ------------------------------------------------------------------------

    def time_s(self) -> float:
        """Monotonic seconds."""
        return self._clock.monotonic_s()

    def media_changed(self, leg: SimLeg) -> None:
        """The leg's audio opened."""
        self._board.hearing_changed(leg.channel_id)

    def leg_ended(self, leg: SimLeg) -> None:
        """Take a leg out of everything; its own tap channel and tap bridge stay until they are stopped (as in life)."""
        self._playbacks.fail_all(leg.channel_id)
        self._board.leave(leg)
        self._end_recordings(leg.channel_id)
        leg.hears_now(set(), somebody=False)
        self._board.remove_leg(leg)

    # --- bridges ----------------------------------------------------------------------------------------------

    async def create_bridge(self, bridge_id: str) -> None:
        """Make a bridge; one that exists already is a success."""
        await self._ask()
        self._board.bridges.setdefault(bridge_id, [])
        await self._answer_arrives()

    async def destroy_bridge(self, bridge_id: str) -> None:
        """Remove a bridge; channels in it stay alive outside."""
        await self._ask()
        self._board.destroy(bridge_id)
        await self._answer_arrives()

    async def add_to_bridge(self, bridge_id: str, channel_id: str) -> None:
        """Put a channel into a bridge, out of the one it was in."""
        await self._ask()
        if bridge_id not in self._board.bridges:
            raise ChannelGone(404, "Bridge not found", f"add {channel_id} to {bridge_id}")
        if channel_id not in self._legs:
            raise ChannelGone(400, "Channel not found", f"add {channel_id} to {bridge_id}")
        self._board.enter(bridge_id, self._leg(channel_id, f"add to {bridge_id}"))
        await self._answer_arrives()

    async def remove_from_bridge(self, bridge_id: str, channel_id: str) -> None:
        """Take a channel out of a bridge; not being in it is a success."""
        await self._ask()
        leg = self._legs.get(channel_id)
        if leg is not None and leg.bridge_id == bridge_id:
            self._board.leave(leg)
        await self._answer_arrives()

    async def renew_audio(self, channel_id: str) -> None:
        """Nothing is transcoded here; only a channel that is there can be renewed."""
        await self._ask()
        self._leg(channel_id, "renew the audio of")
        await self._answer_arrives()

    # --- taps -------------------------------------------------------------------------------------------------

    async def start_tap(self, order: TapOrder) -> None:
        """Start copying a channel's audio to a tap that is open at `taps`."""
        await self._ask()
        self._leg(order.channel_id, "tap")
        self._refuse_clash(order.tap_channel_id, "tap")
        if not self.taps.is_open(order.tap_id):
            raise RequestRejected(500, "nobody expects this tap id: open it at media.taps first", "tap")
        self._board.add_tap(order)
        await asyncio.sleep(self.faults.tap_after_s)
        if order.bridge_id not in self._board.bridges:
            raise ChannelGone(404, "Bridge not found", f"tap {order.channel_id}")
        try:
            self._board.enter(order.bridge_id, self._leg(order.channel_id, "tap"))
        except RequestRejected:
            self._board.remove_tap(order)
            raise
        await self._answer_arrives()

    async def overhear(self, order: TapOrder) -> None:
        """Let a tap hear its channel wherever that is."""
        await self._ask()
        self._leg(order.channel_id, "overhear")
        if order.bridge_id not in self._board.bridges or order.tap_channel_id not in self._board.tap_orders:
            raise ChannelGone(404, "Bridge not found", f"overhear {order.channel_id}")
        self._board.overhear(order)
        await self._answer_arrives()

    async def stop_tap(self, order: TapOrder) -> None:
        """End a tap; the tapped channel stays up wherever it is."""
        await self._ask()
        self._board.remove_tap(order)
        await self._answer_arrives()

    # --- prompts and recordings -------------------------------------------------------------------------------

    async def play(self, channel_id: str, media: Sequence[str], playback_id: str) -> None:
        """Play prompts one after the other to a channel."""
        await self._ask()
        self._leg(channel_id, "play on")
        self._playbacks.start(channel_id, media, playback_id)
        await self._answer_arrives()

    async def stop_playback(self, playback_id: str) -> None:
        """Stop a prompt at once; one that ended already is a success."""
        await self._ask()
        self._playbacks.stop(playback_id)
        await self._answer_arrives()

    def _prompt_changed(self, channel_id: str) -> None:
        self._board.hearing_changed(channel_id)

    def _playback_ended(self, playback: Playback) -> None:
        self.emit(PlaybackEnded(playback.channel_id, self.time_s(), playback.playback_id, playback.failed))

    async def start_recording(self, channel_id: str, path: str) -> None:
        """Note that a channel is recorded: `recordings[path]` is (channel id, from, until)."""
        await self._ask()
        self._leg(channel_id, "record")
        self.recordings[path] = (channel_id, self.time_s(), None)
        await self._answer_arrives()

    async def stop_recording(self, channel_id: str) -> None:
        """End the recording; a channel that is gone already is a success."""
        await self._ask()
        self._end_recordings(channel_id)
        await self._answer_arrives()

    def _end_recordings(self, channel_id: str) -> None:
        for path, (recorded, since_s, until_s) in self.recordings.items():
            if recorded == channel_id and until_s is None:
                self.recordings[path] = (recorded, since_s, self.time_s())

    # --- state ------------------------------------------------------------------------------------------------

    async def snapshot(self) -> ExchangeState:
        """What the exchange holds now, tap channels included."""
        await self._ask()
        legs = [leg.info(self._arrived.get(leg.channel_id)) for leg in self._legs.values()]
        taps = [ChannelInfo(channel_id, f"AudioSocket/{channel_id}", "up") for channel_id in self._board.tap_orders]
        await self._answer_arrives()
        return ExchangeState((*legs, *taps), self._board.infos())

    def hears(self, channel_id: str, source: str) -> bool:
        """Whether the far end of a live channel hears `source` (a channel id or a media URI) now."""
        leg = self._legs.get(channel_id)
        return leg is not None and source in leg.hearing

    def far_end_hangs_up(self, channel_id: str, q850: int = 16) -> None:
        """Let a far end hang up now, whatever its script says; a channel that is gone already is left alone."""
        leg = self._legs.get(channel_id)
        if leg is not None:
            leg.end(q850, None, "far end")

    def record(self, channel_id: str) -> CallRecord:
        """The latest record of a channel. Raises KeyError when there was none."""
        for record in reversed(self.records):
            if record.channel_id == channel_id:
                return record
        raise KeyError(channel_id)
