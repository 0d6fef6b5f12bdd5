"""Why somebody may be called: consent with its age and its end, or another basis that the campaign declares."""

from dataclasses import dataclass
from enum import StrEnum


class Basis(StrEnum):
    """On what ground a campaign calls people it has no recorded consent of."""

    NONE = "none"
    LEGITIMATE_INTEREST = "legitimate_interest"
    RELATIONSHIP = "relationship"  # a customer, a debtor: a contract is running
    CONSENT = "consent"  # every lead of the lists has given it; the proof is kept elsewhere


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's recorded consent. Times are seconds since 1970, UTC; source: where the proof is."""

    given_at_s: float
    source: str
    revoked_at_s: float | None = None

    def holds(self, now_s: float, max_age_s: float | None = None) -> bool:
        """Whether it counts now: given, not revoked (any channel revokes for all), not older than max_age_s."""
        if now_s < self.given_at_s or (self.revoked_at_s is not None and self.revoked_at_s <= now_s):
            return False
        return max_age_s is None or now_s - self.given_at_s <= max_age_s
