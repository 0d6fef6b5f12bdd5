"""Ask a named data source."""

import asyncio
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ivr.fields import Formula, NodeName, Outside, Seconds, VariableName
from ivr.nodes.base import Node
from ivr.texts import Text
from ivr.values import Fields, PortTrouble, TimedOut
from ivr.visit import Go, Step, Visit

_PAUSE_S = 0.2


class Lookup(Node):
    """Ask a source and keep fields of its answer. ask: parameter -> expression; into: variable -> field.

    timeout_s holds for all attempts together; a source that is no pure read is asked once, whatever `retries` says.
    After a restart in the middle of that the caller goes on at `timeout`: no answer came, and it is not asked again.
    """

    failures: ClassVar[tuple[str, ...]] = ("not_found", "timeout", "failed")
    do: Literal["lookup"]
    source: Outside
    ask: dict[str, Formula] = Field(default_factory=dict)
    into: dict[VariableName, str] = Field(default_factory=dict)
    timeout_s: Annotated[Seconds, Field(le=60)] = 4.0
    retries: Annotated[int, Field(ge=0, le=5)] = 1
    wait_text: Text | None = None
    next: NodeName
    not_found: NodeName | None = None
    timeout: NodeName | None = None
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Ask, with a word to the caller when it takes long."""
        try:
            answer = await self._answer(at)
        except TimedOut as error:
            at.trouble(f"source {self.source!r}: {error}")
            return self.failure("timeout")
        if answer is None:
            return self.failure("not_found")
        for variable, name in self.into.items():
            if name not in answer:
                raise PortTrouble(f"source {self.source!r} gave no field {name!r}")
            at.store(variable, answer[name])
        return Go("next", self.next)

    async def _answer(self, at: Visit) -> Fields | None:
        if at.world.lookup.repeatable(self.source):
            return await at.patiently(self._asked(at), self.timeout_s, self.wait_text)
        return await at.once(lambda: self._asked(at), self.timeout_s, self.wait_text)

    async def _asked(self, at: Visit) -> Fields | None:
        lookup = at.world.lookup
        question = {name: at.held(formula) for name, formula in self.ask.items()}
        left = self.retries if lookup.repeatable(self.source) else 0
        while True:
            try:
                # Each attempt has its share of the time, so that a retry can still answer.
                async with asyncio.timeout(self.timeout_s / (left + 1) if left else None):
                    return await lookup.ask(self.source, question)
            except (PortTrouble, TimeoutError) as error:
                if not left:
                    raise
                left -= 1
                at.trouble(f"source {self.source!r}, asked again: {str(error) or 'slow'}")
                await asyncio.sleep(_PAUSE_S)
