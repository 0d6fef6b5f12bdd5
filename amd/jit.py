"""Machine code for the inner loops: numba, compiled once and kept on disk beside the source."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a function of numbers and arrays; its Python signature stays what type checkers see."""
    return cast(F, njit(cache=True, nogil=True, fastmath=True)(function))
