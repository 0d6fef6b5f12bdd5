"""All queues of the node: their callers, their figures, and what they claim of agents."""

from collections.abc import Iterable, Mapping

from agents.pool import AgentPool
from agents.queue import CallQueue, QueueSettings, claimed_by_callers, staffed
from campaigns.clock import Clock
from ivr.line import QueueState


class QueueHall:
    """The queues. `ivr.line.Queues` for flows; the live truth for waiting calls."""

    def __init__(self, queues: Iterable[QueueSettings], pool: AgentPool, clock: Clock) -> None:
        """Open these queues, served by the agents of `pool`."""
        self.queues = {settings.queue_id: CallQueue(settings) for settings in queues}
        self._pool = pool
        self._clock = clock
        self.born_s = clock.monotonic_s()

    @property
    def settings(self) -> Mapping[str, QueueSettings]:
        """Every queue's settings."""
        return {queue_id: queue.settings for queue_id, queue in self.queues.items()}

    def staffed(self, queue_id: str) -> int:
        """Agents at work who serve the queue."""
        return staffed(self.queues[queue_id].settings, self._pool.seats())

    def claimed(self) -> frozenset[str]:
        """Agents on whom the dialer must not count (`AgentDesk.held_for_callers`)."""
        if not self.queues:
            return frozenset()
        return claimed_by_callers(self._pool.waiting(), self._pool.seats(), self.settings)

    async def state(self, queue: str) -> QueueState | None:
        """A queue now, for somebody who would enter it; None when there is no such queue."""
        if (line := self.queues.get(queue)) is None:
            return None
        wait_s = line.wait_estimate_s(len(line) + 1, self._clock.monotonic_s())
        return QueueState(len(line), self.staffed(queue), wait_s)
