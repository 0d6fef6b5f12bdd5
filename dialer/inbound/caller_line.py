"""`ivr.line.CallerLine` on a real call: what a flow does becomes requests to the exchange.

Two errors leave this class: CallerGone when the caller hung up, PortTrouble when the exchange could not do it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

from dialer.inbound.call import InboundCall
from dialer.inbound.outside_talk import to_number
from dialer.inbound.waiting import serve, to_agent
from dialer.line import LineGone
from ivr.line import (
    CallFacts,
    KeyRequest,
    Keys,
    KeysEnd,
    Played,
    Queued,
    QueueOrder,
    Recorded,
    RecordRequest,
    TargetKind,
    TransferEnd,
    TransferOrder,
    Transferred,
)
from ivr.secret import Secret
from ivr.values import CallerGone, Fields, PortTrouble
from storage.calls import CallStage
from telephony.errors import TelephonyError

_BEEP = ("sound:beep",)
_SILENCE_EVERY_S = 0.5


@contextmanager
def _in_flow_words() -> Iterator[None]:
    """Our errors as the flow's."""
    try:
        yield
    except LineGone:
        raise CallerGone("the caller hung up") from None
    except TelephonyError as error:
        raise PortTrouble(f"the exchange could not do it: {error}") from error
    except OSError as error:
        raise PortTrouble(f"a file could not be written: {error}") from error


class RealCallerLine:
    """One answered caller. data: what came with the call."""

    def __init__(self, call: InboundCall, data: Fields | None = None) -> None:
        """Speak for `call`."""
        stored = call.journal.call
        self._call = call
        self._facts = CallFacts(stored.call_id, stored.did, stored.caller, stored.language, data or {})

    @property
    def facts(self) -> CallFacts:
        """What is known of the call."""
        return self._facts

    async def play(self, media: Sequence[str], *, barge_in: bool = True) -> Played:
        """Play media in order."""
        self._call.take_resumed_talk()  # a node that speaks is not the one that put the caller through
        with _in_flow_words():
            played = await self._call.play(media, barge_in=barge_in)
        if played is None:
            return Played.INTERRUPTED
        return Played.ENDED if played else Played.FAILED

    async def keys(self, request: KeyRequest) -> Keys:
        """Take digits: first those in the buffer, then wait."""
        digits, timeout_s = "", request.first_timeout_s
        with _in_flow_words():
            while len(digits) < request.most:
                try:
                    key = await self._call.line.key(timeout_s)
                except TimeoutError:
                    return Keys(Secret(digits), KeysEnd.TIMEOUT)
                if key == request.terminator:
                    return Keys(Secret(digits), KeysEnd.TERMINATOR)
                digits += key
                timeout_s = request.between_timeout_s
        return Keys(Secret(digits), KeysEnd.FULL)

    async def forget_keys(self) -> None:
        """Throw the buffer away."""
        self._call.line.forget_keys()

    @asynccontextmanager
    async def private(self) -> AsyncIterator[None]:
        """Nothing of the caller is kept inside: whatever records the call ends first, and no tap is on it.

        Only talks are recorded, and theirs ended before the flow went on; but that end may be late, or lost with a
        server or a link. What cannot be made sure of raises PortTrouble before the first digit is asked.
        """
        call = self._call
        with _in_flow_words():
            await call.ask(lambda: call.services.control.stop_recording(call.line.channel_id))
        yield

    async def record(self, request: RecordRequest) -> Recorded:
        """Record a message."""
        call, recorder = self._call, self._call.services.messages
        message_id = call.new_id()
        with _in_flow_words():
            if request.beep:
                await call.play(_BEEP, barge_in=False)
            call.line.forget_keys()
            await recorder.start(message_id, call.line.channel_id)
            try:
                await self._until_said(message_id, request)
            except LineGone:
                await recorder.finish(message_id, call.line.channel_id, request)
                raise
            return await recorder.finish(message_id, call.line.channel_id, request)

    async def _until_said(self, message_id: str, request: RecordRequest) -> None:
        call = self._call
        due_s = call.services.clock.monotonic_s() + request.longest_s
        while (left_s := due_s - call.services.clock.monotonic_s()) > 0:
            try:
                if await call.line.key(min(_SILENCE_EVERY_S, left_s)) in request.terminators:
                    return
            except TimeoutError:
                if await call.services.messages.silent_s(message_id) >= request.silence_s:
                    return

    async def transfer(self, order: TransferOrder) -> Transferred:
        """Ring the target; return when it failed or the conversation is over."""
        call = self._call
        call.screen = order.screen
        with _in_flow_words():
            transferred = await self._transfer(order)
        self._back_in_flow()
        return transferred

    async def _transfer(self, order: TransferOrder) -> Transferred:
        call = self._call
        if (talked := call.take_resumed_talk()) is not None:
            return talked
        if order.kind is TargetKind.NUMBER:
            return await to_number(call, order.target, order.ring_timeout_s)
        agent_id: str | None = order.target
        if order.kind is TargetKind.EXTENSION:
            agent_id = call.services.extensions.get(order.target)
        if agent_id is None:
            return Transferred(TransferEnd.UNKNOWN_TARGET)
        end, room_end = await to_agent(call, agent_id, 0.0)
        return Transferred(end, room_end.talk_s, room_end.agent_id) if room_end else Transferred(end)

    async def wait_in_queue(self, order: QueueOrder) -> Queued:
        """Wait for an agent; return when the wait failed or the conversation is over."""
        with _in_flow_words():
            try:
                queued = await serve(self._call, order)
            except TelephonyError:
                self._back_in_flow()
                raise
        self._back_in_flow()
        return queued

    def _back_in_flow(self) -> None:
        # Not when the server stops: the next start reads from the row that the caller waits, and since when.
        self._call.journal.note(stage=CallStage.FLOW, queue_since_s=None)

    async def set_language(self, language: str) -> None:
        """The caller chose a language."""
        self._call.journal.note(language=language)

    async def hang_up(self) -> None:
        """End the call."""
        call = self._call
        if call.line.hung_up is not None:
            return
        try:
            await asyncio.shield(call.services.control.hang_up(call.line.channel_id))
        except TelephonyError as error:
            call.services.trouble(f"a call could not be hung up, recovery will: {error}", call.call_id)
