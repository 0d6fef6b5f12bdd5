"""Campaigns that dial for the same agents: nobody is starved, and who has spent its budget goes first."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import guarantee as g
from dialer.pacing.hazard import HazardLaw, warm_up
from dialer.pacing.hazard_core import TURN_S
from dialer.pacing.plan import AgentActivity, AgentView, FlightStage, FlightView, Limits, Plan, Snapshot, Tally
from dialer.pacing.sharing import Standing, terms_between
from dialer.pacing.sim import floor as hall
from dialer.pacing.sim.laws import law_named
from dialer.pacing.sim.run import simulate_floor
from dialer.pacing.sim.scenario import read

SCENARIO = read(Path(__file__).parents[3] / "benchmarks" / "pacing" / "scenarios" / "twocampaigns.toml")


def standing(name: str, theta: float | None = None, owes: bool = False, dials: bool = True) -> Standing:
    words = () if theta is None else (("theta", theta),)
    return Standing(name, Plan(0, forecast=(*words, ("owes", 1.0)) if owes else words), Tally(), dials)


@given(st.lists(st.booleans(), min_size=2, max_size=5), st.floats(0.0, 1e6))
def test_at_any_moment_one_campaign_has_its_turn_and_who_owes_goes_first(owing: list[bool], now_s: float) -> None:
    campaigns = [standing(f"c{index}", 0.1, owes) for index, owes in enumerate(owing)]
    turns = [
        terms_between([each, *(other for other in campaigns if other is not each)], 0, now_s) for each in campaigns
    ]
    (first,) = [each for each, terms in zip(campaigns, turns, strict=True) if terms["my_turn"]]
    assert first.owes or not any(owing)
    for each, terms in zip(campaigns, turns, strict=True):
        assert terms["rival_owes"] == (not each.owes and any(owing))


def test_every_campaign_gets_its_turn() -> None:
    campaigns = [standing(name, 0.1) for name in "abc"]
    seen = [terms_between(campaigns, 0, turn * TURN_S)["my_turn"] for turn in range(6)]
    assert sorted(seen) == [False] * 4 + [True] * 2


def test_the_one_that_may_risk_least_sets_the_risk_of_all_unless_it_has_nobody_to_dial() -> None:
    bold, timid, plain = standing("a", 0.4), standing("b", 0.02), standing("c")
    assert terms_between([bold, timid, plain], 0, 0.0)["rival_theta"] == 0.02
    assert terms_between([timid, bold, plain], 0, 0.0)["rival_theta"] == 0.4
    assert terms_between([bold, replace(timid, dials=False), plain], 0, 0.0)["rival_theta"] == 1.0
    silent = replace(standing("b", 0.02, owes=True), dials=False)
    assert not terms_between([bold, silent], 0, 0.0)["rival_owes"]


def test_a_rivals_share_of_people_begins_with_fear_and_follows_its_tally() -> None:
    fresh, known = standing("b"), replace(standing("b"), tally=Tally(placed=10_000, people=1_000))
    assert terms_between([standing("a"), fresh], 0, 0.0)["rival_share"] == 0.5
    assert terms_between([standing("a"), known], 100, 0.0)["rival_share"] == pytest.approx(0.105)
    assert terms_between([standing("a")], 0, 0.0)["rival_share"] < 0.0


@pytest.fixture(scope="module")
def law() -> HazardLaw:
    warm_up()
    return HazardLaw()


def moment(**changes: object) -> Snapshot:
    agents = tuple(AgentView(f"a{index}", AgentActivity.IDLE, 5.0) for index in range(10))
    fields: dict[str, object] = {
        "now_s": 10.0, "tick": 0, "agents": agents, "flights": (), "calls_up": 0, "today": Tally(),
        "limits": Limits(200, 50.0), "leads_ready": 100, "shared": True,
    }  # fmt: skip
    return Snapshot(**(fields | changes))  # type: ignore[arg-type]


def test_a_law_that_knows_nothing_still_places_a_call_beside_a_busy_rival(law: HazardLaw) -> None:
    rivals = tuple(FlightView(f"r{index}", FlightStage.RINGING, 1.0, 1.0) for index in range(30))
    assert law.plan(moment(rivals=rivals, rival_share=0.05, rival_theta=0.3)).place > 0
    assert law.plan(moment(rivals=rivals, rival_share=0.05, rival_theta=0.3, my_turn=False)).place == 0


def test_while_a_rival_owes_only_one_call_is_placed_for_each_idle_agent(law: HazardLaw) -> None:
    assert law.plan(moment(rival_owes=True, my_turn=False)).place == 10


def test_a_law_says_when_its_budget_is_spent() -> None:
    owing = HazardLaw().plan(moment(today=Tally(placed=100, people=20, abandoned=5)))
    assert ("owes", 1.0) in owing.forecast
    assert ("owes", 1.0) not in HazardLaw().plan(moment(today=Tally(placed=100, people=20))).forecast


def test_nothing_is_owed_where_nobody_was_abandoned() -> None:
    state = g.fresh(g.Guarantee())
    g.settle(g.Guarantee(), state, 3.0, 0.0, 0.0, 0.0, 10.0)
    assert not g.owes(g.Guarantee(), state, 1.0, 1.0)
    g.settle(g.Guarantee(), state, 3.0, 1.0, 0.0, 0.0, 10.0)
    assert g.owes(g.Guarantee(), state, 1.0, 1.0)


@pytest.mark.parametrize("agents", [20, 200])
def test_both_campaigns_meet_people_and_keep_the_cap(agents: int) -> None:
    result, floor = simulate_floor(SCENARIO, law_named("hazard"), agents, 1)
    people = floor.tally[:, hall.TRUE_PEOPLE]
    assert people.min() > 0.2 * people.sum()
    assert result.worst_campaign_pct <= 3.0
