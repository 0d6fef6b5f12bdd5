"""A circuit breaker around look-ups: a back end that is down is not asked by every caller in turn."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from campaigns.clock import Clock
from ivr.port import Lookup
from ivr.secret import Secret
from ivr.values import Fields, PortTrouble, Value


@dataclass(frozen=True, slots=True)
class Rule:
    """When a source rests. most: failures in a row; rest_s: for how long it is not asked."""

    most: int = 5
    rest_s: float = 30.0


_USUAL = Rule()


@dataclass
class _Circuit:
    failures: int = 0
    open_until_s: float = 0.0


class BreakingLookup:
    """A Lookup that, after so many failures in a row, refuses a source at once for a while; then one caller tries it.

    A question that was given up (cancelled) after slow_s counts as a failure; a caller who hung up earlier does not.
    """

    def __init__(
        self, inner: Lookup, clock: Clock, rules: Mapping[str, Rule] | None = None, slow_s: float = 1.5
    ) -> None:
        """Guard `inner`. rules: by source; one without has the usual `Rule()`."""
        self._inner = inner
        self._clock = clock
        self._rules = rules or {}
        self._slow_s = slow_s
        self._circuits: dict[str, _Circuit] = {}

    def knows(self, source: str) -> bool:
        """Whether a source of this name exists."""
        return self._inner.knows(source)

    def repeatable(self, source: str) -> bool:
        """Whether asking twice is harmless; a source that rests is not asked again."""
        return self._inner.repeatable(source) and not self._rests(source)

    async def ask(self, source: str, question: Mapping[str, Value | Secret]) -> Fields | None:
        """One attempt. Raises PortTrouble at once while the source rests."""
        if self._rests(source):
            most = self._rule(source).most
            raise PortTrouble(f"source {source!r} failed {most} times in a row and rests: is it up?")
        rule = self._rule(source)
        circuit = self._circuits.setdefault(source, _Circuit())
        if circuit.failures >= rule.most:
            # Half open: this question tries; the others wait for its outcome.
            circuit.open_until_s = self._clock.monotonic_s() + rule.rest_s
        began_s = self._clock.monotonic_s()
        try:
            answer = await self._inner.ask(source, question)
        except PortTrouble:
            self._failed(circuit, rule)
            raise
        except asyncio.CancelledError:
            if self._clock.monotonic_s() - began_s >= self._slow_s:
                self._failed(circuit, rule)
            raise
        circuit.failures, circuit.open_until_s = 0, 0.0
        return answer

    def _rests(self, source: str) -> bool:
        circuit = self._circuits.get(source)
        return circuit is not None and self._clock.monotonic_s() < circuit.open_until_s

    def _rule(self, source: str) -> Rule:
        return self._rules.get(source, _USUAL)

    def _failed(self, circuit: _Circuit, rule: Rule) -> None:
        circuit.failures += 1
        if circuit.failures >= rule.most:
            circuit.open_until_s = self._clock.monotonic_s() + rule.rest_s
