"""Boosted trees at run time: every test of a tree is asked of many calls at once, none of them branches.

Leaves are numbered from left to right, and each call has one bit per leaf. A test that fails (the value is over the
threshold) strikes out the leaves on its left; when all were asked, the lowest bit left is the leaf the call is in. That
is Lucchese et al., "QuickScorer" (SIGIR 2015), with calls side by side in vector registers. Walking from node to node
took over ten times as long: the processor guesses wrong at every second one.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled

MOST_LEAVES = 31
_LANES = 64  # loops over fewer are unrolled before anybody sees that they fit vector registers
_ALL = np.int32(-1)


class TreesUnusable(ValueError):
    """These trees cannot be asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees in one block of nodes. A leaf has feature -1 and its value in `threshold`.

    feature (k,) int16; threshold (k,) float32; left, right (k,) int32; roots (t,) int32; base: log-odds to start from.
    Raises TreesUnusable when a tree has more than 31 leaves or its nodes do not make a tree.
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    roots: NDArray[np.int32]
    base: float
    _tests: "_Tests" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Number the leaves."""
        object.__setattr__(self, "_tests", _Tests.of(self))

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """P(class 1) of each row (n, features)."""
        out = np.empty(len(rows), dtype=np.float32)
        tests = self._tests
        _ask(rows, tests.feature, tests.threshold, tests.kept, tests.begins, tests.values, self.base, out)
        return out


@dataclass(frozen=True, slots=True)
class _Tests:
    """The same trees as tests. feature, threshold, kept (q,): one test each and the leaves that outlive its failing.

    begins (t + 1,): where each tree's tests begin; values (t, leaves) from left to right.
    """

    feature: NDArray[np.int64]
    threshold: NDArray[np.float32]
    kept: NDArray[np.int32]
    begins: NDArray[np.int64]
    values: NDArray[np.float32]

    @staticmethod
    def of(trees: Trees) -> "_Tests":
        found: list[tuple[int, float, int]] = []
        begins, values = [0], []
        for root in trees.roots.tolist():
            leaves: list[float] = []
            _number(trees, root, leaves, found, len(trees.feature))
            begins.append(len(found))
            values.append(leaves)
        widest = max((len(leaves) for leaves in values), default=1)
        feature, threshold, kept = zip(*found, strict=True) if found else ((), (), ())
        return _Tests(
            np.array(feature, dtype=np.int64),
            np.array(threshold, dtype=np.float32),
            np.array(kept, dtype=np.int32),
            np.array(begins, dtype=np.int64),
            np.array([leaves + [0.0] * (widest - len(leaves)) for leaves in values], dtype=np.float32).reshape(
                len(values), widest
            ),
        )


def _number(trees: Trees, node: int, leaves: list[float], found: list[tuple[int, float, int]], left_over: int) -> None:
    """Add the leaves under a node from left to right, and its tests."""
    if left_over <= 0 or len(leaves) >= MOST_LEAVES:
        raise TreesUnusable(f"a tree has more than {MOST_LEAVES} leaves or nodes that lead round in a circle")
    if trees.feature[node] < 0:
        leaves.append(float(trees.threshold[node]))
        return
    first = len(leaves)
    _number(trees, int(trees.left[node]), leaves, found, left_over - 1)
    struck = sum(1 << leaf for leaf in range(first, len(leaves)))
    found.append((int(trees.feature[node]), float(trees.threshold[node]), ~struck))
    _number(trees, int(trees.right[node]), leaves, found, left_over - 1)


@compiled
def _ask(
    rows: NDArray[np.float32],
    feature: NDArray[np.int64],
    threshold: NDArray[np.float32],
    kept: NDArray[np.int32],
    begins: NDArray[np.int64],
    values: NDArray[np.float32],
    base: float,
    out: NDArray[np.float32],
) -> None:
    columns = np.zeros((rows.shape[1], _LANES), dtype=np.float32)
    left = np.empty(_LANES, dtype=np.int32)
    value = np.empty(_LANES, dtype=np.float32)
    odds = np.empty(_LANES, dtype=np.float32)
    for start in range(0, rows.shape[0], _LANES):
        lanes = min(_LANES, rows.shape[0] - start)
        for lane in range(lanes):
            for k in range(rows.shape[1]):
                columns[k, lane] = rows[start + lane, k]
        odds[:] = base
        for tree in range(begins.shape[0] - 1):
            left[:] = _ALL
            for test in range(begins[tree], begins[tree + 1]):
                which, most, outlive = feature[test], threshold[test], kept[test]
                for lane in range(_LANES):
                    left[lane] = np.int32(left[lane] & (outlive if columns[which, lane] > most else _ALL))
            for leaf in range(values.shape[1] - 1, -1, -1):
                bit, here = np.int32(1 << leaf), values[tree, leaf]
                for lane in range(_LANES):
                    value[lane] = here if np.int32(left[lane] & bit) != 0 else value[lane]
            for lane in range(_LANES):
                odds[lane] += value[lane]
        for lane in range(lanes):
            out[start + lane] = 1.0 / (1.0 + math.exp(-odds[lane]))
