"""What every node has."""

from typing import ClassVar

from ivr.fields import NodeName, Part
from ivr.visit import Go, Step, Visit


class Node(Part):
    """A step of a flow. `note` explains it to people and stands in the picture.

    failures: the fields that name where a failure goes; None there means the flow's rescue.
    listens: the node waits for the caller or for somebody else, so that a loop through it is no endless one.
    acts: it tells somebody outside; what it began is finished after a restart, under the same `Visit.action_id`, even
    when the caller is gone.
    numbered: its visits are counted, so that `Visit.action_id` names this one, after a restart too; so is what acts.
    """

    failures: ClassVar[tuple[str, ...]] = ()
    listens: ClassVar[bool] = False
    acts: ClassVar[bool] = False
    numbered: ClassVar[bool] = False
    note: str = ""

    async def visit(self, at: Visit) -> Step:
        """Do what the node does for this caller; raises CallerGone, PortTrouble, ExpressionFailed."""
        raise NotImplementedError

    def waits(self) -> bool:
        """Whether the node waits for the caller or for somebody else."""
        return self.listens

    def ends(self) -> bool:
        """Whether the call may end here as the flow means it."""
        return False

    def failure(self, branch: str) -> Go:
        """The step after a failure: the branch's own node, else the one for `failed`, else the rescue."""
        for name in (branch, "failed"):
            target = getattr(self, name, None) if name in self.failures else None
            if isinstance(target, NodeName):
                return Go(branch, target)
        return Go(branch, None)
