"""The `Lookup` port over declared sources."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Self

from ivr.secret import Secret
from ivr.sources.http import HttpAsker
from ivr.sources.plugin import PluginAsker
from ivr.sources.settings import HttpSource, Source, SqlSource
from ivr.sources.sql import SqlAsker
from ivr.values import Fields, PortTrouble, Value

Asker = HttpAsker | SqlAsker | PluginAsker
_PAUSE_S = 0.2


class Sources:
    """Named sources; an async context manager that closes their connections. Wrap it in `ivr.breaker`."""

    def __init__(self, declared: Iterable[Source]) -> None:
        """Open nothing yet. Raises ValueError for a name declared twice or a plugin that cannot be imported."""
        self._askers: dict[str, Asker] = {}
        self._declared: dict[str, Source] = {}
        for source in declared:
            if source.name in self._askers:
                raise ValueError(f"source {source.name!r} is declared twice: give one of them another name")
            self._askers[source.name] = _asker(source)
            self._declared[source.name] = source

    async def __aenter__(self) -> Self:
        """Ready."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections."""
        for asker in self._askers.values():
            close: Callable[[], Awaitable[None]] = asker.close
            await close()

    def names(self) -> frozenset[str]:
        """All names: what the checker takes for known."""
        return frozenset(self._askers)

    def knows(self, source: str) -> bool:
        """Whether a source of this name exists."""
        return source in self._askers

    def repeatable(self, source: str) -> bool:
        """Whether asking twice is harmless."""
        return source in self._askers and self._askers[source].repeatable

    async def ask(self, source: str, question: Mapping[str, Value | Secret]) -> Fields | None:
        """Ask, again as often as the source's `retries` say when that is harmless. Raises PortTrouble."""
        asker = self._askers.get(source)
        if asker is None:
            raise PortTrouble(f"there is no source {source!r}: declare it in the settings under [[ivr.sources]]")
        declared = self._declared[source]
        for _ in range(declared.retries if asker.repeatable else 0):
            try:
                return await _in_time(asker, declared, question)
            except PortTrouble:
                await asyncio.sleep(_PAUSE_S)
        return await _in_time(asker, declared, question)


async def _in_time(asker: Asker, source: Source, question: Mapping[str, Value | Secret]) -> Fields | None:
    try:
        async with asyncio.timeout(source.timeout_s):
            return await asker.ask(question)
    except TimeoutError:
        raise PortTrouble(f"source {source.name!r} did not answer in {source.timeout_s:g} s") from None


def _asker(source: Source) -> Asker:
    if isinstance(source, HttpSource):
        return HttpAsker(source)
    return SqlAsker(source) if isinstance(source, SqlSource) else PluginAsker(source)
