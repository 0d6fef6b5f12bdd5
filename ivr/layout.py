"""Places nodes in layers from top to bottom so that branches mostly run downwards and rarely cross.

Layers by the longest way from the start without turning back; the order in a layer by the mean place of the neighbours
(K. Sugiyama's method, 1981). Long branches pass through bends, one in each layer between.
"""

import itertools
from dataclasses import dataclass, field

_SWEEPS = 12


@dataclass
class Layout:
    """layers: node names (and bends, that start with "|") from top to bottom, each from left to right.

    ways: for each forward branch (source, target) the names on its way, both ends included. back: those that turn back.
    """

    layers: list[list[str]]
    ways: dict[tuple[str, str], list[str]]
    back: set[tuple[str, str]] = field(default_factory=set)


def lay_out(nodes: list[str], branches: list[tuple[str, str]], start: str) -> Layout:
    """Place `nodes`; branches are (source, target)."""
    branches = list(dict.fromkeys(branches))
    back = _turning_back(nodes, branches, start)
    forward = [branch for branch in branches if branch not in back]
    level = _levels(nodes, forward)
    layers: list[list[str]] = [[] for _ in range(max(level.values(), default=0) + 1)]
    for name in nodes:
        layers[level[name]].append(name)
    ways = _with_bends(forward, level, layers)
    _order(layers, ways)
    return Layout(layers, ways, back)


def _turning_back(nodes: list[str], branches: list[tuple[str, str]], start: str) -> set[tuple[str, str]]:
    targets: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in branches:
        targets[source].append(target)
    back: set[tuple[str, str]] = set()
    done: set[str] = set()
    for root in [start, *nodes]:
        on_way: list[str] = []
        stack = [(root, False)]
        while stack:
            name, leaving = stack.pop()
            if leaving:
                on_way.remove(name)
                continue
            if name in done:
                continue
            done.add(name)
            on_way.append(name)
            stack.append((name, True))
            for target in reversed(targets[name]):
                if target in on_way:
                    back.add((name, target))
                elif target not in done:
                    stack.append((target, False))
    # A node may have been put on the stack before it was met on another way: what still turns back is found here.
    return back | _still_turning([branch for branch in branches if branch not in back])


def _still_turning(branches: list[tuple[str, str]]) -> set[tuple[str, str]]:
    kept: dict[str, set[str]] = {}
    back: set[tuple[str, str]] = set()
    for source, target in branches:
        seen, waiting = set(), [target]
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += kept.get(name, ())
        if source in seen:
            back.add((source, target))
        else:
            kept.setdefault(source, set()).add(target)
    return back


def _levels(nodes: list[str], forward: list[tuple[str, str]]) -> dict[str, int]:
    level = dict.fromkeys(nodes, 0)
    for _ in nodes:
        changed = False
        for source, target in forward:
            if level[target] < level[source] + 1:
                level[target], changed = level[source] + 1, True
        if not changed:
            break
    return level


def _with_bends(
    forward: list[tuple[str, str]], level: dict[str, int], layers: list[list[str]]
) -> dict[tuple[str, str], list[str]]:
    ways = {}
    for source, target in forward:
        bends = []
        for between in range(level[source] + 1, level[target]):
            bend = f"|{source}|{target}|{between}"
            layers[between].append(bend)
            bends.append(bend)
        ways[source, target] = [source, *bends, target]
    return ways


def _order(layers: list[list[str]], ways: dict[tuple[str, str], list[str]]) -> None:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for way in ways.values():
        for upper, lower in itertools.pairwise(way):
            below.setdefault(upper, []).append(lower)
            above.setdefault(lower, []).append(upper)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        neighbours = above if down else below
        for index in range(1, len(layers)) if down else range(len(layers) - 2, -1, -1):
            beside = layers[index - 1] if down else layers[index + 1]
            place = {name: (number + 0.5) / len(beside) for number, name in enumerate(beside)}
            own = {name: (number + 0.5) / len(layers[index]) for number, name in enumerate(layers[index])}
            layers[index].sort(key=lambda name: _mean([place[n] for n in neighbours.get(name, ())], own[name]))


def _mean(places: list[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise
