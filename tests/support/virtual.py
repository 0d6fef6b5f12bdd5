"""Virtual time for tests.

Whole directories: put `from tests.support.virtual import pytest_asyncio_loop_factories` into their conftest.py; then
every async test of a module or class that says `virtual_time = True` (and its async fixtures) runs on a
VirtualTimeLoop. Single tests: `@virtual` on an async test, or `run_virtual(coroutine)`, need no conftest.
"""

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest

from telephony.sim.virtual_time import VirtualTimeLoop, run_virtual

__all__ = ["VirtualTimeLoop", "pytest_asyncio_loop_factories", "run_virtual", "virtual"]

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    owner = getattr(item, "cls", None) or getattr(item, "module", None)
    wanted = getattr(owner, "virtual_time", None)
    if wanted is None:
        wanted = getattr(getattr(item, "module", None), "virtual_time", False)
    return {"virtual": VirtualTimeLoop} if wanted else {"real": asyncio.new_event_loop}


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Make an async test a plain one that runs on its own virtual-time loop (async fixtures do not share that loop)."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        run_virtual(test(*args, **kwargs))

    del run.__wrapped__  # pytest-asyncio would find the coroutine through it
    run.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
    return run
