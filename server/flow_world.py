"""Flows on real calls: where they are kept, and the world that they speak to."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from dialer.inbound.reception import Reception
from ivr.events import FlowEvent
from ivr.flow import FlowError, LoadedFlow, load_flow
from ivr.line import CallerLine
from ivr.port import Bookmark, CallbackRequest, Emergency, SurveyAnswer, VoiceMessage, World
from ivr.session import Session
from ivr.values import PortTrouble, Value
from storage.calls import PromiseStore, QueueCallback, StoredAnswer, StoredMessage
from storage.errors import StorageError

_SUFFIXES = (".yaml", ".yml")


class FlowHouse:
    """`dialer.inbound.services.Flows`: the flows of a folder. A call keeps the flow it began with.

    world: made once the reception exists, because both need each other.
    """

    def __init__(self, folder: Path) -> None:
        """Read flows from `folder`; `load` reads it."""
        self.world: World | None = None
        self._folder = folder
        self._flows: dict[str, LoadedFlow] = {}

    def load(self) -> list[str]:
        """Read the folder again; what could not be read, in words. A flow that broke stays as it was. Blocking."""
        problems = []
        for path in sorted(self._folder.rglob("*")):
            if path.suffix not in _SUFFIXES or ".test" in path.suffixes:
                continue
            try:
                loaded = load_flow(path)
                self._flows[loaded.flow.flow] = loaded
            except FlowError as error:
                problems.append(str(error))
        return problems

    def names(self) -> list[str]:
        """Flows that can be walked."""
        return sorted(self._flows)

    def has(self, flow: str) -> bool:
        """Whether there is such a flow."""
        return flow in self._flows

    async def run(self, flow: str, line: CallerLine, bookmark: str = "") -> str:
        """Walk a caller through a flow; how it ended, in a word."""
        if self.world is None:
            raise RuntimeError("flows have no world yet: compose it first")
        start = read_bookmark(line.facts.call_id, bookmark) if bookmark else None
        return (await Session(self._flows[flow], line, self.world, start).run()).exit.value


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
        try:
            new = await self._promises.add_callback(callback)
        except StorageError as error:
            raise PortTrouble(f"a callback could not be kept: {error}") from error
        if new:
            self._promised(callback)

    async def survey(self, answer: SurveyAnswer) -> None:
        """Keep a survey answer."""
        values = {name: getattr(answer, name) for name in StoredAnswer.__dataclass_fields__}
        try:
            await self._promises.add_answer(StoredAnswer(**values))
        except StorageError as error:
            raise PortTrouble(f"a survey answer could not be kept: {error}") from error

    async def voicemail(self, message: VoiceMessage) -> None:
        """Keep a mailbox message."""
        values = {name: getattr(message, name) for name in VoiceMessage.__dataclass_fields__}
        try:
            await self._promises.add_message(StoredMessage(**values))
        except StorageError as error:
            raise PortTrouble(f"a message could not be kept: {error}") from error


class EmergencySwitches:
    """Switches that supervisors flip (`ivr.port.Switches`). Off after a start of the server."""

    def __init__(self) -> None:
        """All off."""
        self._on: dict[str, Emergency] = {}

    def on(self, name: str) -> Emergency | None:
        """The switch's state now."""
        return self._on.get(name)

    def flip(self, name: str, emergency: Emergency | None) -> None:
        """Switch on, or (None) off."""
        if emergency is None:
            self._on.pop(name, None)
        else:
            self._on[name] = emergency


class MemoryLocks:
    """Failed identity checks (`ivr.port.Locks`) of this node, in memory: a restart forgets them."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """now_s: seconds since 1970."""
        self._now_s = now_s
        self._failures: dict[str, list[float]] = {}
        self._locked: dict[str, float] = {}

    async def locked_until_s(self, key: str) -> float | None:
        """Until when this key is locked."""
        until_s = self._locked.get(key, 0.0)
        return until_s if until_s > self._now_s() else None

    async def failed(self, key: str, at_s: float, most: int, lock_s: float) -> bool:
        """Count one failure."""
        recent = [each for each in self._failures.get(key, []) if each > at_s - lock_s] + [at_s]
        self._failures[key] = recent
        if len(recent) >= most:
            self._locked[key] = at_s + lock_s
        return len(recent) >= most

    async def clear(self, key: str) -> None:
        """The identity was proved."""
        self._failures.pop(key, None)
        self._locked.pop(key, None)


def write_bookmark(bookmark: Bookmark) -> str:
    """A bookmark as JSON; the call's id is not in it."""
    variables = {name: _tagged(value) for name, value in bookmark.variables.items()}
    kept = replace(bookmark, call_id="", variables={})
    parts: dict[str, Any] = {name: getattr(kept, name) for name in ("flow", "version", "node", "language")}
    return orjson.dumps(parts | {"variables": variables}).decode()


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


async def load_in_thread(flows: FlowHouse) -> list[str]:
    """`FlowHouse.load` away from the event loop."""
    return await asyncio.to_thread(flows.load)
