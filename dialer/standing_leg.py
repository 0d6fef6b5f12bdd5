"""An agent's standing audio leg: one call to the agent's phone, parked in the agent's own bridge, for the whole shift.

Connecting a customer is adding the customer to that bridge, which takes milliseconds; ringing a phone takes seconds.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

from agents.agent import AgentProfile
from campaigns.clock import Clock
from campaigns.ids import leg_bridge_id, leg_channel_id
from dialer.line import Line, LineGone
from telephony.errors import ChannelGone, DuplicateChannel, EndpointRefused, TelephonyError
from telephony.port import CallControl, OriginateOrder

_RING_TIMEOUT_S = 20.0
_FIRST_RETRY_S = 0.3
_LAST_RETRY_S = 5.0


class StandingLeg:
    """Keeps one agent's leg up until cancelled; tells `on_change` (True: audio is there) at every change.

    A leg that exists already, from before a restart of the server, is taken over as it is: whoever talks goes on.
    """

    def __init__(
        self,
        control: CallControl,
        profile: AgentProfile,
        clock: Clock,
        rng: random.Random,
        on_change: Callable[[bool], None],
    ) -> None:
        """Keep the leg of `profile` up on `control`; `rng` spreads retries of many agents."""
        self.channel_id = leg_channel_id(profile.agent_key)
        self.bridge_id = leg_bridge_id(profile.agent_key)
        self._control = control
        self._profile = profile
        self._clock = clock
        self._rng = rng
        self._on_change = on_change
        self.last_trouble = ""
        self._stirred = asyncio.Event()
        self._doubted = False
        self._stale = False

    async def run(self) -> None:
        """Dial, park, wait for the end, dial again; until cancelled, when the leg is left as it is."""
        retry_s = _FIRST_RETRY_S
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await self._once()
            except EndpointRefused:
                self.last_trouble = f"{self._profile.endpoint} cannot be called: no such phone is registered"
            except TelephonyError as error:
                self.last_trouble = str(error)
            except TimeoutError:
                self.last_trouble = "the agent's phone did not answer"
            except LineGone as gone:
                self.last_trouble = f"the agent's phone is gone (cause {gone.hung_up.q850})"
            finally:
                self._on_change(False)
            if self._clock.monotonic_s() - began_s > 10.0:
                retry_s = _FIRST_RETRY_S
            await asyncio.sleep(retry_s * self._rng.uniform(0.8, 1.2))
            retry_s = min(retry_s * 2, _LAST_RETRY_S)

    async def hang_up(self) -> None:
        """End the leg and its bridge: the agent signed out."""
        try:
            await self._control.hang_up(self.channel_id)
            await self._control.destroy_bridge(self.bridge_id)
        except TelephonyError as error:
            self.last_trouble = f"the leg could not be ended, recovery will: {error}"

    def doubt(self) -> None:
        """Something is wrong with the leg or its bridge: look, and park it again."""
        self._doubted = True
        self._stirred.set()

    def freshen(self) -> None:
        """A customer left: park the leg anew, so that the next one is heard.

        Asterisk keeps a leg's transcoder while the leg stays in its bridge, and a transcoder that knows RTP sequence
        numbers drops what is older than the last it saw: half of all next customers would be mute for minutes.
        """
        self._stale = True
        self._stirred.set()

    async def _once(self) -> None:
        self._doubted = False
        async with Line(self._control, self.channel_id) as line:
            if not await self._exists():
                await self._dial(line)
            self.last_trouble = ""
            self._on_change(True)
            while not self._doubted:
                await line.unless_gone(self._stirred.wait())
                self._stirred.clear()
                if self._stale:
                    await self._renew()
            self.last_trouble = "a customer could not be put through, the leg is looked at"

    async def _exists(self) -> bool:
        """Whether the leg is up and parked already."""
        state = await self._control.snapshot()
        channel = next((channel for channel in state.channels if channel.channel_id == self.channel_id), None)
        if channel is None:
            return False
        if channel.state != "up":
            await self._control.hang_up(self.channel_id)
            return False
        bridge = next((bridge for bridge in state.bridges if bridge.bridge_id == self.bridge_id), None)
        if bridge is None or self.channel_id not in bridge.channel_ids:
            await self._park()
        return True

    async def _dial(self, line: Line) -> None:
        order = OriginateOrder(
            channel_id=self.channel_id,
            endpoint=self._profile.endpoint,
            caller_id="Timbre",
            ring_timeout_s=_RING_TIMEOUT_S,
            # A browser or softphone takes the standing leg by itself on this header.
            variables={"PJSIP_HEADER(add,X-Auto-Answer)": "true"},
        )
        try:
            await self._control.originate(order)
        except DuplicateChannel:
            await self._control.hang_up(self.channel_id)
            raise
        await line.unless_gone(line.answered.wait(), _RING_TIMEOUT_S + 5)
        await self._park()
        for customer in await self._others():
            await self._reseat(customer)  # its transcoder knows the leg that broke

    async def _park(self) -> None:
        await self._control.create_bridge(self.bridge_id)
        await self._control.add_to_bridge(self.bridge_id, self.channel_id)

    async def _others(self) -> list[str]:
        """Who waits in the agent's bridge: a customer whose agent's leg broke."""
        state = await self._control.snapshot()
        bridge = next((bridge for bridge in state.bridges if bridge.bridge_id == self.bridge_id), None)
        return [name for name in bridge.channel_ids if name != self.channel_id] if bridge else []

    async def _renew(self) -> None:
        """The leg out of its bridge and in again: a few milliseconds, after which its transcoder is new."""
        self._stale = False
        await self._control.remove_from_bridge(self.bridge_id, self.channel_id)
        await self._control.add_to_bridge(self.bridge_id, self.channel_id)

    async def _reseat(self, customer: str) -> None:
        with suppress(ChannelGone):
            await self._control.remove_from_bridge(self.bridge_id, customer)
            await self._control.renew_audio(customer)
            await self._control.add_to_bridge(self.bridge_id, customer)
