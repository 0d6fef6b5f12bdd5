"""What an audit by ear says of AMD's errors: the share of "machine" verdicts that were people, and its upper bound."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_CONFIDENCE = 0.95
_BISECTIONS = 60
# Calls that agents said something of, before machines among them are held against the budget.
_ENOUGH_SAID = 200


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


def machine_share(said: Mapping[str, int], machine_codes: Collection[str], unsaid: str) -> float:
    """Upper 95 % bound of the machines among those whom agents talked with, by how agents ended these calls.

    said: dispositions by code; unsaid: the code of calls that agents said nothing of. 0 while agents never said
    "machine", or said too little for a bound that means anything.
    """
    spoken = sum(count for code, count in said.items() if code != unsaid)
    machines = sum(count for code, count in said.items() if code in machine_codes)
    return _upper(spoken, machines) if machines and spoken >= _ENOUGH_SAID else 0.0


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
