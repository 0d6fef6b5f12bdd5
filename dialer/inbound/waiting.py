"""A caller waits for an agent: music, true places, measured times; then the talk, and where an agent sends it on."""

import asyncio
from dataclasses import dataclass

from agents.agent import AgentError, AgentState
from agents.pool import WaitingCall
from agents.queue import CallQueue, Left
from dialer.inbound.call import InboundCall
from dialer.inbound.entertainment import Entertainment
from dialer.inbound.events import AgentOffered, CallQueued, WaitEnded
from dialer.inbound.orders import Target, TargetOf
from dialer.inbound.outside_talk import ring_back, to_number
from dialer.inbound.room import RoomEnd, TalkRoom
from dialer.line import LineGone
from ivr.line import Queued, QueueEnd, QueueOrder, TransferEnd, Transferred
from storage.calls import CallStage, QueueWait
from telephony.errors import LinkDown, RequestRejected

# Legs of agents heal in under a second, and after a restart of the server they are taken over: so long a queue without
# agents is no queue without agents yet.
_NOBODY_GRACE_S = 10.0
_LOOK_S = 1.0
_DIRECT_WAIT_S = 25.0
_DIRECT_PRIORITY = 10  # who was sent to one agent goes before this agent's queues
_DIRECT_WRAP_UP_S = 20.0
_TRANSFER_RING_S = 30.0


@dataclass(frozen=True, slots=True)
class _Waited:
    """How a wait ended: with an agent reserved, or why without."""

    agent_id: str = ""
    end: QueueEnd | None = None
    key: str = ""


async def serve(call: InboundCall, order: QueueOrder) -> Queued:
    """Wait, talk, follow transfers, until the caller is alone on the line again.

    Raises LineGone when the caller hangs up, TelephonyError when the exchange refuses.
    """
    if (talked := call.take_resumed_talk()) is not None:
        return Queued(QueueEnd.TALKED, call.journal.call.waited_s, talked.talk_s, talked.agent_id)
    queued, room_end = await _queue_and_talk(call, order)
    talk_s, agent_id = queued.talk_s, queued.agent_id
    while room_end is not None and room_end.onward is not None:
        target = room_end.onward
        room_end = await _send(call, order, target)
        if room_end is not None:
            talk_s, agent_id = talk_s + room_end.talk_s, room_end.agent_id or agent_id
    if queued.end is not QueueEnd.TALKED:
        return queued
    to_survey = room_end is not None and room_end.to_survey
    return Queued(QueueEnd.TALKED, queued.waited_s, talk_s, agent_id, to_survey=to_survey)


async def _send(call: InboundCall, order: QueueOrder, target: Target) -> RoomEnd | None:
    """A blind transfer; None when nobody took the caller, who goes on in the flow then."""
    if target.kind is TargetOf.NUMBER:
        return _as_end(await to_number(call, target.name, _TRANSFER_RING_S))
    if target.kind is TargetOf.AGENT:
        ended, room_end = await to_agent(call, target.name, _DIRECT_WAIT_S, order.queue)
        if ended is TransferEnd.TALKED:
            return room_end
        return (await _queue_and_talk(call, order))[1]  # nobody there: back to the queue it came from
    settings = call.services.hall.settings.get(target.name)
    onward = QueueOrder(target.name, settings.max_wait_s if settings else 0.0, language=call.language)
    return (await _queue_and_talk(call, onward))[1]


def _as_end(transferred: Transferred) -> RoomEnd | None:
    return RoomEnd("outside", "", transferred.talk_s) if transferred.end is TransferEnd.TALKED else None


# -- queues -----------------------------------------------------------------------------------------------------------


async def _queue_and_talk(call: InboundCall, order: QueueOrder) -> tuple[Queued, RoomEnd | None]:
    queue = call.services.hall.queues.get(order.queue)
    if queue is None:
        return Queued(QueueEnd.UNKNOWN_QUEUE), None
    return await _Wait(call, order, queue).run()


class _Wait:
    """One caller's wait in one queue, and in those that it overflows to."""

    def __init__(self, call: InboundCall, order: QueueOrder, queue: CallQueue) -> None:
        self._call = call
        self._order = order
        self._queue = queue
        self._services = call.services
        self._began_s = self._since_s()
        self._nobody_since_s: float | None = None

    def _since_s(self) -> float:
        """Monotonic time since which the caller waits: older when it keeps a place."""
        clock = self._services.clock
        since_s, resumed = [clock.now_s()], self._call.resumed_wait
        if self._order.since_s is not None:
            since_s.append(self._order.since_s)
        if resumed and resumed[0] == self._order.queue:
            since_s.append(resumed[1])
        self._call.resumed_wait = None
        return clock.monotonic_s() - (clock.now_s() - min(since_s))

    async def run(self) -> tuple[Queued, RoomEnd | None]:
        """Wait and talk; the caller is on the line when this returns."""
        if (refused := self._refusal()) is not None:
            return await self._not_taken(refused)
        while True:
            talk_id = self._call.new_id()
            waited = await self._wait(talk_id)
            if waited.end is not None:
                return await self._not_taken(waited.end, waited.key)
            settings = self._queue.settings
            if await join(self._call, waited.agent_id, talk_id, settings.queue_id, settings.recording):
                room = TalkRoom(self._call, settings.queue_id, settings.wrap_up_s, settings.recording)
                waited_s = self._now() - self._began_s
                end = await room.run(waited.agent_id, talk_id)
                self._call.line.forget_keys()
                return Queued(QueueEnd.TALKED, waited_s, end.talk_s, end.agent_id, to_survey=end.to_survey), end

    def _refusal(self) -> QueueEnd | None:
        if self._queue.full:
            return QueueEnd.FULL
        closed = not self._queue.settings.is_open(self._services.clock.now_s())
        return QueueEnd.NO_AGENTS if closed or self._nobody() else None

    async def _not_taken(self, end: QueueEnd, key: str = "") -> tuple[Queued, RoomEnd | None]:
        """On to the overflow queue, which keeps the caller's time, or back to the flow."""
        hall = self._services.hall
        over = hall.queues.get(self._queue.settings.overflow_to)
        if over is not None and end in (QueueEnd.FULL, QueueEnd.TIMEOUT, QueueEnd.NO_AGENTS) and not over.full:
            self._order, self._queue = _elsewhere(self._order, over.settings.queue_id), over
            if hall.staffed(over.settings.queue_id):
                return await self.run()
        return Queued(end, self._now() - self._began_s, key=key), None

    async def _wait(self, talk_id: str) -> _Waited:
        """Until an agent is reserved, or there is a reason to leave. Raises LineGone."""
        services, queue = self._services, self._queue
        boost = max(-4, min(4, self._order.priority))
        entered = queue.enter(talk_id, self._began_s, self._now(), boost=boost)
        entered = _with_skills(entered, frozenset(self._order.skills))
        now_s = services.clock.now_s()
        self._note_wait(now_s)
        services.sink(CallQueued(now_s, self._call.call_id, queue.settings.queue_id, queue.position(talk_id)))
        how: Left | None = Left.ABANDONED
        agent = asyncio.create_task(services.desk.wait_for_agent(entered), name=f"wait {talk_id}")
        try:
            async with self._call.playing(
                Entertainment(self._call, self._order, self._queue, self._began_s).run(talk_id)
            ):
                waited = await self._until(agent)
            how = _left(waited)
            return waited
        except asyncio.CancelledError:
            how = None  # the server stops: the caller still waits, the next start goes on
            raise
        finally:
            await self._leave(talk_id, agent, how)

    async def _leave(self, talk_id: str, agent: asyncio.Task[str], how: Left | None) -> None:
        """Out of the queue. A reservation that came in this very moment is given back, unless it is used."""
        agent_id = agent.result() if agent.done() and not agent.cancelled() and not agent.exception() else ""
        if how is not Left.ANSWERED:
            if agent_id:
                self._services.desk.release(agent_id, talk_id)
            agent.cancel()
            await asyncio.gather(agent, return_exceptions=True)
            agent_id = ""
        waited_s = self._queue.leave(talk_id, self._now(), how or Left.CHOSE_OUT)
        if how is None:
            return
        settings, now_s = self._queue.settings, self._services.clock.now_s()
        self._call.journal.note(waited_s=self._call.journal.call.waited_s + waited_s)
        self._call.journal.waited(
            QueueWait(
                talk_id, self._call.call_id, settings.queue_id, now_s - waited_s, now_s, how.value, waited_s, agent_id
            )
        )
        in_time = how is Left.ANSWERED and waited_s <= settings.service_level_s
        self._services.sink(WaitEnded(now_s, self._call.call_id, settings.queue_id, how.value, waited_s, in_time))
        if how is Left.ANSWERED:
            self._services.sink(
                AgentOffered(
                    now_s, self._call.call_id, talk_id, agent_id, settings.queue_id, self._call.journal.call.caller,
                    waited_s, self._order.screen,
                )
            )  # fmt: skip
            self._call.screen = self._order.screen

    async def _until(self, agent: asyncio.Task[str]) -> _Waited:
        """Look at everything that ends a wait."""
        limit_s = min(self._order.longest_s or self._queue.settings.max_wait_s, self._queue.settings.max_wait_s)
        due_s = self._now() + limit_s
        line = self._call.line
        line.forget_keys()
        while True:
            pressed = asyncio.create_task(line.pressed.wait(), name="escape key")
            left_s = max(0.0, min(_LOOK_S, due_s - self._now()))
            try:
                await line.unless_gone(
                    asyncio.wait((agent, pressed), timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
                )
            finally:
                pressed.cancel()
            if agent.done():
                return _Waited(agent.result())
            while line.keys:
                if (key := line.take_key()) in self._order.escape_keys and self._order.escape_keys:
                    return _Waited(end=QueueEnd.ESCAPED, key=key)
            if self._now() >= due_s:
                return _Waited(end=QueueEnd.TIMEOUT)
            if self._nobody():
                return _Waited(end=QueueEnd.NO_AGENTS)

    def _nobody(self) -> bool:
        """Whether nobody has been there for a while: at entry that is known at once, unless the server just started."""
        if self._services.hall.staffed(self._queue.settings.queue_id):
            self._nobody_since_s = None
            return False
        if self._nobody_since_s is None:
            self._nobody_since_s = self._now()
            born_ago_s = self._now() - self._services.hall.born_s
            return self._now() - self._began_s < _LOOK_S and born_ago_s > _NOBODY_GRACE_S
        return self._now() - self._nobody_since_s >= _NOBODY_GRACE_S

    def _note_wait(self, now_s: float) -> None:
        since_s = now_s - (self._now() - self._began_s)
        queue = self._queue.settings.queue_id
        self._call.journal.note(stage=CallStage.QUEUE, queue=queue, queue_since_s=since_s)

    def _now(self) -> float:
        return self._services.clock.monotonic_s()


def _left(waited: _Waited) -> Left:
    if waited.agent_id:
        return Left.ANSWERED
    return Left.CHOSE_OUT if waited.end is QueueEnd.ESCAPED else Left.OVERFLOWED


def _elsewhere(order: QueueOrder, queue: str) -> QueueOrder:
    return QueueOrder(
        queue, 0.0, order.priority, order.skills, order.escape_keys, order.announce, order.announce_every_s,
        order.music, order.language, order.screen,
    )  # fmt: skip


def _with_skills(call: WaitingCall, skills: frozenset[str]) -> WaitingCall:
    return WaitingCall(call.call_id, call.campaign_id, call.since_s, call.skills | skills, call.priority, call.agent_id)


# -- agents and numbers -----------------------------------------------------------------------------------------------


async def join(call: InboundCall, agent_id: str, talk_id: str, queue: str, recording: bool) -> bool:
    """Put the caller into the agent's bridge; False, and nothing is reserved, when the agent's side is gone.

    recording: the talk is to be recorded, from before the bridge on. Raises LineGone when the caller is gone: the agent
    is free again then. A lost link is waited for.
    """
    services, line = call.services, call.line
    if recording:
        await services.recorder.begin(talk_id, queue, call.caller_masked, line.channel_id)
    joined = False
    try:
        joined = await _put_through(call, agent_id, talk_id)
        return joined
    except asyncio.CancelledError:
        joined = True  # the server stops: what is begun goes on, as the call does
        raise
    finally:
        if recording and not joined:
            services.recorder.discard(talk_id, line.channel_id)


async def _put_through(call: InboundCall, agent_id: str, talk_id: str) -> bool:
    services, line = call.services, call.line
    try:
        await services.control.add_to_bridge(services.desk.bridge_of(agent_id), line.channel_id)
        return True
    except LinkDown:
        services.desk.forget(talk_id, 0.0)
        await line.unless_gone(services.link.up())
        await leave_bridges(call)  # whether we are in is not known: the next agent must be alone with the caller
        return False
    except (RequestRejected, AgentError) as error:
        services.desk.forget(talk_id, 0.0)
        try:
            raise LineGone(await line.gone(0.2))
        except TimeoutError:
            services.trouble(f"agent {agent_id} had no bridge, the caller goes to another: {error}", call.call_id)
            services.desk.doubt(agent_id)
            return False


async def leave_bridges(call: InboundCall) -> None:
    """Take the caller out of whatever bridge it is in. Raises LineGone, TelephonyError."""
    control = call.services.control
    state = await call.ask(control.snapshot)
    for bridge in state.bridges:
        if call.line.channel_id in bridge.channel_ids:
            await control.remove_from_bridge(bridge.bridge_id, call.line.channel_id)


async def to_agent(
    call: InboundCall, agent_id: str, wait_s: float, queue: str = ""
) -> tuple[TransferEnd, RoomEnd | None]:
    """Put the caller through to one agent, with ring-back for up to `wait_s` while it is busy; then the talk.

    wait_s 0: a busy agent is BUSY at once. Raises LineGone, TelephonyError.
    """
    services = call.services
    seat = next((seat for seat in services.desk.pool.seats() if seat.profile.agent_id == agent_id), None)
    if seat is None or seat.state is AgentState.PAUSED or not seat.leg_up:
        return TransferEnd.NO_ANSWER, None
    talk_id = call.new_id()
    wanted = WaitingCall(talk_id, queue, services.clock.monotonic_s(), priority=_DIRECT_PRIORITY, agent_id=agent_id)
    reserved = services.desk.reserve_now(wanted)
    if reserved is None and wait_s <= 0:
        return TransferEnd.BUSY, None
    if reserved is None:
        try:
            async with call.playing(ring_back(call)):
                await call.line.unless_gone(services.desk.wait_for_agent(wanted), wait_s)
        except TimeoutError:
            return TransferEnd.BUSY, None
    now_s = services.clock.now_s()
    services.sink(
        AgentOffered(
            now_s, call.call_id, talk_id, agent_id, queue, call.journal.call.caller,
            services.clock.monotonic_s() - wanted.since_s, call.screen,
        )
    )  # fmt: skip
    settings = services.hall.settings.get(queue)
    wrap_up_s, recording = (settings.wrap_up_s, settings.recording) if settings else (_DIRECT_WRAP_UP_S, True)
    if not await join(call, agent_id, talk_id, queue, recording):
        return TransferEnd.FAILED, None
    room = TalkRoom(call, queue, wrap_up_s, recording)
    return TransferEnd.TALKED, await room.run(agent_id, talk_id)
