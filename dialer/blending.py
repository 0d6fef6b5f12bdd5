"""Digital work on the desk: items follow what agents do, and whoever shows them to agents is told each step."""

import asyncio
from collections.abc import Callable

from agents.agent import AgentState
from agents.digital import BlendingRule, DigitalItem, DigitalQueue, DigitalStep, Occupancy, occupancy
from agents.pool import AgentPool
from campaigns.clock import Clock
from dialer.events import AgentMoved, DialerEvent

_EVERY_S = 1.0
Tell = Callable[[DigitalStep], None]


class DigitalDesk:
    """The node's digital items. `take` every event of the engine: an item is taken back in the moment of the move.

    Channels (WhatsApp, e-mail) `offer` items and listen; a screen says when one is `done`.
    """

    def __init__(self, pool: AgentPool, clock: Clock, rule: BlendingRule | None = None) -> None:
        """Items for the agents of `pool`."""
        self.queue = DigitalQueue(rule or BlendingRule())
        self._pool = pool
        self._clock = clock
        self._listeners: list[Tell] = []

    def listen(self, tell: Tell) -> None:
        """Hear every step; must not block."""
        self._listeners.append(tell)

    def offer(self, item: DigitalItem) -> None:
        """A new item. Raises DigitalError for one that is here already."""
        self.queue.offer(item)
        self._settle()

    def done(self, agent_id: str) -> None:
        """The agent answered its item. Raises DigitalError when it works on none."""
        self._tell(self.queue.done(agent_id, self._clock.monotonic_s()))
        self._settle()

    def take(self, event: DialerEvent) -> None:
        """Follow one event."""
        if isinstance(event, AgentMoved):
            if event.move.target is AgentState.SIGNED_OUT:  # a new session begins at nought, as the seat's own times do
                self._settle()
                self.queue.digital_s.pop(event.move.agent_id, None)
            self._settle()

    async def run(self) -> None:
        """Give items to agents who have been idle long enough; for ever."""
        while True:
            await asyncio.sleep(_EVERY_S)
            self._settle()

    def occupancy(self) -> Occupancy | None:
        """Voice and productive occupancy of everybody who is signed in."""
        return occupancy(self._pool.seats(), self.queue, self._clock.monotonic_s())

    def _settle(self) -> None:
        waiting = bool(self._pool.waiting())
        for step in self.queue.settle(self._pool.seats(), self._clock.monotonic_s(), waiting):
            self._tell(step)

    def _tell(self, step: DigitalStep) -> None:
        for listener in self._listeners:
            listener(step)
