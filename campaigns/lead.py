"""Who may be called: one lead of one list."""

from dataclasses import dataclass, field
from enum import StrEnum


class LeadState(StrEnum):
    """Where a lead stands between attempts."""

    NEW = "new"
    IN_ATTEMPT = "in_attempt"  # one live attempt holds it
    RETRY = "retry"  # due again at next_call_at_s
    CALLBACK = "callback"  # promised at next_call_at_s
    CLOSED = "closed"
    DNC = "dnc"


@dataclass(frozen=True, slots=True)
class Lead:
    """One person to call. `phone` is E.164; `fields` are the other CSV columns; times are seconds since 1970, UTC."""

    lead_id: str
    list_id: str
    phone: str
    name: str = ""
    time_zone: str = ""  # IANA name; empty: derived from the number
    priority: int = 0  # higher first
    state: LeadState = LeadState.NEW
    attempts: int = 0
    next_call_at_s: float | None = None
    last_outcome: str | None = None
    callback_agent_id: str | None = None
    fields: dict[str, str] = field(default_factory=dict)

    def tried(self) -> "Lead":
        """The lead with one more attempt. Written out: a quarter of what `replace` costs, and every call does it."""
        return Lead(
            self.lead_id, self.list_id, self.phone, self.name, self.time_zone, self.priority, self.state,
            self.attempts + 1, self.next_call_at_s, self.last_outcome, self.callback_agent_id, self.fields,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LeadChange:
    """What the end of an attempt or a disposition does to a lead: the only arrow back into the list.

    gives_back_attempt: the attempt says nothing about the number (no room on the trunk) and is not counted in
    Lead.attempts, so that an outage of ours never uses up a lead.
    """

    lead_id: str
    state: LeadState
    next_call_at_s: float | None = None
    last_outcome: str | None = None
    callback_agent_id: str | None = None
    gives_back_attempt: bool = False
