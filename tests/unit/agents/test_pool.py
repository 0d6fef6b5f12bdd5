"""The agent pool under every order of what agents and calls do."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agents.agent import AGENT_TRANSITIONS, AgentError, AgentProfile, AgentState
from agents.pool import AgentPool, WaitingCall
from campaigns.ids import key_of

AGENTS = ("ana", "berta", "carla")
CAMPAIGNS = ("c1", "c2")


def profile(agent_id: str, *campaigns: str) -> AgentProfile:
    return AgentProfile(agent_id, key_of(agent_id), f"PJSIP/{agent_id}", campaigns=frozenset(campaigns))


class PoolMachine(RuleBasedStateMachine):
    """Whoever owns the pool calls `match` after every change; so does this machine."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = AgentPool()
        self.now_s = 0.0
        self.serial = 0
        self.reserved: dict[str, str] = {}
        self.talking: dict[str, str] = {}
        self.moves: list[Any] = []

    def _settle(self) -> None:
        self.now_s += 1.0
        for match in self.pool.match(self.now_s):
            assert match.call_id not in self.reserved
            self.reserved[match.call_id] = match.agent_id
        self.moves += self.pool.take_moves()

    def _id(self) -> str:
        self.serial += 1
        return f"call{self.serial}"

    @rule(agent=st.sampled_from(AGENTS), campaign=st.sampled_from([(), ("c1",), ("c2",)]))
    def sign_in(self, agent: str, campaign: tuple[str, ...]) -> None:
        self.pool.sign_in(profile(agent, *campaign), self.now_s)
        self._settle()

    @rule(agent=st.sampled_from(AGENTS), act=st.sampled_from(["ready", "pause", "sign_out", "leg up", "leg down"]))
    def agent_does(self, agent: str, act: str) -> None:
        known = any(seat.profile.agent_id == agent for seat in self.pool.seats())
        match act:
            case "leg up" | "leg down":
                self.pool.leg(agent, act == "leg up")
            case _ if not known:
                with pytest.raises(AgentError, match="sign in first"):
                    self.pool.ready(agent, self.now_s)
            case "ready":
                self.pool.ready(agent, self.now_s)
            case "pause":
                self.pool.pause(agent, self.now_s, "coffee")
            case _:
                self.pool.sign_out(agent, self.now_s)
        self._settle()

    @rule(campaign=st.sampled_from(CAMPAIGNS), priority=st.integers(0, 2))
    def call_waits(self, campaign: str, priority: int) -> None:
        self.pool.wait(WaitingCall(self._id(), campaign, self.now_s, priority=priority))
        self._settle()

    @rule(campaign=st.sampled_from(CAMPAIGNS))
    def call_reserves(self, campaign: str) -> None:
        call_id = self._id()
        if agent_id := self.pool.reserve(WaitingCall(call_id, campaign, self.now_s), self.now_s):
            self.reserved[call_id] = agent_id
        self._settle()

    @rule(agent=st.sampled_from(AGENTS))
    def agent_places_a_call(self, agent: str) -> None:
        call_id = self._id()
        try:
            self.pool.claim(agent, call_id, self.now_s)
            self.reserved[call_id] = agent
        except AgentError:
            pass
        self._settle()

    @precondition(lambda self: self.pool.waiting())
    @rule()
    def waiting_call_hangs_up(self) -> None:
        self.pool.stop_waiting(self.pool.waiting()[0].call_id)
        self._settle()

    @precondition(lambda self: self.reserved)
    @rule(connects=st.booleans())
    def reservation_ends(self, connects: bool) -> None:
        call_id, agent_id = self.reserved.popitem()
        if connects:
            self.pool.connected(agent_id, call_id, self.now_s)
            self.talking[call_id] = agent_id
        else:
            self.pool.release(agent_id, call_id, self.now_s)
        self._settle()

    @precondition(lambda self: self.talking)
    @rule(wrap_up_s=st.sampled_from([0.0, 5.0]))
    def talk_ends(self, wrap_up_s: float) -> None:
        call_id, agent_id = self.talking.popitem()
        self.pool.talk_ended(agent_id, call_id, self.now_s, wrap_up_s)
        with pytest.raises(AgentError):
            self.pool.release(agent_id, call_id, self.now_s)
        self._settle()

    @rule()
    def wrap_ups_end(self) -> None:
        for agent_id in self.pool.wrap_ups_due(self.now_s):
            self.pool.wrap_up_ended(agent_id, self.now_s)
        self._settle()

    @invariant()
    def every_held_agent_is_held_by_one_call_that_lives(self) -> None:
        held = {seat.profile.agent_id: seat.call_id for seat in self.pool.seats() if seat.state in _HELD}
        assert held == {agent: call for call, agent in (self.reserved | self.talking).items()}

    @invariant()
    def nobody_waits_while_a_suitable_agent_is_idle(self) -> None:
        for call in self.pool.waiting():
            assert not [
                seat
                for seat in self.pool.seats()
                if seat.state is AgentState.IDLE and seat.leg_up and seat.profile.serves(call.campaign_id, call.skills)
            ]

    @invariant()
    def every_move_is_legal_and_follows_the_last_one(self) -> None:
        stands = dict.fromkeys(AGENTS, AgentState.SIGNED_OUT)
        for move in self.moves:
            assert move.source is stands[move.agent_id]
            assert move.target in AGENT_TRANSITIONS[move.source]
            stands[move.agent_id] = move.target


_HELD = (AgentState.RESERVED, AgentState.TALKING)
TestPool = PoolMachine.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def ready_pool() -> AgentPool:
    pool = AgentPool()
    pool.sign_in(profile("ana"), 0.0)
    pool.leg("ana", True)
    pool.ready("ana", 0.0)
    return pool


def test_an_agent_who_was_ready_before_a_restart_goes_on_talking() -> None:
    pool = ready_pool()
    pool.adopt("ana", "call1", 1.0)
    pool.adopt("ana", "call1", 2.0)
    assert pool.seat("ana").state is AgentState.TALKING
    pool.talk_ended("ana", "call1", 3.0, 5.0)


def test_an_agent_reserved_for_somebody_cannot_adopt_another_call() -> None:
    pool = ready_pool()
    pool.reserve(WaitingCall("call1", "c1", 0.0), 1.0)
    with pytest.raises(AgentError, match="reserved for another call"):
        pool.adopt("ana", "call2", 2.0)


def test_signing_in_again_takes_a_later_sign_out_back() -> None:
    pool = ready_pool()
    pool.reserve(WaitingCall("call1", "c1", 0.0), 1.0)
    assert pool.sign_out("ana", 1.0) is False
    pool.sign_in(profile("ana"), 2.0)
    pool.release("ana", "call1", 3.0)
    assert pool.seat("ana").state is AgentState.PAUSED


def test_the_reason_of_a_pause_taken_back_is_forgotten() -> None:
    pool = ready_pool()
    pool.reserve(WaitingCall("call1", "c1", 0.0), 1.0)
    pool.pause("ana", 1.0, "lunch")
    pool.ready("ana", 2.0)
    pool.release("ana", "call1", 3.0)
    assert (pool.seat("ana").state, pool.seat("ana").reason) == (AgentState.IDLE, "released")


def test_who_waits_longest_is_served_first_among_equals() -> None:
    pool = AgentPool()
    pool.sign_in(profile("ana"), 0.0)
    pool.leg("ana", True)
    for call_id, since_s, priority in (("late", 2.0, 0), ("early", 1.0, 0), ("important", 3.0, 1)):
        pool.wait(WaitingCall(call_id, "c1", since_s, priority=priority))
    pool.ready("ana", 4.0)
    assert [match.call_id for match in pool.match(4.0)] == ["important"]
    assert [call.call_id for call in pool.waiting()] == ["early", "late"]


def test_an_agent_without_audio_gets_nobody() -> None:
    pool = ready_pool()
    pool.leg("ana", False)
    assert pool.reserve(WaitingCall("call1", "c1", 0.0), 1.0) is None
    with pytest.raises(AgentError, match="connect the phone first"):
        pool.claim("ana", "call1", 1.0)
