"""Promised calls: who asked for one keeps the place in line, and is called when an agent is there for it.

A callback waits in the queue like a caller. When the pool gives it an agent, the person is rung with that agent
reserved: who answers talks at once.
"""

import asyncio
from dataclasses import replace
from functools import partial

from agents.queue import Left, QueueError
from campaigns.ids import new_id
from dialer.inbound.call import InboundCall
from dialer.inbound.events import AgentOffered
from dialer.inbound.journal import CallJournal
from dialer.inbound.key_line import KeyLine
from dialer.inbound.reception import Reception
from dialer.inbound.room import TalkRoom
from dialer.inbound.services import InboundServices
from dialer.inbound.waiting import join, leave_bridges
from dialer.line import LineGone
from storage.calls import CallbackState, CallStage, QueueCallback, StoredCall
from storage.errors import StorageError
from telephony.errors import TelephonyError
from telephony.port import OriginateOrder

_TRIES = 3
_AGAIN_S = 900.0
_RING_S = 30.0
_LOOK_S = 20.0


class Callbacks:
    """Keeps promises. `run` it beside the reception."""

    def __init__(self, services: InboundServices, reception: Reception) -> None:
        """Promises of `services.promises`, calls in `reception`."""
        self._services = services
        self._reception = reception
        self._new = asyncio.Event()
        self._live: dict[str, asyncio.Task[None]] = {}

    def promised(self, callback: QueueCallback) -> None:
        """A new promise was committed."""
        self._new.set()

    async def run(self) -> None:
        """Keep promises until cancelled; those of before a restart too."""
        try:
            while True:
                self._new.clear()
                await self._look()
                try:
                    await asyncio.wait_for(self._new.wait(), _LOOK_S)
                except TimeoutError:
                    pass
        finally:
            for task in self._live.values():
                task.cancel()
            await asyncio.gather(*self._live.values(), return_exceptions=True)

    async def _look(self) -> None:
        services = self._services
        for callback in await services.promises.callbacks(CallbackState.PENDING):
            if callback.request_id in self._live or callback.due_at_s > services.clock.now_s():
                continue
            if callback.queue not in services.hall.queues:
                services.trouble(f"a callback waits for queue {callback.queue!r}, which does not exist")
                continue
            task = asyncio.create_task(self._keep(callback), name=f"callback {callback.request_id}")
            self._live[callback.request_id] = task
            task.add_done_callback(partial(self._done, callback.request_id))

    def _done(self, request_id: str, task: asyncio.Task[None]) -> None:
        self._live.pop(request_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._services.trouble(f"a callback broke off and is tried again: {error}")

    async def _keep(self, callback: QueueCallback) -> None:
        """Wait in line for an agent, then ring the person."""
        services = self._services
        settings = services.hall.settings[callback.queue]
        if not settings.is_open(services.clock.now_s()):
            return  # looked at again later
        queue, clock = services.hall.queues[callback.queue], services.clock
        since_s = clock.monotonic_s() - max(0.0, clock.now_s() - callback.since_s)
        talk_id = new_id(clock.now_s(), services.rng)
        try:
            waiting = queue.enter(talk_id, since_s, clock.monotonic_s(), virtual=True, boost=callback.priority)
        except QueueError:
            return
        try:
            agent_id = await services.desk.wait_for_agent(waiting)
        finally:
            queue.leave(talk_id, clock.monotonic_s(), Left.ANSWERED)
        try:
            talked = await self._ring(callback, agent_id, talk_id)
        finally:
            services.desk.forget(talk_id, settings.wrap_up_s)
        await self._note(callback, talked)

    async def _note(self, callback: QueueCallback, talked: bool) -> None:
        attempts = callback.attempts + 1
        state = CallbackState.PENDING
        if talked:
            state = CallbackState.DONE
        elif attempts >= _TRIES:
            state = CallbackState.FAILED
        due_s = self._services.clock.now_s() + _AGAIN_S
        after = replace(callback, attempts=attempts, state=state, due_at_s=due_s)
        await self._services.patience.write(lambda: self._services.promises.put_callback(after))

    async def _ring(self, callback: QueueCallback, agent_id: str, talk_id: str) -> bool:
        """Ring the person with the agent reserved; whether they talked."""
        services, trunk = self._services, self._services.trunk()
        if trunk is None or not trunk.free:
            services.trouble("a promised call could not be placed: no trunk has a free channel")
            return False
        now_s = services.clock.now_s()
        stored = StoredCall(
            talk_id, services.node, f"{talk_id}-cbck", "", callback.phone, now_s, CallStage.QUEUE,
            language=callback.language, queue=callback.queue, queue_since_s=callback.since_s,
        )  # fmt: skip
        origin = await services.calls.get(callback.call_id)
        caller_id = origin.did if origin else ""
        async with KeyLine(services.control, stored.channel_id, services.link) as line:
            call = InboundCall(services, line, CallJournal(stored, services.calls, services.patience))
            call.screen = dict(callback.fields)
            await call.journal.begin()
            order = OriginateOrder(stored.channel_id, trunk.settings.dial_string(callback.phone), caller_id, _RING_S)
            services.sink(
                AgentOffered(now_s, call.call_id, talk_id, agent_id, callback.queue, callback.phone, 0.0, call.screen)
            )
            how = "no answer"
            try:
                await services.control.originate(order)
                await line.unless_gone(line.answered.wait(), _RING_S + 5.0)
                how = "talked" if await self._talk(call, callback, agent_id, talk_id) else "broken"
            except LineGone:
                how = "talked" if call.journal.call.talk_s else "no answer"
            except TimeoutError:
                pass
            except (TelephonyError, StorageError) as error:
                services.trouble(f"a promised call failed: {error}", call.call_id)
                how = "broken"
            await self._reception.end(call, how)
            return how == "talked"

    async def _talk(self, call: InboundCall, callback: QueueCallback, agent_id: str, talk_id: str) -> bool:
        settings = self._services.hall.settings[call.journal.call.queue]
        if not await join(call, agent_id, talk_id, settings.queue_id, settings.recording):
            await leave_bridges(call)
            await call.play(self._services.sounds.unavailable(call.language), barge_in=False)
            return False
        self._reception.calls[call.call_id] = call
        # Kept as soon as they talk: a server that is killed meanwhile takes the talk over and rings nobody again.
        kept = asyncio.create_task(self._note(callback, True), name=f"callback {callback.request_id} is kept")
        try:
            await TalkRoom(call, settings.queue_id, settings.wrap_up_s, settings.recording).run(agent_id, talk_id)
        finally:
            kept.cancel()  # what is still to be written is written after the talk
        return True
