"""One record for each simulated call: they add up to what is counted of the shift."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dialer.pacing.sim.laws import law_named
from dialer.pacing.sim.records import CallEnd, SimulatedCall, Truth, simulate_calls
from dialer.pacing.sim.run import ShiftResult, simulate
from dialer.pacing.sim.scenario import read
from server.commands.pacing import app

SCENARIOS = Path(__file__).parents[3] / "benchmarks" / "pacing" / "scenarios"


def shift(name: str, law: str, agents: int) -> tuple[ShiftResult, list[SimulatedCall]]:
    return simulate_calls(replace(read(SCENARIOS / f"{name}.toml"), hours=2.0), law_named(law), agents, 5)


@pytest.mark.parametrize(
    ("name", "law", "agents"), [("base25", "hazard", 8), ("amdfp2", "ratio-3", 12), ("twocampaigns", "hazard-wrap", 10)]
)
def test_records_add_up_to_the_counts_of_the_same_shift(name: str, law: str, agents: int) -> None:
    result, calls = shift(name, law, agents)
    assert result == simulate(replace(read(SCENARIOS / f"{name}.toml"), hours=2.0), law_named(law), agents, 5)
    ends = Counter(call.end for call in calls)
    people = [call for call in calls if call.truth is Truth.PERSON and call.said is not None]
    assert len(calls) == result.calls_placed
    assert len(people) == result.people_answered
    assert sum(call.end is CallEnd.ABANDONED for call in people) == result.abandoned
    assert sum(call.end is CallEnd.MACHINE for call in people) == result.amd_false_positives
    assert ends[CallEnd.GIVEN_UP] == result.given_up
    assert ends[CallEnd.TALKED] > 50


def test_the_times_of_a_call_are_in_order_and_agents_talk_to_one_at_a_time() -> None:
    _, calls = shift("base25", "ratio-3", 6)
    for call in calls:
        times = [call.placed_s, call.answered_s, call.verdict_s, call.ended_s]
        known = [time for time in times if time is not None]
        assert known == sorted(known)
        assert (call.agent is not None) == (call.end is CallEnd.TALKED)
        assert call.waited_s is None or 0 <= call.waited_s <= 2.001
    assert [call.number for call in calls] == list(range(1, len(calls) + 1))
    free_s = dict.fromkeys(range(6), 0.0)
    for call in sorted((call for call in calls if call.agent is not None), key=lambda call: call.ended_s or 0.0):
        assert call.agent is not None and call.ended_s is not None and call.talk_s is not None
        assert call.ended_s >= free_s[call.agent] - 0.002
        free_s[call.agent] = call.ended_s + call.talk_s + (call.wrap_up_s or 0.0)


def test_the_command_writes_the_calls_of_all_shifts_to_one_table(tmp_path: Path) -> None:
    out = tmp_path / "calls.csv"
    order = ["simulate", str(SCENARIOS / "base25.toml"), "--law", "progressive", "--agents", "2,3", "--seeds", "1-2"]
    assert CliRunner().invoke(app, [*order, "--calls", str(out)]).exit_code == 0
    with out.open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["team"], row["seed"]) for row in rows} == {("2", "1"), ("2", "2"), ("3", "1"), ("3", "2")}
    assert {row["end"] for row in rows} >= {"talked", "machine", "no_answer", "dead_number"}
    refused = CliRunner().invoke(app, [*order, "--calls", str(tmp_path / "nowhere" / "calls.csv")])
    assert refused.exit_code == 2
    assert "--calls" in refused.output and "no such folder" in refused.output
