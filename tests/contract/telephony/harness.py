"""What the contract of `telephony.port.CallControl` needs from the exchange under test and from the network behind it.

One implementation per exchange: `sim_harness.py` (virtual time) and `asterisk_harness.py` (real time).
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Protocol, TypeVar

from campaigns.ids import call_channel_id, new_id
from media.taps import TapAudio
from telephony.events import Answered, CallEvent, HungUp
from telephony.port import CallControl, CallInbox, OriginateOrder, TapOrder

E = TypeVar("E", bound=CallEvent)


class Behaviour(StrEnum):
    """What the far end of a call does. Rings at once; "answers" means within a second."""

    PERSON = "person"  # answers, says a loud tone or voice for at least 5 s, then stays silent on the line
    AGENT = "agent"  # answers at once, says a loud tone or voice for at least 5 s, stays
    HANGS_UP = "hangs up"  # answers, hangs up 1 s later
    PRESSES_42 = "presses 42"  # answers, waits 2 s, presses 4 and 2, stays
    MUTE = "mute"  # answers, sends no audio frame at all, stays
    NO_ANSWER = "no answer"  # rings for ever (180)
    ANNOUNCEMENT = "announcement"  # 183 with at least 3 s of loud audio, then 404; never answers
    BUSY = "busy"  # 486
    UNALLOCATED = "unallocated"  # 404
    CONGESTION = "congestion"  # 503
    REJECTED = "rejected"  # 603


class ExchangeHarness(Protocol):
    """An exchange with a network behind it that behaves on demand.

    patience_s: how long any one wait of a test may take, in the exchange's own time. prompt: the URI of a sound of 1 to
    2 s; long_prompt: of at least 5 s; missing_prompt: of one that does not exist.
    """

    control: CallControl
    taps: TapAudio
    patience_s: float
    prompt: str
    long_prompt: str
    missing_prompt: str

    async def target(self, behaviour: Behaviour) -> str:
        """A dial string (OriginateOrder.endpoint) at which `behaviour` answers."""
        ...

    async def unknown_target(self) -> str:
        """A dial string that names no endpoint of the exchange."""
        ...

    async def call_in(self, called: str, caller: str) -> None:
        """Somebody in the network calls the DID `called` and waits for us; once answered it stays and says a tone."""
        ...

    async def caller_hangs_up(self) -> None:
        """The last one who called in hangs up."""
        ...

    async def hears(self, listener: str, source: str) -> bool:
        """Whether the far end of channel `listener` hears `source` (a channel id or a prompt URI) now or just did."""
        ...

    async def recorded_bytes(self, path: str) -> int:
        """How many bytes the recording `path`.raw holds, 0 when there is none."""
        ...

    def recording_path(self, name: str) -> str:
        """A path that start_recording may be given."""
        ...


_rng = random.Random(20)


def fresh_id() -> str:
    """An attempt id."""
    return new_id(1_780_000_000.0 + _rng.random() * 1e6, _rng)


def order_for(endpoint: str, channel_id: str | None = None, ring_timeout_s: float = 20.0) -> OriginateOrder:
    """An order for one call."""
    return OriginateOrder(channel_id or call_channel_id(fresh_id()), endpoint, "+34910000000", ring_timeout_s)


class Call:
    """A placed call and the events read from its inbox so far."""

    def __init__(self, harness: ExchangeHarness, order: OriginateOrder, inbox: CallInbox) -> None:
        self.order = order
        self.channel_id = order.channel_id
        self.seen: list[CallEvent] = []
        self._inbox = inbox
        self._patience_s = harness.patience_s

    async def until(self, kind: type[E], where: Callable[[E], bool] = lambda event: True) -> E:
        """Read events until one of this kind for which `where` holds; the others stay in `seen`."""
        try:
            async with asyncio.timeout(self._patience_s):
                while True:
                    event = await self._inbox.next()
                    self.seen.append(event)
                    if isinstance(event, kind) and where(event):
                        return event
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__} within {self._patience_s} s after {self.seen}") from None

    def kinds(self) -> list[type[CallEvent]]:
        """The kinds of the events seen, in order."""
        return [type(event) for event in self.seen]


@asynccontextmanager
async def placed(
    harness: ExchangeHarness, behaviour: Behaviour, *, answered: bool = False, ring_timeout_s: float = 20.0
) -> AsyncIterator[Call]:
    """Place a call to a far end that behaves so; wait for its answer if asked; hang it up at the end."""
    order = order_for(await harness.target(behaviour), ring_timeout_s=ring_timeout_s)
    with harness.control.inbox(order.channel_id) as inbox:
        await harness.control.originate(order)
        call = Call(harness, order, inbox)
        try:
            if answered:
                await call.until(Answered)
            yield call
        finally:
            await harness.control.hang_up(order.channel_id)


async def ended(harness: ExchangeHarness, call: Call) -> HungUp:
    """Hang a call up and wait until it is gone."""
    await harness.control.hang_up(call.channel_id)
    return await call.until(HungUp)


async def eventually(harness: ExchangeHarness, condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait until a condition holds."""
    try:
        async with asyncio.timeout(harness.patience_s):
            while not await condition():  # noqa: ASYNC110 - the far side of a network sets no Event
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {harness.patience_s} s: {what}") from None


async def until_heard(harness: ExchangeHarness, listener: str, source: str) -> None:
    """Wait until the far end of `listener` hears `source`."""
    await eventually(harness, lambda: harness.hears(listener, source), f"{listener} hears {source}")


async def bridge_members(harness: ExchangeHarness, bridge_id: str) -> set[str] | None:
    """Who is in a bridge; None when there is no such bridge."""
    state = await harness.control.snapshot()
    return next((set(bridge.channel_ids) for bridge in state.bridges if bridge.bridge_id == bridge_id), None)


async def until_members(harness: ExchangeHarness, bridge_id: str, wanted: set[str] | None) -> None:
    """Wait until exactly these are in a bridge, or (None) until there is no such bridge.

    An exchange answers before all of it is done: Asterisk lists a bridge for some milliseconds after its DELETE.
    """

    async def so() -> bool:
        return await bridge_members(harness, bridge_id) == wanted

    await eventually(harness, so, f"in bridge {bridge_id} are {wanted}")


async def until_no_channel(harness: ExchangeHarness, channel_id: str) -> None:
    """Wait until the exchange lists the channel no more, which may be some milliseconds after its end was told."""

    async def gone() -> bool:
        return await channel_state(harness, channel_id) is None

    await eventually(harness, gone, f"channel {channel_id} is gone")


async def channel_state(harness: ExchangeHarness, channel_id: str) -> str | None:
    """The state of a channel; None when there is no such channel."""
    state = await harness.control.snapshot()
    return next((channel.state for channel in state.channels if channel.channel_id == channel_id), None)


def tap_order_for(channel_id: str, tap_id: str) -> TapOrder:
    """An order to tap a channel."""
    head = fresh_id()
    return TapOrder(channel_id, tap_id, f"{head}-tapc", f"{head}-tapb")
