"""`compiled`: numba's njit with a cache on disk that no change of the sources can make stale.

Numba looks only at the file a function stands in; ours call each other across files. So the cache's folder is named
after all compiled sources of pacing together, and lies with Timbre's other caches (the package's folder may be
read-only).
"""

import hashlib
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from numba import njit
from numba.core import config

# Forecasts are sums over eight horizons side by side: unrolled by eight, they are vectors only with this (twice to six
# times as fast). It changes no result: each number is computed by the same operations in the same order.
vars(config)["SLP_VECTORIZE"] = 1

_P = ParamSpec("_P")
_R = TypeVar("_R")


@cache
def folder() -> str:
    """Where the machine code of these very sources lies."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "timbre"
    here = Path(__file__).parent
    texts = {source.relative_to(here): source.read_bytes() for source in sorted(here.rglob("*.py"))}
    ours = b"\0".join(text for text in texts.values() if b"pacing.compiled import" in text)
    # What they import beside each other: numbers of slots and columns, melted into the machine code.
    named = set(re.findall(r"from dialer\.pacing\.([\w.]+) import", ours.decode()))
    beside = b"\0".join(text for name, text in texts.items() if ".".join(name.with_suffix("").parts) in named)
    return str(home / f"pacing-{hashlib.sha256(ours + beside).hexdigest()[:16]}")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile on first call, keep the machine code for the next start."""
    return _compiled(function, _nrt=True)


def bare(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """`compiled`, for functions that make no arrays themselves: references to arrays are not counted.

    A shift's loop takes slices of a floor full of arrays at every tick: counting who holds them was a quarter to a half
    of its time.
    """
    return _compiled(function, _nrt=False)


def lean(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """`compiled`, for functions that make no arrays: melted into their caller, references to arrays not counted.

    Handing over a floor full of arrays and counting who holds them costs more than most of these functions do.
    """
    return _compiled(function, forceinline=True, _nrt=False)


def _compiled(function: Callable[_P, _R], **more: bool) -> Callable[_P, _R]:
    options, make = vars(config), cast(Callable[..., Callable[[Callable[_P, _R]], Callable[_P, _R]]], njit)
    before, options["CACHE_DIR"] = options["CACHE_DIR"], folder()
    try:
        return make(cache=True, error_model="numpy", **more)(function)
    finally:
        options["CACHE_DIR"] = before
