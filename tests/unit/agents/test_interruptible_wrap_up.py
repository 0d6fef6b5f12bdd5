"""A person whom nobody idle can take ends a wrap-up: by agreement, within a share, and the time is given back."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.agent import AgentMove, AgentProfile, AgentState
from agents.pool import AgentPool, InterruptRule, WaitingCall
from dialer.events import AgentMoved
from dialer.wrap_up import WrapUpDesk

RULE = InterruptRule(share=0.5, after_s=5.0, back_s=3.0)


def call(name: str, rule: InterruptRule | None = RULE) -> WaitingCall:
    return WaitingCall(name, "c1", 0.0, interrupt=rule)


def pool_in_wrap_up(*ends_s: float) -> AgentPool:
    """Agents a0, a1... whose talks ended at 100 s, each with so long a wrap-up."""
    pool = AgentPool()
    for n, wrap_up_s in enumerate(ends_s):
        name = f"a{n}"
        pool.sign_in(AgentProfile(name, name, ""), 0.0)
        pool.leg(name, True)
        pool.ready(name, 0.0)
        assert pool.reserve(WaitingCall(f"first-{name}", "c1", 0.0, agent_id=name), 1.0) == name
        pool.connected(name, f"first-{name}", 2.0)
        pool.talk_ended(name, f"first-{name}", 100.0, wrap_up_s)
    return pool


def test_given_an_agreement_the_agent_nearest_the_end_is_taken_and_the_rest_is_added_to_its_next_wrap_up() -> None:
    pool = pool_in_wrap_up(30.0, 20.0)
    assert pool.reserve(call("second"), 106.0) == "a1"
    pool.connected("a1", "second", 106.0)
    pool.talk_ended("a1", "second", 200.0, 20.0)
    assert pool.seat("a1").wrap_up_until_s == pytest.approx(200.0 + 20.0 + (120.0 - 106.0) + 3.0)


def test_an_idle_agent_is_always_taken_first_and_without_an_agreement_nobody_is_disturbed() -> None:
    pool = pool_in_wrap_up(30.0, 20.0)
    assert pool.reserve(call("second", None), 106.0) is None
    pool.wrap_up_ended("a0", 107.0)
    assert pool.reserve(call("second"), 108.0) == "a0"
    assert pool.seat("a1").state is AgentState.WRAP_UP


def test_a_wrap_up_that_has_just_begun_is_left_alone_until_its_time_and_so_is_an_agent_who_leaves() -> None:
    pool = pool_in_wrap_up(30.0)
    assert pool.reserve(call("second"), 104.0) is None
    assert pool.interruptible_in_s(call("second"), 104.0) == pytest.approx(1.0)
    pool.pause("a0", 104.5, "lunch")
    assert pool.reserve(call("second"), 106.0) is None


def test_both_calls_get_their_default_disposition_when_the_later_wrap_up_is_over_and_not_before() -> None:
    pool = pool_in_wrap_up(30.0)
    pool.take_moves()
    pool.reserve(call("second"), 106.0)
    pool.connected("a0", "second", 106.0)
    pool.talk_ended("a0", "second", 200.0, 20.0)
    assert [WrapUpDesk.wrapped_up(AgentMoved(0.0, move)) for move in pool.take_moves()] == [[], [], []]
    pool.wrap_up_ended("a0", 240.0)
    over = [pair for move in pool.take_moves() for pair in WrapUpDesk.wrapped_up(AgentMoved(0.0, move))]
    assert over == [("a0", "first-a0"), ("a0", "second")]


def test_given_the_person_is_gone_before_the_audio_meets_the_cut_call_gets_its_default() -> None:
    pool = pool_in_wrap_up(30.0)
    pool.take_moves()
    pool.reserve(call("second"), 106.0)
    pool.release("a0", "second", 107.0)
    over = [pair for move in pool.take_moves() for pair in WrapUpDesk.wrapped_up(AgentMoved(0.0, move))]
    assert over == [("a0", "first-a0")]
    assert pool.seat("a0").state is AgentState.IDLE
    assert pool.seat("a0").owed_s > 0


@given(st.floats(0.02, 0.5), st.integers(1, 10_000))
def test_no_agents_share_is_ever_passed_and_no_wrap_up_second_is_lost(share: float, seed: int) -> None:
    rng, rule = random.Random(seed), InterruptRule(share)
    pool, now_s, wrapped = AgentPool(), 0.0, []
    pool.sign_in(AgentProfile("a0", "a0", ""), 0.0)
    pool.leg("a0", True)
    pool.ready("a0", 0.0)
    for number in range(60):
        name = f"call{number}"
        seat = pool.seat("a0")
        if pool.reserve(call(name, rule), now_s) is None:
            now_s = seat.wrap_up_until_s or now_s
            pool.wrap_up_ended("a0", now_s)
            assert pool.reserve(call(name, rule), now_s) == "a0"
        assert seat.interrupted <= share * (seat.talks + 3)
        pool.connected("a0", name, now_s)
        now_s += rng.uniform(1, 100)
        pool.talk_ended("a0", name, now_s, 20.0)
        now_s += rng.uniform(0, 15)
    pool.wrap_up_ended("a0", now_s)
    moves: list[AgentMove] = pool.take_moves()
    wrapped = [call_id for move in moves for call_id in move.wrapped_up if call_id]
    assert wrapped == [f"call{number}" for number in range(60)], "each call is wrapped up once, in order"
