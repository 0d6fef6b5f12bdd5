"""Calls from outside, from the first ring to the last word: who is called, what happens, and what a restart finds.

Every call has its own task. The row is committed before the call is answered, so that a crash can never leave a caller
whom nobody knows.
"""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import replace
from typing import Any

from agents.agent import AgentError
from campaigns.ids import new_id
from campaigns.phone import mask
from dialer.inbound.call import CallRefused, InboundCall
from dialer.inbound.caller_line import RealCallerLine
from dialer.inbound.events import CallArrived, CallOver
from dialer.inbound.gone_line import GoneLine
from dialer.inbound.journal import CallJournal
from dialer.inbound.key_line import KeyLine
from dialer.inbound.orders import Act, Target
from dialer.inbound.outside_talk import goes_on_outside, outside_talks, sweep
from dialer.inbound.room import TalkRoom
from dialer.inbound.routes import Route, known_number, number_key
from dialer.inbound.services import Flows, InboundServices
from dialer.inbound.waiting import leave_bridges, serve, to_agent
from dialer.line import LineGone
from ivr.events import FlowEvent, NodeEntered, NodeLeft, NodeTrouble
from ivr.line import QueueEnd, QueueOrder, TransferEnd
from ivr.values import CallerGone
from storage.calls import CallStage, StoredCall
from storage.errors import StorageError
from telephony.errors import TelephonyError
from telephony.events import Arrived

_LOST = "lost"
_FAREWELL_S = 5.0


class Reception:
    """Answers calls. `run` it in a supervisor, after the engine recovered."""

    def __init__(self, services: InboundServices, flows: Flows, routes: Mapping[str, Route]) -> None:
        """routes: by the number as `number_key` writes it; "*" is for every other number."""
        self.services = services
        self.calls: dict[str, InboundCall] = {}
        self.flows = flows
        self._routes = routes
        self._tasks: set[asyncio.Task[None]] = set()
        self._settling: set[str] = set()
        self._met: set[str] = set()  # channels that arrived

    async def run(self) -> None:
        """Recover, then take calls until cancelled. Calls that are up stay up."""
        try:
            await self.recover()
            async for arrived in self.services.control.arrivals():
                self._spawn(self._arrive(arrived), f"call {arrived.channel_id}")
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- what flows and agents tell -------------------------------------------------------------------------------

    def note(self, event: FlowEvent) -> None:
        """A flow's event: the way of the call is written down (`ivr.port.EventSink`)."""
        call = self.calls.get(event.call_id)
        if call is None:
            if isinstance(event, NodeTrouble):  # of a call that is over, and settled
                self.services.trouble(f"flow {event.flow}, node {event.node}: {event.what}", event.call_id)
            return
        match event:
            case NodeEntered(flow=flow, node=node, kind=kind, at_s=at_s):
                call.journal.entered(at_s, flow, node, kind)
            case NodeTrouble(flow=flow, node=node, what=what):
                self.services.trouble(f"flow {flow}, node {node}: {what}", event.call_id)
            case NodeLeft(node=node, branch=branch, spent_s=spent_s, caller_left=caller_left):
                call.journal.left(node, branch, spent_s, caller_left)
            case _:
                pass

    def bookmark(self, call_id: str, flow: str, node: str, bookmark: str) -> None:
        """Where a flow would go on after a restart."""
        if (call := self.calls.get(call_id)) is not None:
            call.journal.note(flow=flow, flow_node=node, bookmark=bookmark)

    async def written(self, call_id: str, within_s: float) -> bool:
        """Whether everything of a call is committed, after `within_s` at most."""
        if (call := self.calls.get(call_id)) is not None:
            try:
                await asyncio.wait_for(call.journal.flush(), within_s)
            except TimeoutError:
                self.services.trouble("a call's place in its flow could not be written down in time", call_id)
                return False
        return True

    def call_of(self, agent_id: str) -> InboundCall | None:
        """The call that an agent talks on."""
        return next((call for call in self.calls.values() if call.room and agent_id in call.room.agents()), None)

    async def order(self, agent_id: str, act: Act, target: Target | None = None) -> None:
        """An agent's wish for the caller it talks to; returns when it is done. Raises CallRefused."""
        call = self.call_of(agent_id)
        if call is None or call.room is None:
            raise CallRefused(f"agent {agent_id} talks to nobody who called in")
        await call.room.order(agent_id, act, target)

    # -- one call -------------------------------------------------------------------------------------------------

    async def _arrive(self, arrived: Arrived) -> None:
        if arrived.channel_id in self._met:
            return
        self._met.add(arrived.channel_id)
        try:
            await self._receive(arrived)
        finally:
            self._met.discard(arrived.channel_id)

    async def _receive(self, arrived: Arrived) -> None:
        services = self.services
        route = self._route(arrived)
        if route is None:
            services.trouble(f"a call to {mask(arrived.called) or 'no number'} was refused: no line has this number")
            await services.control.hang_up(arrived.channel_id, "no_answer")
            return
        now_s = services.clock.now_s()
        stored = StoredCall(
            new_id(now_s, services.rng), services.node, arrived.channel_id, arrived.called,
            known_number(arrived.caller), now_s,
            flow=route.flow, language=route.language,
        )  # fmt: skip
        async with KeyLine(services.control, arrived.channel_id, services.link) as line:
            call = InboundCall(services, line, CallJournal(stored, services.calls, services.patience))
            try:
                await call.journal.begin()
            except StorageError as error:
                services.trouble(f"a call could not be written down and was refused: {error}")
                await services.control.hang_up(arrived.channel_id, "congestion")
                return
            await self._follow(call, self._welcome(call, route))

    async def _welcome(self, call: InboundCall, route: Route) -> str:
        services = self.services
        await call.ask(lambda: services.control.answer(call.line.channel_id))
        stored = call.journal.call
        caller = mask(stored.caller) if stored.caller else ""
        services.sink(CallArrived(services.clock.now_s(), call.call_id, stored.did, caller, route.flow))
        return await self._walk(call, route)

    async def _walk(self, call: InboundCall, route: Route, bookmark: str = "") -> str:
        """The call's own course; how it ended."""
        if route.flow and self.flows.has(route.flow):
            return await self.flows.run(route.flow, RealCallerLine(call), bookmark)
        if route.queue:
            longest_s = self._queue_limit_s(route.queue)
            queued = await serve(call, QueueOrder(route.queue, longest_s, language=route.language))
            if queued.end is QueueEnd.TALKED:
                return "talked"
        elif route.agent:
            end, _ = await to_agent(call, route.agent, 0.0)
            if end is TransferEnd.TALKED:
                return "talked"
        else:
            self.services.trouble(f"the line {route.did} names no flow that exists, and no queue", call.call_id)
        await call.play(self.services.sounds.unavailable(call.language), barge_in=False)
        return "told"

    def _queue_limit_s(self, queue: str) -> float:
        settings = self.services.hall.settings.get(queue)
        return settings.max_wait_s if settings else 0.0

    async def _follow(self, call: InboundCall, course: Coroutine[Any, Any, str]) -> None:
        """Supervise one call: whatever happens, it gets an end, and nobody is held for it."""
        self.calls[call.call_id] = call
        how = "broken"
        try:
            how = await course
            if how == "caller_left":
                how = self._how_left(call)
        except (LineGone, CallerGone):
            how = self._how_left(call)
        except TelephonyError as error:
            self.services.trouble(f"a call broke off: {error}", call.call_id)
        except asyncio.CancelledError:  # the server stops: the call stays up and is found by the next start
            self.calls.pop(call.call_id, None)
            raise
        except Exception as error:  # the supervisor of calls from outside: one broken call never touches another
            self.services.trouble(f"a call broke off by a fault of ours: {type(error).__name__}: {error}", call.call_id)
            await self._excuse(call)
        await self.end(call, how)

    @staticmethod
    def _how_left(call: InboundCall) -> str:
        if call.line.hung_up is not None and call.line.hung_up.lost:
            return _LOST
        match call.journal.call.stage:
            case CallStage.QUEUE:
                return "abandoned in queue"
            case CallStage.TALK:
                return "talked"
            case CallStage.TRANSFER if call.journal.call.talk_s:  # else nobody outside had answered yet
                return "talked"
            case _:
                return "caller_left"

    async def _excuse(self, call: InboundCall) -> None:
        """Never an unexplained hang-up, not even by a fault of ours."""
        try:
            await call.play(self.services.sounds.unavailable(call.language), barge_in=False)
        except (LineGone, TelephonyError):
            pass

    async def end(self, call: InboundCall, how: str) -> None:
        """Hang up and close the books on a call."""
        services = self.services
        if call.line.hung_up is None:
            try:
                await services.control.hang_up(call.line.channel_id)
            except TelephonyError as error:
                services.trouble(f"a call could not be hung up, recovery will: {error}", call.call_id)
        now_s = services.clock.now_s()
        call.journal.note(stage=CallStage.ENDED, ended_at_s=now_s, ended_how=how)
        await call.journal.flush()
        self.calls.pop(call.call_id, None)
        services.sink(CallOver(now_s, call.call_id, how, now_s - call.journal.call.started_at_s))

    def _route(self, arrived: Arrived) -> Route | None:
        if arrived.called in self.services.extensions:
            return Route(arrived.called, agent=self.services.extensions[arrived.called])
        return self._routes.get(number_key(arrived.called)) or self._routes.get("*")

    # -- recovery -------------------------------------------------------------------------------------------------

    async def recover(self) -> int:
        """Go on with the calls that outlived this server; how many. Raises LinkDown, StorageError."""
        services = self.services
        known = self.calls.keys() | self._settling
        rows = await services.calls.live(services.node)
        live = [call for call in rows if call.call_id not in known]
        state = await services.control.snapshot()
        there = {channel.channel_id: channel for channel in state.channels}
        bridge_of = {channel_id: bridge.bridge_id for bridge in state.bridges for channel_id in bridge.channel_ids}
        talking = {call.channel_id for call in live if self._agent_of(bridge_of.get(call.channel_id, ""))}
        outside = outside_talks(state, {call.channel_id for call in live})
        await sweep(services.control, state, talking, outside)
        count = 0
        for stored in live:
            if stored.channel_id not in there:
                self._settling.add(stored.call_id)
                self._spawn(self._settle(stored), f"settling {stored.call_id}")
                continue
            count += 1
            await self._resume(stored, bridge_of.get(stored.channel_id, ""), outside.get(stored.channel_id, ""))
        written = {call.channel_id for call in rows}
        for channel in state.channels:
            if channel.waits is not None and channel.channel_id not in written:  # it rang when the server died
                self._spawn(self._arrive(channel.waits), f"call {channel.channel_id}")
        if live:
            services.trouble(f"after a restart: {count} calls from outside go on, {len(live) - count} were over")
        return count

    async def _settle(self, stored: StoredCall) -> None:
        """Close a call that was over when the server came back; a message that it had set going is sent first.

        Its row is closed last: another kill meanwhile leaves it to the next start.
        """
        services = self.services
        try:
            await self._finish_telling(stored)
            now_s = services.clock.now_s()
            over = replace(stored, stage=CallStage.ENDED, ended_at_s=now_s, ended_how=_LOST)
            await services.patience.write(lambda: services.calls.put(over))
        finally:
            self._settling.discard(stored.call_id)

    async def _resume(self, stored: StoredCall, bridge_id: str, outside: str) -> None:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._spawn(self._go_on(stored, bridge_id, outside, ready), f"call {stored.channel_id}")
        await ready  # the agent is taken back before anybody else can have it

    async def _go_on(self, stored: StoredCall, bridge_id: str, outside: str, ready: asyncio.Future[None]) -> None:
        try:
            await self._taken_back(stored, bridge_id, outside, ready)
        except (StorageError, TelephonyError) as error:
            if ready.done():
                raise
            ready.set_exception(error)  # nothing was begun: recovery is tried again as a whole
        finally:
            ready.cancel()

    async def _taken_back(self, stored: StoredCall, bridge_id: str, outside: str, ready: asyncio.Future[None]) -> None:
        services = self.services
        async with KeyLine(services.control, stored.channel_id, services.link) as line:
            call = InboundCall(services, line, CallJournal(stored, services.calls, services.patience))
            call.journal.goes_on(len(await services.calls.steps(stored.call_id)))
            agent_id = self._agent_of(bridge_id)
            talk_id = await self._open_talk(call, agent_id) if agent_id else ""
            if agent_id:
                course = self._talk_on(call, agent_id, talk_id)
            elif outside:
                course = self._talk_on_outside(call, outside, bridge_id)
            else:
                course = self._once_more(call, bool(bridge_id))
            following = asyncio.ensure_future(self._follow(call, course))
            await asyncio.sleep(0)  # its first step takes the agent back
            if not ready.done():
                ready.set_result(None)
            try:
                await following
            finally:
                following.cancel()

    def _agent_of(self, bridge_id: str) -> str:
        desk = self.services.desk
        for seat in desk.pool.seats():
            if bridge_id and desk.bridge_of(seat.profile.agent_id) == bridge_id:
                return seat.profile.agent_id
        return ""

    async def _open_talk(self, call: InboundCall, agent_id: str) -> str:
        """The talk that a restart interrupted."""
        for talk in reversed(await self.services.calls.talks(call.call_id)):
            if talk.agent_id == agent_id and talk.ended_at_s is None:
                return talk.talk_id
        # Killed between the bridge and the first line about it: only the recording, begun before both, has its name.
        return await self.services.recorder.begun(call.line.channel_id) or call.new_id()

    async def _talk_on(self, call: InboundCall, agent_id: str, talk_id: str) -> str:
        """Caller and agent talked all the while."""
        settings = self.services.hall.settings.get(call.journal.call.queue)
        wrap_up_s, recording = (settings.wrap_up_s, settings.recording) if settings else (0.0, True)
        room = TalkRoom(call, call.journal.call.queue, wrap_up_s, recording)
        try:
            await room.run(agent_id, talk_id, adopted=True)
        except AgentError as error:
            self.services.trouble(f"a talk could not be taken over: {error}", call.call_id)
            return await self._once_more(call, in_bridge=True)
        return "talked"

    async def _talk_on_outside(self, call: InboundCall, outside: str, bridge_id: str) -> str:
        """Caller and somebody outside talked all the while; afterwards the flow goes on as after any such talk."""
        call.resumed_talk = await goes_on_outside(call, outside, bridge_id)
        return await self._go_on_walking(call)

    async def _once_more(self, call: InboundCall, in_bridge: bool) -> str:
        """The menu or the queue goes on where it was, after a word of excuse; a wait keeps its time."""
        stored = call.journal.call
        try:
            await self._excuse_us(call, in_bridge)
        except (LineGone, TelephonyError):
            await self._finish_telling(stored)
            raise
        waits = stored.stage in (CallStage.QUEUE, CallStage.TALK, CallStage.TRANSFER)
        if stored.queue and waits:
            call.resumed_wait = stored.queue, stored.queue_since_s or self.services.clock.now_s()
        return await self._go_on_walking(call)

    async def _go_on_walking(self, call: InboundCall) -> str:
        """The flow or the queue goes on where it was."""
        stored = call.journal.call
        route = self._routes.get(number_key(stored.did)) or self._routes.get("*") or Route(stored.did)
        route = replace(route, flow=stored.flow or route.flow, language=stored.language or route.language)
        if route.flow and self.flows.has(route.flow):
            return await self._walk(call, route, stored.bookmark)
        if call.take_resumed_talk() is not None:
            return "talked"
        await self._finish_telling(stored)
        return await self._walk(call, replace(route, queue=stored.queue or route.queue))

    async def _excuse_us(self, call: InboundCall, in_bridge: bool) -> None:
        """A word to a caller whom a restart interrupted. Raises LineGone, TelephonyError."""
        recorder = self.services.recorder
        if in_bridge:
            await leave_bridges(call)
        if begun := await recorder.begun(call.line.channel_id):
            recorder.discard(begun, call.line.channel_id)
        await call.ask(lambda: self.services.control.answer(call.line.channel_id))
        await call.play(self.services.sounds.interrupted(call.language), barge_in=False)

    async def _finish_telling(self, stored: StoredCall) -> None:
        """Send what a caller had set going when the server died, although the flow does not go on with the caller."""
        if stored.flow:
            await self.flows.settle(stored.flow, GoneLine(stored), stored.bookmark)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.services.trouble(f"a call from outside could not be followed: {type(error).__name__}: {error}")
