"""What an audit by ear says of AMD's errors: the share of "machine" verdicts that were people, and its upper bound."""

import math
from dataclasses import dataclass

_CONFIDENCE = 0.95
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class MistakenShare:
    """People among the verdicts "machine". estimate: what was found; upper: what is held back of the budget."""

    estimate: float
    upper: float
    audited: int


def mistaken_share(audited: int, people: int, assumed: float = 0.0) -> MistakenShare:
    """From `audited` verdicts that somebody checked, of which `people` were people; without an audit the assumption.

    upper: the exact one-sided 95 % bound of a binomial share (Clopper and Pearson, 1934).
    """
    if audited <= 0:
        return MistakenShare(assumed, assumed, 0)
    return MistakenShare(people / audited, _upper(audited, people), audited)


def _upper(trials: int, found: int) -> float:
    if found >= trials:
        return 1.0
    low, high = found / trials, 1.0
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if _at_most(trials, found, middle) > 1.0 - _CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _at_most(trials: int, found: int, share: float) -> float:
    """P(at most `found` of `trials`)."""
    if share >= 1.0:
        return 0.0
    logs = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(share) + (trials - k) * math.log1p(-share)
        for k in range(found + 1)
        if share > 0.0
    )  # fmt: skip
    return min(1.0, sum(math.exp(term) for term in logs)) if share > 0.0 else 1.0
