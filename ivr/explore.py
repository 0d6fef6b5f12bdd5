"""Calls that walk a flow down every way: found by trying, on virtual time, what a caller and the world can do.

Begins with the scenarios beside the flow (their keys, answers and days are what there is to try with), then for every
way that no call took: a call that came to its node, with another world or another key there. A small set of calls is
kept that takes them all. The same flow and scenarios give the same calls.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from ivr.coverage import HUNG_UP, Way, askers_of, hang_ups_of, taken, ways_of
from ivr.events import NodeEntered, NodeLeft
from ivr.flow import Flow, LoadedFlow
from ivr.given import Given
from ivr.line import KeyRequest, QueueEnd, RecordRequest, TransferEnd
from ivr.nodes import Node
from ivr.rescue import RESCUE
from ivr.simulate import Act, Walk, walk
from ivr.testing import CODE, Script, given_of

SLOW: Final = "slow"
"""The branch of a node whose back end answered so late that the caller had to be told to wait."""
SLOW_S: Final = 1.5
_TOO_SLOW_S: Final = 100.0
_QUEUE_S: Final = 3.0
_RESCUE_S: Final = 20.0
_BASES: Final = 6
_ROUNDS: Final = 4
_KEYS: Final = "1234567890*#"
_FAILING: Final = frozenset({"failed", "not_found", "timeout", "empty", "wrong", "locked", "refused", ""})
_PARTS: Final = {
    "callback": "store", "escalate": "hooks", "payment": "payments", "send": "messages", "survey": "store",
    "voicemail": "store",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """One call. acts: what the caller does each time the flow waits, then silence; waits: the node at each wait."""

    given: Given
    acts: tuple[Act, ...]
    walk: Walk
    waits: tuple[str, ...]
    took: frozenset[tuple[str, str]]

    @property
    def cost_s(self) -> float:
        """About how long it takes on a telephone, waits for agents shortened."""
        left = [event for event in self.walk.events if isinstance(event, NodeLeft) and event.kind == "queue"]
        waited_s = sum(max(0.0, event.spent_s - 2 * _QUEUE_S) for event in left)
        ended = self.walk.ended
        if ended is None:
            return 0.0
        entered = [event.at_s for event in self.walk.events if isinstance(event, NodeEntered) and event.node == RESCUE]
        waited_s += sum(max(0.0, ended.at_s - at_s - _RESCUE_S) for at_s in entered)
        return ended.spent_s - waited_s


@dataclass(frozen=True, slots=True)
class Explored:
    """What was found. trials: calls that together take every way that was found; missed: ways that none takes."""

    ways: tuple[Way, ...]
    hang_ups: tuple[Way, ...]
    slow: tuple[Way, ...]
    trials: tuple[Trial, ...]
    missed: tuple[Way, ...]


def explore(loaded: LoadedFlow, script: Script | None = None) -> Explored:
    """Find calls for every way. Runs some thousand calls on virtual time: seconds. Blocking."""
    return _Explorer(loaded, script).run()


def walk_trial(loaded: LoadedFlow, given: Given, acts: Sequence[Act]) -> Trial:
    """Walk one call."""
    actor = _Actor(acts)
    walk_ = walk(loaded, given, actor)
    return Trial(given, tuple(actor.done), walk_, tuple(actor.waits), _took(loaded.flow, given, walk_))


class _Actor:
    def __init__(self, acts: Sequence[Act]) -> None:
        self._left = list(acts)
        self.waits: list[str] = []
        self.done: list[Act] = []

    async def __call__(self, taken_: Walk, request: KeyRequest | RecordRequest) -> Act:
        self.waits.append(taken_.nodes[-1])
        act = self._left.pop(0) if self._left else Act()
        if CODE not in act.press and isinstance(request, KeyRequest):
            # What was typed ahead is typed when it is asked for: on a telephone keys take time, and cut what is said.
            now = _taken_by(request, act.press)
            if rest := act.press[len(now) :]:
                self._left.insert(0, Act(rest))
            act = replace(act, press=now)
        self.done.append(act)
        return replace(act, press=act.press.replace(CODE, taken_.code))


def _taken_by(request: KeyRequest, press: str) -> str:
    """The keys that a request takes."""
    ended = press.find(request.terminator) + 1 if request.terminator else 0
    return press[: min(request.most, ended or request.most)]


def _took(flow: Flow, given: Given, walk_: Walk) -> frozenset[tuple[str, str]]:
    pairs = taken(walk_.events)
    late = {(node, SLOW) for node, branch in pairs if branch not in _FAILING and _is_late(flow, given, node)}
    return pairs | late


def _is_late(flow: Flow, given: Given, name: str) -> bool:
    node = flow.nodes.get(name)
    if node is None:
        return False
    answers = given.lookups.get(_source(node), [])
    part = _PARTS.get(_kind(node))
    return any(0 < answer.slow_s <= SLOW_S for answer in answers) or given.slow.get(part, 0.0) > 0  # type: ignore[call-overload]


class _Explorer:
    def __init__(self, loaded: LoadedFlow, script: Script | None) -> None:
        self._loaded, self._flow = loaded, loaded.flow
        self._ways, self._hang_ups = ways_of(loaded.flow), hang_ups_of(loaded.flow)
        self._slow = tuple(Way(name, SLOW, "") for name in askers_of(loaded.flow) if self._can_be_late(name))
        self._goals = {(way.node, way.branch): way for way in (*self._ways, *self._slow, *self._hang_ups)}
        self._pool = _Pool(loaded.flow, script)
        self._best: dict[tuple[str, str], Trial] = {}
        self._tried: set[str] = set()

    def run(self) -> Explored:
        for given, acts in self._pool.seeds:
            self._try(given, acts)
        for _ in range(_ROUNDS):
            before = len(self._best)
            for goal, way in self._goals.items():
                if goal not in self._best:
                    self._reach(way)
            if len(self._best) == before:
                break
        trials = tuple(_cover(self._shortened()))
        took = {pair for trial in trials for pair in trial.took}
        missed = tuple(way for goal, way in self._goals.items() if goal not in took)
        return Explored(self._ways, self._hang_ups, self._slow, trials, missed)

    def _can_be_late(self, name: str) -> bool:
        node = self._flow.nodes[name]
        return bool(_source(node)) or _kind(node) in _PARTS

    def _try(self, given: Given, acts: Sequence[Act]) -> Trial | None:
        key = f"{given.model_dump_json()}{acts}"
        if key in self._tried:
            return None
        self._tried.add(key)
        trial = walk_trial(self._loaded, given, acts)
        for pair in trial.took & self._goals.keys():
            if pair not in self._best or trial.cost_s < self._best[pair].cost_s:
                self._best[pair] = trial
        return trial

    def _reach(self, way: Way) -> None:
        for base in self._bases(way.node):
            for given, acts in self._candidates(way, base):
                self._try(given, acts)
                if (way.node, way.branch) in self._best:
                    return

    def _bases(self, node: str) -> list[Trial]:
        """Calls that come to the node, the shortest first, of different worlds."""
        there = {id(trial): trial for trial in self._best.values() if node in trial.walk.nodes}
        return sorted(there.values(), key=lambda trial: trial.cost_s)[:_BASES]

    def _candidates(self, way: Way, base: Trial) -> Iterator[tuple[Given, Sequence[Act]]]:
        node = self._flow.nodes[way.node]
        worlds = [base.given, *self._pool.worlds(node, way.branch, base.given)]
        tails: list[tuple[Act, ...]] = list(self._pool.tails(node, way.branch))
        at = base.waits.index(way.node) if way.node in base.waits else len(base.waits)
        until_there = (*base.acts, *[Act()] * at)[:at]
        for world in worlds:
            yield world, base.acts
            for tail in tails:
                yield world, (*until_there, *tail)
        if not node.waits():
            yield from self._another_answer_before(way, base)

    def _another_answer_before(self, way: Way, base: Trial) -> Iterator[tuple[Given, Sequence[Act]]]:
        """For conditions: another entry at one of the questions before, or another answer of any source."""
        for world in self._pool.other_answers(base.given):
            yield world, base.acts
        for at in reversed(range(len(base.acts))):
            for entry in self._pool.entries:
                yield base.given, (*base.acts[:at], Act(entry), *base.acts[at + 1 :])

    def _shortened(self) -> list[Trial]:
        """The best calls, and each cut short by a hang-up at every wait."""
        best = {id(trial): trial for trial in self._best.values()}
        for trial in best.values():
            for at in range(len(trial.waits)):
                until_there = (*trial.acts, *[Act()] * at)[:at]
                self._try(trial.given, (*until_there, Act(hang_up=True)))
                shorter = walk_trial(self._loaded, trial.given, (*until_there, Act(hang_up=True)))
                best = best | {id(shorter): shorter}
        wanted = self._goals.keys()
        return [replace(trial, took=trial.took & wanted) for trial in best.values()]


def _cover(trials: Sequence[Trial]) -> list[Trial]:
    """A few calls that together take all that any takes: greedy, most new ways per second first."""
    left = {pair for trial in trials for pair in trial.took}
    kept: list[Trial] = []
    while left:
        best = max(trials, key=lambda trial: (len(trial.took & left) / (5.0 + trial.cost_s), len(trial.took)))
        kept.append(best)
        left -= best.took
    for trial in list(kept):
        others = {pair for other in kept if other is not trial for pair in other.took}
        if trial.took <= others:
            kept.remove(trial)
    return kept


class _Pool:
    """What there is to try with: from the scenarios beside the flow, and what fits everywhere."""

    def __init__(self, flow: Flow, script: Script | None) -> None:
        self._flow = flow
        self._found: dict[str, list[dict[str, Any]]] = {}
        self.seeds: list[tuple[Given, tuple[Act, ...]]] = [(self._calm(Given()), ())]
        entries: list[str] = []
        for scenario in script.scenarios if script else ():
            given = self._calm(given_of(script, scenario))  # type: ignore[arg-type]
            acts = tuple(Act(each.press or "", each.speak_s or 0.0, each.hang_up) for each in scenario.when)
            self.seeds.append((given, acts))
            entries += [act.press for act in acts if act.press]
            for source, answers in given.lookups.items():
                kept = self._found.setdefault(source, [])
                kept += [each.model_dump() for each in answers if each.model_dump() not in kept]
        self._days = list(dict.fromkeys([given.at for given, _ in self.seeds] + _days(self.seeds[-1][0].at)))
        self.entries = list(dict.fromkeys([*entries, *_typed_days(self.seeds[-1][0].at)]))

    def _calm(self, given: Given) -> Given:
        """Short waits and talks: they say nothing about a flow."""
        queues = {
            name: each.model_copy(update={"waited_s": _QUEUE_S, "talk_s": _QUEUE_S, "wait_s": each.wait_s})
            for name, each in {**{name: _default_queue() for name in self._queues()}, **given.queues}.items()
        }
        return given.model_copy(update={"queues": queues})

    def _queues(self) -> list[str]:
        named = [str(getattr(node, "queue", "")) for node in self._flow.nodes.values()]
        rescue = [self._flow.rescue.queue] if self._flow.rescue else []
        return sorted({name for name in (*named, *rescue) if name})

    def worlds(self, node: Node, branch: str, given: Given) -> Iterator[Given]:
        """The same world with what this node meets changed."""
        source, part, kind = _source(node), _PARTS.get(_kind(node)), _kind(node)
        if source:
            late = SLOW_S if branch == SLOW else _TOO_SLOW_S
            before = [each.model_dump() for each in given.lookups.get(source, [])]
            slow = [{**each, "slow_s": late} for each in [*before, *self._found.get(source, []), {"found": {}}]]
            for answers in (slow, [{"down": True}], [{}], *([each] for each in self._found.get(source, []))):
                yield _changed(given, lookups={**_dumped(given.lookups), source: answers})
        if part:
            yield _changed(given, slow={part: SLOW_S})
            yield _changed(given, down=(part,))
        match kind:
            case "queue":
                for end in QueueEnd:
                    for key in getattr(node, "escape", {}) or [""]:
                        ended = {"end": end, "key": key, "waited_s": _QUEUE_S, "talk_s": _QUEUE_S}
                        yield _changed(given, queues={**_dumped(given.queues), str(getattr(node, "queue", "")): ended})
                left = {"hangs_up": True, "waited_s": _QUEUE_S}
                yield _changed(given, queues={**_dumped(given.queues), str(getattr(node, "queue", "")): left})
            case "transfer":
                yield from (_changed(given, transfer=end) for end in TransferEnd)
            case "hours":
                yield from (_changed(given, at=day) for day in self._days)
            case "emergency":
                yield _changed(given, switches={str(getattr(node, "switch", "")): ""})
            case "callback":
                yield _changed(given, caller="")
            case "payment":
                yield _changed(given, card_refused=True)
            case _:
                pass

    def other_answers(self, given: Given) -> Iterator[Given]:
        """The same world with one source that answers something else."""
        for source, answers in self._found.items():
            yield from (_changed(given, lookups={**_dumped(given.lookups), source: [each]}) for each in answers)

    def tails(self, node: Node, branch: str) -> Iterator[tuple[Act, ...]]:
        """What the caller may do from this node on."""
        if branch == HUNG_UP:
            yield (Act(hang_up=True),)
            return
        if not node.waits():
            return
        yield ()
        yield (Act(speaks_s=4.0),)
        if len(branch) == 1 and branch in _KEYS:
            yield (Act(branch),)
        for key in _KEYS:
            yield (Act(key),) * 3
        for wrong in ("00#", "0000", "00000000", "99999999"):
            yield (Act(wrong),) * 3
        for entry in self.entries:
            yield (Act(entry), Act("1"))
            yield (Act(entry), Act("2"), Act(entry), Act("2"), Act(entry), Act("2"))
        for scenario_given, acts in self.seeds:
            del scenario_given
            for at in range(len(acts)):
                yield acts[at:]


def _default_queue() -> Any:
    return Given.model_validate({"queues": {"x": {}}}).queues["x"]


def _days(day: datetime) -> list[datetime]:
    """Moments that differ for opening hours: noon and night of a fortnight, and noon of every day of a year."""
    near = [day.replace(hour=hour, minute=30) + timedelta(days=after) for after in range(7) for hour in (3, 10, 22)]
    return near + [day.replace(hour=11, minute=0) + timedelta(days=after) for after in range(366)]


def _typed_days(day: datetime) -> list[str]:
    """Dates as callers type them: yesterday, soon, and far away."""
    days: list[date] = [(day + timedelta(days=after)).date() for after in (-1, 1, 10, 60, 400)]
    return [each.strftime("%d%m%Y") for each in days]


def _changed(given: Given, **fields: Any) -> Given:
    return Given.model_validate(given.model_dump() | fields)


def _dumped(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: [each.model_dump() for each in value] if isinstance(value, list) else value.model_dump()
        for name, value in values.items()
    }


def _source(node: Node) -> str:
    return str(getattr(node, "source", None) or "")


def _kind(node: Node) -> str:
    return str(getattr(node, "do", ""))
