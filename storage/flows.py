"""What menus remember across calls and restarts. Same promises as `storage.port`: what returned is committed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoredSwitch:
    """An emergency switch that is on. text: what callers hear; prompt: a recorded one; "" and "": the flow's own words.

    flipped_by: a person's name, as given.
    """

    name: str
    text: str
    prompt: str
    since_s: float
    flipped_by: str = ""


class SwitchStore(Protocol):
    """Emergency switches; those that are off are not there."""

    async def put(self, switch: StoredSwitch) -> None:
        """Switch on, or change what is said."""
        ...

    async def remove(self, name: str) -> bool:
        """Switch off; False when it was off."""
        ...

    async def list(self) -> Sequence[StoredSwitch]:
        """Every switch that is on, by name."""
        ...


class LockStore(Protocol):
    """Failed identity checks. key: a hash, never an account number."""

    async def locked_until_s(self, key: str) -> float | None:
        """Until when the key is locked (seconds since 1970), None when nothing locks it; may lie in the past."""
        ...

    async def failed(self, key: str, at_s: float, most: int, lock_s: float) -> bool:
        """Count one failure; the `most`-th within lock_s locks the key for lock_s, and every one then returns True."""
        ...

    async def clear(self, key: str) -> None:
        """Forget the failures."""
        ...
