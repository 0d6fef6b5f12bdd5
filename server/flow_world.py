"""Flows on real calls: where they are kept, and the world that they speak to."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import orjson

from dialer.inbound.reception import Reception
from ivr.events import FlowEvent
from ivr.fields import NodeName
from ivr.flow import Flow, LoadedFlow
from ivr.library import FlowLibrary, Reloaded, Version
from ivr.line import CallerLine
from ivr.nodes.decide import Emergency as EmergencyNode
from ivr.port import Bookmark, CallbackRequest, Emergency, SayAs, Spoken, SurveyAnswer, VoiceMessage, World
from ivr.rehearsal import rehearse
from ivr.session import Session
from ivr.values import PortTrouble, Value
from storage.calls import PromiseStore, QueueCallback, StoredAnswer, StoredMessage
from storage.errors import StorageError
from storage.flows import LockStore, StoredSwitch, SwitchStore

_WRITTEN_WITHIN_S = 3.0


class FlowHouse:
    """`dialer.inbound.services.Flows`: the flows of a library. A call keeps the flow it began with.

    world: made once the reception exists, because both need each other. The methods that return a Future or are
    `async` keep file work off the event loop and never run two at a time.
    """

    def __init__(self, library: FlowLibrary) -> None:
        """Serve `library`; `reload` reads it."""
        self.world: World | None = None
        self._library = library
        self._one_at_a_time = asyncio.Lock()
        self._rehearsed: dict[str, str] = {}

    def names(self) -> list[str]:
        """Flows that can be walked."""
        return self._library.names()

    def get(self, flow: str) -> LoadedFlow | None:
        """The flow that new calls get."""
        return self._library.get(flow)

    def looking_at(self, switch: str) -> list[LoadedFlow]:
        """Flows that look at this emergency switch; at any, when it is ""."""
        found = [loaded for name in self._library.names() if (loaded := self._library.get(name)) is not None]
        return [loaded for loaded in found if any(switch in ("", name) for name in switches_of(loaded.flow))]

    def has(self, flow: str) -> bool:
        """Whether there is such a flow."""
        return self._library.get(flow) is not None

    async def reload(self) -> Reloaded:
        """Take what changed in the folder; what is broken is refused and its last good version served on."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._library.reload)

    async def publish(self, flow: str, text: str) -> LoadedFlow:
        """Check a text, keep it and serve it to new calls. Raises FlowError, OSError; then nothing changed."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._library.publish, flow, text)

    async def roll_back(self, flow: str, version: str = "") -> LoadedFlow:
        """Serve an older version again, the one before the present when none is named. Raises FlowError, KeyError."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._library.roll_back, flow, version)

    async def versions(self, flow: str) -> list[Version]:
        """Versions that were served, the oldest first."""
        return await asyncio.to_thread(self._library.versions, flow)

    async def at_version(self, flow: str, version: str) -> LoadedFlow | None:
        """A flow as it was once."""
        return await asyncio.to_thread(self._library.at_version, flow, version)

    async def rehearse(self) -> list[str]:
        """Say the fixed texts of flows that were not rehearsed yet; what cannot be spoken, in words."""
        problems: list[str] = []
        for name in self._library.names():
            loaded = self._library.get(name)
            if self.world is None or loaded is None or self._rehearsed.get(name) == loaded.version:
                continue
            self._rehearsed[name] = loaded.version
            problems += await rehearse(loaded.flow, self.world.speech)
        return problems

    async def run(self, flow: str, line: CallerLine, bookmark: str = "") -> str:
        """Walk a caller through a flow; how it ended, in a word."""
        loaded = self._library.get(flow)
        if self.world is None or loaded is None:
            raise RuntimeError(f"flow {flow!r} cannot be walked: ask `has` first")
        start = read_bookmark(line.facts.call_id, bookmark) if bookmark else None
        loaded = await self._as_begun(loaded, start)
        return (await Session(loaded, line, self.world, start).run()).exit.value

    async def _as_begun(self, loaded: LoadedFlow, start: Bookmark | None) -> LoadedFlow:
        """The version that the call began with."""
        if start is None or start.version == loaded.version:
            return loaded
        return await self.at_version(start.flow, start.version) or loaded

    async def settle(self, flow: str, line: CallerLine, bookmark: str) -> bool:
        """Finish what a caller who is gone had set going: a message or a webhook that a kill cut short; whether any."""
        if self.world is None or not bookmark:
            return False
        start = read_bookmark(line.facts.call_id, bookmark)
        # Also of a flow that was taken away meanwhile: the caller was told that it would be done.
        loaded = await self.at_version(start.flow, start.version) or self._library.get(flow)
        node = loaded.flow.nodes.get(NodeName(start.node)) if loaded else None
        if loaded is None or node is None or not node.acts:
            return False
        await Session(loaded, line, self.world, start).run()
        return True


def switches_of(flow: Flow) -> set[str]:
    """Emergency switches that a flow looks at."""
    return {node.switch for node in flow.nodes.values() if isinstance(node, EmergencyNode)}


class FlowNotes:
    """Events and bookmarks of flows, for the reception's journal (`ivr.port.EventSink`, `Bookmarks`)."""

    def __init__(self, reception: Reception, also: Callable[[FlowEvent], None]) -> None:
        """Tell `reception`, and `also` the metrics."""
        self._reception = reception
        self._also = also

    def note(self, event: FlowEvent) -> None:
        """Take an event."""
        self._reception.note(event)
        self._also(event)

    def keep(self, bookmark: Bookmark) -> None:
        """Keep where a call is."""
        self._reception.bookmark(bookmark.call_id, bookmark.flow, bookmark.node, write_bookmark(bookmark))

    async def kept(self, call_id: str) -> bool:
        """Whether it is committed, after three seconds at most: no message waits for a full disk."""
        return await self._reception.written(call_id, _WRITTEN_WITHIN_S)

    def drop(self, call_id: str) -> None:
        """Nothing: a call that is over is never resumed, and a stopping server must not forget a live one."""


class Answers:
    """What callers gave us (`ivr.port.AnswerStore`), committed when a method returns."""

    def __init__(self, promises: PromiseStore, promised: Callable[[QueueCallback], None], any_queue: str = "") -> None:
        """Keep it in `promises`; `promised` hears of new callbacks. any_queue: for a callback that names none."""
        self._promises = promises
        self._any_queue = any_queue
        self._promised = promised

    async def callback(self, request: CallbackRequest) -> None:
        """Keep a callback request."""
        fields = {name: str(value) for name, value in request.data.items() if value is not None}
        callback = QueueCallback(
            request.request_id, request.call_id, request.phone, request.queue or self._any_queue, request.since_s,
            request.wanted_at_s, request.language, request.priority, fields, due_at_s=request.wanted_at_s or 0.0,
        )  # fmt: skip
        with _in_flow_words("a callback could not be kept"):
            new = await self._promises.add_callback(callback)
        if new:
            self._promised(callback)

    async def survey(self, answer: SurveyAnswer) -> None:
        """Keep a survey answer."""
        values = {name: getattr(answer, name) for name in StoredAnswer.__dataclass_fields__}
        with _in_flow_words("a survey answer could not be kept"):
            await self._promises.add_answer(StoredAnswer(**values))

    async def voicemail(self, message: VoiceMessage) -> None:
        """Keep a mailbox message."""
        values = {name: getattr(message, name) for name in VoiceMessage.__dataclass_fields__}
        with _in_flow_words("a message could not be kept"):
            await self._promises.add_message(StoredMessage(**values))


class EmergencySwitches:
    """Switches that supervisors flip (`ivr.port.Switches`): in memory for flows, in the store for the next start."""

    def __init__(self, store: SwitchStore) -> None:
        """All off until `load`."""
        self._store = store
        self._on: dict[str, StoredSwitch] = {}

    async def load(self) -> None:
        """Know what was on before. Raises StorageError."""
        self._on = {switch.name: switch for switch in await self._store.list()}

    def on(self, name: str) -> Emergency | None:
        """The switch's state now."""
        switch = self._on.get(name)
        if switch is None:
            return None
        if switch.prompt:
            return Emergency(Spoken(SayAs.PROMPT, switch.prompt))
        return Emergency(Spoken(SayAs.TEXT, switch.text) if switch.text else None)

    def all(self) -> list[StoredSwitch]:
        """Every switch that is on, by name."""
        return sorted(self._on.values(), key=lambda switch: switch.name)

    async def flip(self, switch: StoredSwitch) -> None:
        """Switch on, for calls from this moment. Raises StorageError: then nothing changed."""
        await self._store.put(switch)
        self._on[switch.name] = switch

    async def off(self, name: str) -> bool:
        """Switch off; False when it was off. Raises StorageError: then nothing changed."""
        was_on = await self._store.remove(name)
        self._on.pop(name, None)
        return was_on


class DurableLocks:
    """Failed identity checks (`ivr.port.Locks`), kept over restarts and shared by the nodes of one database."""

    def __init__(self, store: LockStore, now_s: Callable[[], float]) -> None:
        """now_s: seconds since 1970."""
        self._store = store
        self._now_s = now_s

    async def locked_until_s(self, key: str) -> float | None:
        """Until when this key is locked."""
        with _in_flow_words("identity checks cannot be looked up"):
            until_s = await self._store.locked_until_s(key)
        return until_s if until_s is not None and until_s > self._now_s() else None

    async def failed(self, key: str, at_s: float, most: int, lock_s: float) -> bool:
        """Count one failure."""
        with _in_flow_words("a failed identity check cannot be kept"):
            return await self._store.failed(key, at_s, most, lock_s)

    async def clear(self, key: str) -> None:
        """The identity was proved."""
        with _in_flow_words("failed identity checks cannot be cleared"):
            await self._store.clear(key)


@contextmanager
def _in_flow_words(what: str) -> Iterator[None]:
    """Errors of the store as the flow's."""
    try:
        yield
    except StorageError as error:
        raise PortTrouble(f"{what}: {error}") from error


def write_bookmark(bookmark: Bookmark) -> str:
    """A bookmark as JSON; the call's id is not in it."""
    variables = {name: _tagged(value) for name, value in bookmark.variables.items()}
    kept = replace(bookmark, call_id="", variables={}, passes={})
    parts: dict[str, Any] = {name: getattr(kept, name) for name in ("flow", "version", "node", "language")}
    passes = {str(node): count for node, count in bookmark.passes.items()}  # JSON takes no other kind of text
    return orjson.dumps(parts | {"variables": variables, "passes": passes, "asked": bookmark.asked}).decode()


def read_bookmark(call_id: str, text: str) -> Bookmark:
    """The bookmark that `write_bookmark` wrote."""
    parts = orjson.loads(text)
    variables = {name: _untagged(*value) for name, value in parts.pop("variables").items()}
    return Bookmark(call_id, **parts, variables=variables)


def _tagged(value: Value) -> tuple[str, str]:
    match value:
        case None:
            return "none", ""
        case bool():
            return "bool", str(int(value))
        case datetime():
            return "datetime", value.isoformat()
        case date() | time():
            return type(value).__name__, value.isoformat()
        case _:
            return type(value).__name__, str(value)


_READ: dict[str, Callable[[str], Value]] = {
    "none": lambda text: None,
    "bool": lambda text: text == "1",
    "int": int,
    "str": str,
    "Decimal": Decimal,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime": datetime.fromisoformat,
}


def _untagged(kind: str, text: str) -> Value:
    return _READ[kind](text)
