"""Sums in a fixed order that the processor can still work on side by side."""

import numpy as np
from numpy.typing import NDArray

from amd.jit import compiled

# Slices first: an index that might be negative costs a branch for every value.


@compiled
def total_of(values: NDArray[np.float32], first: int, last: int) -> np.float32:
    """The sum of `values[first:last]`, as eight running sums: one after the other would wait for each addition."""
    part = values[first:last]
    whole = part.shape[0] // 8
    a = b = c = d = e = f = g = h = np.float32(0.0)
    for n in range(whole):
        k = 8 * n
        a += part[k]
        b += part[k + 1]
        c += part[k + 2]
        d += part[k + 3]
        e += part[k + 4]
        f += part[k + 5]
        g += part[k + 6]
        h += part[k + 7]
    for k in range(8 * whole, part.shape[0]):
        a += part[k]
    return np.float32(((a + b) + (c + d)) + ((e + f) + (g + h)))


@compiled
def product_of(one: NDArray[np.float32], other: NDArray[np.float32]) -> np.float32:
    """The sum of `one[k] * other[k]` in the same way; both have a multiple of eight values."""
    a = b = c = d = e = f = g = h = np.float32(0.0)
    for n in range(one.shape[0] // 8):
        k = 8 * n
        a += one[k] * other[k]
        b += one[k + 1] * other[k + 1]
        c += one[k + 2] * other[k + 2]
        d += one[k + 3] * other[k + 3]
        e += one[k + 4] * other[k + 4]
        f += one[k + 5] * other[k + 5]
        g += one[k + 6] * other[k + 6]
        h += one[k + 7] * other[k + 7]
    return np.float32(((a + b) + (c + d)) + ((e + f) + (g + h)))
