"""How many of the calls given up as machines were people: from calls drawn by lot that somebody listened to.

The share eats the same budget as abandoned calls (Ofcom's "reasoned estimate of false positives"), so what pacing uses
is not the share found but its upper bound: few audited calls mean a high bound, and every further one lowers it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from amd.evaluate import clopper_pearson
from amd.kept import Label
from amd.useful import gave_up
from amd.verdict import CallClass

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """audited: calls given up that were drawn by lot and labelled; people: those of them that were people."""

    audited: int
    people: int

    @property
    def share(self) -> float:
        """What was found; 0 when nothing was audited."""
        return self.people / self.audited if self.audited else 0.0

    def upper(self, confidence: float = CONFIDENCE) -> float:
        """The share of people among calls given up is under this with the given (one-sided) confidence.

        Clopper and Pearson (1934). 1.0 when nothing was audited: nothing is known then.
        """
        return clopper_pearson(self.people, self.audited, 2.0 * confidence - 1.0)[1]


class FalsePositiveSource(Protocol):
    """Who knows how many people are taken for machines: what the abandonment guarantee reads."""

    def false_positives(self, campaign_id: str) -> FalsePositives:
        """The audited calls of one campaign; "" for those of all."""
        ...


class AuditedLabels:
    """A `FalsePositiveSource` over labels (`amd.kept.KeptCalls.labels`)."""

    def __init__(self, labels: Iterable[Label]) -> None:
        """Only labels of calls drawn by lot, whose verdict gave them up, count."""
        self._labels = [
            label for label in labels if label.picked == "audit" and label.said is not None and gave_up(label.said)
        ]

    def false_positives(self, campaign_id: str = "") -> FalsePositives:
        """`unknown` (a person who could not tell) counts as a person: the bound must not flatter."""
        mine = [label for label in self._labels if campaign_id in ("", label.campaign_id)]
        people = sum(label.call_class in (CallClass.HUMAN, CallClass.UNKNOWN) for label in mine)
        return FalsePositives(len(mine), people)
