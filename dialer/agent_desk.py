"""Agents as the engine uses them: standing legs, reservations, waiting calls, wrap-up timers, conversations.

The pool decides (pure), the desk carries out: after every change it pairs waiting calls with idle agents, so that
nobody is abandoned while a suitable agent is idle.
"""

import asyncio
import random
from dataclasses import dataclass, field

from agents.agent import AgentError, AgentProfile, AgentState
from agents.pool import AgentPool, WaitingCall
from campaigns.clock import Clock
from campaigns.ids import leg_bridge_id
from dialer.events import AgentMoved, EventSink
from dialer.standing_leg import StandingLeg
from telephony.port import CallControl

# How long a customer is kept in a bridge whose agent lost the audio.
_LONELY_LIMIT_S = 10.0


@dataclass(slots=True)
class Conversation:
    """A customer and an agent who talk.

    over: set to end it from our side: by the agent, by a supervisor, or because the agent's audio was lost and did not
    come back (agent_lost).
    """

    attempt_id: str
    campaign_id: str
    agent_id: str
    began_s: float
    over: asyncio.Event = field(default_factory=asyncio.Event)
    agent_lost: bool = False
    doubt: str = ""  # what AMD takes the far end for by now, when that is no person
    alone_since: asyncio.TimerHandle | None = None


class AgentDesk:
    """The agents of one node. Use as `async with desk:`; leaving it ends its tasks and leaves the legs up."""

    def __init__(self, control: CallControl, clock: Clock, rng: random.Random, sink: EventSink) -> None:
        """Agents on `control`; moves of agents go to `sink`."""
        self.pool = AgentPool()
        self.conversations: dict[str, Conversation] = {}  # by attempt
        self._control = control
        self._clock = clock
        self._rng = rng
        self._sink = sink
        self._legs: dict[str, tuple[StandingLeg, asyncio.Task[None]]] = {}
        self._wanted: dict[str, asyncio.Future[str]] = {}
        self._wrap_up_timers: dict[str, asyncio.TimerHandle] = {}
        self._farewells: dict[str, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """End the desk's tasks. Legs and conversations stay up: the next start takes them over."""
        tasks = [task for _, task in self._legs.values()]
        self._legs.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._farewells.values(), return_exceptions=True)
        for timer in self._wrap_up_timers.values():
            timer.cancel()

    # -- what agents do ---------------------------------------------------------------------------------------------

    def sign_in(self, profile: AgentProfile) -> None:
        """Sign an agent in, paused, and bring its standing leg up."""
        self.pool.sign_in(profile, self._now())
        if profile.agent_id not in self._legs:
            leg = StandingLeg(
                self._control, profile, self._clock, self._rng, lambda up: self._leg_changed(profile.agent_id, up)
            )
            keeping = self._keep(leg, self._farewells.get(profile.agent_id))
            self._legs[profile.agent_id] = leg, asyncio.create_task(keeping, name=f"leg {profile.agent_id}")
        self._settle()

    def sign_out(self, agent_id: str, reason: str = "signed out") -> bool:
        """Sign an agent out, at once or (False) after its call and wrap-up."""
        done = self.pool.sign_out(agent_id, self._now(), reason)
        self._settle()
        return done

    def ready(self, agent_id: str) -> None:
        """Take calls from now on."""
        self.pool.ready(agent_id, self._now())
        self._settle()

    def pause(self, agent_id: str, reason: str) -> bool:
        """Take no calls, at once or (False) after the present one."""
        done = self.pool.pause(agent_id, self._now(), reason)
        self._settle()
        return done

    def finish_wrap_up(self, agent_id: str) -> None:
        """The agent is done with the paperwork."""
        self.pool.wrap_up_ended(agent_id, self._now())
        self._settle()

    def end_conversation(self, agent_id: str) -> None:
        """The agent hangs up. Raises AgentError when it talks to nobody."""
        self.conversation_of(agent_id).over.set()

    def conversation_of(self, agent_id: str) -> Conversation:
        """The conversation an agent is in. Raises AgentError when there is none."""
        for conversation in self.conversations.values():
            if conversation.agent_id == agent_id:
                return conversation
        raise AgentError(f"agent {agent_id} is in no conversation: it is {self.pool.seat(agent_id).state}")

    def leg_trouble(self, agent_id: str) -> str:
        """Why an agent's audio is not up, in words; empty when it is."""
        leg = self._legs.get(agent_id)
        return leg[0].last_trouble if leg else ""

    # -- what calls need ----------------------------------------------------------------------------------------------

    def bridge_of(self, agent_id: str) -> str:
        """The bridge in which an agent's leg is parked."""
        return leg_bridge_id(self.pool.seat(agent_id).profile.agent_key)

    def reserve_now(self, call: WaitingCall) -> str | None:
        """Reserve a suitable idle agent for a call, or None."""
        agent_id = self.pool.reserve(call, self._now())
        self._settle()
        return agent_id

    def claim(self, agent_id: str, call_id: str) -> None:
        """Reserve one agent for a call it places itself. Raises AgentError."""
        self.pool.claim(agent_id, call_id, self._now())
        self._settle()

    async def wait_for_agent(self, call: WaitingCall) -> str:
        """Wait until an agent is reserved for the call.

        Cancelling takes the call out of the queue and leaves no reservation behind.
        """
        wanted: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._wanted[call.call_id] = wanted
        self.pool.wait(call)
        self._settle()
        # A wrap-up that may be ended a moment from now: nothing else would wake the pairing then.
        ripe_s = self.pool.interruptible_in_s(call, self._now())
        timer = asyncio.get_running_loop().call_later(ripe_s + 0.001, self._settle) if ripe_s is not None else None
        try:
            return await wanted
        except asyncio.CancelledError:
            self.pool.stop_waiting(call.call_id)
            if wanted.done() and not wanted.cancelled():
                self.release(wanted.result(), call.call_id)
            raise
        finally:
            if timer:
                timer.cancel()
            self._wanted.pop(call.call_id, None)

    def release(self, agent_id: str, call_id: str) -> None:
        """Give a reservation back unused."""
        self.pool.release(agent_id, call_id, self._now())
        self._settle()

    def connected(self, agent_id: str, attempt_id: str, campaign_id: str) -> Conversation:
        """A customer is in the agent's bridge."""
        self.pool.connected(agent_id, attempt_id, self._now())
        return self._converse(agent_id, attempt_id, campaign_id)

    def adopt(self, agent_id: str, attempt_id: str, campaign_id: str) -> Conversation:
        """Recovery: the conversation was up before the server restarted, and still is."""
        self.pool.adopt(agent_id, attempt_id, self._now())
        return self._converse(agent_id, attempt_id, campaign_id)

    def forget(self, call_id: str, wrap_up_s: float) -> None:
        """A call is over for good, whatever happened to it: nobody is held for it any longer."""
        self.pool.stop_waiting(call_id)
        if seat := self.pool.holder(call_id):
            if seat.state is AgentState.TALKING:
                self.talk_ended(seat.profile.agent_id, call_id, wrap_up_s)
            else:
                self.release(seat.profile.agent_id, call_id)

    def doubt(self, agent_id: str) -> None:
        """A customer could not be put through to this agent: nobody else is, until its leg was looked at."""
        if kept := self._legs.get(agent_id):
            self.pool.leg(agent_id, False)
            kept[0].doubt()

    def freshen(self, agent_id: str) -> None:
        """A customer left this agent's bridge: its leg is made ready for the next one."""
        if kept := self._legs.get(agent_id):
            kept[0].freshen()

    def wrap_up_again(self, agent_id: str, attempt_id: str, wrap_up_s: float) -> None:
        """Recovery: the agent was wrapping up this call before a restart, or would be now."""
        self.pool.adopt(agent_id, attempt_id, self._now())
        self.talk_ended(agent_id, attempt_id, wrap_up_s)

    def talk_ended(self, agent_id: str, attempt_id: str, wrap_up_s: float) -> None:
        """The conversation is over; wrap-up begins, and ends by itself after `wrap_up_s`."""
        if (conversation := self.conversations.pop(attempt_id, None)) and conversation.alone_since:
            conversation.alone_since.cancel()
        self.pool.talk_ended(agent_id, attempt_id, self._now(), wrap_up_s)
        if timer := self._wrap_up_timers.pop(agent_id, None):
            timer.cancel()
        until_s = self.pool.seat(agent_id).wrap_up_until_s or self._now()  # what was owed of an earlier one included
        loop = asyncio.get_running_loop()
        self._wrap_up_timers[agent_id] = loop.call_later(until_s - self._now(), self._wrap_up_due, agent_id)
        self._settle()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _converse(self, agent_id: str, attempt_id: str, campaign_id: str) -> Conversation:
        conversation = Conversation(attempt_id, campaign_id, agent_id, self._now())
        self.conversations[attempt_id] = conversation
        self._settle()
        return conversation

    def _wrap_up_due(self, agent_id: str) -> None:
        if agent_id in self.pool.wrap_ups_due(self._now() + 0.001):
            self.finish_wrap_up(agent_id)

    def _leg_changed(self, agent_id: str, up: bool) -> None:
        self.pool.leg(agent_id, up)
        for conversation in self.conversations.values():
            if conversation.agent_id == agent_id:
                self._watch_lonely(conversation, up)
        self._settle()

    def _watch_lonely(self, conversation: Conversation, leg_up: bool) -> None:
        """A leg that breaks heals in under a second as a rule, with the customer held in the bridge."""
        if leg_up and conversation.alone_since:
            conversation.alone_since.cancel()
            conversation.alone_since = None
        if not leg_up and conversation.alone_since is None:  # a redial that fails does not begin the wait anew
            loop = asyncio.get_running_loop()
            conversation.alone_since = loop.call_later(_LONELY_LIMIT_S, _give_agent_up, conversation)

    def _settle(self) -> None:
        while matches := self.pool.match(self._now()):
            for match in matches:
                wanted = self._wanted.get(match.call_id)
                if wanted is None or wanted.done():  # it stopped waiting in this moment: the agent is for the next one
                    self.pool.release(match.agent_id, match.call_id, self._now())
                else:
                    wanted.set_result(match.agent_id)
        for move in self.pool.take_moves():
            self._sink(AgentMoved(self._clock.now_s(), move))
            if move.target is AgentState.SIGNED_OUT:
                self._drop_leg(move.agent_id)

    def _drop_leg(self, agent_id: str) -> None:
        if kept := self._legs.pop(agent_id, None):
            leg, task = kept
            task.cancel()
            farewell = asyncio.create_task(leg.hang_up(), name=f"farewell {agent_id}")
            self._farewells[agent_id] = farewell
            farewell.add_done_callback(lambda done: self._forget_farewell(agent_id, done))

    def _forget_farewell(self, agent_id: str, done: asyncio.Task[None]) -> None:
        if self._farewells.get(agent_id) is done:
            del self._farewells[agent_id]

    @staticmethod
    async def _keep(leg: StandingLeg, farewell: asyncio.Task[None] | None) -> None:
        """Keep a leg up, once the agent's last one is gone for good: both have the same name at the exchange."""
        if farewell:
            await asyncio.wait({farewell})
        await leg.run()

    def _now(self) -> float:
        return self._clock.monotonic_s()


def _give_agent_up(conversation: Conversation) -> None:
    conversation.agent_lost = True
    conversation.over.set()
