"""What is live and may be rebuilt: the part of `storage.port` that Redis implements. Import it from `storage.port`."""

from collections.abc import Sequence
from typing import Protocol


class Hopper(Protocol):
    """The short queue of lead ids in front of the dialer; live state, rebuilt from LeadStore.due when lost.

    A lead that was taken is on loan: `done` gives the loan back, and a loan that expired (its node died before the
    attempt was planned) comes back to the front. Raises LiveStoreDown.
    """

    async def put(self, campaign_id: str, lead_ids: Sequence[str]) -> int:
        """Append leads that are neither queued nor on loan; return how many were appended."""
        ...

    async def take(self, campaign_id: str, n: int) -> list[str]:
        """Take up to `n` leads, oldest first; no lead goes to two takers."""
        ...

    async def done(self, campaign_id: str, lead_ids: Sequence[str]) -> None:
        """The attempts of these leads are planned, or will not be: forget the loan."""
        ...

    async def size(self, campaign_id: str) -> int:
        """Leads that are queued."""
        ...

    async def members(self, campaign_id: str) -> list[str]:
        """Leads that are queued or on loan: `exclude` of LeadStore.due."""
        ...

    async def clear(self, campaign_id: str) -> None:
        """Forget the queue and its loans."""
        ...
