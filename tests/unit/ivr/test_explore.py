"""Calls for every way of a flow: found, few, and honest about ways that no call can take."""

from pathlib import Path

from pytest import mark

from ivr.coverage import END, Way, hang_ups_of, taken, walked, ways_of
from ivr.explore import SLOW, explore, walk_trial
from ivr.flow import load_flow
from ivr.given import Given
from ivr.simulate import Act
from ivr.testing import read_script, script_of
from tests.unit.ivr.flows import READY, flow_of

FEW = [READY / "en" / "balance.yaml", READY / "es" / "hora_punta.yaml", READY / "es" / "encuesta.yaml"]
MENU = """\
  first:
    do: menu
    text: Press 1.
    keys: {"1": second}
  second:
    do: branch
    cases:
      - {when: "1 > 2", go: never}
    else: bye
  never: {do: goodbye, text: Never.}
  bye: {do: goodbye, text: Goodbye.}"""


def test_given_a_flow_when_its_ways_are_listed_then_branches_ends_and_unnamed_failures_are_there() -> None:
    ways = ways_of(flow_of(MENU).flow)
    assert Way("first", "1", "second") in ways
    assert Way("first", "no_input", "rescue") in ways and Way("first", "invalid", "rescue") in ways
    assert Way("second", "case 1", "never") in ways and Way("second", "else", "bye") in ways
    assert Way("bye", "goodbye", END) in ways and len(ways) == 7
    assert [way.node for way in hang_ups_of(flow_of(MENU).flow)] == ["first"]


def test_given_a_call_when_walked_then_its_ways_are_those_it_took_and_no_others() -> None:
    loaded = flow_of(MENU)
    trial = walk_trial(loaded, Given(), [Act("1")])
    took = taken(trial.walk.events)
    assert {(way.node, way.branch) for way in walked(ways_of(loaded.flow), took)} == took
    assert took == {("first", "1"), ("second", "else"), ("bye", "goodbye")}


def test_given_a_branch_that_never_holds_when_explored_then_it_is_told_as_missed() -> None:
    explored = explore(flow_of(MENU))
    assert [(way.node, way.branch) for way in explored.missed] == [("second", "case 1"), ("never", "goodbye")]


@mark.parametrize("file", FEW, ids=lambda file: file.stem)
def test_given_a_ready_flow_when_explored_then_a_few_calls_take_every_way(file: Path) -> None:
    loaded = load_flow(file)
    explored = explore(loaded, read_script(script_of(file)))
    assert explored.missed == ()
    again = [walk_trial(loaded, trial.given, trial.acts) for trial in explored.trials]
    took = {pair for trial in again for pair in trial.took}
    assert {(way.node, way.branch) for way in (*explored.ways, *explored.hang_ups, *explored.slow)} <= took
    assert len(explored.trials) < len(explored.ways) + len(explored.hang_ups)
    assert any(branch == SLOW for _, branch in took) == bool(explored.slow)
