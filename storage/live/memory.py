"""The hopper in memory: for one node without Redis, for simulations and tests on a virtual clock."""

from collections.abc import Sequence

from campaigns.clock import Clock


class MemoryHopper:
    """`storage.port.Hopper` in memory."""

    def __init__(self, clock: Clock, loan_s: float = 30.0) -> None:
        self._clock = clock
        self._loan_s = loan_s
        self._queues: dict[str, dict[str, None]] = {}
        self._loans: dict[str, dict[str, float]] = {}

    async def put(self, campaign_id: str, lead_ids: Sequence[str]) -> int:
        """Append leads that are neither queued nor on loan."""
        queue, loans = self._of(campaign_id)
        before = len(queue)
        queue.update((lead_id, None) for lead_id in lead_ids if lead_id not in loans and lead_id not in queue)
        return len(queue) - before

    async def take(self, campaign_id: str, n: int) -> list[str]:
        """Take up to `n` leads, oldest first; expired loans first of all."""
        queue, loans = self._of(campaign_id)
        now_s = self._clock.monotonic_s()
        expired = [lead_id for lead_id, until_s in loans.items() if until_s <= now_s]
        taken = [*expired, *queue][: max(n, 0)]
        for lead_id in taken:
            queue.pop(lead_id, None)
            loans[lead_id] = now_s + self._loan_s
        return taken

    async def done(self, campaign_id: str, lead_ids: Sequence[str]) -> None:
        """Forget the loans of these leads."""
        loans = self._of(campaign_id)[1]
        for lead_id in lead_ids:
            loans.pop(lead_id, None)

    async def size(self, campaign_id: str) -> int:
        """Leads that are queued."""
        return len(self._of(campaign_id)[0])

    async def members(self, campaign_id: str) -> list[str]:
        """Leads that are queued or on loan."""
        queue, loans = self._of(campaign_id)
        return [*queue, *loans]

    async def clear(self, campaign_id: str) -> None:
        """Forget the queue and its loans."""
        self._queues.pop(campaign_id, None)
        self._loans.pop(campaign_id, None)

    def _of(self, campaign_id: str) -> tuple[dict[str, None], dict[str, float]]:
        return self._queues.setdefault(campaign_id, {}), self._loans.setdefault(campaign_id, {})
