"""One walked call: a robot that does what a trial says, then the comparison with the same call on virtual time."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from dialer.inbound.events import TalkBegan, TalkOver
from ivr.coverage import taken
from ivr.events import Exit, NodeLeft
from ivr.explore import SLOW, Trial
from ivr.flow import LoadedFlow
from ivr.phrases import PHRASES, Phrase
from ivr.port import Spoken
from ivr.simulate import Act, _as_words
from media.g711 import ulaw_decode
from tests.support.inbound_caller import InboundCaller, Keys, tone
from tests.support.walk_audio import Checked, Heard, Listener, Packet, heard_of
from tests.support.walk_line import CallWatch, Turn
from tests.support.walk_node import STAFFED, WalkNode

_PATIENCE_S = 240.0
_VOICE = tone(700.0, 2.0)


@dataclass
class WalkedCall:
    """A call that was walked. faults: what was not as it should be."""

    flow: str
    name: str
    keys: Keys
    watch: CallWatch
    heard: Heard | None = None
    end_s: float = 0.0
    faults: list[str] = field(default_factory=list)
    checked: Checked | None = None
    took: frozenset[tuple[str, str]] = frozenset()
    left: bool = False  # the robot hung up
    packets: list[Packet] = field(default_factory=list)

    @property
    def exit(self) -> Exit | None:
        """How the flow ended."""
        return self.watch.ended.exit if self.watch.ended else None

    def listen(self, listener: Listener) -> None:
        """Compare what was heard; blocking."""
        if self.heard is None:
            return
        self.checked = listener.check(self.heard, self.watch.said, self.watch.turns, self.end_s)
        self.faults += self.checked.faults


class Robot:
    """A caller who does what the watch tells."""

    def __init__(self, caller: InboundCaller) -> None:
        self._caller = caller
        self._tasks: set[asyncio.Task[None]] = set()
        self._fingers = asyncio.Lock()
        self.left_s: float | None = None
        self.gone = asyncio.Event()

    def do(self, act: Act) -> None:
        """Begin to do it."""
        task = asyncio.create_task(self._do(act), name="walking robot")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def busy(self) -> bool:
        """Whether it still presses keys."""
        return bool(self._tasks)

    async def stop(self) -> None:
        """Do nothing more."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _do(self, act: Act) -> None:
        if act.hang_up:
            self.left_s = time.monotonic()
            self.gone.set()
            await self._caller.hang_up()
        elif act.press:
            async with self._fingers:
                await self._caller.press(act.press)
        elif act.speaks_s:
            self._caller.speak = _VOICE
            await asyncio.sleep(act.speaks_s)
            self._caller.speak = None


async def place(
    node: WalkNode, loaded: LoadedFlow, watch: CallWatch, number: str, keys: Keys, name: str,
    also: Callable[[Robot], "asyncio.Task[None]"] | None = None,
) -> WalkedCall:  # fmt: skip
    """Call, walk to the end, keep what was heard. also: something more that the robot does all the while."""
    call = WalkedCall(f"{loaded.flow.language}/{loaded.flow.flow}", name, keys, watch)
    digits = number.removeprefix("+")
    node.book[digits] = loaded, watch
    caller = InboundCaller(node.sip, number, caller=f"+34600{digits[-6:]}", keys=keys)
    robot = Robot(caller)
    watch.do, watch.busy = robot.do, robot.busy
    more = None
    try:
        async with caller:
            watch.turns.insert(0, Turn(caller.answered_s or time.monotonic(), False))
            more = also(robot) if also else None
            ends = [asyncio.create_task(wait) for wait in (caller.ended(_PATIENCE_S), robot.gone.wait())]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
            if any(isinstance(each, TimeoutError) for each in await asyncio.gather(*ends, return_exceptions=True)):
                call.faults.append(f"not over after {_PATIENCE_S:g} s")
            call.left = robot.left_s is not None
            call.end_s = robot.left_s or caller.ended_s or time.monotonic()
            async with asyncio.timeout(30.0):
                await watch.over.wait()
    except TimeoutError:
        call.faults.append("the call was not answered, or its flow did not end")
    finally:
        if more:
            more.cancel()
        await robot.stop()
        node.book.pop(digits, None)
    call.packets = list(caller.packets)
    caller.packets.clear()
    call.heard = await asyncio.to_thread(heard_of, call.packets, ulaw_decode)
    call.took = taken(watch.events)
    _talks(node, call)
    return call


def _talks(node: WalkNode, call: WalkedCall) -> None:
    """While an agent talks nobody listens for gaps: people pause. Its times are the bus's, turned into turns."""
    if call.watch.ended is None:
        return
    offset_s = time.monotonic() - time.time()
    for event in node.events:
        if isinstance(event, TalkBegan | TalkOver) and event.call_id == call.watch.ended.call_id:
            callers = isinstance(event, TalkBegan) and event.queue == STAFFED
            for said in call.watch.said if callers else ():
                if said.announced and said.began_s < event.at_s + offset_s:
                    said.ended_s = min(said.ended_s or event.at_s + offset_s, event.at_s + offset_s)
            call.watch.turns.append(Turn(event.at_s + offset_s, callers))
    call.watch.turns.sort(key=lambda turn: turn.at_s)


async def walk_trial(
    node: WalkNode, loaded: LoadedFlow, trial: Trial, number: str, keys: Keys, name: str
) -> WalkedCall:
    """Walk a trial on a real line, and say where it went another way than on virtual time."""
    watch = CallWatch(trial.given, list(trial.acts))
    call = await place(node, loaded, watch, number, keys, name)
    call.took |= {pair for pair in trial.took if pair[1] == SLOW and _came_by(call, pair[0])}
    wanted = trial.walk.ended.exit if trial.walk.ended else None
    if call.exit is not wanted:
        call.faults.append(f"ended with {call.exit}, not {wanted}; troubles: {watch.troubles}")
    if _branches(watch.events) != _branches(trial.walk.events):
        call.faults.append(f"went {_branches(watch.events)}, not {_branches(trial.walk.events)}")
    fillers = _fillers(loaded)
    real = _once([_joined(said.parts) for said in watch.said if not said.announced], fillers)
    virtual = _once([words for words in trial.walk.heard if not _POSITION.search(words)], fillers)
    if not call.faults and real != virtual:
        call.faults.append(f"was told {real}, not {virtual}")
    return call


def _came_by(call: WalkedCall, node: str) -> bool:
    return any(name == node for name, _ in call.took)


def _branches(events: Sequence[object]) -> list[str]:
    return [f"{event.node}:{event.branch}" for event in events if isinstance(event, NodeLeft)]


def _joined(parts: Sequence[Spoken]) -> str:
    return " ".join(_as_words(part) for part in parts)


def _fillers(loaded: LoadedFlow) -> set[str]:
    """What is said while a back end is slow: as often as it takes."""
    waits = [text for node in loaded.flow.nodes.values() if (text := getattr(node, "wait_text", None))]
    texts = [PHRASES[Phrase.ONE_MOMENT], *waits]
    said = {" ".join(map(str, text.pieces(language, language))) for text in texts for language in ("es", "en")}
    return said | {"[waiting]"}


def _once(told: list[str], fillers: set[str]) -> list[str]:
    return [words for words, _ in groupby(words for words in told if words not in fillers)]


_POSITION = re.compile(r"^(Su posición en la cola|You are number)")
