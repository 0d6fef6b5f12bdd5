"""What became of past calls, for whoever learns from them: each attempt with the times of its moves, in one go."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from campaigns.attempt import AttemptState
from campaigns.outcome import Outcome


@dataclass(frozen=True, slots=True)
class PastCall:
    """One ended attempt. moved_s: when it entered each state (seconds since 1970, UTC); list_id: of its lead."""

    attempt_id: str
    outcome: Outcome
    agent_id: str | None
    planned_at_s: float
    moved_s: Mapping[AttemptState, float]
    list_id: str = ""

    def between(self, first: AttemptState, then: AttemptState) -> float | None:
        """Seconds from one state to another, None when it was not in both."""
        began_s, ended_s = self.moved_s.get(first), self.moved_s.get(then)
        return None if began_s is None or ended_s is None else max(0.0, ended_s - began_s)


@dataclass(frozen=True, slots=True)
class ScreenedCall:
    """One ended attempt that AMD listened to. prefix: how its number begins ("+346"), never the whole.

    facts: the details of the move that tells of the verdict; codes: dispositions agents gave it.
    """

    attempt_id: str
    outcome: Outcome
    prefix: str
    facts: Mapping[str, str | int | float]
    codes: frozenset[str] = frozenset()


class History(Protocol):
    """Past calls and agents' times."""

    async def calls(self, campaign_id: str, since_s: float) -> list[PastCall]:
        """Ended attempts of a campaign planned since then, oldest first."""
        ...

    async def latest(self, campaign_id: str, most: int) -> list[PastCall]:
        """The last ended attempts of a campaign, at most so many, oldest first."""
        ...

    async def screened(self, since_s: float, most: int) -> list[ScreenedCall]:
        """The last answered attempts of all campaigns that were listened to, planned since then; at most so many."""
        ...

    async def stays(self, state: str, since_s: float) -> list[float]:
        """How long agents stayed in a state each time, seconds; stays that have not ended are left out."""
        ...
