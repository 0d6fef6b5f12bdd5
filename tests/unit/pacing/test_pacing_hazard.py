"""The hazard law as the engine calls it."""

import random
import time
from dataclasses import replace

from pacing_snapshots import agents, look, ringing, waiting

from dialer.pacing.hazard import HazardLaw, hazard_law
from dialer.pacing.plan import FlightStage, FlightView, Limits, PacingEvent, PacingEventKind, Plan, Tally

K = PacingEventKind
# After ten minutes with so many people the guard knows what to count on: the forecast decides.
LATER_S, MET = 600.0, Tally(people=60)


def taught(people_of_ten: int = 3, calls: int = 200) -> HazardLaw:
    """A law that saw `calls` calls: of ten, `people_of_ten` people after 9 to 15 s and four machines."""
    law = hazard_law()
    for index in range(calls):
        name, placed_s = f"t{index}", index * 2.0
        law.observe(PacingEvent(K.PLACED, placed_s, 0.0, name))
        if index % 10 >= people_of_ten + 4:
            law.observe(PacingEvent(K.UNANSWERED, placed_s + 25.0, 25.0, name))
            continue
        ring_s = 9.0 + index % 7
        law.observe(PacingEvent(K.ANSWERED, placed_s + ring_s, ring_s, name))
        person = index % 10 < people_of_ten
        law.observe(PacingEvent(K.PERSON if person else K.MACHINE, placed_s + ring_s + 1, 1.0 if person else 3.0, name))
    return law


def begun(law: HazardLaw) -> HazardLaw:
    """The law after the first moment of its window."""
    law.plan(look(agents=agents(talking=10)))
    return law


def test_given_no_history_it_starts_with_about_one_call_for_each_agent() -> None:
    plan = hazard_law(first_ratio=1.2).plan(look(agents=agents(idle=10)))
    assert 10 <= plan.place <= 12  # the guard does not let two more be placed while it knows nobody
    assert "start-up" in plan.bound_by or "budget" in plan.bound_by


def test_given_no_history_and_a_single_agent_it_still_dials() -> None:
    assert hazard_law().plan(look(agents=agents(idle=1))).place == 1


def test_given_what_it_learnt_it_places_more_calls_than_agents() -> None:
    plan = begun(taught()).plan(look(LATER_S, agents(idle=10), today=MET))
    assert 15 <= plan.place <= 35
    assert dict(plan.forecast)["risk_of_next"] > dict(plan.forecast)["theta"]


def test_given_more_people_in_the_list_it_places_fewer_calls() -> None:
    crowd = look(LATER_S, agents(idle=10), today=MET)
    assert begun(taught(people_of_ten=6)).plan(crowd).place < begun(taught(people_of_ten=1)).plan(crowd).place


def test_given_calls_in_flight_or_waiting_it_places_fewer() -> None:
    staff = agents(idle=10, talking=10)
    free = taught().plan(look(agents=staff)).place
    assert taught().plan(look(agents=staff, flights=ringing(*[9.0] * 10))).place < free
    assert taught().plan(look(agents=staff, flights=waiting(3))).place < free
    assert taught().plan(look(agents=staff, rivals=ringing(*[9.0] * 10))).place < free


def test_given_agents_who_leave_after_their_call_they_are_not_counted_on() -> None:
    staff = agents(wrap_up=10, since_s=20.0)
    leaving = tuple(replace(agent, leaving=True) for agent in staff)
    assert taught().plan(look(agents=staff)).place > 0
    assert taught().plan(look(agents=leaving)).place == 0


def test_given_a_spent_budget_it_dials_one_call_for_each_idle_agent_and_says_so() -> None:
    plan = taught().plan(look(agents=agents(idle=10), today=Tally(people=400, abandoned=13)))
    assert plan.place == 10
    assert "budget" in plan.bound_by


def test_given_a_tally_from_before_a_restart_theta_is_what_it_would_have_been() -> None:
    law, restarted = taught(), taught()
    for second in range(100):
        law.plan(look(float(second), agents(idle=5), today=Tally(people=second * 4, abandoned=second // 12)))
    last = Tally(people=99 * 4, abandoned=99 // 12)
    restarted.plan(look(99.0, agents(idle=5), today=last))
    assert restarted.theta <= law.theta * 1.5
    assert restarted.theta >= law.theta / 1.5


def test_limits_bind_and_are_named() -> None:
    law, staff = taught(), agents(idle=10)
    assert law.plan(look(agents=staff, leads=3)) == replace(
        law.plan(look(agents=staff, leads=3)), place=3, bound_by="leads"
    )
    assert law.plan(look(agents=staff, limits=Limits(500, 2.0))).place == 2
    assert law.plan(look(agents=staff, flights=ringing(1.0, 1.0), limits=Limits(2, 50.0))).place == 0


def test_given_too_few_agents_calls_past_the_legal_minimum_are_given_up_and_no_others() -> None:
    flights = (*ringing(16.0, 17.0, 14.0), FlightView("young", FlightStage.RINGING, 20.0, 14.9), *waiting(2))
    plan = taught().plan(look(agents=agents(talking=2, since_s=3.0), flights=flights))
    assert plan.place == 0
    assert set(plan.give_up) <= {"call0", "call1"}
    assert plan.give_up


def test_the_same_trace_gives_the_same_plans_bit_for_bit() -> None:
    assert drive(random.Random(7)) == drive(random.Random(7))


def drive(rng: random.Random) -> list[Plan]:
    law, plans = hazard_law(), []
    for second in range(300):
        name = f"c{second}"
        law.observe(PacingEvent(K.PLACED, float(second), 0.0, name))
        kind = rng.choice((K.UNANSWERED, K.ANSWERED))
        law.observe(PacingEvent(kind, second + rng.uniform(3, 25), 0.0, name))
        if kind is K.ANSWERED:
            law.observe(PacingEvent(rng.choice((K.PERSON, K.MACHINE)), second + 20.0, rng.uniform(0.5, 4), name))
        staff = agents(rng.randrange(4), rng.randrange(9), rng.randrange(4), since_s=rng.uniform(0, 200))
        flights = ringing(*[rng.uniform(0, 25) for _ in range(rng.randrange(12))])
        plans.append(law.plan(look(float(second), staff, flights, Tally(people=second // 2, abandoned=second // 90))))
    return plans


def test_500_agents_and_2000_calls_are_planned_within_five_milliseconds() -> None:
    law, rng, took_s = taught(), random.Random(1), []
    for tick in range(60):
        staff = agents(idle=25, talking=400, wrap_up=75, since_s=rng.uniform(1, 60))
        flights = tuple(
            FlightView(f"c{index}", FlightStage.RINGING, age, age)
            for index in range(2000)
            if (age := rng.uniform(0, 25))
        )
        snapshot = look(float(tick), staff, flights)
        start_s = time.process_time()
        law.plan(snapshot)
        took_s.append(time.process_time() - start_s)
    assert sorted(took_s)[-2] <= 0.005
