"""Before anything is dialled: laws on the centre's own past, and the dry run of a campaign."""

import asyncio
import random
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest
from typer.testing import CliRunner

from campaigns.attempt import Attempt, AttemptState
from campaigns.campaign import Hours
from campaigns.campaign_file import read_campaign
from campaigns.ids import new_id
from campaigns.lead import Lead, LeadChange, LeadState
from campaigns.outcome import Outcome
from dialer.pacing.history import HistoryTooShort, past_of
from server.commands.pacing import app
from server.dry_run import finish_s
from server.stores import open_stores
from storage.history import PastCall
from storage.port import AgentStateChange, LeadList, StoredAgent, StoredCampaign
from tests.unit.dialer.house import CAMPAIGN

MADRID = ZoneInfo("Europe/Madrid")
CAMPAIGN_FILE = f"""
campaign_id = "ventas"
name = "Ventas"
caller_id = "+34910000000"
lists = ["una"]
trunks = ["carrier"]
seller = "Empresa"
mode = "predictive"
[compliance]
basis = "consent"
scrubbed = {{ lista_robinson = {datetime.now(MADRID):%Y-%m-%d} }}
"""
MONDAY_9_S = datetime(2025, 11, 24, 9, tzinfo=MADRID).timestamp()
_S = AttemptState


def past_call(number: int, fate: str, planned_s: float, rang_s: float = 8.0, talk_s: float = 60.0) -> PastCall:
    """One past call that rang so long."""
    moved = {_S.DIALING: planned_s, _S.RINGING: planned_s + 1}
    ended_s = planned_s + rang_s
    outcome = Outcome(fate)
    if outcome in (Outcome.BRIDGED, Outcome.ABANDONED, Outcome.MACHINE):
        moved |= {_S.ANSWERED: ended_s, _S.SCREENING: ended_s}
        ended_s += 1.5
        if outcome is not Outcome.MACHINE:
            moved[_S.CONNECTING] = ended_s
        if outcome is Outcome.BRIDGED:
            moved[_S.BRIDGED] = ended_s
            ended_s += talk_s
    moved[_S.ENDED] = ended_s
    return PastCall(f"{number:026}", outcome, f"agent{number % 7}" if _S.BRIDGED in moved else None, planned_s, moved)


def past_day() -> list[PastCall]:
    """Two hours: in the first one call in two is a person, in the second one in ten; some are taken back."""
    rng = random.Random(1)
    calls = []
    for hour, people in ((9, 0.5), (10, 0.1)):
        for n in range(1000):
            draw, rang_s = rng.random(), rng.uniform(4.0, 24.0)
            fate = "bridged" if draw < people else "machine" if draw < people + 0.3 else "no_answer"
            if fate == "no_answer":
                rang_s = 25.0
            if rang_s > 15.0 and rng.random() < 0.3:
                fate, rang_s = "given_up", 15.0 + rng.random()
            planned_s = MONDAY_9_S + (hour - 9) * 3600 + n * 3.5
            calls.append(past_call(hour * 10_000 + n, fate, planned_s, rang_s, rng.expovariate(1 / 60)))
    return calls


def test_a_past_becomes_a_scenario_hour_by_hour_and_calls_taken_back_do_not_bend_it() -> None:
    past = past_of(past_day(), [10.0] * 50 + [20.0] * 50, CAMPAIGN)
    scenario = past.scenario
    assert [each.name for each in scenario.lists] == ["09h", "10h"]
    assert [segment.at_s for segment in scenario.segments] == [0.0, 3600.0]
    assert scenario.lists[0].people == pytest.approx(0.5, abs=0.05)
    assert scenario.lists[1].people == pytest.approx(0.1, abs=0.03)
    assert scenario.lists[0].machines == pytest.approx(0.3, abs=0.05)
    assert scenario.lists[0].ring.quantiles().mean() == pytest.approx(14.0, abs=1.0)
    assert scenario.lists[0].talk.quantiles().mean() == pytest.approx(60.0, abs=10.0)
    assert scenario.lists[0].wrap_up.quantiles().mean() == pytest.approx(15.0, abs=0.2)
    assert past.agents == 7


def test_an_empty_history_is_one_clear_message() -> None:
    with pytest.raises(HistoryTooShort, match="holds 0 calls and 0 people"):
        past_of([], [], CAMPAIGN)


def test_the_end_of_the_work_is_laid_into_the_calling_windows() -> None:
    campaign = replace(CAMPAIGN, hours=Hours(("mon-fri 09:00-11:00",), time_zone="Europe/Madrid"))
    end_s = finish_s(campaign, MONDAY_9_S + 3600, 4 * 3600.0)
    assert end_s is not None
    assert end_s == pytest.approx(datetime(2025, 11, 26, 10, tzinfo=MADRID).timestamp(), abs=5)


@dataclass
class Centre:
    """A folder with settings and a database."""

    config: Path

    def run(self, *arguments: str) -> tuple[int, str]:
        outcome = CliRunner().invoke(app, [*arguments, "--config", str(self.config)])
        return outcome.exit_code, " ".join(outcome.output.split())


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Centre:
    """Read by every test, written by none."""
    folder = tmp_path_factory.mktemp("centre")
    config = folder / "timbre.toml"
    config.write_text(f'var = "{folder / "var"}"\n')
    (folder / "var").mkdir()
    asyncio.run(fill(f"sqlite:///{folder / 'var' / 'timbre.db'}"))
    return Centre(config)


async def fill(url: str) -> None:
    """300 leads, ten of them on the do-not-call list, a hundred that were called yesterday."""
    now_s = datetime.now(MADRID).timestamp()
    async with open_stores(url) as stores:
        await stores.lists.put(LeadList("una", "una", now_s))
        campaign = read_campaign(CAMPAIGN_FILE)
        await stores.campaigns.put(
            StoredCampaign("ventas", campaign.name, CAMPAIGN_FILE, now_s, now_s, list_ids=("una",))
        )
        leads = [Lead(f"lead{n:03}", "una", f"+34600000{n:03}") for n in range(300)]
        await stores.leads.add(leads)
        await stores.dnc.add([lead.phone for lead in leads[:10]], "test", now_s)
        await stores.agents.put(StoredAgent("ana", "Ana", "PJSIP/ana"))
        await stores.agents.put(StoredAgent("luis", "Luis", "PJSIP/luis"))
        rng = random.Random(2)
        at_s = now_s - 86_400.0
        await asyncio.gather(*(called(stores, lead, at_s + n, n, rng) for n, lead in enumerate(leads[10:280])))
        for n in range(40):
            await stores.agents.record(AgentStateChange(f"w{n}", "ana", "s", "wrap_up", now_s - 5000 + n * 20))
            await stores.agents.record(AgentStateChange(f"i{n}", "ana", "s", "idle", now_s - 4990 + n * 20))


async def called(stores, lead: Lead, at_s: float, n: int, rng: random.Random) -> None:  # type: ignore[no-untyped-def]
    """A past call to this lead: one in three a conversation, the others rang out."""
    attempt = Attempt(new_id(at_s, rng), "ventas", lead.lead_id, lead.phone, "node1", at_s)
    assert await stores.attempts.plan(attempt)
    way = [(_S.DIALING, 0.0), (_S.RINGING, 1.0)]
    if n % 3 == 0:
        way += [(_S.ANSWERED, 9.0 + n % 5), (_S.SCREENING, 9.0 + n % 5), (_S.CONNECTING, 15.0), (_S.BRIDGED, 15.0)]
    for state, after_s in way:
        attempt, move = attempt.move(state, at_s + after_s)
        await stores.attempts.record(move, "ana")
    outcome = Outcome.BRIDGED if n % 3 == 0 else Outcome.NO_ANSWER
    attempt, move = attempt.move(_S.ENDED, at_s + 60.0 + n % 30, outcome)
    await stores.attempts.end(move, LeadChange(lead.lead_id, LeadState.RETRY, at_s + 3600.0, outcome.value))


def test_whatif_compares_laws_on_the_centres_own_past(centre: Centre, tmp_path: Path) -> None:
    html, out = tmp_path / "whatif.html", tmp_path / "whatif.json"
    code, words = centre.run(
        "whatif", "ventas", "--laws", "progressive,averages", "--agents", "3", "--seeds", "1-2", "--html", str(html),
        "--json", str(out),
    )  # fmt: skip
    assert code == 0, words
    assert "270 calls, 90 people, 40 wrap-ups, 1 agents a day" in words
    assert "data:image/png" in html.read_text()
    rows = orjson.loads(out.read_bytes())["comparisons"][0]["rows"]
    assert [row["law"] for row in rows] == ["progressive", "averages"]
    assert rows[0]["occupancy"] > 10


def test_whatif_with_too_short_a_past_says_what_is_needed(centre: Centre) -> None:
    code, words = centre.run("whatif", "ventas", "--days", "0.01")
    assert code == 1
    assert "at least 200 and 30 are needed" in words


def test_a_dry_run_says_who_is_blocked_and_why_and_what_to_expect(centre: Centre) -> None:
    code, words = centre.run("dryrun", "ventas", "--seeds", "2")
    assert code == 0, words
    assert "300 leads: 290 to call" in words
    assert "10 on the do-not-call list" in words
    assert "simulated with 2 agents and the law hazard, on 270 calls of its own" in words
    assert "blocked by rules: 0; about 290 may be called" in words
    assert "finished at the earliest 20" in words


def test_a_dry_run_names_the_rule_that_blocks(centre: Centre, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text(CAMPAIGN_FILE + "[limits]\nmax_attempts = 1\n")
    code, words = centre.run("dryrun", str(file), "--agents", "2", "--seeds", "2")
    assert code == 0, words
    assert "blocked by rules: 270; about 20 may be called" in words
    file.write_text(CAMPAIGN_FILE.replace('basis = "consent"', 'basis = "none"'))
    code, words = centre.run("dryrun", str(file), "--agents", "2", "--seeds", "2")
    assert code == 0, words
    assert "blocked by rules: 290; about 0 may be called" in words, "a rule that a person must mend blocks until then"


def test_a_campaign_that_nobody_knows_is_named(centre: Centre) -> None:
    code, words = centre.run("dryrun", "vendas")
    assert code == 1
    assert "there is no campaign 'vendas'; there is ventas" in words
