"""A whole dialer on virtual time: simulated exchange, SQLite in memory, a detector that knows the truth."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from agents.agent import AgentState
from campaigns.attempt import Attempt, AttemptState
from campaigns.campaign import AmdPolicy, Campaign, CampaignLimits, DialMode, OnMachine, WrapUp
from campaigns.lead import Lead, LeadChange
from campaigns.outcome import Outcome
from campaigns.recycle import after_attempt
from dialer.agent_desk import AgentDesk
from dialer.engine import Engine
from dialer.events import AttemptMoved, DialerEvent, PersonConnected, Trouble
from dialer.leads import HopperLeads
from dialer.link_watch import LinkWatch
from dialer.listening import Listening
from dialer.pacing.plan import PacingLaw
from dialer.pacing.simple import progressive
from dialer.patience import Patience, PatientLog
from dialer.services import CallRecorder, Services
from dialer.staff import Staff
from dialer.trunk import Trunk, TrunkSettings
from storage.errors import LiveStoreDown
from storage.port import LeadList, PhoneFacts, StoredAgent, StoredCampaign
from storage.sql.agents import SqlAgentStore
from storage.sql.attempts import SqlAttemptLog
from storage.sql.campaigns import SqlCampaignStore, SqlListStore
from storage.sql.database import Database
from storage.sql.engine import make_engine
from storage.sql.leads import SqlLeadStore
from storage.sql.migrate import upgrade
from telephony.port import CallControl
from telephony.sim.exchange import SimExchange
from telephony.sim.far_end import FarEnd
from telephony.sim.network import Network
from telephony.sim.scripted_amd import ScriptedBank
from telephony.sim.taps import SimTaps
from telephony.sim.virtual_time import VirtualClock
from tests.unit.dialer.wires import Cable, Wire

_DYING_ROUNDS = 10
LIST = "list-1"
CAMPAIGN = Campaign(
    "c1",
    "Test",
    "+34910000000",
    (LIST,),
    ("carrier",),
    "Seller",
    mode=DialMode.PROGRESSIVE,
    amd=AmdPolicy(),
    limits=CampaignLimits(calls_per_s=50, channels=500),
    wrap_up=WrapUp(max_s=5.0),
)
LEAVING_MESSAGES = replace(CAMPAIGN, amd=AmdPolicy(on_machine=OnMachine.LEAVE_MESSAGE, message="message"))


class MemoryHopper:
    """The hopper's port in a list; `down` makes every call fail as a lost Redis does."""

    def __init__(self) -> None:
        self.queue: list[str] = []
        self.loans: set[str] = set()
        self.down = False

    def _check(self) -> None:
        if self.down:
            raise LiveStoreDown("Redis is down")

    async def put(self, campaign_id: str, lead_ids: list[str]) -> int:
        self._check()
        new = [lead_id for lead_id in lead_ids if lead_id not in self.queue and lead_id not in self.loans]
        self.queue += new
        return len(new)

    async def take(self, campaign_id: str, n: int) -> list[str]:
        self._check()
        taken, self.queue = self.queue[:n], self.queue[n:]
        self.loans |= set(taken)
        return taken

    async def done(self, campaign_id: str, lead_ids: list[str]) -> None:
        self._check()
        self.loans -= set(lead_ids)

    async def size(self, campaign_id: str) -> int:
        self._check()
        return len(self.queue)

    async def members(self, campaign_id: str) -> list[str]:
        self._check()
        return [*self.queue, *self.loans]


class OpenGate:
    """Everybody may be called but who is named in `refused`."""

    def __init__(self) -> None:
        self.refused: dict[str, LeadChange] = {}

    async def look_up(self, leads: Sequence[Lead]) -> dict[str, PhoneFacts]:
        return {}

    async def refusal(
        self, lead: Lead, campaign: Campaign, known: PhoneFacts | None = None
    ) -> tuple[str, LeadChange] | None:
        change = self.refused.get(lead.lead_id)
        return ("a rule says no", change) if change else None


class Prompts:
    """Names instead of sounds."""

    def safe_harbour(self, campaign: Campaign) -> tuple[str, ...]:
        return ("sound:safe-harbour",)

    def voicemail(self, campaign: Campaign) -> tuple[str, ...]:
        return ("sound:voicemail",)

    def agent_lost(self, campaign: Campaign) -> tuple[str, ...]:
        return ("sound:agent-lost",)


class NoRecorder:
    """Records nothing."""

    def begin(self, attempt: Attempt) -> None:
        return None

    def discard(self, attempt: Attempt) -> None:
        return None

    async def start(self, attempt: Attempt) -> str:
        return ""

    async def finish(self, attempt: Attempt) -> None:
        return None


@dataclass
class House:
    """One node. `events` holds all that happened."""

    campaign: Campaign = CAMPAIGN
    law: PacingLaw = field(default_factory=progressive)
    engine_url: str = "sqlite://"
    events: list[DialerEvent] = field(default_factory=list)
    recorder: CallRecorder = field(default_factory=NoRecorder)

    async def open(self, exchange: SimExchange | None = None, database: Database | None = None) -> "House":
        self.clock = VirtualClock()
        self.taps = exchange.taps if exchange else SimTaps(self.clock)
        self.exchange = exchange or SimExchange(self.clock, Network(), self.taps)
        if database is None:
            engine = make_engine(self.engine_url)
            upgrade(engine)
            database = Database(engine)
        self.database = database
        self.wire, self.cable = Wire(self.exchange, self.clock), Cable(database)
        control = cast(CallControl, self.wire)
        database = cast(Database, self.cable)
        self.leads, self.log = SqlLeadStore(database), SqlAttemptLog(database)
        self.agents, self.campaigns = SqlAgentStore(database), SqlCampaignStore(database)
        self.hopper, self.gate = MemoryHopper(), OpenGate()
        rng = random.Random(1)
        self.desk = AgentDesk(control, self.clock, rng, self._take)
        self.listening = Listening(self.taps, ScriptedBank(self.taps, self.clock, random.Random(2)), self.clock)
        self.services = Services(
            "node1", control, LinkWatch(control, self.clock), self.clock, rng,
            PatientLog(self.log, Patience(self.clock, self._take, "moves of calls")), self.desk, self.listening,
            Prompts(), self.recorder, self._recycle, self._take,
        )  # fmt: skip
        self.source = HopperLeads(self.hopper, self.leads, self.gate, self.clock, self._take)
        self.staff = Staff(self.agents, self.desk, self.clock, self._take)
        self.trunks = {"carrier": Trunk(TrunkSettings("carrier", channels=1000, calls_per_s=100))}
        self.engine = Engine(
            self.services, self.staff, self.leads, self.source, self.trunks, lambda campaign: self.law,
            lambda campaign_id: self.campaign,
        )  # fmt: skip
        return self

    def _take(self, event: DialerEvent) -> None:
        self.events.append(event)
        if hasattr(self, "engine"):
            self.engine.take(event)

    @staticmethod
    def _recycle(lead: Lead, outcome: Outcome, campaign: Campaign, now_s: float) -> LeadChange:
        return after_attempt(lead, outcome, campaign, now_s)

    async def fill(self, far_ends: list[FarEnd]) -> list[Lead]:
        """Leads, one for each far end, in order."""
        now_s = self.clock.now_s()
        await SqlListStore(self.database).put(LeadList(LIST, LIST, now_s))
        await self.campaigns.put(StoredCampaign("c1", "Test", "", now_s, now_s, list_ids=(LIST,)))
        leads = [Lead(f"lead-{index:04}", LIST, f"+3460000{index:04}") for index in range(len(far_ends))]
        for lead, far_end in zip(leads, far_ends, strict=True):
            self.exchange.network.put(lead.phone, far_end)
        await self.leads.add(leads)
        return leads

    async def staffed(self, count: int) -> None:
        """`count` agents, signed in, with audio, ready."""
        for index in range(count):
            name = f"agent{index:02}"
            self.exchange.network.put(name, FarEnd.agent())
            await self.agents.put(StoredAgent(name, name, f"PJSIP/{name}"))
            await self.staff.sign_in(name)
            self.desk.ready(name)
        await self.until(lambda: all(seat.leg_up for seat in self.desk.pool.seats()))

    async def until(self, condition: object, timeout_s: float = 600.0) -> None:
        """Wait (virtual time) for a condition."""
        async with asyncio.timeout(timeout_s):
            while not condition():  # type: ignore[operator]  # noqa: ASYNC110 - virtual time costs nothing
                await asyncio.sleep(0.1)

    async def dial(self, far_ends: list[FarEnd], agents: int = 1, timeout_s: float = 3600.0) -> list[Outcome | None]:
        """Run the campaign over these far ends until each was dialled once; outcomes in order of leads."""
        leads = await self.fill(far_ends)
        async with self.engine:
            await self.staffed(agents)
            run = await self.engine.start(self.campaign)
            await self.until(lambda: len(self.ended()) >= len(leads) and run.idle, timeout_s)
        return [self.ended().get(lead.lead_id) for lead in leads]

    async def kill(self) -> None:
        """kill -9 of this node: nothing it still does reaches the exchange or the database any more."""
        self.wire.dead = self.cable.dead = True
        for _ in range(_DYING_ROUNDS):  # what dies begins to tidy up, and waits for an exchange that is dead to it
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=0.2)
        raise AssertionError(f"a killed node lives on: {[task.get_name() for task in tasks]}")

    async def again(self) -> "House":
        """A new node over the same database and exchange: the server started again."""
        return await House(self.campaign, self.law, recorder=self.recorder).open(self.exchange, self.database)

    async def attempts(self) -> list[Attempt]:
        """Every attempt in SQL."""
        return await SqlAttemptLog(self.database).list("c1", limit=100_000)

    def ended(self) -> dict[str, Outcome | None]:
        """Outcome of each lead's last ended attempt."""
        return {
            event.attempt.lead_id: event.attempt.outcome
            for event in self.events
            if isinstance(event, AttemptMoved) and event.attempt.state is AttemptState.ENDED
        }

    def troubles(self) -> list[str]:
        return [f"{event.where}: {event.words}" for event in self.events if isinstance(event, Trouble)]

    def connected(self) -> list[PersonConnected]:
        return [event for event in self.events if isinstance(event, PersonConnected)]

    def agent_states(self) -> Counter[AgentState]:
        return Counter(seat.state for seat in self.desk.pool.seats())

    async def leaks(self) -> list[str]:
        """Channels and bridges that belong to calls; standing legs are not leaks."""
        state = await self.exchange.snapshot()
        names = [channel.channel_id for channel in state.channels] + [bridge.bridge_id for bridge in state.bridges]
        return [name for name in names if not name.endswith(("-legc", "-legb"))]
