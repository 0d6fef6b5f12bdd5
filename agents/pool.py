"""Who can talk now, and who is waiting for them: the one writer of every agent's state.

Pure: the time is passed in, and every change comes back as a move. Whoever owns the pool calls `match` after each
change, so that nobody waits while a suitable agent is idle.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from agents.agent import AGENT_TRANSITIONS, AgentError, AgentMove, AgentProfile, AgentState, Seat

_BUSY = {AgentState.TALKING, AgentState.RESERVED, AgentState.WRAP_UP}


_AT_REST = {AgentState.IDLE, AgentState.PAUSED, AgentState.SIGNED_OUT}


@dataclass(frozen=True, slots=True)
class InterruptRule:
    """An option that agents agreed to: a person whom nobody idle can take ends a wrap-up.

    share: interruptions + 1 <= share x (conversations + 3), for each agent; after_s: a wrap-up lasts at least so long;
    back_s: added to what was left of it, and given back with the agent's next wrap-up.
    """

    share: float
    after_s: float = 5.0
    back_s: float = 3.0

    def allows(self, seat: Seat) -> bool:
        """Whether this agent's wrap-up may be ended, as far as its share of calls goes."""
        return seat.interrupted + 1 <= self.share * (seat.talks + 3)


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """Somebody who waits for an agent. Higher priority first, then who waits longest.

    campaign_id: also the id of a queue. agent_id: only this agent will do (a direct extension, a transfer).
    interrupt: whether, and by which rule, a wrap-up may be ended for it.
    """

    call_id: str
    campaign_id: str
    since_s: float
    skills: frozenset[str] = frozenset()
    priority: int = 0
    agent_id: str = ""
    interrupt: InterruptRule | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A waiting call and the agent just reserved for it."""

    call_id: str
    agent_id: str


class AgentPool:
    """Signed-in agents and the calls that wait for one."""

    def __init__(self) -> None:
        """Start with nobody signed in."""
        self._seats: dict[str, Seat] = {}
        self._waiting: dict[str, WaitingCall] = {}
        self._moves: list[AgentMove] = []

    def seat(self, agent_id: str) -> Seat:
        """The live state of an agent. Raises AgentError when it is not signed in."""
        if (seat := self._seats.get(agent_id)) is None:
            raise AgentError(f"agent {agent_id} is not signed in: sign in first")
        return seat

    def seats(self) -> Iterator[Seat]:
        """Everybody who is signed in."""
        yield from self._seats.values()

    def waiting(self) -> list[WaitingCall]:
        """Calls without an agent, next to be served first."""
        return sorted(self._waiting.values(), key=lambda call: (-call.priority, call.since_s))

    def take_moves(self) -> list[AgentMove]:
        """Every move since the last time this was asked, oldest first."""
        moves, self._moves = self._moves, []
        return moves

    def sign_in(self, profile: AgentProfile, now_s: float) -> None:
        """Sign an agent in, paused. Signing in again refreshes the profile, and takes back a later sign-out."""
        if seat := self._seats.get(profile.agent_id):
            seat.profile = profile
            if seat.after_call is AgentState.SIGNED_OUT:
                seat.after_call, seat.after_call_reason = AgentState.PAUSED, "signed in"
            return
        seat = Seat(profile, AgentState.SIGNED_OUT, now_s)
        self._seats[profile.agent_id] = seat
        self._go(seat, AgentState.PAUSED, now_s, "signed in")

    def sign_out(self, agent_id: str, now_s: float, reason: str = "signed out") -> bool:
        """Sign an agent out, at once or (False) after the call and wrap-up it is in."""
        seat = self.seat(agent_id)
        if seat.state in _BUSY:
            seat.after_call, seat.after_call_reason = AgentState.SIGNED_OUT, reason
            return False
        self._go(seat, AgentState.SIGNED_OUT, now_s, reason)
        del self._seats[agent_id]
        return True

    def pause(self, agent_id: str, now_s: float, reason: str) -> bool:
        """Pause an agent, at once or (False) after the call and wrap-up it is in."""
        seat = self.seat(agent_id)
        if seat.state in _BUSY:
            seat.after_call, seat.after_call_reason = AgentState.PAUSED, reason
            return False
        if seat.state is AgentState.IDLE:
            self._go(seat, AgentState.PAUSED, now_s, reason)
        return True

    def ready(self, agent_id: str, now_s: float) -> None:
        """Make an agent ready for calls: from a pause, or out of wrap-up before its time."""
        seat = self.seat(agent_id)
        seat.after_call, seat.after_call_reason = None, ""
        if seat.state in (AgentState.PAUSED, AgentState.WRAP_UP):
            self._go(seat, AgentState.IDLE, now_s, "ready")

    def leg(self, agent_id: str, up: bool) -> None:
        """Note whether an agent's standing leg is up. Without one nobody is routed to it."""
        if seat := self._seats.get(agent_id):
            seat.leg_up = up

    def reserve(self, call: WaitingCall, now_s: float) -> str | None:
        """Reserve the agent that has been idle longest for a call; None when nobody suitable is idle.

        With a rule for it, the agent who is nearest to the end of a wrap-up is taken then.
        """
        idle = [seat for seat in self._seats.values() if _may_take(seat, call)]
        if not idle:
            return self._interrupt(call, now_s)
        seat = min(idle, key=lambda candidate: candidate.since_s)
        self._go(seat, AgentState.RESERVED, now_s, call_id=call.call_id)
        return seat.profile.agent_id

    def _interrupt(self, call: WaitingCall, now_s: float) -> str | None:
        rule = call.interrupt
        if rule is None:
            return None
        ripe = [seat for seat in self._interruptible(call, rule) if now_s - seat.since_s >= rule.after_s]
        if not ripe:
            return None
        seat = min(ripe, key=lambda candidate: candidate.wrap_up_until_s or now_s)
        seat.interrupted += 1
        seat.owed_s += max(0.0, (seat.wrap_up_until_s or now_s) - now_s) + rule.back_s
        seat.unwrapped += (seat.call_id,)
        self._go(seat, AgentState.RESERVED, now_s, "wrap-up interrupted", call.call_id)
        return seat.profile.agent_id

    def interruptible_in_s(self, call: WaitingCall, now_s: float) -> float | None:
        """How long until a wrap-up may be ended for this call, as things stand; None: none that goes on now."""
        if (rule := call.interrupt) is None:
            return None
        waits = (seat.since_s + rule.after_s - now_s for seat in self._interruptible(call, rule))
        return min((wait_s for wait_s in waits if wait_s > 0.0), default=None)

    def _interruptible(self, call: WaitingCall, rule: InterruptRule) -> list[Seat]:
        return [
            seat
            for seat in self._seats.values()
            if seat.state is AgentState.WRAP_UP and seat.after_call is None and _suits(seat, call) and rule.allows(seat)
        ]

    def claim(self, agent_id: str, call_id: str, now_s: float) -> None:
        """Reserve one agent for a call it places itself (manual, preview). Raises AgentError when it is busy."""
        seat = self.seat(agent_id)
        if seat.state not in (AgentState.IDLE, AgentState.PAUSED):
            raise AgentError(f"agent {agent_id} is {seat.state}: finish that first")
        if not seat.leg_up:
            raise AgentError(f"agent {agent_id} has no audio: connect the phone first")
        if seat.state is AgentState.PAUSED:
            seat.after_call, seat.after_call_reason = AgentState.PAUSED, seat.reason
        self._go(seat, AgentState.RESERVED, now_s, call_id=call_id)

    def wait(self, call: WaitingCall) -> None:
        """Let a call wait for an agent: `match` will pair it."""
        self._waiting[call.call_id] = call

    def stop_waiting(self, call_id: str) -> None:
        """Take a call out of the queue: it hung up, or its time is over."""
        self._waiting.pop(call_id, None)

    def match(self, now_s: float) -> list[Match]:
        """Pair waiting calls with idle agents; each pair leaves the queue and reserves its agent."""
        matches = []
        for call in self.waiting():
            if agent_id := self.reserve(call, now_s):
                del self._waiting[call.call_id]
                matches.append(Match(call.call_id, agent_id))
        return matches

    def connected(self, agent_id: str, call_id: str, now_s: float) -> None:
        """The reserved agent talks now. Raises AgentError when the reservation is not this call's."""
        seat = self._held_by(agent_id, call_id)
        self._go(seat, AgentState.TALKING, now_s, call_id=call_id)

    def adopt(self, agent_id: str, call_id: str, now_s: float) -> None:
        """Recovery: the agent was talking on this call before a restart and still is. Adopting twice does nothing."""
        seat = self.seat(agent_id)
        if seat.state is AgentState.RESERVED:
            raise AgentError(f"agent {agent_id} is reserved for another call: it cannot adopt {call_id}")
        if seat.state is not AgentState.TALKING or seat.call_id != call_id:
            self._go(seat, AgentState.TALKING, now_s, "recovered", call_id)

    def release(self, agent_id: str, call_id: str, now_s: float) -> None:
        """Give a reservation back unused: the customer was gone before the audio met."""
        seat = self._held_by(agent_id, call_id)
        if seat.state is not AgentState.RESERVED:
            raise AgentError(f"agent {agent_id} is {seat.state}: only a reservation can be released")
        self._rest(seat, now_s, "released")

    def talk_ended(self, agent_id: str, call_id: str, now_s: float, wrap_up_s: float) -> None:
        """The conversation ended; the agent wraps up until `ready` or until `wrap_up_s` is over."""
        seat = self._held_by(agent_id, call_id)
        seat.talks += 1
        self._go(seat, AgentState.WRAP_UP, now_s, call_id=call_id)
        seat.wrap_up_until_s = now_s + wrap_up_s + seat.owed_s
        seat.owed_s = 0.0

    def holder(self, call_id: str) -> Seat | None:
        """Who is reserved for a call or talks on it."""
        held = (AgentState.RESERVED, AgentState.TALKING)
        return next((seat for seat in self._seats.values() if seat.call_id == call_id and seat.state in held), None)

    def wrap_up_ended(self, agent_id: str, now_s: float) -> None:
        """Wrap-up is over (deadline or disposition). Does nothing in any other state."""
        seat = self._seats.get(agent_id)
        if seat and seat.state is AgentState.WRAP_UP:
            self._rest(seat, now_s, "wrap-up over")

    def wrap_ups_due(self, now_s: float) -> list[str]:
        """Agents whose wrap-up time is over."""
        return [
            seat.profile.agent_id
            for seat in self._seats.values()
            if seat.state is AgentState.WRAP_UP and seat.wrap_up_until_s is not None and seat.wrap_up_until_s <= now_s
        ]

    def _held_by(self, agent_id: str, call_id: str) -> Seat:
        seat = self.seat(agent_id)
        if seat.call_id != call_id:
            raise AgentError(f"agent {agent_id} is {seat.state} for call {seat.call_id or 'none'}, not {call_id}")
        return seat

    def _rest(self, seat: Seat, now_s: float, reason: str) -> None:
        after, why = seat.after_call or AgentState.IDLE, seat.after_call_reason or reason
        seat.after_call, seat.after_call_reason = None, ""
        self._go(seat, after, now_s, why)
        if after is AgentState.SIGNED_OUT:
            del self._seats[seat.profile.agent_id]

    def _go(self, seat: Seat, target: AgentState, now_s: float, reason: str = "", call_id: str = "") -> None:
        if target not in AGENT_TRANSITIONS[seat.state]:
            raise AgentError(f"agent {seat.profile.agent_id} is {seat.state}: it cannot become {target}")
        lasted_s = now_s - seat.since_s
        seat.busy_s[seat.state] = seat.busy_s.get(seat.state, 0.0) + lasted_s
        wrapped_up: tuple[str, ...] = ()
        if target in _AT_REST:
            own = (seat.call_id,) if seat.state is AgentState.WRAP_UP else ()
            wrapped_up, seat.unwrapped = seat.unwrapped + own, ()
        self._moves.append(
            AgentMove(
                seat.profile.agent_id, seat.state, target, now_s, lasted_s, reason, call_id or seat.call_id, wrapped_up
            )
        )
        seat.state, seat.since_s, seat.reason, seat.call_id = target, now_s, reason, call_id
        seat.wrap_up_until_s = None


def _may_take(seat: Seat, call: WaitingCall) -> bool:
    return seat.state is AgentState.IDLE and _suits(seat, call)


def _suits(seat: Seat, call: WaitingCall) -> bool:
    if not seat.leg_up or call.agent_id not in ("", seat.profile.agent_id):
        return False
    return seat.profile.serves(call.campaign_id, call.skills)
