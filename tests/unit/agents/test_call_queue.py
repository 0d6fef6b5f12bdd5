"""Places, measured waiting times, figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.pool import AgentPool
from agents.queue import CallQueue, Left, QueueError, QueueSettings

STEPS = st.lists(st.tuples(st.floats(0.0, 30.0), st.sampled_from(["enter", "answer", "abandon"]), st.integers(0, 9)))


@given(STEPS)
def test_given_any_coming_and_going_then_places_are_the_order_in_which_the_pool_serves(
    steps: list[tuple[float, str, int]],
) -> None:
    queue, pool, now_s = CallQueue(QueueSettings("q")), AgentPool(), 0.0
    for index, (after_s, what, which) in enumerate(steps):
        now_s += after_s
        served = [call.call_id for call in pool.waiting()]
        if what == "enter":
            pool.wait(queue.enter(f"c{index}", now_s, now_s, boost=which % 3))
        elif served:
            call_id = served[0] if what == "answer" else served[which % len(served)]
            pool.stop_waiting(call_id)
            how = Left.ANSWERED if what == "answer" else Left.ABANDONED
            assert queue.leave(call_id, now_s, how) >= 0.0
        served = [call.call_id for call in pool.waiting()]
        assert [queue.position(call_id) for call_id in served] == list(range(1, len(served) + 1))
        figures = queue.figures(now_s)
        assert figures.waiting == len(served) and figures.offered == figures.answered + figures.abandoned
        estimate = queue.wait_estimate_s(1, now_s)
        assert estimate is None or estimate >= 0.0


def test_given_one_caller_served_every_ten_seconds_when_asked_then_the_third_place_waits_thirty() -> None:
    queue = CallQueue(QueueSettings("q"))
    for index in range(30):
        queue.enter(f"c{index}", 0.0 + index / 1000, 0.0)
    assert queue.wait_estimate_s(3, 0.0) is None, "nothing was measured yet: nothing is told"
    for index in range(10):
        queue.leave(f"c{index}", 10.0 * (index + 1), Left.ANSWERED)
    assert queue.wait_estimate_s(3, 100.0) == pytest.approx(30.0, rel=0.02)


def test_given_waits_when_counted_then_who_left_at_once_is_not_in_the_service_level() -> None:
    queue = CallQueue(QueueSettings("q", service_level_s=20.0, short_abandon_s=5.0))
    for name, how, at_s in (("a", Left.ANSWERED, 10.0), ("b", Left.ANSWERED, 30.0), ("c", Left.ABANDONED, 2.0)):
        queue.enter(name, 0.0, 0.0)
        queue.leave(name, at_s, how)
    queue.enter("d", 0.0, 0.0)
    queue.leave("d", 40.0, Left.ABANDONED)
    figures = queue.figures(50.0)
    assert figures.service_level == pytest.approx(1 / 3) and figures.abandonment == pytest.approx(1 / 3)
    assert figures.asa_s == 20.0 and figures.abandoned_at_once == 1


def test_given_somebody_who_waits_already_or_not_at_all_then_refused() -> None:
    queue = CallQueue(QueueSettings("q"))
    queue.enter("a", 0.0, 0.0)
    with pytest.raises(QueueError):
        queue.enter("a", 0.0, 0.0)
    with pytest.raises(QueueError):
        queue.leave("b", 0.0, Left.ANSWERED)
    with pytest.raises(QueueError):
        QueueSettings("q", overflow_to="q")
