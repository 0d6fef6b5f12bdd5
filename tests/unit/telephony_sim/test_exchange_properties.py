"""Whatever is asked of the simulated exchange, in whatever order: what must always hold."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.errors import RequestRejected
from telephony.events import Answered, CallEvent, HungUp, PlaybackEnded
from telephony.port import CallInbox, OriginateOrder, TapOrder
from telephony.sim.exchange import SimExchange
from telephony.sim.far_end import FarEnd
from telephony.sim.network import Network
from telephony.sim.virtual_time import VirtualClock, run_virtual

CALLS = [f"call-{number}" for number in range(4)]
BRIDGES = ["bridge-0", "bridge-1"]
FAR_ENDS = {
    "person": FarEnd.person(ring_s=1.0, patience_s=2.0, talk_s=3.0),
    "leaves": FarEnd.person_who_hangs_up(ring_s=0.5),
    "agent": FarEnd.agent(),
    "busy": FarEnd.busy(after_s=0.5),
    "rings": FarEnd.no_answer(),
    "told": FarEnd.announcement(1.0),
}
TAP_IDS = {call: f"00000000-0000-4000-8000-00000000000{number}" for number, call in enumerate(CALLS)}

call, bridge = st.sampled_from(CALLS), st.sampled_from(BRIDGES)
waits = st.tuples(st.just("wait"), st.floats(0.01, 4.0))
adds = st.tuples(st.just("add"), bridge, call)
operations = st.one_of(
    waits,  # chance picks every line alike: what makes things happen stands here more than once
    waits,
    adds,
    adds,
    st.tuples(st.just("originate"), call, st.sampled_from(sorted(FAR_ENDS))),
    st.tuples(st.just("hang up"), call),
    st.tuples(st.just("create"), bridge),
    st.tuples(st.just("destroy"), bridge),
    st.tuples(st.just("remove"), bridge, call),
    st.tuples(st.just("tap"), call),
    st.tuples(st.just("untap"), call),
    st.tuples(st.just("play"), call),
    st.tuples(st.just("stop"), call),
    st.tuples(st.just("lose link")),
    st.tuples(st.just("restart")),
)
# both bridges and three of the four calls are there from the start
scripts = st.builds(
    lambda numbers, rest: [
        *(("create", bridge_id) for bridge_id in BRIDGES),
        *(("originate", channel_id, number) for channel_id, number in zip(CALLS, numbers, strict=False)),
        *rest,
    ],
    st.tuples(*[st.sampled_from(sorted(FAR_ENDS))] * 3),
    st.lists(operations, min_size=8, max_size=30),
)


def tap_of(channel_id: str) -> TapOrder:
    return TapOrder(channel_id, TAP_IDS[channel_id], f"tap-of-{channel_id}", f"tapbridge-of-{channel_id}")


class Run:
    """One exchange, four channel ids with a reader each, and a check after every operation."""

    def __init__(self, stack: ExitStack) -> None:
        network = Network()
        for name, far_end in FAR_ENDS.items():
            network.put(name, far_end)
        self.exchange = SimExchange(VirtualClock(), network)
        for tap_id in TAP_IDS.values():
            self.exchange.taps.open(tap_id)
        self.inboxes = {channel_id: stack.enter_context(self.exchange.inbox(channel_id)) for channel_id in CALLS}
        self.placed: set[str] = set()

    async def do(self, operation: tuple[object, ...]) -> None:
        name, *arguments = operation
        try:
            await self._request(str(name), [*map(str, arguments)])
        except RequestRejected:
            pass
        await self.check()

    async def _request(self, name: str, arguments: list[str]) -> None:
        exchange = self.exchange
        if name == "originate":
            channel_id, number = arguments
            if channel_id in self.placed:
                return  # an id is used once, as an attempt's is
            await exchange.originate(OriginateOrder(channel_id, f"PJSIP/{number}@carrier", "", 5.0))
            self.placed.add(channel_id)
            return
        if name == "wait":
            await asyncio.sleep(float(arguments[0]))
        elif name == "lose link":
            exchange.lose_link()
            await asyncio.sleep(1)
            exchange.restore_link()
        elif name == "restart":
            exchange.restart()
        else:
            requests: dict[str, Callable[..., Awaitable[None]]] = {
                "hang up": exchange.hang_up,
                "create": exchange.create_bridge,
                "destroy": exchange.destroy_bridge,
                "add": exchange.add_to_bridge,
                "remove": exchange.remove_from_bridge,
                "tap": lambda channel_id: exchange.start_tap(tap_of(channel_id)),
                "untap": lambda channel_id: exchange.stop_tap(tap_of(channel_id)),
                "play": lambda channel_id: exchange.play(channel_id, ["sound:a"], f"play-{channel_id}"),
                "stop": lambda channel_id: exchange.stop_playback(f"play-{channel_id}"),
            }
            await requests[name](*arguments)

    async def check(self) -> None:
        state = await self.exchange.snapshot()
        alive = [channel.channel_id for channel in state.channels]
        assert len(alive) == len(set(alive))
        members = [member for bridge in state.bridges for member in bridge.channel_ids]
        assert len(members) == len(set(members)), "a channel is in two bridges"
        assert set(members) <= set(alive), "a bridge holds a dead channel"
        for listener in CALLS:
            for source in CALLS:
                if self.exchange.hears(listener, source):
                    together = [b for b in state.bridges if {listener, source} <= set(b.channel_ids)]
                    assert together and listener != source, "somebody hears who is not there"
        self.exchange.taps.read_tick()


def drain(inbox: CallInbox) -> list[CallEvent]:
    events: list[CallEvent] = []

    async def read() -> None:
        while True:
            events.append(await inbox.next())

    task = asyncio.get_running_loop().create_task(read())
    asyncio.get_running_loop().call_soon(task.cancel)
    return events


async def play_out(script: list[tuple[object, ...]]) -> dict[str, list[CallEvent]]:
    with ExitStack() as stack:
        run = Run(stack)
        for operation in script:
            await run.do(operation)
        for channel_id in CALLS:
            await run.exchange.hang_up(channel_id)
        events: dict[str, list[CallEvent]] = {}
        for channel_id, inbox in run.inboxes.items():
            events[channel_id] = []
            while channel_id in run.placed and not (events[channel_id] and isinstance(events[channel_id][-1], HungUp)):
                events[channel_id].append(await inbox.next())
            assert channel_id in run.placed or not events[channel_id]
        await asyncio.sleep(100)
        late = [drain(inbox) for inbox in run.inboxes.values()]
        await asyncio.sleep(1)
        assert not any(late), "an event came after HungUp"
        assert all(record.ended_s is not None for record in run.exchange.records)
        return events


@settings(max_examples=100, deadline=None)
@given(scripts)
def test_bridges_hold_the_living_and_every_call_ends_once(script: list[tuple[object, ...]]) -> None:
    for channel_id, events in run_virtual(play_out(script)).items():
        kinds = [type(event) for event in events]
        assert kinds.count(Answered) <= 1
        assert kinds.count(HungUp) == (1 if kinds else 0)
        assert [event.at_s for event in events] == sorted(event.at_s for event in events)
        assert all(event.channel_id == channel_id for event in events)
        assert all(event.playback_id == f"play-{channel_id}" for event in events if isinstance(event, PlaybackEnded))


@settings(max_examples=25, deadline=None)
@given(scripts)
def test_the_same_script_gives_the_same_events(script: list[tuple[object, ...]]) -> None:
    assert run_virtual(play_out(script)) == run_virtual(play_out(script))
