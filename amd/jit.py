"""Machine code for the inner loops: numba, compiled once and kept on disk beside the source."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function of numbers and arrays; its Python signature stays what type checkers see.

    Sums stay in their order: with reordering allowed, code that was just compiled and the same code read from the disk
    rounded differently, and two trainings gave two models.
    """
    return cast(F, njit(cache=True, nogil=True, fastmath={"nnan", "ninf", "nsz"})(function))


def compiled_in_any_order(function: F) -> F:
    """The same for sums that may be reordered, which makes them five times as quick.

    Only for what no training sees and nobody needs to six digits.
    """
    return cast(F, njit(cache=True, nogil=True, fastmath=True)(function))
