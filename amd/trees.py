"""Boosted trees at run time: arrays of nodes, walked by machine code."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees in one block of nodes. A leaf has feature -1 and its value in `threshold`.

    feature (k,) int16; threshold (k,) float32; left, right (k,) int32; roots (t,) int32; base: log-odds to start from.
    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    roots: NDArray[np.int32]
    base: float

    def probability(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """P(class 1) of each row (n, features)."""
        out = np.empty(len(rows), dtype=np.float32)
        _walk(rows, self.feature, self.threshold, self.left, self.right, self.roots, self.base, out)
        return out


@compiled
def _walk(
    rows: NDArray[np.float32],
    feature: NDArray[np.int16],
    threshold: NDArray[np.float32],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    roots: NDArray[np.int32],
    base: float,
    out: NDArray[np.float32],
) -> None:
    out[:] = base
    for root in roots:  # one tree for all rows: its nodes stay in the nearest cache
        for i in range(rows.shape[0]):
            node = root
            while feature[node] >= 0:
                node = left[node] if rows[i, feature[node]] <= threshold[node] else right[node]
            out[i] += threshold[node]
    for i in range(rows.shape[0]):
        out[i] = 1.0 / (1.0 + math.exp(-out[i]))
