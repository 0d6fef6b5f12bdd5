"""The live law tells lists and hours apart, says nothing else without them, and begins with the centre's own past."""

import random
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from pacing_snapshots import agents, look

from campaigns.attempt import AttemptState
from campaigns.outcome import Outcome
from dialer.pacing import cells, forecast, shapes
from dialer.pacing.hazard import HazardLaw, HazardSettings
from dialer.pacing.learned import learn_past
from dialer.pacing.plan import (
    AgentActivity,
    AgentView,
    FlightStage,
    FlightView,
    PacingEvent,
    PacingEventKind,
    Plan,
    Tally,
)
from dialer.pacing.trace.state import freeze, thaw
from storage.history import PastCall

K, S = PacingEventKind, AttemptState
LATER_S, MET = 600.0, Tally(people=60)
NOON_S = 1_763_982_000.0  # 24 November 2025, 12:00 in Madrid


def dialled(law: HazardLaw, list_id: str, answered_of_ten: int, ring_s: float, calls: int = 200) -> HazardLaw:
    """Calls of a list: so many of ten become people after `ring_s`, the others ring to the end."""
    for index in range(calls):
        name, placed_s = f"{list_id}{index}", index * 2.0
        law.observe(PacingEvent(K.PLACED, placed_s, 0.0, name, list_id=list_id))
        if index % 10 < answered_of_ten:
            law.observe(PacingEvent(K.ANSWERED, placed_s + ring_s, ring_s, name))
            law.observe(PacingEvent(K.PERSON, placed_s + ring_s + 1, 1.0, name))
        else:
            law.observe(PacingEvent(K.UNANSWERED, placed_s + 25.0, 25.0, name))
    return law


def warm_and_cold(**settings: object) -> HazardLaw:
    law = HazardLaw(HazardSettings(**settings))  # type: ignore[arg-type]
    dialled(law, "warm", 8, 6.0)
    dialled(law, "cold", 1, 16.0)
    law.plan(look(agents=agents(talking=10)))
    return law


def ringing_of(list_id: str, count: int, age_s: float = 3.0) -> tuple[FlightView, ...]:
    return tuple(FlightView(f"c{n}", FlightStage.RINGING, age_s, age_s, list_id) for n in range(count))


def test_given_calls_of_a_list_that_seldom_answers_more_are_placed_than_given_those_of_one_that_does() -> None:
    staff = agents(idle=10)
    cold = warm_and_cold().plan(look(LATER_S, staff, ringing_of("cold", 15), MET)).place
    warm = warm_and_cold().plan(look(LATER_S, staff, ringing_of("warm", 15), MET)).place
    assert cold > warm
    assert warm == 0, "twelve of fifteen will answer, and ten agents are idle"


def test_given_the_switch_off_the_same_calls_are_the_same_whatever_list_they_are_of() -> None:
    staff = agents(idle=10)
    plans = [
        warm_and_cold(by_list=False).plan(look(LATER_S, staff, ringing_of(each, 12), MET))
        for each in ("warm", "cold", "")
    ]
    assert plans[0] == plans[1] == plans[2]


def test_given_one_list_only_the_law_plans_as_if_it_did_not_know_of_lists() -> None:
    assert drive(random.Random(7), "a-list", by_list=True) == drive(random.Random(7), "", by_list=False)


def drive(rng: random.Random, list_id: str, by_list: bool) -> list[Plan]:
    law, plans = HazardLaw(HazardSettings(by_list=by_list)), []
    for second in range(200):
        name = f"c{second}"
        law.observe(PacingEvent(K.PLACED, float(second), 0.0, name, list_id=list_id))
        kind = rng.choice((K.UNANSWERED, K.ANSWERED))
        law.observe(PacingEvent(kind, second + rng.uniform(3, 25), 0.0, name))
        if kind is K.ANSWERED:
            law.observe(PacingEvent(rng.choice((K.PERSON, K.MACHINE)), second + 20.0, rng.uniform(0.5, 4), name))
        staff = agents(rng.randrange(4), rng.randrange(9), rng.randrange(4), since_s=rng.uniform(0, 200))
        flights = ringing_of(list_id, rng.randrange(12), rng.uniform(0, 25))
        plans.append(law.plan(look(float(second), staff, flights, Tally(people=second // 2, abandoned=second // 90))))
    return plans


def test_talks_are_learnt_for_the_list_that_the_agent_talks_with() -> None:
    law = warm_and_cold()
    for number, (list_id, talk_s) in enumerate((("warm", 20.0), ("cold", 400.0)) * 30):
        began_s, name = 1000.0 + 500.0 * number, f"talk{number}"
        law.observe(PacingEvent(K.PLACED, began_s - 10, 0.0, name, list_id=list_id))
        law.observe(PacingEvent(K.CONNECTED, began_s, 0.0, name, "anna"))
        for at_s, activity, since_s in (
            (began_s + 1, AgentActivity.TALKING, 1.0),
            (began_s + talk_s + 1, AgentActivity.WRAP_UP, 1.0),
            (began_s + talk_s + 11, AgentActivity.IDLE, 1.0),
        ):
            law.plan(look(at_s, (AgentView("anna", activity, since_s),)))
    seen, numbers = law._book.cells, law._book.numbers
    for list_id, talk_s in (("warm", 20.0), ("cold", 400.0)):
        slot = numbers[list_id] * cells.SLOTS + cells.ALL_HOURS
        ended = cells.STARTS[cells.TALK] + cells.BINS[cells.TALK] + shapes.talk_bin(talk_s)
        assert seen[slot, ended] / seen[slot, cells.WEIGHTS + cells.TALK] > 25


def test_a_talk_for_another_campaign_is_of_no_list() -> None:
    law = warm_and_cold()
    before = law._book.cells.copy()
    law.plan(look(1000.0, (AgentView("anna", AgentActivity.TALKING, 1.0),)))
    law.plan(look(1050.0, (AgentView("anna", AgentActivity.WRAP_UP, 1.0),)))
    assert np.array_equal(law._book.cells, before)


@pytest.mark.parametrize(("zone", "hour"), [("Europe/Madrid", 12), ("America/Mexico_City", 5), ("Asia/Kolkata", 16)])
def test_the_hour_is_that_of_the_campaigns_clock(zone: str, hour: int) -> None:
    law = HazardLaw(HazardSettings(zone=zone))
    law.plan(replace(look(), wall_s=NOON_S))
    assert law._book.hour == hour


def test_what_was_learnt_at_an_hour_comes_back_at_that_hour_of_another_day() -> None:
    law = HazardLaw(HazardSettings(zone="Europe/Madrid", hour_facts=20.0))
    staff, flights = agents(idle=10), ringing_of("a", 14)
    found: list[float] = []
    for day, hour, people in ((0, 9, 8), (0, 14, 1), (1, 9, 0), (1, 14, 0)):
        wall_s = NOON_S + (hour - 12) * 3600.0 + day * 86_400.0
        law.plan(replace(look(len(found) * 10_000.0, agents(talking=3)), wall_s=wall_s))
        if people:
            dialled(law, "a", people, 8.0, calls=300)
        at_s = len(found) * 10_000.0 + 400.0
        law.plan(replace(look(at_s, staff, flights, MET), wall_s=wall_s))
        found.append(chance(law, "a"))
    assert found[2] > found[3] + 0.1, "nothing was dialled in between but the hour differs"
    assert law._book.hours_told


def test_on_the_first_day_an_hour_is_learned_but_not_looked_at() -> None:
    law = HazardLaw(HazardSettings(zone="Europe/Madrid"))
    law.plan(replace(look(), wall_s=NOON_S))
    dialled(law, "a", 8, 8.0)
    assert law._book.grain.hour == -1
    assert law._book.cells[12, cells.STARTS[cells.RING]] > 0


def test_more_lists_than_are_told_apart_are_learned_with_the_first() -> None:
    law = HazardLaw()
    for number in range(cells.MOST_LISTS + 5):
        dialled(law, f"list{number}", 3, 9.0, calls=3)
    assert len(law._book.mix) == cells.MOST_LISTS
    assert law._book.number("list99") == 0
    law.plan(look(LATER_S, agents(idle=5), ringing_of("list14", 3)))


def test_the_state_with_lists_and_hours_goes_through_text_and_goes_on_the_same() -> None:
    law = warm_and_cold(zone="Europe/Madrid")
    again = thaw(freeze(law))
    for second in range(40):
        moment = replace(look(LATER_S + second, agents(idle=4), ringing_of("cold", 5)), wall_s=NOON_S + second)
        assert again.plan(moment) == law.plan(moment)


def test_given_a_state_that_a_version_without_lists_wrote_it_plans_what_that_version_planned() -> None:
    """Events and snapshots of then know no lists either."""
    old, law = HazardLaw(HazardSettings(by_list=False)), HazardLaw(HazardSettings(by_list=False))
    dialled(old, "", 3, 9.0), dialled(law, "", 3, 9.0)
    frozen = freeze(old)
    del frozen["v"]["_book"]
    for name in ("by_list", "zone", "list_facts", "hour_facts"):
        del frozen["v"]["settings"]["v"][name]
    again = thaw(frozen)
    assert again.settings == HazardSettings()
    for second in range(100):
        moment = look(float(second), agents(idle=second % 4, talking=5), ringing_of("", second % 9))
        assert again.plan(moment) == law.plan(moment)


# -- the past ---------------------------------------------------------------------------------------------------------


def past_calls(list_id: str, people_of_ten: int, count: int, hour: int = 12) -> Iterator[PastCall]:
    for number in range(count):
        at_s = NOON_S - 86_400.0 + (hour - 12) * 3600.0 + 5.0 * number
        moved = {S.DIALING: at_s, S.ENDED: at_s + 25.0}
        outcome = Outcome.NO_ANSWER
        if number % 10 < people_of_ten:
            outcome = Outcome.BRIDGED
            moved |= {S.ANSWERED: at_s + 7.0, S.CONNECTING: at_s + 8.0, S.BRIDGED: at_s + 8.2, S.ENDED: at_s + 68.0}
        yield PastCall(f"{list_id}{number:08}", outcome, "anna", at_s, moved, list_id)


def begun_with(*past: PastCall) -> HazardLaw:
    learned = learn_past(past, [12.0] * 50, ("a", "b"), "Europe/Madrid")
    assert learned is not None
    return HazardLaw(HazardSettings(zone="Europe/Madrid"), learned)


def test_given_a_past_the_first_forecast_knows_how_each_list_answers() -> None:
    law = begun_with(*past_calls("a", 8, 300), *past_calls("b", 1, 300))
    law.plan(replace(look(agents=agents(idle=5)), wall_s=NOON_S))
    assert chance(law, "a") > 0.6
    assert chance(law, "b") < 0.25


def chance(law: HazardLaw, list_id: str) -> float:
    """That a call of the list, placed now, is a person in the end."""
    row = law._book.numbers[list_id] * forecast.ROWS + forecast.RING_ROW
    return float(law._tables[row, forecast.HORIZONS - 1])


def test_given_a_past_of_hours_the_forecast_follows_the_hour() -> None:
    law = begun_with(*past_calls("a", 8, 400, hour=9), *past_calls("a", 1, 400, hour=15))
    found = []
    for day, hour in enumerate((9, 15)):
        wall_s = NOON_S + (hour - 12) * 3600.0
        law.plan(replace(look(day * 1000.0, agents(idle=5)), wall_s=wall_s))
        law.plan(replace(look(day * 1000.0 + 400.0, agents(idle=5)), wall_s=wall_s))
        found.append(chance(law, "a"))
    assert found[0] > found[1] + 0.1


def test_a_past_weighs_little_beside_a_day_that_is_otherwise() -> None:
    law = begun_with(*past_calls("a", 1, 2000))
    law.plan(replace(look(agents=agents(idle=5)), wall_s=NOON_S))
    dialled(law, "a", 8, 7.0, calls=300)
    law.plan(replace(look(400.0, agents(idle=5)), wall_s=NOON_S + 400.0))
    assert chance(law, "a") > 0.5


def test_a_past_that_is_short_or_of_other_lists_teaches_nothing() -> None:
    assert learn_past(list(past_calls("a", 3, 99)), [], ("a",), "Europe/Madrid") is None
    assert learn_past(list(past_calls("gone", 3, 500)), [], ("a",), "Europe/Madrid") is None


def test_a_past_with_a_dead_network_is_learnt_without_it() -> None:
    alive = [*past_calls("a", 5, 300)]
    dead = [replace(call, outcome=Outcome.NO_ANSWER, moved_s={S.DIALING: 0.0, S.ENDED: 25.0}) for call in alive]
    law = begun_with(*alive, *dead)
    law.plan(replace(look(agents=agents(idle=5)), wall_s=NOON_S))
    assert chance(law, "a") > 0.35
