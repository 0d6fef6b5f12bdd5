"""A caller and who talks with it: one agent, an agent who consults another or somebody outside, three together.

The caller's coroutine is the only one that moves anybody; agents leave orders. Everybody meets in an agent's standing
bridge: the agent's own, or the one of the agent who is consulted.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from agents.agent import AgentError
from agents.pool import WaitingCall
from campaigns.ids import leg_channel_id
from dialer.inbound.call import CallRefused, InboundCall
from dialer.inbound.events import AgentOffered
from dialer.inbound.orders import Act, Order, Target, TargetOf
from dialer.inbound.outsider import Outsider
from dialer.inbound.talk_book import Party, TalkBook
from storage.calls import CallStage
from telephony.errors import TelephonyError

_RING_S = 30.0


@dataclass(frozen=True, slots=True)
class RoomEnd:
    """How a talk ended with the caller on the line. onward: where an agent sent the caller."""

    how: str
    agent_id: str
    talk_s: float
    onward: Target | None = None
    to_survey: bool = False


class TalkRoom:
    """Made when an agent and the caller are in one bridge; `run` follows them to the end."""

    def __init__(self, call: InboundCall, queue: str, wrap_up_s: float, recording: bool) -> None:
        """queue: whose call it is, "" for a direct one. wrap_up_s: of every agent who talks here."""
        self._call = call
        self._queue = queue
        self._book = TalkBook(call, queue, wrap_up_s, recording)
        self._main: Party | None = None
        self._other: Party | Outsider | None = None
        self._ringing: asyncio.Task[None] | None = None
        self._stack = AsyncExitStack()
        self._with_caller = True
        self._three = False
        self._music: asyncio.Task[None] | None = None
        self._orders: deque[Order] = deque()
        self._obeyed: Order | None = None
        self._ordered = asyncio.Event()
        self._away: set[str] = set()  # agents whose leg is in somebody else's bridge

    def agents(self) -> list[str]:
        """Who is in the room."""
        return [party.agent_id for party in (self._main, self._other) if isinstance(party, Party)]

    async def order(self, agent_id: str, act: Act, target: Target | None = None) -> None:
        """An agent's wish; returns when it is done. Raises CallRefused."""
        if self._main is None or self._main.agent_id != agent_id:
            raise CallRefused(f"agent {agent_id} was asked into this call: only who leads it may {act}")
        order = Order(act, target)
        self._orders.append(order)
        self._ordered.set()
        await order.done

    async def run(self, agent_id: str, talk_id: str, *, adopted: bool = False) -> RoomEnd:
        """Talk to the end. Raises LineGone when the caller hangs up; every agent wraps up in any case.

        adopted: caller and agent were in one bridge before a restart of the server.
        """
        self._main = self._book.enter(agent_id, talk_id, adopted)
        self._call.room = self
        recording = asyncio.create_task(self._book.record(talk_id), name=f"record {talk_id}")
        try:
            end = await self._follow()
        except asyncio.CancelledError:  # the server stops: caller and agent talk on, the next start takes them over
            recording.cancel()
            await self._hush()
            raise
        except BaseException:
            await self._disband("caller", talk_id, recording)
            raise
        await self._disband(end.how, talk_id, recording)
        return replace(end, talk_s=self._book.talk_s, agent_id=end.agent_id or self._book.last_agent)

    async def _disband(self, how: str, talk_id: str, recording: asyncio.Task[None]) -> None:
        self._call.room = None
        self._refuse_orders()
        for party in (self._main, self._other):
            if isinstance(party, Party):
                self._book.leave(party, how)
        await self._clean_up(talk_id, recording)

    # -- people come and go ---------------------------------------------------------------------------------------

    async def _clean_up(self, talk_id: str, recording: asyncio.Task[None]) -> None:
        tasks = [task for task in (self._music, self._ringing) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for agent_id in tuple(self._away):
            await self._quietly(self._leg_home(agent_id))
        await self._stack.aclose()
        await asyncio.gather(recording, return_exceptions=True)
        await self._book.finish(talk_id)

    # -- the loop -------------------------------------------------------------------------------------------------

    async def _follow(self) -> RoomEnd:
        while True:
            await self._stir()
            if (end := await self._somebody_left()) is not None:
                return end
            while self._orders:
                order = self._orders.popleft()
                if (end := await self._obey(order)) is not None:
                    return end
            self._ordered.clear()

    async def _stir(self) -> None:
        """Wait for an order, or for somebody to leave."""
        waits = [self._ordered.wait()]
        waits += [party.conversation.over.wait() for party in (self._main, self._other) if isinstance(party, Party)]
        tasks: list[asyncio.Task[object]] = [asyncio.ensure_future(wait) for wait in waits]
        if isinstance(self._other, Outsider):
            tasks.append(asyncio.create_task(self._other.line.gone()))
        try:
            await self._call.line.unless_gone(asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _somebody_left(self) -> RoomEnd | None:
        other, main = self._other, self._main
        if isinstance(other, Party) and other.conversation.over.is_set():
            self._book.leave(other, "agent")
            await self._alone_again()
        elif isinstance(other, Outsider) and other.line.hung_up is not None:
            await self._alone_again()
        if main is None or not main.conversation.over.is_set():
            return None
        if self._other is not None and self._ringing is None:  # who leaves a consultation hands the caller over
            return await self._complete("agent")
        how = "agent lost" if main.conversation.agent_lost else "agent"
        return await self._end(RoomEnd(how, main.agent_id, 0.0))

    async def _end(self, end: RoomEnd) -> RoomEnd:
        """The caller is out of everybody's bridge from now on."""
        await self._hush()
        if self._with_caller and self._main is not None:
            bridge_id = self._room_bridge()
            control = self._call.services.control
            await self._call.ask(lambda: control.remove_from_bridge(bridge_id, self._call.line.channel_id))
        return end

    async def _obey(self, order: Order) -> RoomEnd | None:
        self._obeyed = order
        try:
            end = await self._do(order)
        except (CallRefused, AgentError, TelephonyError) as error:
            order.refuse(str(error))
            return None
        except BaseException:
            order.refuse("the call is over")
            raise
        self._done()
        return end

    def _done(self) -> None:
        """The order that is being obeyed is carried out."""
        if self._obeyed:
            self._obeyed.carried_out()

    async def _do(self, order: Order) -> RoomEnd | None:
        assert self._main is not None
        match order.act:
            case Act.HOLD:
                await self._hold()
            case Act.RESUME:
                await self._resume(self._room_bridge())
            case Act.TRANSFER | Act.SURVEY:
                if self._other is not None:
                    raise CallRefused("somebody is being consulted: complete that, or go back to the caller first")
                survey = order.act is Act.SURVEY
                how = "survey" if survey else "transferred"
                return await self._end(RoomEnd(how, self._main.agent_id, 0.0, order.target, survey))
            case Act.CONSULT:
                await self._consult(order.target)
            case Act.CONFERENCE:
                self._needs_other()
                await self._resume(self._room_bridge())
                self._three = True
            case Act.COMPLETE:
                self._needs_other()
                return await self._complete("transferred")
            case Act.BACK:
                if self._other is None and self._ringing is None:
                    raise CallRefused("nobody is being consulted")
                if isinstance(self._other, Party):
                    self._book.leave(self._other, "sent back")
                await self._alone_again()
        return None

    def _needs_other(self) -> None:
        if self._other is None:
            raise CallRefused("nobody answered the consultation yet")

    # -- moves ----------------------------------------------------------------------------------------------------

    def _room_bridge(self) -> str:
        """Where everybody meets: at the consulted agent's, else at the leading agent's."""
        desk = self._call.services.desk
        if isinstance(self._other, Party):
            return desk.bridge_of(self._other.agent_id)
        assert self._main is not None
        return desk.bridge_of(self._main.agent_id)

    async def _hold(self) -> None:
        if not self._with_caller:
            return
        bridge_id, control = self._room_bridge(), self._call.services.control
        await self._call.ask(lambda: control.remove_from_bridge(bridge_id, self._call.line.channel_id))
        self._with_caller = self._three = False
        self._music = asyncio.create_task(self._call.music(), name=f"hold music {self._call.call_id}")

    async def _hush(self) -> None:
        if self._music:
            self._music.cancel()
            await asyncio.gather(self._music, return_exceptions=True)
            self._music = None

    async def _resume(self, bridge_id: str) -> None:
        await self._hush()
        control, caller = self._call.services.control, self._call.line.channel_id
        await self._call.ask(lambda: control.renew_audio(caller))  # who speaks next may be somebody else
        await self._call.ask(lambda: control.add_to_bridge(bridge_id, caller))
        self._with_caller = True

    async def _consult(self, target: Target | None) -> None:
        if self._other is not None or self._ringing is not None:
            raise CallRefused("somebody is being consulted already")
        if target is None or target.kind is TargetOf.QUEUE:
            raise CallRefused("consult an agent or a number")
        if target.kind is TargetOf.AGENT:
            await self._consult_agent(target.name)
        else:
            await self._hold()
            self._ringing = asyncio.create_task(self._ring(target.name), name=f"consult {self._call.call_id}")

    async def _consult_agent(self, agent_id: str) -> None:
        assert self._main is not None
        services, talk_id = self._call.services, self._call.new_id()
        call = WaitingCall(talk_id, self._queue, services.clock.monotonic_s(), agent_id=agent_id)
        if services.desk.reserve_now(call) is None:
            raise CallRefused(f"agent {agent_id} is not free")
        try:
            services.sink(
                AgentOffered(
                    services.clock.now_s(), self._call.call_id, talk_id, agent_id, self._queue,
                    self._call.journal.call.caller, 0.0, self._call.screen,
                )
            )  # fmt: skip
            await self._hold()
            bridge_id, leg = services.desk.bridge_of(agent_id), self._leg(self._main.agent_id)
            self._away.add(self._main.agent_id)
            await self._call.ask(lambda: services.control.add_to_bridge(bridge_id, leg))
        except BaseException:
            services.desk.release(agent_id, talk_id)
            raise
        self._other = self._book.enter(agent_id, talk_id)

    async def _ring(self, number: str) -> None:
        """Ring somebody outside for the agent; who answers joins the agent's bridge."""
        assert self._main is not None
        services, did = self._call.services, self._call.journal.call.did
        outsider = await self._stack.enter_async_context(Outsider(services, f"{self._call.new_id()}-xfer", number, did))
        end = await outsider.ring(_RING_S)
        if end is None:
            try:
                await services.control.add_to_bridge(
                    services.desk.bridge_of(self._main.agent_id), outsider.line.channel_id
                )
                self._other = outsider
            except (TelephonyError, AgentError) as error:
                services.trouble(f"a consultation failed: {error}", self._call.call_id)
        self._ringing = None
        self._ordered.set()  # wakes the loop: somebody to follow, or nobody

    async def _alone_again(self) -> None:
        """The consulted one is out: caller and leading agent are together again."""
        assert self._main is not None
        if self._ringing:
            self._ringing.cancel()
            await asyncio.gather(self._ringing, return_exceptions=True)
            self._ringing = None
        self._other = None
        self._three = False
        await self._stack.aclose()
        await self._quietly(self._leg_home(self._main.agent_id))
        await self._resume(self._room_bridge())

    async def _complete(self, how: str) -> RoomEnd | None:
        """The leading agent leaves; the other one has the caller."""
        assert self._main is not None
        leaving, other = self._main, self._other
        if isinstance(other, Party):
            if not self._with_caller:
                await self._resume(self._room_bridge())
            self._main, self._other, self._three = other, None, False
            self._book.leave(leaving, how)
            await self._quietly(self._leg_home(leaving.agent_id))
            return None
        assert other is not None
        return await self._outside(leaving, other, how)

    async def _outside(self, leaving: Party, other: Outsider, how: str) -> RoomEnd:
        """Caller and outsider go on without an agent, to the end."""
        call, control = self._call, self._call.services.control
        bridge_id, agents_bridge = f"{call.new_id()}-xfrb", call.services.desk.bridge_of(leaving.agent_id)
        await call.ask(lambda: control.create_bridge(bridge_id))
        try:
            await call.ask(lambda: control.remove_from_bridge(agents_bridge, other.line.channel_id))
            await call.ask(lambda: control.renew_audio(other.line.channel_id))
            await call.ask(lambda: control.add_to_bridge(bridge_id, other.line.channel_id))
            await self._resume(bridge_id)
            self._main, self._other = None, None
            self._book.leave(leaving, how)
            call.journal.note(stage=CallStage.TRANSFER)
            self._done()
            await call.line.unless_gone(other.line.gone())
        except asyncio.CancelledError:
            other.talks_on()
            raise
        except BaseException:
            await self._quietly(control.destroy_bridge(bridge_id))
            raise
        await self._quietly(control.destroy_bridge(bridge_id))
        return RoomEnd("outside", leaving.agent_id, 0.0)

    def _leg(self, agent_id: str) -> str:
        return leg_channel_id(self._call.services.desk.pool.seat(agent_id).profile.agent_key)

    async def _leg_home(self, agent_id: str) -> None:
        control, desk = self._call.services.control, self._call.services.desk
        if agent_id in self._away:
            self._away.discard(agent_id)
            await control.add_to_bridge(desk.bridge_of(agent_id), self._leg(agent_id))

    async def _quietly(self, work: Awaitable[None]) -> None:
        try:
            await work
        except (TelephonyError, AgentError) as error:
            self._call.services.trouble(f"after a talk: {error}", self._call.call_id)

    def _refuse_orders(self) -> None:
        while self._orders:
            self._orders.popleft().refuse("the call is over")
