"""A live campaign on real Asterisk against the simulator's prediction of the same parameters.

Twenty agents' softphones, a second Asterisk as the telephone network, AMD on every answer, the hazard law. Talks are
short so that ten minutes hold several hundred people. What the simulator is told: the network's own ring and stay times
and the shares of its numbers, as they were drawn; of the run itself only how long AMD took and how often it erred.
The campaign's calling window closes with the run, as the simulator's shift does. Each figure must lie in the central
99 % of simulated runs.

python -m benchmarks.pacing.live [--seconds 600] [--agents 20] [--seeds 400] [--json OUT]
"""

import argparse
import asyncio
import json
import math
import random
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from agents.agent import AgentState
from amd.verdict import CallClass
from campaigns.lead import Lead
from dialer.events import AttemptMoved, DialerEvent, VerdictSaid
from dialer.pacing.plan import Tally
from dialer.pacing.sim.distributions import Distribution, Kind
from dialer.pacing.sim.laws import law_named
from dialer.pacing.sim.run import simulate
from dialer.pacing.sim.scenario import Amd, CallList, Clock, Rules, Scenario
from media.softphone.fleet import RobotFleet
from media.softphone.messages import EventKind
from server.demo.behaviours import FAR_ENDS, Behaviour, codes_of
from server.demo.network import Network
from server.demo.numbering import RING_S, STAY_S, DemoNumber
from server.demo.options import DemoOptions, demo_settings
from server.demo.run import agent_phones, sign_in_all, telephone_network
from server.house import House
from server.run import open_node
from server.settings import Settings
from storage.port import LeadList

SHARES = {
    Behaviour.PERSON_SHORT_WORD: 0.15,
    Behaviour.PERSON_TWO_WORDS: 0.15,
    Behaviour.VOICEMAIL: 0.20,
    Behaviour.BUSY: 0.10,
    Behaviour.NO_ANSWER: 0.40,
}
_PEOPLE = (Behaviour.PERSON_SHORT_WORD, Behaviour.PERSON_TWO_WORDS)
_RINGS, _STAYS = range(3, 9), (5, 6, 7)
_RING_TIMEOUT_S, _WRAP_UP_S, _CAP, _WAIT_S = 20.0, 5.0, 0.03, 2.0
_CHANNELS, _CALLS_PER_S = 150, 20.0
_CENTRAL = 0.99
_ZONE = "Europe/Madrid"
_CAMPAIGN = f"""
campaign_id = "live"
name = "Live pacing"
seller = "Luz del Norte (empresa ficticia)"
caller_id = "+34788000000"
lists = ["live"]
trunks = ["network"]
mode = "predictive"
purpose = "research"
country = "ES"
ring_timeout_s = {_RING_TIMEOUT_S}

[hours]
windows = ["mon-sun 00:00-@CLOSES@"]
time_zone = "{_ZONE}"
on_holidays = true

[pacing]
abandonment_cap = {_CAP}
abandonment_target = {_CAP}

[safe_harbour]
max_wait_s = {_WAIT_S}

[limits]
calls_per_s = {_CALLS_PER_S}
channels = {_CHANNELS}

[wrap_up]
max_s = {_WRAP_UP_S}
"""


@dataclass(slots=True)
class Heard:
    """What was heard of AMD: seconds after answer by what the callee really was, and how often it erred."""

    person_s: list[float] = field(default_factory=list)
    machine_s: list[float] = field(default_factory=list)
    people_as_machines: int = 0
    machines_as_people: int = 0
    _number: dict[str, str] = field(default_factory=dict)

    def take(self, event: DialerEvent) -> None:
        """Listen to one event."""
        if isinstance(event, AttemptMoved):
            self._number[event.attempt.attempt_id] = event.attempt.phone
        if isinstance(event, VerdictSaid) and not (event.verdict.early_media or event.verdict.settled):
            behaviour = DemoNumber.parse(self._number[event.attempt_id]).far_end.behaviour
            to_agent = event.verdict.call_class in (CallClass.HUMAN, CallClass.UNKNOWN)
            if behaviour in _PEOPLE:
                self.person_s.append(event.verdict.since_answer_s)
                self.people_as_machines += not to_agent
            else:
                self.machine_s.append(event.verdict.since_answer_s)
                self.machines_as_people += to_agent


@dataclass(frozen=True, slots=True)
class Live:
    """What the live run gave. seconds: how long it dialled."""

    seconds: float
    occupancy_pct: float
    tally: Tally
    heard: Heard
    greetings_s: tuple[float, ...]
    troubles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Agreement:
    """One figure: live, and what the simulator foretold: mean and the central 99 % of its runs."""

    what: str
    live: float
    mean: float
    low: float
    high: float

    @property
    def met(self) -> bool:
        """Whether the live figure lies inside."""
        return self.low <= self.live <= self.high


async def run_live(seconds: float, agents: int, seed: int, folder: Path) -> Live:
    """Dial for so long. Raises what a person has to mend."""
    options = DemoOptions(seconds, agents, 0, seed, folder)
    async with telephone_network(options, print) as network:
        settings = _roomy(demo_settings(options, network.settings.sip_port))
        async with (
            open_node(settings, print) as house,
            RobotFleet(agent_phones(settings, options)) as robots,
        ):
            await robots.wait_all(EventKind.REGISTERED)
            await sign_in_all(house, options)
            return await _dial(house, network, seconds, agents, seed)


def _roomy(settings: Settings) -> Settings:
    """The trunk must not be what limits pacing."""
    trunk = settings.trunks[0].model_copy(update={"channels": _CHANNELS, "calls_per_s": _CALLS_PER_S})
    return settings.model_copy(update={"trunks": (trunk,)})


async def _dial(house: House, network: Network, seconds: float, agents: int, seed: int) -> Live:
    closes_s = closing_s(house.clock.now_s() + seconds)
    closes = datetime.fromtimestamp(closes_s, ZoneInfo(_ZONE)).strftime("%H:%M").replace("00:00", "24:00")
    await house.catalogue.put(_CAMPAIGN.replace("@CLOSES@", closes), "live campaign")
    await house.stores.lists.put(LeadList("live", "live", house.clock.now_s()))
    await house.stores.leads.add(draw_leads(int(seconds * agents / 2) + 500, random.Random(seed)))
    heard = Heard()
    house.hub.listen(heard.take)
    before_s = _busy_s(house)
    began_s = house.clock.monotonic_s()
    await house.start_campaign("live")
    await asyncio.sleep(closes_s - house.clock.now_s())
    lasted_s = house.clock.monotonic_s() - began_s
    occupancy = 100.0 * (_busy_s(house) - before_s) / (agents * lasted_s)
    tally = house.engine.runs["live"].tally
    await house.stop_campaign("live")
    troubles = tuple(f"{each.where}: {each.words}" for each in house.hub.troubles())
    lengths = tuple(network.prompts[code].length_ms / 1000 for each in _PEOPLE for code in codes_of(each))
    return Live(lasted_s, occupancy, tally, heard, lengths, troubles)


def closing_s(end_s: float) -> float:
    """The full minute at or after `end_s`: windows are written in minutes. Seconds since 1970, UTC."""
    return math.ceil(end_s / 60.0) * 60.0


def _busy_s(house: House) -> float:
    """Seconds of talk and wrap-up of all agents until now."""
    busy, now_s, total = (AgentState.TALKING, AgentState.WRAP_UP), house.clock.monotonic_s(), 0.0
    for seat in house.desk.pool.seats():
        total += sum(seat.busy_s.get(state, 0.0) for state in busy)
        total += now_s - seat.since_s if seat.state in busy else 0.0
    return total


def draw_leads(count: int, rng: random.Random) -> list[Lead]:
    """Leads with numbers of the simulated network, each once."""
    kinds, weights = tuple(SHARES), tuple(SHARES.values())
    serial: dict[str, int] = defaultdict(int)
    leads: list[Lead] = []
    while len(leads) < count:
        code = rng.choice(codes_of(rng.choices(kinds, weights)[0]))
        ring, stay = rng.choice(_RINGS), rng.choice(_STAYS)
        key = f"{code}/{ring}/{stay}"
        if serial[key] < 100:
            number = DemoNumber(FAR_ENDS[code], ring, stay, serial[key])
            leads.append(Lead(f"live-{len(leads):06}", "live", number.e164, time_zone="Europe/Madrid"))
        serial[key] += 1
    return leads


def as_scenario(live: Live, agents: int) -> Scenario:
    """The same parameters for the simulator."""
    heard = live.heard
    people = sum(SHARES[each] for each in _PEOPLE)
    lost = people * heard.people_as_machines / max(1, len(heard.person_s))
    wrong = SHARES[Behaviour.VOICEMAIL] * heard.machines_as_people / max(1, len(heard.machine_s))
    verdict_s = float(np.mean(heard.person_s)) if heard.person_s else 1.0
    talks_s = [max(1.0, greeting + STAY_S[stay] - verdict_s) for greeting in live.greetings_s for stay in _STAYS]
    rings = _values([RING_S[ring] for ring in _RINGS])
    everybody = CallList(
        people=people - lost + wrong, machines=SHARES[Behaviour.VOICEMAIL] + lost - wrong,
        bad=SHARES[Behaviour.BUSY], ring=rings, bad_after=rings, talk=_values(talks_s),
        wrap_up=Distribution(Kind.CONSTANT, _WRAP_UP_S),
    )  # fmt: skip
    return Scenario(
        "live", live.seconds / 3600.0, agents, (everybody,),
        rules=Rules(
            cap=_CAP, connect_max_s=_WAIT_S, clock=Clock.GREETING_END, greeting=_values(live.greetings_s),
            ring_timeout_s=_RING_TIMEOUT_S, channels_per_agent=_CHANNELS / agents,
            calls_per_s_per_agent=_CALLS_PER_S / agents,
        ),
        amd=Amd(person_delay=_values(heard.person_s or [1.0]), machine_delay=_values(heard.machine_s or [2.0])),
    )  # fmt: skip


def _values(seconds: Sequence[float]) -> Distribution:
    return Distribution(Kind.VALUES, values_s=tuple(float(each) for each in seconds))


def compare(live: Live, agents: int, seeds: int) -> list[Agreement]:
    """The live figures beside the prediction."""
    scenario, law = as_scenario(live, agents), law_named("hazard")
    shifts = [simulate(scenario, law, agents, seed) for seed in range(1, seeds + 1)]
    pairs: tuple[tuple[str, float, list[float]], ...] = (
        ("occupancy %", live.occupancy_pct, [each.occupancy_pct for each in shifts]),
        ("people answered", live.tally.people, [float(each.people_answered) for each in shifts]),
        ("calls placed", live.tally.placed, [float(each.calls_placed) for each in shifts]),
        ("abandoned", live.tally.abandoned, [float(each.abandoned) for each in shifts]),
    )
    out = (1 - _CENTRAL) / 2
    return [
        Agreement(what, round(float(seen), 2), round(float(np.mean(told)), 2),
                  float(np.quantile(told, out)), float(np.quantile(told, 1 - out)))
        for what, seen, told in pairs
    ]  # fmt: skip


def main() -> None:
    """Run, compare, print; exit with 1 when a figure lies outside."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pacing.live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="timbre-pacing-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        live = asyncio.run(run_live(options.seconds, options.agents, options.seed, folder))
    found = compare(live, options.agents, options.seeds)
    heard = live.heard
    figures: dict[str, Any] = {
        "seconds": round(live.seconds, 1), "agents": options.agents, "seeds": options.seeds,
        "tally": asdict(live.tally),
        "agreement": [asdict(each) | {"met": each.met} for each in found],
        "amd": {
            "people": len(heard.person_s), "people_as_machines": heard.people_as_machines,
            "machines": len(heard.machine_s), "machines_as_people": heard.machines_as_people,
            "person_verdict_s": round(float(np.mean(heard.person_s or [0.0])), 3),
        },
        "troubles": live.troubles[:20],
    }  # fmt: skip
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))
    for each in found:
        mark = "inside " if each.met else "OUTSIDE"
        print(f"{mark} {each.what}: live {each.live:g}, foretold {each.mean:g} ({each.low:g} to {each.high:g})")
    raise SystemExit(0 if all(each.met for each in found) else 1)


if __name__ == "__main__":
    main()
