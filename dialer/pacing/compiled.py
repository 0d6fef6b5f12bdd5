"""`compiled`: numba's njit with a cache on disk that no change of the sources can make stale.

Numba looks only at the file a function stands in; ours call each other across files. So the cache's folder is named
after all sources of pacing together, and lies with Timbre's other caches (the package's folder may be read-only).
"""

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import ParamSpec, TypeVar

from numba import njit
from numba.core import config

_P = ParamSpec("_P")
_R = TypeVar("_R")


@cache
def _folder() -> str:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "timbre"
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    print_of_all = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    return str(home / f"pacing-{print_of_all[:16]}")


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile on first call, keep the machine code for the next start."""
    options = vars(config)
    before, options["CACHE_DIR"] = options["CACHE_DIR"], _folder()
    try:
        return njit(cache=True, error_model="numpy")(function)
    finally:
        options["CACHE_DIR"] = before
