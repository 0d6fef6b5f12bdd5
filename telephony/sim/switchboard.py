"""Which simulated channels are in which bridge, and so who hears whom."""

from collections.abc import Callable

from telephony.events import BridgeEntered, BridgeLeft, CallEvent
from telephony.port import BridgeInfo, TapOrder
from telephony.sim.leg import SimLeg
from telephony.sim.live_ids import LiveIds
from telephony.sim.taps import SimTaps


class Switchboard:
    """Legs, tap channels and bridges. A leg is in one bridge at most; a bridge holds living channels only."""

    def __init__(
        self,
        taps: SimTaps,
        emit: Callable[[CallEvent], None],
        time_s: Callable[[], float],
        prompt_on: Callable[[str], str | None],
    ) -> None:
        """`prompt_on(channel_id)`: the sound that is being played to a channel now."""
        self.legs: dict[str, SimLeg] = {}
        self.tap_orders: dict[str, TapOrder] = {}  # by the tap's channel id
        self.overheard: set[str] = set()  # taps, by their channel id, that hear their leg wherever it is
        self.bridges: dict[str, list[str]] = {}
        self.live_ids = LiveIds()
        self._taps = taps
        self._emit = emit
        self._time_s = time_s
        self._prompt_on = prompt_on

    def add_leg(self, leg: SimLeg) -> None:
        """A channel is born."""
        self.legs[leg.channel_id] = leg
        self.live_ids.add(leg.channel_id)

    def remove_leg(self, leg: SimLeg) -> None:
        """A channel is gone; it has left its bridge already."""
        if self.legs.pop(leg.channel_id, None) is not None:
            self.live_ids.remove(leg.channel_id)
        for tap in self.overheard:
            if self.tap_orders[tap].channel_id == leg.channel_id:
                self._taps.connect(self.tap_orders[tap].tap_id, None)

    def enter(self, bridge_id: str, leg: SimLeg) -> None:
        """Move a leg into a bridge, out of the one it was in."""
        if leg.bridge_id == bridge_id:
            return
        self.leave(leg)
        leg.bridge_id = bridge_id
        self.bridges[bridge_id].append(leg.channel_id)
        self._emit(BridgeEntered(leg.channel_id, self._time_s(), bridge_id))
        self.hearing_changed(leg.channel_id)

    def leave(self, leg: SimLeg) -> None:
        """Take a leg out of its bridge, if it is in one."""
        if leg.bridge_id is None:
            return
        bridge_id, leg.bridge_id = leg.bridge_id, None
        self.bridges[bridge_id].remove(leg.channel_id)
        self._emit(BridgeLeft(leg.channel_id, self._time_s(), bridge_id))
        self._refresh_bridge(bridge_id)
        self._refresh(leg)

    def destroy(self, bridge_id: str) -> None:
        """Remove a bridge; its legs stay up, its tap channels hear nobody."""
        for member in list(self.bridges.get(bridge_id, ())):
            leg = self.legs.get(member)
            if leg is not None:
                self.leave(leg)
        self.bridges.pop(bridge_id, None)

    def add_tap(self, order: TapOrder) -> None:
        """Put a tap's channel into its bridge; it hears the tapped leg as soon as that is there too."""
        self.tap_orders[order.tap_channel_id] = order
        self.live_ids.add(order.tap_channel_id)
        self.bridges.setdefault(order.bridge_id, []).append(order.tap_channel_id)

    def overhear(self, order: TapOrder) -> None:
        """Let a tap hear its leg wherever that is from now on; the leg leaves the tap's bridge."""
        leg = self.legs[order.channel_id]
        self.overheard.add(order.tap_channel_id)
        if leg.bridge_id == order.bridge_id:
            self.leave(leg)
        self._taps.connect(order.tap_id, leg)

    def remove_tap(self, order: TapOrder) -> None:
        """Remove a tap's channel and bridge."""
        self.overheard.discard(order.tap_channel_id)
        if self.tap_orders.pop(order.tap_channel_id, None) is not None:
            self.live_ids.remove(order.tap_channel_id)
            self._taps.connect(order.tap_id, None)
        self.destroy(order.bridge_id)

    def clear(self) -> None:
        """The exchange lost everything but its legs, which end by themselves."""
        self.bridges.clear()
        for order in self.tap_orders.values():
            self.live_ids.remove(order.tap_channel_id)
            self._taps.connect(order.tap_id, None)
        self.tap_orders.clear()
        self.overheard.clear()

    def hearing_changed(self, channel_id: str) -> None:
        """A leg's audio opened, or a prompt on it began or ended: see anew who hears what."""
        leg = self.legs.get(channel_id)
        if leg is None:
            return
        self._refresh(leg)
        if leg.bridge_id is not None:
            self._refresh_bridge(leg.bridge_id)

    def infos(self) -> tuple[BridgeInfo, ...]:
        """Every bridge."""
        return tuple(BridgeInfo(bridge_id, tuple(members)) for bridge_id, members in self.bridges.items())

    def _refresh_bridge(self, bridge_id: str) -> None:
        members = self.bridges[bridge_id]
        for member in members:
            if member in self.legs:
                self._refresh(self.legs[member])
            elif member in self.tap_orders:
                order = self.tap_orders[member]
                heard = order.channel_id in members or member in self.overheard
                self._taps.connect(order.tap_id, self.legs.get(order.channel_id) if heard else None)

    def _refresh(self, leg: SimLeg) -> None:
        prompt = self._prompt_on(leg.channel_id)
        if not leg.can_be_heard or leg.state == "gone":
            leg.hears_now(set(), somebody=False)
        elif prompt is not None:  # the exchange takes a leg out of its bridge's mix while it plays to it
            leg.hears_now({prompt}, somebody=False)
        else:
            people = self._people_beside(leg)
            leg.hears_now(people, somebody=bool(people))

    def _people_beside(self, leg: SimLeg) -> set[str]:
        members = self.bridges.get(leg.bridge_id or "", ())
        others = (self.legs[member] for member in members if member in self.legs and member != leg.channel_id)
        return {other.channel_id for other in others if other.can_be_heard}
