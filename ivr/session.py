"""One call in a flow: a loop over nodes that always ends in a legal exit."""

from collections.abc import Callable
from functools import partial
from typing import Final

from ivr.events import Exit, NodeEntered, NodeLeft, SessionEnded, SessionStarted
from ivr.expression import Held
from ivr.fields import NodeName
from ivr.flow import LoadedFlow
from ivr.functions import ExpressionFailed
from ivr.line import CallerLine
from ivr.nodes.base import Node
from ivr.port import Bookmark, World
from ivr.rescue import rescue
from ivr.values import CallerGone, PortTrouble, TimedOut
from ivr.visit import Go, Step, Stop, Visit

MOST_STEPS: Final = 1000
MOST_STEPS_ALONE: Final = 60  # nodes in a row without a key, a talk or a queue: a loop that the checker could not see


class Session:
    """Walks one caller through the flow object it was given: a reload changes nothing for calls in progress.

    Nothing is hung up without a reason the caller heard: what fails and has no branch goes to the flow's rescue.
    """

    def __init__(self, loaded: LoadedFlow, line: CallerLine, world: World, start: Bookmark | None = None) -> None:
        """Prepare a walk; with `start` it goes on where another process left the caller."""
        self._flow = loaded.flow
        self._start = start
        self._world = world
        self._line = line
        language = (start.language if start else line.facts.language) or loaded.flow.language
        self._visit = Visit(loaded.flow, loaded.version, line, world, language)
        self._steps = 0
        self._began_s = world.clock.monotonic_s()
        self._with_people_s = 0.0

    async def run(self) -> SessionEnded:
        """Walk to the end and hang up. Never raises but for cancellation; the event tells how it ended.

        A session that is cancelled (its process stops) leaves the call and its bookmark to whoever goes on.
        """
        self._visit.quiet_since_s = self._began_s
        self._visit.note(SessionStarted(*self._where(), self._visit.language))
        try:
            reached = await self._walk()
        except CallerGone:
            reached = Exit.CALLER_LEFT
        except Exception as error:  # even the rescue broke: the call must not be left standing
            self._visit.trouble(f"the rescue broke: unexpected {type(error).__name__}")
            reached = Exit.BROKEN
        self._world.bookmarks.drop(self._line.facts.call_id)
        contained = not (self._visit.talked or self._visit.promised)
        spent_s = self._world.clock.monotonic_s() - self._began_s
        ended = SessionEnded(*self._where(), reached, self._visit.node, spent_s, contained)
        try:
            await self._line.hang_up()
        except (PortTrouble, CallerGone) as error:
            self._visit.trouble(f"hanging up: {error}")
        self._visit.note(ended)
        return ended

    async def _walk(self) -> Exit:
        name = self._prepare()
        while True:
            step = await self._one(name)
            if isinstance(step, Stop):
                return step.exit
            if step.node is None or self._is_lost():
                return await rescue(self._visit, step.branch)
            name = step.node

    def _prepare(self) -> NodeName:
        visit, facts = self._visit, self._line.facts
        visit.variables |= {"caller": facts.caller, "called": facts.called, "call_id": facts.call_id}
        visit.variables |= {"language": visit.language, "agent_id": None}
        for name, declared in self._flow.variables.items():
            visit.variables[name] = None
            if declared.start is not None:
                self._begin(name, partial(visit.held, declared.start))
            if declared.from_call and facts.data.get(name) is not None:
                self._begin(name, partial(_same, facts.data[name]))
        if self._start is None or self._start.node not in self._flow.nodes:
            return self._flow.start
        visit.variables |= dict(self._start.variables)
        visit.passes |= self._start.passes
        name = NodeName(self._start.node)
        if name in visit.passes:  # the pass that was interrupted is made again
            visit.passes[name] -= 1
        return name

    def _begin(self, name: str, value: Callable[[], Held]) -> None:
        try:
            self._visit.store(name, value())
        except ExpressionFailed as error:
            self._visit.trouble(f"the start of variable {name!r}: {error}")

    async def _one(self, name: NodeName) -> Step:
        node, visit = self._flow.nodes[name], self._visit
        visit.node = name
        visit.asked = self._steps == 0 and self._start is not None and self._start.asked
        self._steps += 1
        visit.steps_without_caller += 1
        if node.acts or node.numbered:
            visit.passes[str(name)] = visit.passes.get(name, 0) + 1
        began_s = self._world.clock.monotonic_s()
        visit.note(NodeEntered(*self._where(), name, node.do))
        self._world.bookmarks.keep(visit.bookmark())
        try:
            step = await self._tried(node)
        except CallerGone:
            self._left(node, "", began_s, caller_left=True)
            raise
        self._left(node, step.branch if isinstance(step, Go) else step.exit, began_s)
        return step

    async def _tried(self, node: Node) -> Step:
        try:
            return await node.visit(self._visit)
        except TimedOut as error:
            self._visit.trouble(str(error))
            return node.failure("timeout")
        except (PortTrouble, ExpressionFailed) as error:
            self._visit.trouble(str(error))
            return node.failure("failed")
        except CallerGone:
            raise
        except Exception as error:  # a plugin's or our own mistake: the caller must not pay for it
            # Only the kind is told: the message may hold what the caller typed.
            self._visit.trouble(f"unexpected {type(error).__name__}")
            return node.failure("failed")

    def _left(self, node: Node, branch: str, began_s: float, caller_left: bool = False) -> None:
        spent_s = self._world.clock.monotonic_s() - began_s
        kind = str(getattr(node, "do", ""))
        if kind in {"queue", "transfer"}:
            self._with_people_s += spent_s
        self._visit.note(NodeLeft(*self._where(), self._visit.node, kind, branch, spent_s, caller_left))

    def _is_lost(self) -> bool:
        """Whether the caller walks in circles, or longer than the flow allows."""
        alone_s = self._world.clock.monotonic_s() - self._began_s - self._with_people_s
        lost = {
            "too many nodes": self._steps >= MOST_STEPS,
            "a loop without the caller": self._visit.steps_without_caller >= MOST_STEPS_ALONE,
            "longer than longest_s": alone_s > self._flow.longest_s,
        }
        for what, is_so in lost.items():
            if is_so:
                self._visit.trouble(what)
        return any(lost.values())

    def _where(self) -> tuple[str, str, str, float]:
        return self._line.facts.call_id, self._flow.flow, self._visit.version, self._world.clock.now_s()


def _same(value: Held) -> Held:
    return value
