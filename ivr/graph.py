"""A flow as a graph: nodes, and the branches between them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from ivr.fields import NodeName
from ivr.flow import Flow
from ivr.yaml_text import Path

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Edge:
    """A named branch. path: where it stands in the file; failure: it is taken when something failed."""

    source: str
    branch: str
    target: str
    path: Path
    failure: bool = False


def parts_of(value: Any, wanted: type[T], path: Path = ()) -> Iterator[tuple[Path, T]]:
    """Everything of a class inside a node, with its path as the file writes it."""
    if isinstance(value, wanted):
        yield path, value
    elif isinstance(value, BaseModel):
        for name, info in type(value).model_fields.items():
            yield from parts_of(getattr(value, name), wanted, (*path, info.alias or name))
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from parts_of(each, wanted, (*path, str(key)))
    elif isinstance(value, tuple | list):
        for index, each in enumerate(value):
            yield from parts_of(each, wanted, (*path, index))


def edges_of(flow: Flow) -> list[Edge]:
    """Every named branch of every node."""
    found: list[Edge] = []
    for name, node in flow.nodes.items():
        for path, target in parts_of(node, NodeName):
            branch = _branch(path)
            failure = len(path) == 1 and path[0] in node.failures
            found.append(Edge(name, branch, str(target), ("nodes", name, *path), failure))
    return found


def _branch(path: Path) -> str:
    if path[0] == "cases":
        return f"case {int(path[1]) + 1}"
    return str(path[-1])


def targets_of(edges: list[Edge]) -> dict[str, list[str]]:
    """Where the branches of each node lead."""
    found: dict[str, list[str]] = {}
    for edge in edges:
        found.setdefault(edge.source, []).append(edge.target)
    return found


def reached_from(starts: list[str], targets: Mapping[str, list[str]]) -> set[str]:
    """Every node that can be reached, the starts included."""
    seen: set[str] = set()
    waiting = list(starts)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += targets.get(name, [])
    return seen


def circles(nodes: set[str], targets: Mapping[str, list[str]]) -> list[set[str]]:
    """Sets of nodes that can all reach each other by way of `nodes` alone (a node alone when it leads to itself)."""
    inside = {name: [each for each in targets.get(name, []) if each in nodes] for name in nodes}
    reach = {name: reached_from(inside[name], inside) for name in nodes}
    found: list[set[str]] = []
    for name in sorted(nodes):
        if name in reach[name] and not any(name in circle for circle in found):
            found.append({each for each in reach[name] if name in reach[each]})
    return found
