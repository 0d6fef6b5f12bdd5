"""What calls from outside need from the rest of the house."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from campaigns.clock import Clock
from dialer.agent_desk import AgentDesk
from dialer.events import EventSink, Trouble
from dialer.inbound.hall import QueueHall
from dialer.link_watch import LinkWatch
from dialer.patience import Patience
from dialer.trunk import Trunk
from ivr.line import CallerLine, Recorded, RecordRequest
from storage.calls import CallStore, PromiseStore
from telephony.port import CallControl


class TalkRecorder(Protocol):
    """Records talks. Trouble is reported to the operator by the recorder itself and never ends a call."""

    async def begin(self, talk_id: str, queue: str, caller: str, channel_id: str) -> None:
        """Let the exchange record from before the talk on, so that a server that dies then loses nothing of it.

        Returns when it does, or after a moment: nobody waits for a recording. `start` takes it over, `discard` undoes
        it.
        """
        ...

    def discard(self, talk_id: str, channel_id: str) -> None:
        """No talk came of it: keep nothing of what was begun, if anything was."""
        ...

    async def begun(self, channel_id: str) -> str:
        """The talk whose recording was begun on a channel before a restart of the server, "" when there is none."""
        ...

    async def start(self, talk_id: str, queue: str, caller: str, channel_id: str) -> str:
        """Keep what was begun, or begin now; the recording's path, "" when it cannot be recorded."""
        ...

    async def finish(self, talk_id: str, channel_id: str) -> None:
        """End and keep the recording."""
        ...


class MessageRecorder(Protocol):
    """Records what a caller says for a mailbox."""

    async def start(self, message_id: str, channel_id: str) -> None:
        """Begin. Raises TelephonyError, OSError."""
        ...

    async def silent_s(self, message_id: str) -> float:
        """For how long nothing was said, up to now."""
        ...

    async def finish(self, message_id: str, channel_id: str, request: RecordRequest) -> Recorded:
        """End it and keep it durably. Raises TelephonyError, OSError."""
        ...


class HouseSounds(Protocol):
    """What the house itself plays to callers, as media URIs, by language ("es", "en")."""

    def music(self, name: str) -> tuple[str, ...]:
        """Music on hold; played again and again. name: a piece, "" for the house's own."""
        ...

    def unavailable(self, language: str) -> tuple[str, ...]:
        """Nobody can take the call now; call again later."""
        ...

    def interrupted(self, language: str) -> tuple[str, ...]:
        """Excuse the interruption: said when a call outlived a restart."""
        ...


class Flows(Protocol):
    """The menus of the house. A run ends the call in a legal way, or raises CallerGone."""

    def has(self, flow: str) -> bool:
        """Whether there is such a flow."""
        ...

    async def run(self, flow: str, line: CallerLine, bookmark: str = "") -> str:
        """Walk a caller through a flow, from a `bookmark` when a restart interrupted it; how it ended, in a word."""
        ...

    async def settle(self, flow: str, line: CallerLine, bookmark: str) -> bool:
        """Finish what the caller of `line`, who is gone, had set going at the bookmark; whether there was anything."""
        ...


@dataclass(frozen=True, slots=True)
class InboundServices:
    """The collaborators of every call from outside."""

    node: str
    control: CallControl
    link: LinkWatch
    clock: Clock
    rng: random.Random
    desk: AgentDesk
    hall: QueueHall
    calls: CallStore
    promises: PromiseStore
    patience: Patience
    recorder: TalkRecorder
    messages: MessageRecorder
    sounds: HouseSounds
    trunk: Callable[[], Trunk | None]
    extensions: Mapping[str, str]  # number -> agent id
    sink: EventSink

    def trouble(self, words: str, call_id: str = "") -> None:
        """Tell the operator."""
        self.sink(Trouble(self.clock.now_s(), "inbound", words, call_id))
