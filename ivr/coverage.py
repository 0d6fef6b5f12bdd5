"""Every way through a flow: its branches, its ends, the failures that nobody named, and which of them were walked."""

from collections.abc import Iterable
from dataclasses import dataclass

from ivr.events import Exit, FlowEvent, NodeLeft
from ivr.flow import Flow
from ivr.graph import edges_of
from ivr.nodes import Node
from ivr.nodes.authenticate import Authenticate
from ivr.nodes.survey import Survey
from ivr.rescue import RESCUE

HUNG_UP = "hung up"
"""The branch of a caller who hangs up while the node waits."""
END = "end"
"""The target of a way that ends the call."""

# Kinds whose failures come from the world outside: all of them can happen, named or not. Of the others only the
# failures that a caller makes (no key, a wrong key), and those that are named.
_OUTSIDE = frozenset(
    {"authenticate", "callback", "escalate", "lookup", "payment", "queue", "record", "send", "transfer", "voicemail"}
)
_BY_CALLER = frozenset({"no_input", "invalid"})
_EXITS = {
    "callback": Exit.CALLBACK,
    "goodbye": Exit.GOODBYE,
    "queue": Exit.TALKED,
    "transfer": Exit.TALKED,
    "voicemail": Exit.MESSAGE,
}
_ASKS = frozenset({"authenticate", "callback", "escalate", "lookup", "payment", "send", "survey", "voicemail"})


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """Out of a node by a branch. target: a node, `rescue` when none is named, END when the call is over."""

    node: str
    branch: str
    target: str


def ways_of(flow: Flow) -> tuple[Way, ...]:
    """Every way of a flow, in the order of its nodes; hang-ups are not among them (`hang_ups_of`)."""
    found: dict[tuple[str, str], Way] = {}
    named = {(edge.source, edge.branch): edge.target for edge in edges_of(flow)}
    for name, node in flow.nodes.items():
        ways = [Way(name, branch, target) for (source, branch), target in named.items() if source == name]
        ways += _failures(name, node) + _ends(name, node)
        for way in ways:
            found.setdefault((way.node, way.branch), way)
    return tuple(found.values())


def _failures(name: str, node: Node) -> list[Way]:
    kind = _kind(node)
    if isinstance(node, Survey):  # it goes on whatever happens
        return [Way(name, "no_input", node.no_input or node.next), Way(name, "failed", node.failed or node.next)]
    can = [each for each in node.failures if kind in _OUTSIDE or each in _BY_CALLER]
    if isinstance(node, Authenticate) and node.locked is None:
        can.remove("locked")  # it is "wrong" then
    return [Way(name, branch, str(node.failure(branch).node or RESCUE)) for branch in can]


def _ends(name: str, node: Node) -> list[Way]:
    return [Way(name, _EXITS[_kind(node)], END)] if node.ends() and _kind(node) in _EXITS else []


def hang_ups_of(flow: Flow) -> tuple[Way, ...]:
    """A hang-up at every node that waits for the caller."""
    return tuple(Way(name, HUNG_UP, END) for name, node in flow.nodes.items() if node.waits())


def askers_of(flow: Flow) -> tuple[str, ...]:
    """Nodes that ask or tell the world something: it may be slow."""
    return tuple(name for name, node in flow.nodes.items() if _kind(node) in _ASKS)


def taken(events: Iterable[FlowEvent]) -> frozenset[tuple[str, str]]:
    """Node and branch of every way that a call took, hang-ups included; the rescue's own ways are not among them."""
    left = [event for event in events if isinstance(event, NodeLeft)]
    return frozenset((each.node, HUNG_UP if each.caller_left else each.branch) for each in left)


def walked(ways: Iterable[Way], took: Iterable[tuple[str, str]]) -> tuple[Way, ...]:
    """Those of `ways` that were taken."""
    pairs = set(took)
    return tuple(way for way in ways if (way.node, way.branch) in pairs)


def _kind(node: Node) -> str:
    return str(getattr(node, "do", ""))
