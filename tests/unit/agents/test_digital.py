"""Digital items between calls: given to idle agents, taken away by a call at once, never lost, never given twice."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.agent import AgentProfile, AgentState
from agents.digital import BlendingRule, DigitalError, DigitalItem, DigitalQueue, StepKind, occupancy
from agents.pool import AgentPool, WaitingCall


def pool_of(*names: str) -> AgentPool:
    pool = AgentPool()
    for name in names:
        pool.sign_in(AgentProfile(name, name, "", skills=frozenset({"mail"} if name == "ana" else ())), 0.0)
        pool.leg(name, True)
        pool.ready(name, 0.0)
    return pool


def item(name: str, since_s: float = 0.0, priority: int = 0, skills: frozenset[str] = frozenset()) -> DigitalItem:
    return DigitalItem(name, "mail", "email", since_s, skills, priority)


def call_for(pool: AgentPool, agent_id: str, at_s: float, name: str = "call") -> None:
    assert pool.reserve(WaitingCall(name, "c1", at_s, agent_id=agent_id), at_s) == agent_id


def test_given_an_idle_agent_the_best_item_goes_to_whoever_has_the_skills_after_a_moment() -> None:
    pool, queue = pool_of("ana", "luis"), DigitalQueue()
    queue.offer(item("old", 0.0))
    queue.offer(item("urgent", 5.0, priority=3, skills=frozenset({"mail"})))
    assert queue.settle(pool.seats(), 1.0, False) == [], "an agent who has just become idle is left alone"
    steps = queue.settle(pool.seats(), 3.0, False)
    assert [(step.kind, step.item.item_id, step.agent_id) for step in steps] == [
        (StepKind.GIVEN, "urgent", "ana"),
        (StepKind.GIVEN, "old", "luis"),
    ]


def test_given_a_call_the_item_is_taken_back_at_once_and_goes_on_after_the_wrap_up() -> None:
    pool, queue = pool_of("ana"), DigitalQueue()
    queue.offer(item("letter"))
    queue.settle(pool.seats(), 3.0, False)
    assert pool.seat("ana").state is AgentState.IDLE, "a person reaches her as if she did nothing"
    call_for(pool, "ana", 10.0)
    (step,) = queue.settle(pool.seats(), 10.0, False)
    assert (step.kind, step.worked_s) == (StepKind.INTERRUPTED, 7.0)
    pool.connected("ana", "call", 11.0)
    pool.talk_ended("ana", "call", 60.0, 5.0)
    assert queue.settle(pool.seats(), 61.0, False) == []
    pool.wrap_up_ended("ana", 65.0)
    (step,) = queue.settle(pool.seats(), 67.0, False)
    assert step.kind is StepKind.RESUMED
    assert queue.done("ana", 70.0).worked_s == 10.0
    seen = occupancy(pool.seats(), queue, 70.0)
    assert seen is not None
    assert seen.voice == pytest.approx(54 / 70)
    assert seen.productive == pytest.approx(64 / 70)


def test_while_somebody_waits_for_an_agent_no_item_is_given() -> None:
    pool, queue = pool_of("ana"), DigitalQueue()
    queue.offer(item("letter"))
    assert queue.settle(pool.seats(), 9.0, True) == []


def test_an_item_goes_back_to_the_front_when_its_agent_leaves_or_keeps_it_too_long() -> None:
    pool, queue = pool_of("ana", "luis"), DigitalQueue(BlendingRule(keep_s=60.0))
    pool.pause("luis", 0.0, "lunch")
    queue.offer(item("begun", 0.0))
    queue.settle(pool.seats(), 3.0, False)
    queue.offer(item("first", 1.0, priority=9))
    call_for(pool, "ana", 10.0)
    queue.settle(pool.seats(), 10.0, False)
    pool.ready("luis", 69.0)
    steps = queue.settle(pool.seats(), 71.0, False)
    assert [(step.kind, step.item.item_id, step.agent_id) for step in steps] == [
        (StepKind.RETURNED, "begun", "ana"),
        (StepKind.GIVEN, "begun", "luis"),
    ]
    pool.pause("luis", 80.0, "tea")
    assert [step.kind for step in queue.settle(pool.seats(), 80.0, False)] == [StepKind.RETURNED]
    assert len(queue) == 2


def test_what_makes_no_sense_is_refused() -> None:
    queue = DigitalQueue()
    queue.offer(item("a"))
    with pytest.raises(DigitalError, match="in the queue already"):
        queue.offer(item("a"))
    with pytest.raises(DigitalError, match="works on no item"):
        queue.done("ana", 1.0)


@given(st.integers(1, 10**6))
def test_whatever_happens_an_item_is_in_one_place_and_time_is_booked_once(seed: int) -> None:
    rng, names = random.Random(seed), ("ana", "luis")
    pool, queue, now_s, offered, ended = pool_of(*names), DigitalQueue(BlendingRule(1.0, 20.0)), 0.0, 0, 0
    for number in range(80):
        now_s += rng.uniform(0.1, 8.0)
        name = rng.choice(names)
        seat = pool.seat(name)
        match rng.randrange(5):
            case 0:
                queue.offer(item(f"i{offered}", now_s))
                offered += 1
            case 1 if seat.state is AgentState.IDLE:
                call_for(pool, name, now_s, f"call{number}")
            case 1 if seat.state is AgentState.RESERVED:
                pool.release(name, seat.call_id, now_s)
            case 2:
                pool.pause(name, now_s, "x")
            case 3:
                pool.ready(name, now_s)
            case 4 if queue.working(name) and seat.state is AgentState.IDLE:
                queue.done(name, now_s)
                ended += 1
        queue.settle(pool.seats(), now_s, False)
        held = [each for agent in names if (each := queue.item_of(agent))]
        assert len({each.item_id for each in held}) == len(held)
        assert len(queue) + len(held) + ended == offered
        for agent in names:
            assert not queue.working(agent) or pool.seat(agent).state is AgentState.IDLE
    seen = occupancy(pool.seats(), queue, now_s)
    assert seen is None or 0.0 <= seen.voice <= seen.productive <= 1.0
