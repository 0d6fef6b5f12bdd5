"""One running campaign: look, plan, dial; once a second, until it is stopped."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from agents.agent import AgentState
from campaigns.attempt import Attempt
from campaigns.campaign import Campaign
from campaigns.ids import new_id
from campaigns.lead import Lead
from campaigns.ledger import cap_to_go
from campaigns.outcome import Outcome
from dialer.call_flow import CallFlow
from dialer.events import PlanMade, Trouble
from dialer.launching import TICK_S, Launcher
from dialer.leads import Clearance, LeadSource
from dialer.pacing.plan import (
    AgentActivity,
    AgentView,
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
from dialer.pacing.sharing import Standing, terms_between
from dialer.pacing.window import WindowLeft
from dialer.pacing_events import DialingHeld, LawTaught
from dialer.services import Services
from dialer.trunk import Route, Trunk
from storage.errors import StorageError

_ACTIVITY = {
    AgentState.IDLE: AgentActivity.IDLE,
    AgentState.RESERVED: AgentActivity.RESERVED,
    AgentState.TALKING: AgentActivity.TALKING,
    AgentState.WRAP_UP: AgentActivity.WRAP_UP,
    AgentState.PAUSED: AgentActivity.PAUSED,
}


class RunState(StrEnum):
    """What a campaign does."""

    RUNNING = "running"
    PAUSED = "paused"  # calls in flight go on, no new ones
    STOPPED = "stopped"


@dataclass(slots=True)
class _Counts:
    placed: int = 0
    answers: int = 0
    people: int = 0
    machines: int = 0
    abandoned: int = 0

    def frozen(self) -> Tally:
        return Tally(self.placed, self.answers, self.people, self.machines, self.abandoned)


class CampaignRun:
    """Dials one campaign. `run` it in a supervisor; `drain` before leaving."""

    def __init__(
        self,
        services: Services,
        campaign: Campaign,
        law: PacingLaw,
        leads: LeadSource,
        route: Route,
        today: Tally,
        may_dial: Callable[[], bool],
    ) -> None:
        """Dial `campaign` over `route` at the pace of `law`; `today` is what happened before this start.

        may_dial: False while the link is down or recovery is not finished; nothing is originated then.
        """
        self.campaign = campaign
        self.law = law
        self.state = RunState.RUNNING
        self.flows: dict[str, CallFlow] = {}
        self.outcomes: dict[Outcome, int] = {}
        self._services = services
        self._leads = leads
        self._may_dial = may_dial
        self.route = route
        self._held = 0  # channels that this run's calls hold, on all trunks
        self._counts = _Counts(today.placed, today.answers, today.people, today.machines, today.abandoned)
        self._planning: set[str] = set()
        self._heard: list[PacingEvent] = []
        self._tick = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._rng: random.Random = services.rng
        self.broken: list[str] = []
        self.others: Callable[[], Iterable[CampaignRun]] = tuple  # the node's other campaigns
        self._window_left = WindowLeft(campaign)
        self._held_why = ""
        self.last_plan = Plan(0)
        self._launcher = Launcher(
            services, campaign, leads, self._begun, self._spawn,
            lambda: self.state is RunState.RUNNING and may_dial(),
        )  # fmt: skip

    @property
    def tally(self) -> Tally:
        """Counts of today."""
        return self._counts.frozen()

    @property
    def idle(self) -> bool:
        """Whether nothing is in flight or up."""
        return not self.flows and not self._launcher.waiting

    @property
    def live(self) -> frozenset[str]:
        """Attempts that this run answers for, those whose row is being written included."""
        return frozenset(self.flows) | frozenset(self._planning)

    def begin(self, today: Tally) -> None:
        """Dial from now on. today: what happened before this start; calls found by recovery were counted besides."""
        self.state = RunState.RUNNING
        for name, value in asdict(today).items():
            setattr(self._counts, name, getattr(self._counts, name) + value)

    async def run(self) -> None:
        """Tick until the campaign is stopped and its last call is over."""
        clock = self._services.clock
        next_s = clock.monotonic_s()
        while not (self.state is RunState.STOPPED and self.idle):
            self._teach()
            self._tell_held()
            if not self._held_why:
                await self._tick_once()
            next_s = max(next_s + TICK_S, clock.monotonic_s())
            await asyncio.sleep(next_s - clock.monotonic_s())

    def _tell_held(self) -> None:
        """Say once that nothing is planned, and why, or that planning goes on."""
        why = ""
        if self.state is not RunState.RUNNING:
            why = f"the campaign is {self.state.value}"
        elif not self._may_dial():
            why = "the exchange is out of reach or being reconciled"
        if why != self._held_why:
            self._held_why = why
            self._services.sink(DialingHeld(self._services.clock.now_s(), self.campaign.campaign_id, why))

    def stop(self) -> None:
        """Place nothing more and take ringing calls back; conversations end in their own time."""
        self.state = RunState.STOPPED
        for flow in list(self.flows.values()):
            flow.give_up()

    async def drain(self, timeout_s: float) -> None:
        """Before the server ends: stop, wait for conversations, and after `timeout_s` leave them up."""
        self.stop()
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def snapshot(self) -> Snapshot:
        """What the pacing law may look at now. Times to the millisecond: traces are shorter by it."""
        now_s = round(self._services.clock.monotonic_s(), 3)
        flights = [view for flow in self.flows.values() if (view := flow.view())]
        waiting = self._launcher.waiting
        flights += [FlightView("", FlightStage.DIALING, 0.0, 0.0, list_id) for list_id in waiting]
        campaign = self.campaign
        channels = min(campaign.limits.channels, self.route.usable(now_s) + self._held)
        wall_s = round(self._services.clock.now_s(), 3)
        cap, cap_rule = cap_to_go(campaign.pacing.abandonment_cap, self._services.standings(campaign.campaign_id))
        return Snapshot(
            now_s=now_s,
            tick=self._tick,
            agents=tuple(self._agent_views(now_s)),
            flights=tuple(flights),
            calls_up=len(self.flows) + len(waiting) - len(flights),
            today=self.tally,
            limits=Limits(
                channels=channels,
                calls_per_s=min(campaign.limits.calls_per_s, self.route.calls_per_s(now_s)),
                abandonment_cap=cap,
                window_left_s=self._window_left.at(wall_s),
                abandonment_target=min(campaign.pacing.abandonment_target, cap),
                cap_rule=cap_rule,
            ),
            wall_s=wall_s,
            leads_ready=self._leads.ready(campaign.campaign_id),
            **self._sharing(now_s),
        )

    def _sharing(self, now_s: float) -> dict[str, Any]:
        """What pacing must know of other campaigns that dial for the same agents."""
        rivals = [other for other in self.others() if other.state is RunState.RUNNING and self._shares_with(other)]
        views = [view for other in rivals for flow in other.flows.values() if (view := flow.view())]
        standings = [
            Standing(run.campaign.campaign_id, run.last_plan, run.tally, run.has_leads()) for run in (self, *rivals)
        ]
        return {"shared": bool(rivals), "rivals": tuple(views)} | terms_between(standings, len(views), now_s)

    def has_leads(self) -> bool:
        """Whether there is anybody to dial now."""
        return self._leads.ready(self.campaign.campaign_id) > 0

    def _shares_with(self, other: "CampaignRun") -> bool:
        both = (self.campaign.campaign_id, other.campaign.campaign_id)
        seats = self._services.desk.pool.seats()
        return any(all(seat.profile.serves(each, frozenset()) for each in both) for seat in seats)

    def observe(self, event: PacingEvent) -> None:
        """Count what happened on a call and let the law learn from it."""
        match event.kind:
            case PacingEventKind.PLACED:
                self._counts.placed += 1
            case PacingEventKind.ANSWERED:
                self._counts.answers += 1
            case PacingEventKind.PERSON:
                self._counts.people += 1
            case PacingEventKind.MACHINE:
                self._counts.machines += 1
            case PacingEventKind.ABANDONED:
                self._counts.abandoned += 1
            case _:
                pass
        self._heard.append(event)

    def _teach(self) -> None:
        """Let the law learn, away from the calls: a fault in a law must not end anybody's call."""
        heard, self._heard = self._heard, []
        for event in heard:
            self.law.observe(event)
        if heard:
            self._services.sink(LawTaught(self._services.clock.now_s(), self.campaign.campaign_id, tuple(heard)))

    async def place(self, lead: Lead, agent_id: str | None = None, wanted: Trunk | None = None) -> bool:
        """Dial one lead now; False when it may not be dialled, or no trunk can take it.

        agent_id: claimed for it (manual, preview). wanted: the trunk whose turn it is, if it can still take a call.
        """
        begun = await self._begin(lead, agent_id, wanted)
        if begun is None:
            return False
        flow, trunk = begun
        self._spawn(self._supervise(flow, flow.run(), trunk), f"call {flow.attempt_id}")
        return True

    async def _begin(self, lead: Lead, agent_id: str | None, wanted: Trunk | None) -> tuple[CallFlow, Trunk] | None:
        """Plan the lead's attempt and take it into `flows`: whoever called must supervise it from there on."""
        clearance = await self._leads.clear(lead, self.campaign)
        if clearance is None:
            return None
        at_s = self._services.clock.monotonic_s()
        trunk = wanted if wanted and wanted.usable(at_s) else self.route.pick(at_s)
        if trunk is None:
            return None
        self._seize(trunk)
        try:
            flow = await self._planned_flow(lead, agent_id, trunk, clearance)
        except BaseException:
            self._release(trunk)
            raise
        if flow is None:
            self._release(trunk)
            return None
        self.flows[flow.attempt_id] = flow
        self._planning.discard(flow.attempt_id)
        return flow, trunk

    async def _planned_flow(
        self, lead: Lead, agent_id: str | None, trunk: Trunk, clearance: Clearance
    ) -> CallFlow | None:
        now_s = self._services.clock.now_s()
        attempt = Attempt(
            new_id(now_s, self._rng), self.campaign.campaign_id, lead.lead_id, lead.phone, self._services.node, now_s
        )
        if not await self._planned(attempt, agent_id, clearance):
            return None
        return CallFlow(
            self._services,
            self.campaign,
            lead.tried(),
            attempt,
            self.observe,
            endpoint=trunk.settings.dial_string(lead.phone),
            agent_id=agent_id,
        )

    async def _planned(self, attempt: Attempt, agent_id: str | None, clearance: Clearance) -> bool:
        """Claim the agent and commit the row; False, and nothing is held, when the lead is not free or not as cleared.

        A number that was called meanwhile, under another lead or by another node, is judged again with its next take.
        """
        desk, planned = self._services.desk, False
        if agent_id:
            desk.claim(agent_id, attempt.attempt_id)
        self._planning.add(attempt.attempt_id)
        try:
            planned = await self._services.log.plan(attempt, clearance.seen)
        except StorageError:
            self.broken.append(attempt.attempt_id)  # the row may be there all the same: recovery looks
            raise
        finally:
            if not planned:
                self._planning.discard(attempt.attempt_id)
                desk.forget(attempt.attempt_id, 0.0)
        return planned

    def follow(self, flow: CallFlow, running: Coroutine[Any, Any, Outcome]) -> None:
        """Supervise a flow that recovery found to its end; over which trunk it went is not known any more."""
        trunk = self.route.trunks[0]
        self._seize(trunk)
        self.flows[flow.attempt_id] = flow
        self._spawn(self._supervise(flow, running, trunk), f"call {flow.attempt_id}")

    def _seize(self, trunk: Trunk) -> None:
        trunk.seize()
        self._held += 1

    def _release(self, trunk: Trunk) -> None:
        trunk.release()
        self._held -= 1

    async def _supervise(self, flow: CallFlow, running: Coroutine[Any, Any, Outcome], trunk: Trunk) -> None:
        """A fault in one call never touches another."""
        placed_s = self._services.clock.monotonic_s()
        try:
            outcome = await running
            now_s = self._services.clock.monotonic_s()
            if words := trunk.ended(outcome, rang=flow.got_through, placed_s=placed_s, now_s=now_s):
                self._trouble(words)
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        except Exception as error:  # the supervisor of calls: one broken call is reported, recovery ends it
            words = f"a call broke off by a fault of ours ({type(error).__name__}: {error}); recovery ends it"
            self._trouble(words, flow.attempt_id)
            self.broken.append(flow.attempt_id)
        finally:
            del self.flows[flow.attempt_id]
            self._release(trunk)

    async def _tick_once(self) -> None:
        snapshot = self.snapshot()
        self.last_plan = plan = self.law.plan(snapshot)
        self._tick += 1
        services = self._services
        services.sink(PlanMade(services.clock.now_s(), self.campaign.campaign_id, self.law.name, snapshot, plan))
        for attempt_id in plan.give_up:
            if flow := self.flows.get(attempt_id):
                flow.give_up()
        if plan.place > 0:
            await self._launcher.launch(plan.place, self.route)

    async def _begun(self, lead: Lead, trunk: Trunk) -> Coroutine[Any, Any, None] | None:
        """A call of a plan, begun: what follows it to its end. None when it may not be dialled after all."""
        if (begun := await self._begin(lead, None, trunk)) is None:
            return None
        flow, used = begun
        return self._supervise(flow, flow.run(), used)

    def _agent_views(self, now_s: float) -> list[AgentView]:
        held = self._services.held_for_callers()
        return [
            AgentView(
                seat.profile.agent_id,
                _ACTIVITY[seat.state] if seat.leg_up and seat.profile.agent_id not in held else AgentActivity.PAUSED,
                max(0.0, round(now_s - seat.since_s, 3)),
                seat.after_call is not None,
            )
            for seat in self._services.desk.pool.seats()
            if seat.state in _ACTIVITY and seat.profile.serves(self.campaign.campaign_id, frozenset())
        ]

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _trouble(self, words: str, attempt_id: str = "") -> None:
        self._services.sink(Trouble(self._services.clock.now_s(), "campaign", words, attempt_id))
