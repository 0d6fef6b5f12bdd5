"""The trace: small, read back exactly, replayed bit for bit, and explained in words."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pacing_crowd import crowded_house
from pacing_snapshots import agents, look, ringing, waiting
from typer.testing import CliRunner

from campaigns.campaign import AbTest, Campaign, DialMode, PacingLawName, PacingSettings
from dialer.events import PlanMade
from dialer.pacing.ab_blocks import Block, compare_blocks
from dialer.pacing.hazard import HazardLaw, HazardSettings
from dialer.pacing.laws import make_law
from dialer.pacing.plan import (
    FlightStage,
    FlightView,
    Limits,
    PacingEvent,
    PacingEventKind,
    PacingLaw,
    Plan,
    Snapshot,
    Tally,
)
from dialer.pacing.trace.codec import Reader, Writer
from dialer.pacing.trace.records import to_bytes
from dialer.pacing.trace.state import StateError, freeze, thaw
from dialer.pacing_events import DialingHeld, LeadRefused
from server.commands.pacing import app
from server.pacing_trace import PacingTrace
from telephony.sim.virtual_time import run_virtual
from tests.unit.dialer.house import CAMPAIGN

PREDICTIVE = replace(CAMPAIGN, mode=DialMode.PREDICTIVE)
TESTED = replace(PREDICTIVE, ab=AbTest(PacingSettings(law=PacingLawName.AVERAGES), block_s=120.0, settle_s=10.0))


def record(
    campaign: Campaign, folder: Path, minutes: float, file_mb: float = 8.0, law: PacingLaw | None = None
) -> Path:
    """Dial a crowd for a while; the campaign's folder with its trace."""

    async def dial() -> None:
        async with crowded_house(campaign, agents=5, law=law) as (house, run):
            trace = PacingTrace(
                folder, house.clock, house.events.append, lambda _: campaign, lambda _: run.law, file_mb=file_mb
            )
            house.listeners.append(trace.take)
            for _ in range(int(minutes * 12)):
                await asyncio.sleep(5)
                await trace.flush()
            assert house.troubles() == []

    run_virtual(dial())
    return folder / campaign.campaign_id


@pytest.fixture(scope="module")
def hazard_trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(PREDICTIVE, tmp_path_factory.mktemp("trace"), 5, file_mb=0.06)


def test_a_trace_of_the_live_dialer_replays_bit_for_bit_file_by_file(hazard_trace: Path) -> None:
    assert len(list(hazard_trace.glob("*.jsonl"))) >= 2, "files rotate"
    for place in (hazard_trace, sorted(hazard_trace.glob("*.jsonl"))[-1]):
        outcome = CliRunner().invoke(app, ["replay", str(place)])
        assert outcome.exit_code == 0, outcome.output
        assert "bit for bit" in outcome.output


def test_a_trace_from_before_lists_were_told_replays_bit_for_bit(tmp_path: Path) -> None:
    """Such a trace holds no lists, and its law no cells: what a version without them wrote."""
    campaign = replace(PREDICTIVE, pacing=PacingSettings(law=PacingLawName.HAZARD))
    folder = record(campaign, tmp_path, 3, law=HazardLaw(HazardSettings(by_list=False)))
    rows = [orjson.loads(row) for file in sorted(folder.glob("*.jsonl")) for row in file.read_bytes().splitlines()]
    old = tmp_path / "old.jsonl"
    old.write_bytes(b"".join(orjson.dumps(without_lists(row)) + b"\n" for row in rows))
    assert b"list-1" not in old.read_bytes()
    outcome = CliRunner().invoke(app, ["replay", str(old)])
    assert outcome.exit_code == 0, outcome.output


def without_lists(row: dict[str, Any]) -> dict[str, Any]:
    """A line as it was written before lists were told."""
    match row["k"]:
        case "state":
            state = row["law"]["v"]
            del state["_book"]
            for name in ("by_list", "zone", "list_facts", "hour_facts"):
                del state["settings"]["v"][name]
        case "heard":
            row["e"] = [event[:5] for event in row["e"]]
        case "plan":
            row["f"] = {name: flight[:3] for name, flight in row["f"].items()}
            row.pop("ls", None)
            if "ll" in row:
                row["l"] = len(row.pop("ll"))
    return row


def test_a_plan_that_was_changed_afterwards_is_the_first_difference(hazard_trace: Path, tmp_path: Path) -> None:
    rows = sorted(hazard_trace.glob("*.jsonl"))[0].read_bytes().splitlines()
    plans = [index for index, row in enumerate(rows) if orjson.loads(row)["k"] == "plan"]
    wrong = orjson.loads(rows[plans[20]])
    wrong["p"][0] += 1
    rows[plans[20]] = orjson.dumps(wrong)
    file = tmp_path / "changed.jsonl"
    file.write_bytes(b"\n".join(rows) + b"\n")
    outcome = CliRunner().invoke(app, ["replay", str(file)])
    assert outcome.exit_code == 1
    assert f"changed.jsonl:{plans[20] + 1}" in outcome.output.replace("\n", "")
    assert "place" in outcome.output


@pytest.mark.parametrize("name", PacingLawName)
def test_the_state_of_every_law_goes_through_text_and_goes_on_the_same(name: PacingLawName) -> None:
    campaign = replace(PREDICTIVE, pacing=PacingSettings(law=name), ab=TESTED.ab)
    law = make_law(campaign)
    for second in range(20):
        law.plan(look(float(second), agents(idle=2, talking=3), ringing(3.0, 9.0)))
        law.observe(PacingEvent(PacingEventKind.PLACED, float(second), 0.0, f"a{second}"))
        law.observe(PacingEvent(PacingEventKind.ANSWERED, second + 5.0, 5.0, f"a{second}"))
    again = thaw(orjson.loads(orjson.dumps(freeze(law))))
    for second in range(20, 40):
        moment = look(float(second), agents(idle=4, wrap_up=2), ringing(1.0))
        assert again.plan(moment) == law.plan(moment)


def test_a_state_never_makes_what_is_not_ours() -> None:
    with pytest.raises(StateError, match=r"os:system"):
        thaw({"!": "object", "c": "os:system", "v": {}})
    with pytest.raises(StateError, match="pathlib"):
        freeze(Path("x"))
    assert np.array_equal(thaw(freeze(np.array([0.1, np.inf]))), [0.1, np.inf])


ages = st.floats(0, 5000) | st.integers(0, 5_000_000).map(lambda ms: ms / 1000)


@given(st.lists(st.tuples(ages, st.integers(0, 9), st.integers(0, 3), ages, st.booleans()), max_size=12))
def test_whatever_is_written_is_read_back_exactly(moments: list[tuple[float, int, int, float, bool]]) -> None:
    writer, reader = Writer(), Reader()
    for tick, (now_s, idle, flights, age_s, shared) in enumerate(moments):
        moment = look(10_000.0 + now_s, agents(idle=idle, since_s=age_s), ringing(*[age_s] * flights), Tally(tick))
        moment = replace(moment, shared=shared, my_turn=not shared, wall_s=now_s, rivals=waiting(flights))
        if idle % 3:  # lists are known, another one by turns, and of leads about to be called as well
            about = tuple(FlightView("", FlightStage.DIALING, 0.0, 0.0, f"list{each}") for each in range(idle % 4))
            known = tuple(replace(view, list_id=f"list{idle}") for view in moment.flights)
            moment = replace(moment, flights=known + about, rivals=known)
        plan = Plan(tick, ("a",) * flights, "why", (("theta", age_s),))
        line = orjson.loads(to_bytes(writer.write(moment, plan)))
        assert reader.read(line) == (moment, plan)


def test_a_day_of_twenty_agents_fits_into_some_megabytes(hazard_trace: Path) -> None:
    size = sum(file.stat().st_size for file in hazard_trace.glob("*.jsonl"))
    assert size / 5 * 60 * 8 < 60e6, "five agents, eight hours"


NOON_S = 1_763_982_000.0  # 24 November 2025, 12:00 in Madrid


def trace_of(folder: Path, *moments: Snapshot | DialingHeld | LeadRefused, law: PacingLawName) -> Path:
    """A trace with these moments, planned by a law."""
    campaign = replace(PREDICTIVE, pacing=PacingSettings(law=law))
    paced = make_law(campaign)
    clock = SimpleNamespace(now_s=lambda: NOON_S)
    trace = PacingTrace(folder, clock, print, lambda _: campaign, lambda _: paced)
    for moment in moments:
        if isinstance(moment, Snapshot):
            trace.take(PlanMade(moment.wall_s, "c1", paced.name, moment, paced.plan(moment)))
        else:
            trace.take(moment)
    asyncio.run(trace.flush())
    return folder


def at(second: int, moment: Snapshot) -> Snapshot:
    return replace(moment, wall_s=NOON_S + second, now_s=float(second))


def asked(folder: Path, clock: str, language: str) -> str:
    outcome = CliRunner().invoke(
        app, ["explain", "c1", "--at", clock, "--language", language, "--trace", str(folder / "c1")]
    )
    assert outcome.exit_code == 0, outcome.output
    return outcome.output


@pytest.mark.parametrize(
    ("law", "moment", "english", "spanish"),
    [
        (PacingLawName.HAZARD, look(), "No agent is signed in", "ningún agente conectado"),
        (PacingLawName.HAZARD, look(agents=agents(paused=3)), "Every agent is paused", "en pausa"),
        (PacingLawName.HAZARD, look(agents=agents(idle=3), leads=0), "the hopper is empty", "está vacía"),
        (
            PacingLawName.HAZARD,
            look(agents=agents(idle=3), limits=Limits(1, 5.0), flights=ringing(3.0)),
            "channels are full: 1 of 1",
            "canales están llenos: 1 de 1",
        ),
        (PacingLawName.PROGRESSIVE, look(agents=agents(talking=3)), "dials for idle agents only", "agentes libres"),
        (
            PacingLawName.PROGRESSIVE,
            look(agents=agents(idle=1), flights=ringing(3.0)),
            "have enough calls on their way",
            "bastantes llamadas",
        ),
        (PacingLawName.HAZARD, look(agents=agents(idle=3)), "calls were placed", "se lanzaron"),
    ],
)
def test_explain_names_the_limit_that_bound_a_moment(
    tmp_path: Path, law: PacingLawName, moment: Snapshot, english: str, spanish: str
) -> None:
    folder = trace_of(tmp_path, at(5, moment), law=law)
    assert english in asked(folder, "12:00:06", "en")
    assert spanish in asked(folder, "12:00:06", "es")


def test_explain_tells_of_rules_that_emptied_the_hopper_and_of_a_lost_exchange(tmp_path: Path) -> None:
    refused = LeadRefused(NOON_S + 2, "c1", "outside the calling window")
    held = DialingHeld(NOON_S + 20, "c1", "the exchange is out of reach or being reconciled")
    empty = at(5, look(agents=agents(idle=1), leads=0))
    folder = trace_of(tmp_path, at(1, empty), refused, refused, empty, held, law=PacingLawName.HAZARD)
    assert "rules forbade 2 leads: 2 x outside the calling window" in asked(folder, "12:00:05", "en")
    assert "la centralita no responde" in asked(folder, "12:00:30", "es")
    assert "holds no plan of this moment" in asked(folder, "12:00:15", "en")


def test_given_a_moment_without_a_plan_the_nearest_plans_are_named(tmp_path: Path) -> None:
    idle = look(agents=agents(idle=1))
    folder = trace_of(tmp_path, at(1, idle), at(300, idle), law=PacingLawName.PROGRESSIVE)
    between = asked(folder, "12:02:00", "en")
    assert "The plan before it is of 2025-11-24 12:00:01" in between
    assert "The next plan is of 2025-11-24 12:05:00" in between
    assert "The next plan" not in asked(folder, "13:00:00", "en"), "there is none"
    assert "El siguiente es de 2025-11-24 12:00:01" in asked(folder, "11:00:00", "es")


def test_one_call_is_told_as_one(tmp_path: Path) -> None:
    folder = trace_of(tmp_path, at(5, look(agents=agents(idle=1))), law=PacingLawName.PROGRESSIVE)
    assert "one call was placed" in asked(folder, "12:00:06", "en")
    assert "se lanzó una llamada" in asked(folder, "12:00:06", "es")


def test_given_a_campaign_without_a_trace_those_that_have_one_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMBRE_VAR", str(tmp_path))
    idle = look(agents=agents(idle=1))
    trace_of(tmp_path / "pacing", at(5, idle), at(6, idle), law=PacingLawName.HAZARD)
    assert "one plan, the same bit for bit" in CliRunner().invoke(app, ["replay", "c1"]).output
    for arguments in (["replay", "c2"], ["explain", "c2", "--at", "10:00:00"], ["ab", "c2"]):
        outcome = CliRunner().invoke(app, arguments)
        assert outcome.exit_code == 1
        assert "campaign 'c2' left no trace; there is one of: c1" in outcome.output.replace("\n", " ")


def test_the_comparison_tells_of_abandonment_beside_occupancy_and_refuses_another_file(tmp_path: Path) -> None:
    file = tmp_path / "ab.jsonl"
    told = [replace(block, abandoned=9 if block.arm == "B" else 3) for block in turns(12, 5.0, random.Random(4))]
    file.write_bytes(b"".join(orjson.dumps(block.line()) + b"\n" for block in told))
    said = CliRunner().invoke(app, ["ab", "c1", "--trace", str(file)]).output
    assert "B has the higher occupancy" in said
    assert "B has the higher abandonment" in said
    file.write_text("garbage\n")
    outcome = CliRunner().invoke(app, ["ab", "c1", "--trace", str(file)])
    assert outcome.exit_code == 1
    assert "is no list of turns" in outcome.output.replace("\n", " ")


def test_given_a_comparison_turns_are_summed_up_and_few_of_them_prove_nothing(tmp_path: Path) -> None:
    folder = record(TESTED, tmp_path, 9)
    rows = [orjson.loads(row) for row in (folder / "ab.jsonl").read_bytes().splitlines()]
    assert len(rows) >= 3
    assert {row["arm"] for row in rows} == {"A", "B"}
    assert all(0 < row["busy_s"] <= row["agent_s"] <= 5 * 121 for row in rows[1:])
    outcome = CliRunner().invoke(app, ["ab", "c1", "--trace", str(folder)])
    assert outcome.exit_code == 0, outcome.output
    assert "not enough blocks" in outcome.output
    assert CliRunner().invoke(app, ["replay", str(folder)]).exit_code == 0


def test_without_a_trace_each_command_says_so_in_one_line(tmp_path: Path) -> None:
    for arguments in (
        ["replay", str(tmp_path)],
        ["explain", "c1", "--at", "10:00:00", "--trace", str(tmp_path)],
        ["ab", "c1", "--trace", str(tmp_path)],
    ):
        outcome = CliRunner().invoke(app, arguments)
        assert outcome.exit_code == 1
        assert str(tmp_path) in outcome.output.replace("\n", "")


def turns(pairs: int, better: float, rng: random.Random) -> list[Block]:
    """Pairs of turns in which B keeps agents `better` points busier, among chance of two points."""
    blocks = []
    for block in range(2 * pairs):
        arm = "A" if block % 2 == 0 else "B"
        busy = 0.8 + 0.01 * better * (arm == "B") + rng.gauss(0, 0.02)
        blocks.append(Block(block, arm, "a | b", block * 900.0, block * 900.0 + 840, 8400, 8400 * busy, 500, 100, 3))
    return blocks


def test_a_real_difference_is_told_from_chance_and_chance_is_not_told_from_nothing() -> None:
    rng = random.Random(4)
    found = compare_blocks(turns(12, 5.0, rng), "a | b", 700)
    assert found.occupancy and found.abandonment
    assert found.occupancy.p < 0.01
    assert abs(found.occupancy.difference - 5.0) < found.occupancy.half < 3
    assert found.abandonment.p == 1.0
    false_alarms = sum(compare_blocks(turns(8, 0.0, rng), "a | b", 700).occupancy.p <= 0.05 for _ in range(200))  # type: ignore[union-attr]
    assert false_alarms <= 20, "one in twenty, by chance at most twice as often"


def test_a_turn_that_was_cut_short_is_left_out_with_its_partner() -> None:
    blocks = turns(7, 5.0, random.Random(5))
    short = [replace(block, to_s=block.from_s + 100) if block.block == 3 else block for block in blocks]
    found = compare_blocks(short, "a | b", 700)
    assert (found.pairs, found.blocks) == (6, 13)
    assert compare_blocks(short[:8], "a | b", 700).occupancy is None


def test_given_a_campaign_that_was_stopped_and_started_each_law_has_a_file_of_its_own(tmp_path: Path) -> None:
    laws = [make_law(PREDICTIVE), make_law(PREDICTIVE)]
    now: list[PacingLaw] = laws[:1]
    clock = SimpleNamespace(now_s=lambda: NOON_S + 60 * len(now))
    trace = PacingTrace(tmp_path, clock, print, lambda _: PREDICTIVE, lambda _: now[-1])
    for law in laws:
        now.append(law)
        for second in range(30):
            moment = at(second, look(agents=agents(idle=2, talking=3), flights=ringing(2.0, 9.0)))
            trace.take(PlanMade(moment.wall_s, "c1", law.name, moment, law.plan(moment)))
    asyncio.run(trace.flush())
    assert len(list((tmp_path / "c1").glob("*.jsonl"))) == 2
    assert CliRunner().invoke(app, ["replay", str(tmp_path / "c1")]).exit_code == 0
