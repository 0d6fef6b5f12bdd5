"""Ask a Python function."""

import importlib
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from ivr.secret import Secret
from ivr.sources.settings import PluginSource
from ivr.values import Fields, PortTrouble, Value

Function = Callable[[Mapping[str, Value | Secret]], Awaitable[Fields | None]]


class PluginAsker:
    """One plugin. It gets sensitive values as `ivr.secret.Secret` and runs on the event loop: it must not block."""

    def __init__(self, source: PluginSource) -> None:
        """Import it now: a plugin that is missing is told at start, not in a call. Raises ValueError."""
        self._name = source.name
        self.repeatable = source.repeatable
        module, _, function = source.function.partition(":")
        try:
            found: Any = getattr(importlib.import_module(module), function)
        except (ImportError, AttributeError) as error:
            raise ValueError(f'plugin source {source.name!r}: {error}: write function = "module:function"') from None
        except Exception as error:  # the module's own code runs when it is imported
            raise ValueError(
                f"plugin source {source.name!r}: {module} cannot be imported: {type(error).__name__}: {error}"
            ) from error
        if not inspect.iscoroutinefunction(found):
            raise ValueError(f"plugin source {source.name!r}: {source.function} is no `async def` function")
        self._function = cast(Function, found)

    async def close(self) -> None:
        """Nothing to close."""

    async def ask(self, question: Mapping[str, Value | Secret]) -> Fields | None:
        """Ask once. Raises PortTrouble (a plugin may raise it itself)."""
        answer = await self._function(question)
        if answer is not None and not isinstance(answer, Mapping):
            raise PortTrouble(f"plugin source {self._name!r} gave no mapping")
        return answer
