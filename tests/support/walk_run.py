"""Many walked calls at a time, and what came of them flow by flow."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ivr.coverage import Way, walked
from ivr.events import Exit
from ivr.explore import Explored, Trial, explore
from ivr.flow import LoadedFlow, load_flow
from ivr.line import KeyRequest, RecordRequest
from ivr.simulate import Act, Walk, walk
from ivr.testing import read_script, script_of
from tests.support import walk_evidence
from tests.support.inbound_caller import Keys
from tests.support.walk_audio import Listener
from tests.support.walk_call import Robot, WalkedCall, place, walk_trial
from tests.support.walk_line import CallWatch
from tests.support.walk_node import Late, WalkNode
from tests.support.walk_sources import Asks, asks_of

_APART_S = 0.15
_KEYS = "0123456789*#"


@dataclass(frozen=True)
class Plan:
    """A flow and the calls that walk it."""

    file: Path
    loaded: LoadedFlow
    explored: Explored

    @property
    def name(self) -> str:
        """Language and name."""
        return f"{self.loaded.flow.language}/{self.loaded.flow.flow}"


def plan_of(file: Path) -> Plan:
    """Find the calls for a flow file; blocking, some seconds, not on a running loop."""
    loaded = load_flow(file)
    beside = script_of(file)
    return Plan(file, loaded, explore(loaded, read_script(beside) if beside.exists() else None))


def asks_of_all(plans: Sequence[Plan]) -> Asks:
    """What their flows ask."""
    return {source: asked for plan in plans for source, asked in asks_of(plan.loaded.flow).items()}


@dataclass
class Row:
    """A flow's figures. Ways are counted as taken by real calls only."""

    flow: str
    ways: int
    ways_walked: int
    hang_ups: int
    hang_ups_walked: int
    slow: int
    slow_walked: int
    calls: int = 0
    prompts: int = 0
    weakest: float = 1.0
    longest_gap_s: float = 0.0
    exits: dict[str, int] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def values(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


def row_of(plan: Plan, calls: Sequence[WalkedCall]) -> Row:
    """The figures of a flow's calls, which have been listened to."""
    took = {pair for call in calls for pair in call.took}
    found = plan.explored
    counted: list[tuple[tuple[Way, ...], tuple[Way, ...]]] = [
        (ways, walked(ways, took)) for ways in (found.ways, found.hang_ups, found.slow)
    ]
    numbers = [len(ways) for pair in counted for ways in pair]
    row = Row(plan.name, *numbers, calls=len(calls))
    row.missed = [f"{way.node}: {way.branch}" for ways, got in counted for way in ways if way not in got]
    for call in calls:
        row.exits[str(call.exit)] = row.exits.get(str(call.exit), 0) + 1
        row.faults += [f"call {call.name} ({call.keys}): {fault}" for fault in call.faults]
        if call.checked:
            row.prompts += call.checked.prompts
            row.weakest = min(row.weakest, call.checked.weakest)
            row.longest_gap_s = max(row.longest_gap_s, call.checked.longest_gap_s)
    return row


async def walk_plans(
    node: WalkNode, plans: Sequence[Plan], at_once: int = 30, most: int = 10_000, keep: Path | None = None
) -> list[Row]:
    """Walk every plan's calls (the first `most` of each), so many at once; every kind of key in turn.

    keep: a folder for what was heard in calls with findings.
    """
    order = [(plan, trial) for plan in plans for trial in plan.explored.trials[:most]]
    gate, listener = _Gate(at_once), Listener(node.house.inbound.flows.world.speech)  # type: ignore[union-attr, arg-type]
    kinds = tuple(Keys)

    async def one(index: int, plan: Plan, trial: Trial) -> tuple[Plan, WalkedCall]:
        async with gate:
            number, keys = f"+3491{index:07}", kinds[index % len(kinds)]
            return plan, await walk_trial(node, plan.loaded, trial, number, keys, str(index))

    # The longest first, so that none of them is alone at the end.
    jobs = sorted(enumerate(order), key=lambda job: -job[1][1].cost_s)
    async with _watching_the_loop(node):
        done = await asyncio.gather(*(one(index, plan, trial) for index, (plan, trial) in jobs))
    for _, call in done:
        await asyncio.to_thread(call.listen, listener)
    if keep is not None:
        await asyncio.to_thread(walk_evidence.keep, [call for _, call in done], node.late, keep)
    return [row_of(plan, [call for of, call in done if of is plan]) for plan in plans]


@asynccontextmanager
async def _watching_the_loop(node: WalkNode) -> AsyncIterator[None]:
    """Keeps when the loop was late and by how much: callers and node share it, and both pay."""

    async def watch() -> None:
        while True:
            before_s, worked_s = time.monotonic(), time.thread_time()
            await asyncio.sleep(0.05)
            late_s = time.monotonic() - before_s - 0.05
            if late_s > 0.02:
                node.late.append(Late(time.monotonic(), late_s, time.thread_time() - worked_s))

    task = asyncio.create_task(watch(), name="watch of the loop")
    try:
        yield
    finally:
        task.cancel()


class _Gate:
    """So many at once, and not all in the same moment."""

    def __init__(self, at_once: int) -> None:
        self._room = asyncio.Semaphore(at_once)
        self._door = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._room.acquire()
        async with self._door:
            await asyncio.sleep(_APART_S)

    async def __aexit__(self, *error: object) -> None:
        self._room.release()


# -- random keys ------------------------------------------------------------------------------------------------------


class RandomCaller:
    """On virtual time: random keys whenever the flow waits, often more than it asked for, so that they cut prompts."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.left = False

    async def __call__(self, taken: Walk, request: KeyRequest | RecordRequest) -> Act:
        roll = self._rng.random()
        if roll < 0.03:
            self.left = True
            return Act(hang_up=True)
        if roll < 0.15:
            return Act(speaks_s=self._rng.uniform(0.0, 5.0))
        return Act(random_keys(self._rng))


def random_keys(rng: random.Random) -> str:
    """One key mostly, or up to twelve."""
    return "".join(rng.choice(_KEYS) for _ in range(rng.choice((1, 1, 1, 2, 4, 8, 12))))


def illegal(exit_: Exit | None, left: bool, told: bool) -> str:
    """What is wrong with an end; "" when it is a legal one."""
    if exit_ is None or exit_ is Exit.BROKEN:
        return f"ended with {exit_}"
    if exit_ is Exit.CALLER_LEFT:
        return "" if left else "the caller is said to have left and did not"
    return "" if told else "hung up without a word"


def fuzz_virtually(plan: Plan, calls: int, seed: int) -> list[str]:
    """So many random calls in the worlds of the plan; what ended wrongly. Blocking, not on a running loop."""
    rng, wrong = random.Random(f"{seed} {plan.name}"), []
    worlds = [trial.given for trial in plan.explored.trials]
    for number in range(calls):
        caller = RandomCaller(rng)
        given = rng.choice(worlds)
        taken = walk(plan.loaded, given, caller, seed=number)
        left = caller.left or any(queue.hangs_up for queue in given.queues.values())
        problem = illegal(taken.ended.exit if taken.ended else None, left, bool(taken.heard))
        if not problem and any("unexpected" in trouble for trouble in taken.troubles):
            problem = f"a fault of ours: {taken.troubles}"
        if problem:
            wrong.append(f"{plan.name}, seed {seed}, call {number}: {problem}")
    return wrong


async def fuzz_really(
    node: WalkNode,
    plans: Sequence[Plan],
    calls: int,
    seed: int,
    at_once: int = 30,
    presses: int = 12,
    stay: float = 0.3,
    keep: Path | None = None,
) -> list[str]:
    """So many callers who press random keys at random moments on real lines; what was wrong with them.

    presses: how often at most; stay: the share that does not hang up afterwards; keep: as in `walk_plans`.
    """
    gate, listener = _Gate(at_once), Listener(node.house.inbound.flows.world.speech)  # type: ignore[union-attr, arg-type]

    async def one(number: int) -> WalkedCall:
        rng = random.Random(f"{seed} {number}")
        plan = plans[number % len(plans)]
        watch = CallWatch(rng.choice(plan.explored.trials).given, [])
        async with gate:
            kind = tuple(Keys)[number // len(plans) % len(Keys)]
            return await place(
                node, plan.loaded, watch, f"+3492{number:07}", kind, str(number),
                lambda robot: asyncio.create_task(_press_at_random(robot, rng, presses, stay), name="random keys"),
            )  # fmt: skip

    done = await asyncio.gather(*(one(number) for number in range(calls)))
    wrong: list[str] = []
    for call in done:
        await asyncio.to_thread(call.listen, listener)
        problem = illegal(call.exit, call.left, bool(call.watch.said))
        wrong += [f"{call.flow}, call {call.name}: {each}" for each in [problem, *call.faults] if each]
    if keep is not None:
        await asyncio.to_thread(walk_evidence.keep, done, node.late, keep / "random")
    return wrong


async def _press_at_random(robot: Robot, rng: random.Random, presses: int, stay: float) -> None:
    for _ in range(rng.randint(min(3, presses), presses)):
        await asyncio.sleep(rng.expovariate(1 / 3.0))
        robot.do(Act(random_keys(rng)))
    if rng.random() >= stay:
        await asyncio.sleep(rng.uniform(0.0, presses))
        robot.do(Act(hang_up=True))
