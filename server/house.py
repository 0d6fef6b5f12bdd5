"""The composition root: every floor of one node, put together once and taken down in order."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from amd.bank import AmdBank
from amd.kept import KeptCalls, KeptUnusable
from campaigns.attempt import AttemptState
from campaigns.campaign import Campaign
from campaigns.clock import Clock
from campaigns.compliance import faults_of
from campaigns.outcome import Outcome
from campaigns.recycle import WAITS_FOR_MENDING
from dialer.agent_desk import AgentDesk
from dialer.blending import DigitalDesk
from dialer.engine import Engine, EngineError
from dialer.events import AgentMoved, AttemptMoved, DialerEvent, Trouble, VerdictSaid
from dialer.gate import ComplianceGate, in_words
from dialer.inbound.hall import QueueHall
from dialer.leads import HopperLeads
from dialer.link_watch import LinkWatch
from dialer.listening import Listening
from dialer.pacing.plan import Tally
from dialer.patience import Patience, PatientLog
from dialer.preview import PreviewDesk
from dialer.services import Services
from dialer.staff import Staff
from dialer.trunk import Trunk, TrunkSettings
from dialer.wrap_up import WrapUpDesk
from media.prompts import PromptLibrary, PromptMissing
from media.soundfiles import SoundFileUnusable
from media.tap_hub import TapHub
from server.access import ExchangeAccess
from server.amd_drift import DriftAlarm
from server.amd_keeper import CallKeeper
from server.audited import audited_campaigns
from server.catalogue import Catalogue
from server.clock import SystemClock
from server.compiled import compiled
from server.event_hub import EventHub
from server.first_contacts import FirstContactGauges
from server.import_leads import LeadImporter
from server.inbound import Inbound, compose_inbound, queue_settings
from server.metrics import Metrics
from server.pacing_past import LawMaker
from server.pacing_trace import TRACED, PacingTrace
from server.prompt_book import PromptBook
from server.recorder import Recorder
from server.ring_times import LearnedRingTimes
from server.settings import Settings
from server.stores import Stores, open_stores
from server.voice import house_speaker
from storage.live.connection import RedisLink
from storage.live.hopper import RedisHopper
from storage.port import CampaignState, StoredAgent
from storage.sql.history import SqlHistory
from telephony.ami.controllers import require_alone
from telephony.ami.observer import AmiObserver
from telephony.ami.settings import AmiSettings
from telephony.ari.control import AriCallControl
from telephony.ari.settings import AriSettings

_DAY_S = 86_400.0
_LAG_EVERY_S = 0.5


@dataclass(slots=True)
class House:
    """One running node; what the API and the commands work with."""

    settings: Settings
    clock: Clock
    stores: Stores
    hub: EventHub
    metrics: Metrics
    catalogue: Catalogue
    importer: LeadImporter
    prompts: PromptBook
    engine: Engine
    staff: Staff
    desk: AgentDesk
    wrap_up: WrapUpDesk
    preview: PreviewDesk
    taps: TapHub
    control: AriCallControl
    ami: AmiObserver
    recorder: Recorder
    redis: RedisLink
    inbound: Inbound
    keeper: CallKeeper
    drift: DriftAlarm
    trace: PacingTrace
    blending: DigitalDesk
    law_maker: LawMaker
    ring_times: LearnedRingTimes

    async def start_campaign(self, campaign_id: str) -> None:
        """Run a campaign and remember that it is wanted. Raises KeyError, PromptMissing, EngineError.

        A campaign that breaks a calling rule by its file alone is not started: every one of its leads would be refused.
        """
        await self.know_audits()
        campaign = self.catalogue[campaign_id]
        if faults := faults_of(campaign, self.clock.now_s()):
            raise EngineError("\n".join(f"campaign {campaign_id}: {in_words(fault)}" for fault in faults))
        await asyncio.to_thread(self.prompts.prepare, campaign)
        await self.stores.leads.ask_again(campaign_id, WAITS_FOR_MENDING)
        await self.law_maker.look_back(campaign)
        await self.engine.start(campaign, await self._today(campaign))
        await self.catalogue.want(campaign_id, CampaignState.RUNNING)

    async def know_audits(self) -> None:
        """What was found of AMD's errors by ear is known to campaigns that start from now on."""
        before = dict(self.catalogue)
        try:
            found = await asyncio.to_thread(audited_campaigns, before, self.settings.kept_calls_dir)
        except KeptUnusable as error:
            self.hub.take(Trouble(self.clock.now_s(), "amd", f"the audit of verdicts is not known to pacing: {error}"))
        else:
            # A campaign that was changed in this moment keeps its change.
            self.catalogue.update({name: each for name, each in found.items() if self.catalogue[name] is before[name]})

    async def pause_campaign(self, campaign_id: str) -> None:
        """Place no new calls and remember it. Raises EngineError when it does not run."""
        self.engine.pause(campaign_id)
        await self.catalogue.want(campaign_id, CampaignState.PAUSED)

    async def stop_campaign(self, campaign_id: str) -> None:
        """Stop a campaign and remember it. Raises EngineError when it does not run."""
        await self.engine.stop(campaign_id)
        await self.catalogue.want(campaign_id, CampaignState.STOPPED)

    async def resume_campaigns(self) -> None:
        """After a start: go on with every campaign that was running."""
        for campaign_id, state in (await self.catalogue.wanted()).items():
            if state is CampaignState.RUNNING and campaign_id in self.catalogue:
                try:
                    await self.start_campaign(campaign_id)
                except (PromptMissing, SoundFileUnusable, EngineError) as error:
                    words = f"campaign {campaign_id} ran before and cannot go on: {error}"
                    self.hub.take(Trouble(self.clock.now_s(), "campaigns", words))

    async def _today(self, campaign: Campaign) -> Tally:
        """What a law and its guarantee must know of the last day, so that a restart does not forget abandoned calls."""
        outcomes = await self.stores.attempts.outcomes(campaign.campaign_id, self.clock.now_s() - _DAY_S)
        people = sum(count for outcome, count in outcomes.items() if outcome.answered_by_person)
        machines = outcomes.get(Outcome.MACHINE, 0) + outcomes.get(Outcome.MESSAGE_LEFT, 0)
        return Tally(
            placed=sum(outcomes.values()),
            answers=people + machines,
            people=people,
            machines=machines,
            abandoned=outcomes.get(Outcome.ABANDONED, 0),
        )


@asynccontextmanager
async def open_house(
    settings: Settings, access: ExchangeAccess, say: Callable[[str], None] = lambda words: None
) -> AsyncIterator[House]:
    """Bring one node up: stores, taps, the link to the exchange, the engine; campaigns that ran go on.

    Returns when the exchange answers. Raises StorageError, SetupError, OSError when something must be mended first.
    """
    clock, rng, hub, metrics = SystemClock(), random.Random(), EventHub(), Metrics()
    media = settings.media
    async with (
        open_stores(settings.database_url, settings.database) as stores,
        TapHub(clock, slot_count=media.tap_slots, host=media.audiosocket_host, port=media.audiosocket_port) as taps,
    ):
        ami = AmiObserver(_ami(access), clock, rng, metrics.take_ami)
        alone = partial(require_alone, ami, settings.asterisk.app)
        control = AriCallControl(_ari(settings, access, taps), clock, rng, ami, taps.nudge, may_take=alone)
        house = _compose(settings, clock, rng, hub, metrics, stores, taps, control, ami)
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(work, name=name) for name, work in _work(house).items()]
            try:
                await control.wait_up()
                await _sign_on(house)
                async with house.engine:
                    # Minutes after an update. After a crash calls are recovered meanwhile.
                    await compiled(say)
                    await house.resume_campaigns()
                    yield house
                await house.recorder.close()
                await house.inbound.recorder.close()
                await house.trace.flush()
                await house.keeper.close()
                await house.drift.save()
            finally:
                for helper in helpers:
                    helper.cancel()
                await house.redis.close()


def _ari(settings: Settings, access: ExchangeAccess, taps: TapHub) -> AriSettings:
    return AriSettings(
        host=access.host,
        port=access.http_port,
        user=access.user,
        secret=access.secret,
        app=settings.asterisk.app,
        audiosocket_host=settings.media.audiosocket_host,
        audiosocket_port=taps.port,
        secret_place=access.secret_place,
    )


def _ami(access: ExchangeAccess) -> AmiSettings:
    return AmiSettings(access.host, access.ami_port, access.ami_user, access.ami_secret, access.ami_secret_place)


def _compose(
    settings: Settings,
    clock: Clock,
    rng: random.Random,
    hub: EventHub,
    metrics: Metrics,
    stores: Stores,
    taps: TapHub,
    control: AriCallControl,
    ami: AmiObserver,
) -> House:
    catalogue = Catalogue(stores.campaigns, stores.lists, clock)
    library = PromptLibrary(
        [settings.var_dir / "sounds", *map(Path, settings.media.prompts)], settings.var_dir / "prompts"
    )
    speaker = house_speaker(settings, library, clock)
    prompts = PromptBook(library, speaker)
    desk = AgentDesk(control, clock, rng, hub.take)
    hall = QueueHall(map(queue_settings, settings.queues), desk.pool, clock)
    link = LinkWatch(control, clock)
    gate = ComplianceGate(stores.ledger, stores.consents, stores.attempts, clock, hub.take)
    recorder = Recorder(settings, control, stores.recordings, clock, hub.take)
    collect = settings.amd.collect
    keeper = CallKeeper(collect, KeptCalls(settings.kept_calls_dir), stores.dispositions, clock, hub.take)
    drift = DriftAlarm(settings.amd.drift, settings.var_dir / "amd-drift.json", clock, hub.take, metrics)
    bank = AmdBank(settings.media.tap_slots)
    history = SqlHistory(stores.database)
    ring_times = LearnedRingTimes(history, clock, hub.take, collect.machine_codes)
    services = Services(
        settings.node,
        control,
        link,
        clock,
        rng,
        PatientLog(stores.attempts, Patience(clock, hub.take, "moves of calls")),
        desk,
        Listening(taps, bank, clock, keeper.tapes if collect.enabled else None),
        prompts,
        recorder,
        gate.recycle,
        hub.take,
        hall.claimed,
        gate.standings,
        ring_times.hint,
    )
    redis = RedisLink(settings.redis_url, clock)
    source = HopperLeads(RedisHopper(redis), stores.leads, gate, clock, hub.take)
    staff = Staff(stores.agents, desk, clock, hub.take)
    trunks = {
        part.name: Trunk(TrunkSettings(part.name, part.endpoint, part.channels, part.calls_per_s))
        for part in settings.trunks
    }
    law_maker = LawMaker(history, stores.dispositions, clock, hub.take, collect.machine_codes)
    engine = Engine(services, staff, stores.leads, source, trunks, law_maker, catalogue.get)
    wrap_up = WrapUpDesk(
        stores.attempts, stores.leads, stores.dispositions, stores.dnc, desk, clock, hub.take, catalogue
    )
    importer = LeadImporter(stores.leads, stores.lists, clock, rng)
    calls_in = compose_inbound(
        settings, control, link, clock, rng, desk, hall, stores, library, speaker, recorder.folder, trunks, hub.take,
        metrics.take_flow,
    )  # fmt: skip
    blending = DigitalDesk(desk.pool, clock)
    blending.listen(metrics.take_digital)
    metrics.watch_occupancy(blending.occupancy)
    trace = PacingTrace(
        settings.var_dir / "pacing", clock, hub.take, catalogue.get,
        lambda campaign_id: run.law if (run := engine.runs.get(campaign_id)) else None,
    )  # fmt: skip
    hub.listen(metrics.take)
    hub.listen(engine.take, AgentMoved)
    hub.listen(partial(_count_ended, gate), AttemptMoved)
    hub.listen(drift.take, VerdictSaid)
    hub.listen(trace.take, *TRACED)
    hub.listen(blending.take, AgentMoved)
    if collect.enabled:
        hub.listen(keeper.take)
    return House(
        settings, clock, stores, hub, metrics, catalogue, importer, prompts, engine, staff, desk, wrap_up,
        PreviewDesk(engine, source, stores.leads), taps, control, ami, recorder, redis,
        calls_in, keeper, drift, trace, blending, law_maker, ring_times,
    )  # fmt: skip


def _count_ended(gate: ComplianceGate, event: DialerEvent) -> None:
    if isinstance(event, AttemptMoved) and event.attempt.state is AttemptState.ENDED:
        gate.count(event.attempt)


def _work(house: House) -> dict[str, Coroutine[Any, Any, None]]:
    return {
        "ari": house.control.run(),
        "ami": house.ami.run(),
        "defaults": _default_dispositions(house),
        "recordings": _finish_recordings(house),
        "inbound": house.inbound.run(house.engine),
        "lag": _watch_lag(house),
        "pacing trace": house.trace.run(),
        "digital items": house.blending.run(),
        "calls to learn from": house.keeper.run(),
        "drift": house.drift.run(),
        "ring times": house.ring_times.run(),
        "first contacts": FirstContactGauges(
            house.settings.inbound.first_contact_days, house.stores.calls, house.clock, house.hub.take, house.metrics
        ).run(),
    }


async def _sign_on(house: House) -> None:
    """What must be done once before anything is dialled."""
    for problem in await house.catalogue.load(house.settings.campaigns):
        house.hub.take(Trouble(house.clock.now_s(), "campaigns", problem))
    await house.know_audits()
    for agent in house.settings.agents:
        endpoint = agent.endpoint or f"PJSIP/{agent.name}"
        name = agent.display_name or agent.name
        await house.stores.agents.put(StoredAgent(agent.name, name, endpoint, agent.skills))


async def _default_dispositions(house: House) -> None:
    """Wrap-ups that ended without the agent's word get the campaign's default."""
    over: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def hear(event: DialerEvent) -> None:
        for ended in WrapUpDesk.wrapped_up(event):
            over.put_nowait(ended)

    stop = house.hub.listen(hear, AgentMoved)
    try:
        while True:
            agent_id, call_id = await over.get()
            await house.wrap_up.default(agent_id, call_id)
            await house.inbound.default_disposition(call_id)
    finally:
        stop()


async def _watch_lag(house: House) -> None:
    """Measure how late the event loop wakes: the first sign of a node that does too much."""
    while True:
        due_s = house.clock.monotonic_s() + _LAG_EVERY_S
        await asyncio.sleep(_LAG_EVERY_S)
        house.metrics.loop_lag_s.observe(max(0.0, house.clock.monotonic_s() - due_s))


async def _finish_recordings(house: House) -> None:
    """Recordings that a crash left open are finished once attempts and the exchange agree again."""
    await house.engine.recovered.wait()
    if count := await house.recorder.recover(house.stores.attempts):
        house.hub.take(Trouble(house.clock.now_s(), "recordings", f"{count} recordings of a crashed run are finished"))
