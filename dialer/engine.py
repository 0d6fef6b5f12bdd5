"""The dialer of one node: agents, campaigns, recovery. Everything that dials goes through here."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

from agents.agent import AgentError, AgentState
from campaigns.attempt import Attempt
from campaigns.campaign import Campaign
from campaigns.outcome import Outcome
from dialer.call_flow import CallFlow
from dialer.campaign_run import CampaignRun, RunState
from dialer.events import AgentMoved, DialerEvent, LinkChanged, Trouble
from dialer.leads import LeadSource
from dialer.pacing.plan import PacingLaw, Tally
from dialer.recovery import RecoveryPlan, plan_recovery
from dialer.services import Services
from dialer.staff import Staff
from dialer.trunk import Route, Trunk, TrunkSettings
from storage.port import LeadStore
from telephony.errors import TelephonyError
from telephony.events import LinkState

_LAST_LOOK_S = 5.0
_AUDIT_EVERY_S = 30.0
_STUMBLE_S = 0.2
# Recovered calls of a campaign whose trunk left the settings are counted on this one.

_NO_TRUNK = Trunk(TrunkSettings("none"))


class EngineError(Exception):
    """The engine was asked for something it cannot do; the message says why."""


class Engine:
    """Runs campaigns. `async with engine:` recovers first and dials only then; leaving it lets conversations end.

    on_link_lost and campaign switching are safe at any time; every public coroutine may be called from the API.
    """

    def __init__(
        self,
        services: Services,
        staff: Staff,
        leads: LeadStore,
        source: LeadSource,
        trunks: dict[str, Trunk],
        make_law: Callable[[Campaign], PacingLaw],
        campaign_of: Callable[[str], Campaign | None],
    ) -> None:
        """Compose a node. campaign_of: a campaign by id, also of one that does not run (recovery needs it)."""
        self.services = services
        self.staff = staff
        self.runs: dict[str, CampaignRun] = {}
        self.leaks_closed = 0
        self.drain_s = 5.0
        self._leads = leads
        self._source = source
        self._trunks = trunks
        self._make_law = make_law
        self._campaign_of = campaign_of
        self.recovered = asyncio.Event()  # attempts agree with what the exchange has
        self._must_recover = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._run_tasks: dict[str, asyncio.Task[None]] = {}
        self._begun: set[str] = set()  # campaigns that somebody started, beside those that only recovery follows

    @property
    def may_dial(self) -> bool:
        """Whether calls may be placed: the link is up and attempts agree with what the exchange has."""
        return self.recovered.is_set() and self.services.control.link_state is LinkState.UP

    async def __aenter__(self) -> Self:
        """Start; returns at once. Nothing is dialled until the exchange is reached and recovery is done."""
        self.services.control.on_link(self._link_changed)
        await self.staff.restore()
        self._must_recover.set()
        work = {
            "listening": self.services.listening.run,
            "staff": self.staff.run,
            "recovery": self._keep_recovered,
            "audit": self._audit,
        }
        self._tasks = [asyncio.create_task(self._keep(name, run), name=name) for name, run in work.items()]
        return self

    async def _keep(self, name: str, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            try:
                await run()
            except Exception as error:  # the supervisor of the engine's own loops: without them nothing is heard
                self._trouble(name, f"stumbled and goes on: {error!r}")
                await asyncio.sleep(_STUMBLE_S)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop dialling, take ringing calls back, wait `drain_s` for conversations and leave the others up."""
        await asyncio.gather(*(run.drain(self.drain_s) for run in self.runs.values()))
        for task in [*self._run_tasks.values(), *self._tasks]:
            task.cancel()
        await asyncio.gather(*self._run_tasks.values(), *self._tasks, return_exceptions=True)
        await self.services.desk.close()
        await self.staff.flush()

    def take(self, event: DialerEvent) -> None:
        """The engine's own part of the event stream: agent moves are written down."""
        if isinstance(event, AgentMoved):
            self.staff.note(event.move, event.at_s)

    # -- campaigns ----------------------------------------------------------------------------------------------------

    async def start(self, campaign: Campaign, today: Tally | None = None) -> CampaignRun:
        """Start a campaign, or take a paused one up again."""
        campaign_id = campaign.campaign_id
        run = self.runs.get(campaign_id)
        if run is None:
            run = self._add_run(campaign, self._route_of(campaign))
        else:
            run.route = self._route_of(campaign)  # each call that is up keeps the trunk it has
            if campaign_id not in self._begun:  # it only followed recovered calls: its law knows no past
                run.law = self._make_law(campaign)
        if campaign_id in self._begun:
            run.state = RunState.RUNNING
        else:
            self._begun.add(campaign_id)
            run.begin(today or Tally())
        return run

    def _add_run(self, campaign: Campaign, route: Route, state: RunState = RunState.RUNNING) -> CampaignRun:
        law = self._make_law(campaign)
        run = CampaignRun(self.services, campaign, law, self._source, route, Tally(), lambda: self.may_dial)
        run.state = state
        run.others = lambda: [other for other in self.runs.values() if other is not run]
        self.runs[campaign.campaign_id] = run
        task = asyncio.create_task(self._supervise(run), name=f"campaign {campaign.campaign_id}")
        self._run_tasks[campaign.campaign_id] = task
        return run

    def pause(self, campaign_id: str) -> None:
        """Place no new calls; calls in flight and conversations go on."""
        self._run_of(campaign_id).state = RunState.PAUSED

    async def stop(self, campaign_id: str) -> None:
        """Stop a campaign: ringing calls are taken back, conversations end in their own time.

        Returns when no call is left, or after `drain_s`: the run stays, stopped, until its last conversation is over.
        """
        self._run_of(campaign_id).stop()
        await asyncio.wait({self._run_tasks[campaign_id]}, timeout=self.drain_s)

    async def place(self, campaign_id: str, lead_id: str, agent_id: str) -> bool:
        """Manual and preview: the agent calls this lead now. False when the rules (or another call) forbid it.

        Raises EngineError, AgentError with what to do first.
        """
        run = self._run_of(campaign_id)
        if not self.may_dial:
            raise EngineError("nothing can be dialled now: the exchange is out of reach or being reconciled")
        lead = await self._leads.get(lead_id)
        if lead is None:
            raise EngineError(f"there is no lead {lead_id}")
        if run.route.pick(self.services.clock.monotonic_s()) is None:
            names = ", ".join(trunk.settings.name for trunk in run.route.trunks)
            raise EngineError(f"no trunk can take a call now ({names}): full or resting; see `timbre status`")
        return await run.place(lead, agent_id)

    def _run_of(self, campaign_id: str) -> CampaignRun:
        if (run := self.runs.get(campaign_id)) is None:
            raise EngineError(f"campaign {campaign_id} does not run: start it first")
        return run

    def _route_of(self, campaign: Campaign) -> Route:
        trunks = [self._trunks[name] for name in campaign.trunks if name in self._trunks]
        if not trunks:
            wanted, known = ", ".join(campaign.trunks), ", ".join(self._trunks) or "none"
            raise EngineError(f"campaign {campaign.campaign_id}: no trunk named {wanted}; the settings have {known}")
        return Route(trunks)

    async def _supervise(self, run: CampaignRun) -> None:
        campaign_id = run.campaign.campaign_id
        while not (run.state is RunState.STOPPED and run.idle):
            try:
                await run.run()
            except Exception as error:  # the supervisor of campaigns: report, go on in a moment, stop nobody else
                self._trouble("campaign", f"{campaign_id} stumbled and goes on: {error!r}")
                await asyncio.sleep(1.0)
        del self.runs[campaign_id], self._run_tasks[campaign_id]
        self._begun.discard(campaign_id)

    # -- recovery -----------------------------------------------------------------------------------------------------

    def _link_changed(self, state: LinkState) -> None:
        self.services.sink(LinkChanged(self.services.clock.now_s(), state))
        if state is not LinkState.UP:
            self.recovered.clear()
        self._must_recover.set()

    async def _keep_recovered(self) -> None:
        """Recover whenever the link came back or a flow broke; look every few seconds all the same."""
        while True:
            try:
                await asyncio.wait_for(self._must_recover.wait(), _LAST_LOOK_S)
            except TimeoutError:
                if self.recovered.is_set() and not any(run.broken for run in self.runs.values()):
                    continue
            self._must_recover.clear()
            if self.services.control.link_state is not LinkState.UP:
                continue
            try:
                await self.recover()
            except TelephonyError as error:
                self._trouble("recovery", f"could not finish, will try again: {error}")
            except Exception as error:  # the supervisor of recovery
                self._trouble("recovery", f"could not finish, will try again: {error!r}")

    async def _audit(self) -> None:
        """Every now and then: calls that the exchange does not have any more, though nobody told their end."""
        missed: frozenset[str] = frozenset()
        while True:
            await asyncio.sleep(_AUDIT_EVERY_S)
            flows = {flow.attempt_id: flow for run in self.runs.values() for flow in run.flows.values()}
            if not (flows and self.may_dial):
                missed = frozenset()
                continue
            try:
                state = await self.services.control.snapshot()
            except TelephonyError:
                continue
            there = {channel.channel_id for channel in state.channels}
            missing = frozenset(name for name, flow in flows.items() if flow.journal.attempt.channel_id not in there)
            for attempt_id in missing & missed:
                flows[attempt_id].vanished()
            missed = missing

    async def recover(self) -> RecoveryPlan:
        """Make attempts and the exchange agree. Raises LinkDown when the exchange is lost meanwhile."""
        running = self._live()
        state = await self.services.control.snapshot()
        unfinished = await self.services.log.unfinished(self.services.node)
        # Attempts that began after the snapshot are in neither; those of live flows look after themselves.
        running |= self._live()
        plan = plan_recovery(unfinished, state, running=running, agent_keys=self.staff.agent_keys())
        if not plan.nothing:
            self._trouble("recovery", plan.words())
        await self._carry_out(plan)
        await self._wrap_up_again()
        for run in self.runs.values():
            run.broken.clear()
        if not self._must_recover.is_set():  # the link was lost meanwhile: what we saw is old
            self.recovered.set()
        return plan

    def _live(self) -> frozenset[str]:
        return frozenset().union(*(run.live for run in self.runs.values()))

    async def _carry_out(self, plan: RecoveryPlan) -> None:
        control = self.services.control
        for bridge_id in plan.stray_bridges:
            await control.destroy_bridge(bridge_id)
        for channel_id in plan.stray_channels:
            await control.hang_up(channel_id)
        self.leaks_closed += len(plan.stray_bridges) + len(plan.stray_channels)
        for attempt, bridge_id in plan.adopt:
            await self._adopt(attempt, bridge_id)
        for attempt in plan.apologise:
            if flow := await self._flow_of(attempt):
                self._follow(flow, flow.apologise())
        closing = [(attempt, Outcome.GIVEN_UP) for attempt in plan.take_back] + list(plan.end)
        flows = [(await self._flow_of(attempt), outcome) for attempt, outcome in closing]
        await asyncio.gather(*(flow.close(outcome) for flow, outcome in flows if flow))

    async def _adopt(self, attempt: Attempt, bridge_id: str) -> None:
        flow = await self._flow_of(attempt)
        agent_id = self.staff.agent_of_bridge(bridge_id)
        if flow and agent_id:
            self._follow(flow, flow.resume(agent_id))
        elif flow:
            self._follow(flow, flow.apologise())

    def _follow(self, flow: CallFlow, running: Coroutine[Any, Any, Outcome]) -> None:
        run = self.runs.get(flow.campaign.campaign_id)
        if run is None:
            # Its campaign does not run (yet): a run that dials nothing counts and supervises the call.
            known = [self._trunks[name] for name in flow.campaign.trunks if name in self._trunks]
            run = self._add_run(flow.campaign, Route(known or [_NO_TRUNK]), RunState.STOPPED)
        flow.tell(run.observe)
        run.follow(flow, running)

    async def _wrap_up_again(self) -> None:
        """Agents who wrapped up when the server went down, or whose talk ended meanwhile, say what came of it."""
        for agent_id, change in self.staff.take_unfinished().items():
            attempt = await self.services.log.get(change.session_id)
            if attempt is None or attempt.attempt_id in self._live():
                continue
            wrap_up_s = self._campaign_or_stand_in(attempt).wrap_up.max_s
            if change.state == AgentState.WRAP_UP:
                wrap_up_s = max(0.0, change.at_s + wrap_up_s - self.services.clock.now_s())
            try:
                self.services.desk.wrap_up_again(agent_id, attempt.attempt_id, wrap_up_s)
            except AgentError as error:
                self._trouble("recovery", f"agent {agent_id} could not go on with the wrap-up: {error}")

    def _campaign_or_stand_in(self, attempt: Attempt) -> Campaign:
        """The attempt's campaign; one with default settings when its definition cannot be read any more."""
        campaign_id = attempt.campaign_id
        return self._campaign_of(campaign_id) or Campaign(campaign_id, campaign_id, "", (), (), "")

    async def _flow_of(self, attempt: Attempt) -> CallFlow | None:
        campaign, lead = self._campaign_or_stand_in(attempt), await self._leads.get(attempt.lead_id)
        if lead is None:
            self._trouble("recovery", f"attempt {attempt.attempt_id}: its lead is gone; left as it is")
            return None
        run = self.runs.get(attempt.campaign_id)
        observe = run.observe if run else lambda event: None
        return CallFlow(self.services, campaign, lead, attempt, observe, endpoint="")

    def _trouble(self, where: str, words: str) -> None:
        self.services.sink(Trouble(self.services.clock.now_s(), where, words))
