"""Campaigns that dial for the same agents: whose turn it is, and what each has to know of the others.

A call dialled ahead puts everybody's callers at risk, so the one that may risk least sets the risk of all. Whoever has
spent its budget gets every turn, for only people met earn it back; the others then place one call for each idle agent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dialer.pacing.hazard_core import BELIEVED_CALLS, BELIEVED_PEOPLE, TURN_S
from dialer.pacing.plan import Plan, Tally


@dataclass(frozen=True, slots=True)
class Standing:
    """One campaign: its last plan, its tally of the window, and whether it has anybody to dial now."""

    campaign_id: str
    plan: Plan
    tally: Tally
    dials: bool

    @property
    def theta(self) -> float:
        """The risk that its next call may carry by its own tally; 1 for a law that knows no such thing."""
        return dict(self.plan.forecast).get("theta", 1.0)

    @property
    def owes(self) -> bool:
        """Whether its budget is spent."""
        return "owes" in dict(self.plan.forecast)


def terms_between(campaigns: Sequence[Standing], rival_calls: int, now_s: float) -> dict[str, Any]:
    """The fields of a `Snapshot` for the first of `campaigns`. rival_calls: the others' calls in flight.

    Who has nobody to dial takes no turn and holds nobody back.
    """
    own, rivals = campaigns[0], [each for each in campaigns[1:] if each.dials]
    in_turn = [each for each in (own, *rivals) if each.owes] or [own, *rivals]
    turns = sorted(each.campaign_id for each in in_turn)
    placed = sum(each.tally.placed for each in campaigns[1:])
    people = sum(each.tally.people for each in campaigns[1:])
    ended = max(0, placed - rival_calls)
    return {
        "my_turn": turns[int(now_s / TURN_S) % len(turns)] == own.campaign_id,
        "rival_theta": min((each.theta for each in rivals), default=1.0),
        "rival_share": (people + BELIEVED_PEOPLE) / (ended + BELIEVED_CALLS) if len(campaigns) > 1 else -1.0,
        "rival_owes": not own.owes and any(each.owes for each in rivals),
    }
