"""`CallControl` on a real Asterisk, over ARI."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import structlog

from campaigns.clock import Clock
from telephony.ari import requests
from telephony.ari.events import WANTED, read_arrival, read_event
from telephony.ari.inbox import Inbox, InboxTable
from telephony.ari.link import AnswerLost, Link, RawEvent
from telephony.ari.reconcile import missed_events, read_state
from telephony.ari.requests import Request
from telephony.ari.settings import AriSettings
from telephony.errors import (
    ChannelGone,
    LinkDown,
    NotInStasis,
    OriginateOutcomeUnknown,
    RequestRejected,
    SetupError,
    TelephonyError,
)
from telephony.events import Answered, Arrived, HungUp, LinkState
from telephony.port import ExchangeState, OriginateOrder, TapOrder

_log = structlog.get_logger(__name__)
_ARRIVALS_LIMIT = 1000


class Recorder(Protocol):
    """Who records calls in stereo: ARI cannot, AMI's MixMonitor can."""

    async def mix_monitor(self, channel_id: str, path: str) -> None:
        """Record a channel into `path`.raw. Raises ChannelGone."""
        ...

    async def stop_mix_monitor(self, channel_id: str) -> None:
        """End a recording; a channel that is gone is a success."""
        ...


async def _always() -> None:
    """Nobody is asked."""


class AriCallControl:
    """Asterisk as a `telephony.port.CallControl`.

    Run it with `group.create_task(control.run())` and wait with `await control.wait_up()`; cancelling `run` closes the
    link and leaves every call as it is. on_stall: called when the event socket is stuck; it must write a frame of
    silence to every open tap (TapHub.nudge). strays: called with the id of a channel that entered our application
    though nobody waits for it (an originate that outlived a crash); the default hangs it up. may_take: awaited before
    the application is taken for the first time; raises SetupError when somebody else has it.
    """

    def __init__(
        self,
        settings: AriSettings,
        clock: Clock,
        rng: random.Random,
        recorder: Recorder,
        on_stall: Callable[[], object],
        strays: Callable[[str], None] | None = None,
        may_take: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._recorder = recorder
        self._strays = strays or self._hang_up_later
        self._link = Link(settings, clock, rng, self._take, self._reconcile, on_stall, may_take or _always)
        self._inboxes = InboxTable(settings.inbox_limit, self._hang_up_later)
        self._entering: dict[str, asyncio.Future[TelephonyError | None]] = {}
        self._overheard: set[str] = set()  # the channels of `overhear`
        self._arrived: deque[Arrived] = deque()
        self._arrival = asyncio.Event()
        self._settled = asyncio.Event()  # the link is up or refused
        self._link.on_state(self._note_state)

    # -- the link

    async def run(self) -> None:
        """Keep the link to Asterisk. Raises SetupError when it is refused; otherwise runs until cancelled."""
        await self._link.run()

    async def wait_up(self) -> None:
        """Wait until requests are answered. Raises SetupError when Asterisk refuses us."""
        await self._settled.wait()
        if self._link.refusal is not None:
            raise self._link.refusal

    @property
    def link_state(self) -> LinkState:
        """The link's state now."""
        return self._link.state

    @property
    def counters(self) -> dict[str, int]:
        """Totals since the start: stalls, late_answers, overflows, unclaimed (events of channels without an inbox)."""
        return {
            "stalls": self._link.stalls,
            "late_answers": self._link.late_answers,
            "overflows": self._inboxes.overflows,
            "unclaimed": self._inboxes.unclaimed,
        }

    def on_link(self, listener: Callable[[LinkState], None]) -> None:
        """Call `listener` at every change of the link's state."""
        self._link.on_state(listener)

    def _note_state(self, state: LinkState) -> None:
        if state in (LinkState.UP, LinkState.REFUSED):
            self._settled.set()
        else:
            self._settled.clear()
            for entering in self._entering.values():
                if not entering.done():
                    entering.set_result(AnswerLost("the link broke before the channel came under control"))

    async def _reconcile(self, restarted: bool) -> None:
        """Make a new connection whole: the events that we want, and those that were missed."""
        await self._link.ask(requests.event_filter(self._settings.app, WANTED), reconciling=True)
        state = None if restarted else await self._state(reconciling=True)
        for event in missed_events(self._inboxes, state, self._clock.monotonic_s()):
            self._inboxes.deliver(event)
        for channel in state.channels if state else ():
            if channel.waits is not None:
                await self._follow_waiting(channel.waits)

    async def _follow_waiting(self, arrival: Arrived) -> None:
        """A call that rings and whose arrival was told to a controller that died: its end is told to us from now on."""
        if any(inbox.channel_id == arrival.channel_id for inbox in self._inboxes):
            return
        self._inboxes.expect(arrival.channel_id)
        reply = await self._link.ask(requests.subscribe(self._settings.app, arrival.channel_id), reconciling=True)
        if not reply.ok:
            self._inboxes.deliver(HungUp(arrival.channel_id, arrival.at_s, text="it hung up before it was taken"))

    # -- events

    def _take(self, raw: RawEvent) -> None:
        """Called by the link's reader: sort one event, wait for nothing."""
        at_s = self._clock.monotonic_s()
        if raw["type"] == "StasisStart":
            self._enter_stasis(raw, at_s)
            return
        event = read_event(raw, at_s)
        if event is None:
            return
        if isinstance(event, HungUp):
            self._never_entered(event)
        self._inboxes.deliver(event)

    def _enter_stasis(self, raw: RawEvent, at_s: float) -> None:
        channel_id = raw["channel"]["id"]
        entering = self._entering.get(channel_id)
        if entering is not None:
            if not entering.done():
                entering.set_result(None)
        elif (arrival := read_arrival(raw, at_s)) is not None:
            self._arrive(arrival)
        elif channel_id not in self._inboxes:
            _log.warning("a channel nobody waits for entered the application", channel_id=channel_id)
            self._strays(channel_id)

    def _never_entered(self, event: HungUp) -> None:
        entering = self._entering.get(event.channel_id)
        if entering is not None and not entering.done():
            entering.set_result(ChannelGone(404, "it ended at once", f"channel {event.channel_id}"))

    def _arrive(self, arrival: Arrived) -> None:
        if len(self._arrived) >= _ARRIVALS_LIMIT:
            self._link.post(requests.hang_up(arrival.channel_id, "congestion"))
            return
        gone = HungUp(arrival.channel_id, arrival.at_s, text="it hung up while it arrived")
        self._inboxes.expect(arrival.channel_id)
        self._link.post(
            requests.subscribe(self._settings.app, arrival.channel_id), lambda reply: self._inboxes.deliver(gone)
        )
        self._arrived.append(arrival)
        self._arrival.set()

    async def arrivals(self) -> AsyncIterator[Arrived]:
        """Calls from outside, in order."""
        while True:
            while self._arrived:
                yield self._arrived.popleft()
            self._arrival.clear()
            await self._arrival.wait()

    def inbox(self, channel_id: str) -> AbstractContextManager[Inbox]:
        """Register for a channel's events."""
        return self._inboxes.register(channel_id, attached=self._link.state is LinkState.UP)

    def _hang_up_later(self, channel_id: str) -> None:
        self._link.post(requests.hang_up(channel_id))

    async def _create_and_enter(self, request: Request, channel_id: str) -> None:
        """Make a channel and wait until it is under our control."""
        entering: asyncio.Future[TelephonyError | None] = asyncio.get_running_loop().create_future()
        self._entering[channel_id] = entering
        try:
            await self._link.do(request)
            if entering.done():  # mostly it came under control before the answer came
                failure = entering.result()
            else:
                async with asyncio.timeout(self._settings.request_timeout_s):
                    failure = await entering
        except TimeoutError as error:
            raise AnswerLost(f"channel {channel_id} was made and never came under control") from error
        finally:
            del self._entering[channel_id]
        if failure is not None:
            raise failure

    # -- calls

    async def originate(self, order: OriginateOrder) -> None:
        """Make the channel, then dial it; neither is ever repeated.

        Raises LinkDown (nothing was sent), DuplicateChannel, EndpointRefused, OriginateOutcomeUnknown.
        """
        if self._link.silent_s > self._settings.stall_s:
            raise LinkDown("Asterisk does not answer pings now: nothing is dialled until it does")
        if order.channel_id in self._entering:
            raise requests.rejection(
                requests.create_channel(order, self._settings.app), requests.Reply(409, "it is being dialled now")
            )
        try:
            await self._create_and_enter(requests.create_channel(order, self._settings.app), order.channel_id)
            await self._link.do(requests.dial(order))
        except AnswerLost as error:
            raise OriginateOutcomeUnknown(f"channel {order.channel_id}: {error}") from error
        except asyncio.CancelledError:
            self._hang_up_later(order.channel_id)
            raise

    async def answer(self, channel_id: str) -> None:
        """Answer an incoming call; Answered follows."""
        await self._link.do(requests.answer(channel_id))
        self._inboxes.deliver(Answered(channel_id, self._clock.monotonic_s()))

    async def hang_up(self, channel_id: str, reason: str = "normal") -> None:
        """Hang up; a channel that is gone is a success."""
        await self._do_or_gone(requests.hang_up(channel_id, reason))

    async def _do_or_gone(self, request: Request) -> None:
        try:
            await self._link.do(request)
        except ChannelGone:
            return

    # -- bridges and taps

    async def create_bridge(self, bridge_id: str) -> None:
        """Make a mixing bridge; one that is there already is a success."""
        request = requests.create_bridge(bridge_id)
        reply = await self._link.ask(request)
        if not reply.ok and reply.status != 409:
            raise requests.rejection(request, reply)

    async def destroy_bridge(self, bridge_id: str) -> None:
        """Remove a bridge; one that is gone, or about to go (409: not in the application any more), is a success."""
        try:
            await self._do_or_gone(requests.destroy_bridge(bridge_id))
        except NotInStasis:
            return

    async def add_to_bridge(self, bridge_id: str, channel_id: str) -> None:
        """Put a channel into a bridge, straight out of the one it is in."""
        await self._link.do(requests.add_to_bridge(bridge_id, channel_id))

    async def remove_from_bridge(self, bridge_id: str, channel_id: str) -> None:
        """Take a channel out of a bridge."""
        try:
            await self._do_or_gone(requests.remove_from_bridge(bridge_id, channel_id))
        except RequestRejected as error:
            if error.status not in (400, 409, 422):  # not in this bridge, or not under control any more
                raise

    async def renew_audio(self, channel_id: str) -> None:
        """A moment of silence: Asterisk makes a transcoder for it, and a new one after it.

        It keeps a transcoder while the format stays, and a transcoder that saw RTP sequence numbers drops what is
        older: where codecs differ, half of all second talkers would not be heard at all.
        """
        await self._link.do(requests.silence("POST", channel_id))
        await self._link.do(requests.silence("DELETE", channel_id))

    async def start_tap(self, order: TapOrder) -> None:
        """Make the tap's bridge and channel at once, then join call and tap with one request."""
        audiosocket = f"{self._settings.audiosocket_host}:{self._settings.audiosocket_port}"
        tap = requests.tap_channel(order, self._settings.app, audiosocket)
        try:
            await asyncio.gather(
                self.create_bridge(order.bridge_id),
                self._create_and_enter(tap, order.tap_channel_id),
            )
            await self._link.do(requests.add_to_bridge(order.bridge_id, order.channel_id, order.tap_channel_id))
        except BaseException:  # also a cancellation: half a tap must not stay behind
            self._link.post(requests.hang_up(order.tap_channel_id))
            self._link.post(requests.destroy_bridge(order.bridge_id))
            raise

    async def overhear(self, order: TapOrder) -> None:
        """Snoop on the call, and put that channel into the tap's bridge in the call's stead."""
        self._overheard.add(order.overheard_id)
        await asyncio.gather(
            self.remove_from_bridge(order.bridge_id, order.channel_id),
            self._create_and_enter(requests.snoop(order, self._settings.app), order.overheard_id),
        )
        await self._link.do(requests.add_to_bridge(order.bridge_id, order.overheard_id))

    async def stop_tap(self, order: TapOrder) -> None:
        """Remove the tap's channels and bridge."""
        channels = [order.tap_channel_id]
        if order.overheard_id in self._overheard:
            self._overheard.discard(order.overheard_id)
            channels.append(order.overheard_id)
        await asyncio.gather(
            *(self._do_or_gone(requests.hang_up(channel)) for channel in channels),
            self.destroy_bridge(order.bridge_id),
        )

    # -- prompts and recordings

    async def play(self, channel_id: str, media: Sequence[str], playback_id: str) -> None:
        """Play prompts one after the other to a channel."""
        await self._link.do(requests.play(channel_id, media, playback_id))

    async def stop_playback(self, playback_id: str) -> None:
        """Stop a prompt at once."""
        await self._do_or_gone(requests.stop_playback(playback_id))

    async def start_recording(self, channel_id: str, path: str) -> None:
        """Record a channel in stereo into `path`.raw."""
        await self._recorder.mix_monitor(channel_id, path)

    async def stop_recording(self, channel_id: str) -> None:
        """End the recording."""
        await self._recorder.stop_mix_monitor(channel_id)

    # -- what there is

    async def snapshot(self) -> ExchangeState:
        """What Asterisk holds now."""
        return await self._state(reconciling=False)

    async def _state(self, *, reconciling: bool) -> ExchangeState:
        channels, bridges = await asyncio.gather(
            self._link.ask(requests.CHANNELS, reconciling=reconciling),
            self._link.ask(requests.BRIDGES, reconciling=reconciling),
        )
        if not (channels.ok and bridges.ok):
            raise SetupError(f"Asterisk lists no channels ({channels.status}) or bridges ({bridges.status}) for us")
        return read_state(channels.body, bridges.body, self._clock.monotonic_s())
