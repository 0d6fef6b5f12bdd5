"""What the signalling of a call tells about who answers: kept with every verdict, for the trace and for learning.

How long a phone rang is no proof by itself (a phone that is off goes to voicemail at once, one that nobody takes after
15 to 30 s), but it belongs to the call, and a centre's own calls teach what it is worth there (`dialer.ringing`).
"""

import re
from dataclasses import dataclass, field, replace

from amd.verdict import Verdict
from dialer.ringing import Hint, Signals

_NUMBER = re.compile(r"\+?\d{5,}")


def trunk_of(endpoint: str) -> str:
    """The trunk in a dial string, never the number: "PJSIP/+34600000000@carrier" is "carrier"."""
    way, at, trunk = endpoint.rpartition("@")
    return _NUMBER.sub("", trunk if at else way or trunk)


@dataclass(slots=True)
class Signalling:
    """One call's signalling so far. Times are monotonic seconds."""

    dialled_s: float
    trunk: str = ""
    rang_s: float | None = None
    early_media_s: float | None = None
    answered_s: float | None = None
    early: Verdict | None = None
    hint: Hint = field(default_factory=Hint)

    def signals(self, phone: str) -> Signals:
        """What is known at the answer of a call to an E.164 number."""
        rang_for_s = None
        if self.answered_s is not None and self.rang_s is not None:
            rang_for_s = self.answered_s - self.rang_s
        heard = self.early.call_class.value if self.early else "sound" if self.early_media_s is not None else ""
        return Signals(self.trunk, phone, rang_for_s, heard)

    def onto(self, verdict: Verdict) -> Verdict:
        """The verdict with what was signalled among its evidence: seconds, and what early media was."""
        found: dict[str, float | str] = {}
        if self.answered_s is not None:
            found["answered_after_s"] = round(self.answered_s - self.dialled_s, 2)
            found["trunk"] = self.trunk
            if self.rang_s is not None:
                found["rang_for_s"] = round(self.answered_s - self.rang_s, 2)
        if self.early_media_s is not None:
            found["early_media_for_s"] = round((self.answered_s or self.early_media_s) - self.early_media_s, 2)
        if self.early is not None and self.early is not verdict:
            found["early_verdict"] = self.early.call_class.value
            found["early_cause"] = self.early.cause[:60]
        if self.hint.odds:
            found["signalling_odds"] = round(self.hint.odds, 3)
            found["signalling_why"] = self.hint.why
        return replace(verdict, evidence={**verdict.evidence, **found}) if found else verdict
