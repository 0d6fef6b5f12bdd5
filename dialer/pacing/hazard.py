"""The hazard predictive law, live: turns snapshots and events into arrays for `hazard_core` and keeps what it learned.

Its state changes by events and ticks alone, so a recorded trace gives the same plans again, bit for bit. Talk and
wrap-up are learned from what the snapshots show of agents, so work for other campaigns teaches too.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dialer.pacing import forecast, guarantee, shapes
from dialer.pacing import hazard_core as core
from dialer.pacing.forecast import EXACT_UP_TO
from dialer.pacing.guarantee import Guarantee
from dialer.pacing.plan import (
    AgentActivity,
    AgentView,
    FlightStage,
    FlightView,
    Limits,
    PacingEvent,
    PacingEventKind,
    Plan,
    Snapshot,
    Tally,
)

CONNECT_S = 2.0  # a person may wait this long: agents free by then count
# Tables are rebuilt often while little is known.
_REBUILD_S, _REBUILD_EARLY_S, _EARLY_S = 60.0, 5.0, 600.0
# Calls whose end was seen before the start-up ceiling is lifted.
_LEARNT_CALLS = 15
_FORGET_AFTER_S = 900.0
_DIALING, _SCREENING, _WAITING = FlightStage.DIALING, FlightStage.SCREENING, FlightStage.WAITING
_IDLE, _WRAP_UP, _PAUSED = AgentActivity.IDLE, AgentActivity.WRAP_UP, AgentActivity.PAUSED


@dataclass(frozen=True, slots=True)
class HazardSettings:
    """Settings of the law. first_ratio: calls for each idle agent until the first calls have taught something.

    false_positive_share: upper bound of the share of machine verdicts that were people; they eat the same budget.
    """

    guarantee: Guarantee = field(default_factory=Guarantee)
    start: shapes.StartUp = field(default_factory=shapes.StartUp)
    first_ratio: float = 1.2
    false_positive_share: float = 0.0
    give_up: bool = True


class _Agents:
    """Agents of one snapshot as arrays."""

    def __init__(self, views: tuple[AgentView, ...]) -> None:
        kinds = [_agent_kind(view) for view in views]
        self.kind = np.array(kinds, np.int64)
        self.age_s = np.array([view.since_s for view in views], np.float64)
        self.idle = kinds.count(core.IDLE)
        self.count = len(kinds)


class _Calls:
    """Calls in flight as arrays: `own` first, then those of other campaigns."""

    def __init__(self, own: tuple[FlightView, ...], rivals: tuple[FlightView, ...]) -> None:
        views = own + rivals if rivals else own
        kinds = [_call_kind(view) for view in views]
        self.kind = np.array(kinds, np.int64)
        self.age_s = np.array(
            [view.stage_s if kind == core.SCREENING else view.age_s for view, kind in zip(views, kinds, strict=True)],
            np.float64,
        )
        rung_s = [0.0 if view.stage is _DIALING else view.stage_s for view in own] + [0.0] * len(rivals)
        self.rung_s = np.array(rung_s, np.float64)
        self.waiting = kinds.count(core.WAITING)
        self.count = len(kinds)


class HazardLaw:
    """Places calls while the chance that the next one finds nobody is at most theta (see `guarantee`)."""

    name = "hazard"

    def __init__(self, settings: HazardSettings | None = None) -> None:
        """Start knowing nothing but the start-up belief."""
        self.settings = settings or HazardSettings()
        self._shapes = shapes.fresh(self.settings.start)
        self._tables = forecast.blank()
        self._guarantee = self.settings.guarantee
        self._state = guarantee.fresh(self._guarantee)
        self._placed_s: dict[str, float] = {}
        self._busy: dict[str, tuple[AgentActivity, float]] = {}
        self._ended_calls = 0
        self._began_s: float | None = None
        self._rebuilt_s = -1e9

    @property
    def theta(self) -> float:
        """The risk the next call may carry."""
        return float(guarantee.theta_of(self._state))

    # -- learning -----------------------------------------------------------------------------------------------------

    def observe(self, event: PacingEvent) -> None:
        """Learn ring times from answers and failures, screening times from verdicts."""
        match event.kind:
            case PacingEventKind.PLACED:
                self._placed_s[event.attempt_id] = event.at_s
            case PacingEventKind.ANSWERED:
                self._rang(event, shapes.FIRST)
            case PacingEventKind.UNANSWERED:
                self._rang(event, shapes.SECOND)
            case PacingEventKind.PERSON:
                self._screened(event, shapes.FIRST)
            case PacingEventKind.MACHINE:
                self._screened(event, shapes.SECOND)
            case _:
                pass

    def _rang(self, event: PacingEvent, way: int) -> None:
        placed_s = self._placed_s.pop(event.attempt_id, None)
        if placed_s is None:
            return
        self._ended_calls += way == shapes.SECOND
        shapes.note(self._shapes.ring, int(event.at_s - placed_s), way, shapes.RING_MEMORY)

    def _screened(self, event: PacingEvent, way: int) -> None:
        self._ended_calls += 1
        last_bin = int(event.duration_s / shapes.SCREEN_BIN_S)
        shapes.note(self._shapes.screen, last_bin, way, shapes.SCREEN_MEMORY)

    def _learn_agents(self, snapshot: Snapshot) -> None:
        """Compare with the tick before: who ended a talk or a wrap-up since, and how long it had lasted."""
        now: dict[str, tuple[AgentActivity, float]] = {}
        for agent in snapshot.agents:
            began_s = snapshot.now_s - agent.since_s
            now[agent.agent_id] = (agent.activity, began_s)
            before = self._busy.get(agent.agent_id)
            if before and before[0] is not agent.activity:
                self._learn_change(before[0], began_s - before[1], agent.activity)
        self._busy = now

    def _learn_change(self, activity: AgentActivity, lasted_s: float, then: AgentActivity) -> None:
        if activity is AgentActivity.TALKING:
            shapes.note(self._shapes.talk, shapes.talk_bin(lasted_s), shapes.FIRST, shapes.TALK_MEMORY)
            if then is AgentActivity.IDLE:  # its wrap-up was shorter than a tick
                shapes.note(self._shapes.wrap, 0, shapes.FIRST, shapes.WRAP_MEMORY)
        elif activity is AgentActivity.WRAP_UP and then is not AgentActivity.PAUSED:
            shapes.note(self._shapes.wrap, int(lasted_s), shapes.FIRST, shapes.WRAP_MEMORY)

    # -- deciding -----------------------------------------------------------------------------------------------------

    def plan(self, snapshot: Snapshot) -> Plan:
        """Place calls up to the risk theta, never fewer than there are idle agents without a call."""
        self._learn_agents(snapshot)
        agents = _Agents(snapshot.agents)
        calls = _Calls(snapshot.flights, snapshot.rivals)
        self._rebuild(snapshot, agents, calls)
        self._settle(snapshot)
        bounds = _bounds(snapshot)
        floor = max(0, agents.idle - calls.count)
        wanted, risk, why = self._wanted(snapshot, agents, calls, floor, min(bounds.values()))
        name = min(bounds, key=lambda bound: bounds[bound])
        if bounds[name] < wanted:
            wanted, why = max(0, bounds[name]), name
        given_up: tuple[str, ...] = ()
        if wanted == 0 and self.settings.give_up:
            given_up, left = self._give_up(snapshot, agents, calls)
            risk = left if given_up else risk
        return Plan(wanted, given_up, why, self._words(agents, calls, risk))

    def _wanted(
        self, snapshot: Snapshot, agents: _Agents, calls: _Calls, floor: int, room: int
    ) -> tuple[int, float, str]:
        at_most, why = max(room, 0), "the forecast: the next call would probably find nobody"
        if self._ended_calls < _LEARNT_CALLS:
            ceiling = int(self.settings.first_ratio * agents.idle) - calls.count
            if ceiling < at_most:
                at_most, why = max(ceiling, 0), "the start-up ratio: too little is known yet"
        at_risk = self.theta * max(0, calls.count - agents.idle)
        left_s = snapshot.limits.window_left_s
        if not guarantee.may_over_dial(self._guarantee, self._state, at_risk, snapshot.now_s, left_s):
            return floor, 1.0, "the abandonment budget: one call for each idle agent"
        placed, risk = core.place_calls(
            self._tables, self.theta, agents.idle - calls.waiting, at_most,
            calls.kind, calls.age_s, calls.count, agents.kind, agents.age_s, agents.count,
        )  # fmt: skip
        if placed < floor:
            return floor, float(risk), "one call for each idle agent"
        if placed < at_most:
            why = "the forecast: the next call would probably find nobody"
        return int(placed), float(risk), why

    def _give_up(self, snapshot: Snapshot, agents: _Agents, calls: _Calls) -> tuple[tuple[str, ...], float]:
        chosen: NDArray[np.bool_] = np.zeros(calls.count, np.bool_)
        count, risk = core.choose_give_ups(
            self._tables, agents.idle - calls.waiting, snapshot.limits.ring_min_s,
            calls.kind, calls.age_s, calls.rung_s, calls.count, agents.kind, agents.age_s, agents.count, chosen,
        )  # fmt: skip
        if not count:
            return (), float(risk)
        return tuple(view.attempt_id for view, gone in zip(snapshot.flights, chosen, strict=False) if gone), float(risk)

    def _rebuild(self, snapshot: Snapshot, agents: _Agents, calls: _Calls) -> None:
        if self._began_s is None:
            self._began_s = snapshot.now_s
        early = snapshot.now_s - self._began_s < _EARLY_S
        if snapshot.now_s - self._rebuilt_s < (_REBUILD_EARLY_S if early else _REBUILD_S):
            return
        self._rebuilt_s = snapshot.now_s
        own = len(snapshot.flights)
        forecast.rebuild(
            self._shapes, self._tables, calls.kind, calls.age_s, own, agents.kind, agents.age_s, agents.count, CONNECT_S
        )
        stale_s = snapshot.now_s - _FORGET_AFTER_S
        self._placed_s = {attempt: at_s for attempt, at_s in self._placed_s.items() if at_s > stale_s}

    def _settle(self, snapshot: Snapshot) -> None:
        """The tally moves theta; the first one may hold what happened before a restart."""
        today, limits = snapshot.today, snapshot.limits
        self._guarantee = self.settings.guarantee._replace(cap=limits.abandonment_cap)
        mistaken = self.settings.false_positive_share * today.machines
        guarantee.settle(
            self._guarantee, self._state, today.people + mistaken, float(today.abandoned), mistaken,
            snapshot.now_s, limits.window_left_s,
        )  # fmt: skip

    def _words(self, agents: _Agents, calls: _Calls, risk: float) -> tuple[tuple[str, float], ...]:
        return (
            ("theta", self.theta),
            ("risk_of_next", risk),
            ("idle", float(agents.idle)),
            ("in_flight", float(calls.count)),
            ("waiting", float(calls.waiting)),
            ("aim", float(self._state[guarantee.AIM])),
        )


def hazard_law(first_ratio: float = 1.2, ring_timeout_s: float = 25.0, wrap_up_s: float = 30.0) -> HazardLaw:
    """The law for a campaign: what is known beforehand is its ring time-out and the longest wrap-up."""
    warm_up()
    start = shapes.StartUp()._replace(ring_timeout_s=ring_timeout_s, wrap_mean_s=max(1.0, 0.6 * wrap_up_s))
    return HazardLaw(HazardSettings(start=start, first_ratio=first_ratio))


@cache
def warm_up() -> None:
    """Compile (first start on a machine: about ten seconds) or load (half a second) the core, before time matters."""
    view = FlightView("w", FlightStage.RINGING, 20.0, 20.0)
    agent = AgentView("w", AgentActivity.TALKING, 10.0)
    many = (view,) * EXACT_UP_TO
    limits = Limits(200, 10.0)
    for flights, agents in (((view,), (agent,)), (many, (agent,) * 4)):
        law = HazardLaw()
        law._ended_calls = _LEARNT_CALLS
        law.observe(PacingEvent(PacingEventKind.PLACED, 0.0, 0.0, "w"))
        law.observe(PacingEvent(PacingEventKind.ANSWERED, 5.0, 5.0, "w"))
        law.plan(Snapshot(10.0, 0, agents, flights, 0, Tally(), limits, 100))


def _agent_kind(view: AgentView) -> int:
    # identity, not a dictionary: hashing a StrEnum is a Python call, and there may be 500 agents and 2,000 calls
    if view.leaving or view.activity is _PAUSED:
        return core.AWAY
    if view.activity is _IDLE:
        return core.IDLE
    return core.WRAPPING if view.activity is _WRAP_UP else core.TALKING


def _call_kind(view: FlightView) -> int:
    if view.stage is _SCREENING:
        return core.SCREENING
    return core.WAITING if view.stage is _WAITING else core.RINGING


def _bounds(snapshot: Snapshot) -> dict[str, int]:
    limits = snapshot.limits
    return {
        "channels": limits.channels - len(snapshot.flights) - snapshot.calls_up,
        "calls per second": max(1, int(limits.calls_per_s)),
        "leads": snapshot.leads_ready,
    }
