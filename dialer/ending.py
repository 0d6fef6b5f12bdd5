"""How an attempt ended, and the facts worth keeping about it."""

from dataclasses import dataclass, field

from amd.verdict import Verdict
from campaigns.outcome import Outcome
from dialer.journal import Detail


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended, and facts worth keeping."""

    outcome: Outcome
    detail: Detail = field(default_factory=dict)


def words_of(verdict: Verdict | None) -> Detail:
    """A verdict as facts of a move; its evidence under names that begin with amd_."""
    if verdict is None:
        return {"verdict": "not screened"}
    return {
        **{f"amd_{name}": value for name, value in verdict.evidence.items()},
        "verdict": verdict.call_class.value,
        "probability": round(verdict.probability, 4),
        "cause": verdict.cause[:120],
        "since_answer_s": round(verdict.since_answer_s, 3),
        "since_speech_end_s": round(verdict.since_speech_end_s or 0.0, 3),
    }
