"""The hazard predictive law, live: turns snapshots and events into arrays for `hazard_core` and keeps what it learned.

Its state changes by events and ticks alone, so a recorded trace gives the same plans again, bit for bit. Talk and
wrap-up are learned from what the snapshots show of agents, so work for other campaigns teaches too.
"""

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dialer.pacing import cells, desk, forecast, guarantee, shapes
from dialer.pacing import hazard_core as core
from dialer.pacing.agent_times import Busy, Stay, ended_stays
from dialer.pacing.by_list import ListBook
from dialer.pacing.forecast import EXACT_UP_TO
from dialer.pacing.guarantee import Guarantee
from dialer.pacing.learned import Learned
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
_FORGET_AFTER_S = 900.0
_DIALING, _SCREENING, _WAITING = FlightStage.DIALING, FlightStage.SCREENING, FlightStage.WAITING
_IDLE, _WRAP_UP, _PAUSED = AgentActivity.IDLE, AgentActivity.WRAP_UP, AgentActivity.PAUSED


@dataclass(frozen=True, slots=True)
class HazardSettings:
    """Settings of the law. first_ratio: calls for each idle agent until the first calls have taught something.

    false_positive_share: upper bound of the share of machine verdicts that were people; they eat the same budget.
    machine_share: upper bound of the share of person verdicts that were machines; they are no people answered.
    by_list: what is learned is kept for each list as well; zone: the campaign's time zone (IANA), and for each of its
    hours, "" for not; list_facts, hour_facts: see `cells.Grain`.
    """

    guarantee: Guarantee = field(default_factory=Guarantee)
    start: shapes.StartUp = field(default_factory=shapes.StartUp)
    first_ratio: float = 1.2
    false_positive_share: float = 0.0
    give_up: bool = True
    machine_share: float = 0.0
    by_list: bool = True
    zone: str = ""
    list_facts: float = cells.LIST_FACTS
    hour_facts: float = cells.HOUR_FACTS


WHY = {
    core.FORECAST: "the forecast: the next call would probably find nobody",
    core.START_UP: "the start-up ratio: too little is known yet",
    core.BUDGET: "the abandonment budget: one call for each idle agent",
    core.SILENT: "nothing has been answered for long: the network may be dead",
    core.NOT_MY_TURN: "another campaign's turn to dial ahead",
    core.FLOOR: "one call for each idle agent",
}


class HazardLaw:
    """Places calls while the chance that the next one finds nobody is at most theta (see `guarantee`)."""

    name = "hazard"

    def __init__(self, settings: HazardSettings | None = None, past: Learned | None = None) -> None:
        """Start knowing the start-up belief, and what the centre's own past says."""
        self.settings = settings or HazardSettings()
        self._shapes = shapes.fresh(self.settings.start)
        self._book = self._new_book()
        if past:
            past.into(self._shapes, self._book)
        self._tables = forecast.blank(len(self._book.mix))
        self._guarantee = self.settings.guarantee
        self._state = guarantee.fresh(self._guarantee)
        self._placed_s: dict[str, float] = {}
        self._busy: Busy = {}
        self._given_up: set[str] = set()
        self._memory = core.memory()
        self._swept_s = 0.0

    def complete(self) -> None:
        """After a state that an older version wrote was read: what that version did not have yet."""
        if not hasattr(self, "_book"):
            self._book = self._new_book()
        if (missing := guarantee.STATE_SIZE - len(self._state)) > 0:
            self._state = np.append(self._state, np.zeros(missing))

    def _new_book(self) -> ListBook:
        chosen = self.settings
        return ListBook(chosen.by_list, chosen.zone, chosen.list_facts, chosen.hour_facts)

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
                self._book.placed(event.attempt_id, event.list_id, event.at_s)
            case PacingEventKind.ANSWERED:
                self._rang(event, shapes.FIRST)
            case PacingEventKind.UNANSWERED:
                self._rang(event, shapes.SECOND)
                self._book.over(event.attempt_id)
            case PacingEventKind.PERSON:
                self._screened(event, shapes.FIRST)
            case PacingEventKind.MACHINE:
                self._screened(event, shapes.SECOND)
                self._book.over(event.attempt_id)
            case PacingEventKind.CONNECTED:
                self._book.connected(event.attempt_id, event.agent_id)
            case PacingEventKind.ABANDONED:
                self._book.over(event.attempt_id)
            case _:
                pass

    def _rang(self, event: PacingEvent, way: int) -> None:
        placed_s = self._placed_s.pop(event.attempt_id, None)
        if placed_s is None:
            return
        if event.attempt_id in self._given_up:
            self._given_up.discard(event.attempt_id)
            way = 0 if way == shapes.SECOND else way
        lasted_s = event.at_s - placed_s
        if core.rang(self._shapes.ring, self._memory, lasted_s, way):
            self._book.learn_call(event.attempt_id, cells.RING, int(lasted_s), way)

    def _screened(self, event: PacingEvent, way: int) -> None:
        self._memory[core.ENDED_CALLS] += 1
        last_bin = int(event.duration_s / shapes.SCREEN_BIN_S)
        shapes.note(self._shapes.screen, last_bin, way, shapes.SCREEN_MEMORY)
        self._book.learn_call(event.attempt_id, cells.SCREEN, last_bin, way)

    def _learn_agents(self, snapshot: Snapshot) -> None:
        """Compare with the tick before: who ended a talk or a wrap-up since, and how long it had lasted."""
        self._busy, stays = ended_stays(self._busy, snapshot)
        for stay in stays:
            self._learn_stay(stay)
        self._book.turn(snapshot, [stay.agent_id for stay in stays if stay.then is _IDLE])

    def _learn_stay(self, stay: Stay) -> None:
        if stay.activity is AgentActivity.TALKING:
            last_bin = shapes.talk_bin(stay.lasted_s)
            shapes.note(self._shapes.talk, last_bin, shapes.FIRST, shapes.TALK_MEMORY)
            self._book.learn_agent(stay.agent_id, cells.TALK, last_bin, shapes.FIRST)
            if stay.then is _IDLE:  # its wrap-up was shorter than a tick
                self._wrapped_up(stay.agent_id, 0, shapes.FIRST)
        elif stay.activity is _WRAP_UP and stay.then is _PAUSED:
            self._wrapped_up(stay.agent_id, shapes.WRAP_BINS, 0)  # was not free after it
        elif stay.activity is _WRAP_UP:
            self._wrapped_up(stay.agent_id, int(stay.lasted_s), shapes.FIRST)

    def _wrapped_up(self, agent_id: str, last_bin: int, way: int) -> None:
        shapes.note(self._shapes.wrap, last_bin, way, shapes.WRAP_MEMORY)
        self._book.learn_agent(agent_id, cells.WRAP, last_bin, way)

    # -- deciding -----------------------------------------------------------------------------------------------------

    def watch(self, snapshot: Snapshot) -> None:
        """Learn from a moment in which another law decides; theta follows the tally all the same."""
        self._learn_agents(snapshot)
        self._settle(snapshot)
        self._forget(snapshot.now_s)

    def plan(self, snapshot: Snapshot) -> Plan:
        """Place calls up to the risk theta, never fewer than there are idle agents without a call."""
        self.watch(snapshot)
        view = _view(snapshot, self._book)
        self._make_room()
        bounds = _bounds(snapshot)
        bound = min(bounds, key=lambda name: bounds[name])
        terms = core.Terms(
            max(0, bounds[bound]), snapshot.shared, snapshot.my_turn, self.settings.first_ratio,
            snapshot.limits.window_left_s,
            snapshot.limits.ring_min_s, CONNECT_S, self.settings.give_up, len(snapshot.flights),
            snapshot.rival_theta, snapshot.rival_share, snapshot.rival_owes,
        )  # fmt: skip
        chosen: NDArray[np.bool_] = np.zeros(len(view.calls), np.bool_)
        place, why, risk, given_up = core.decide(
            self._shapes, self._book.cells, self._book.grain, self._book.mix, self._tables, self._memory,
            self._guarantee, self._state, view, terms, snapshot.now_s, chosen,
        )  # fmt: skip
        names: tuple[str, ...] = ()
        if given_up:
            names = tuple(flight.attempt_id for flight, gone in zip(snapshot.flights, chosen, strict=False) if gone)
            self._given_up.update(names)
        aim = float(self._state[guarantee.AIM])
        words: tuple[tuple[str, float], ...] = (("theta", self.theta), ("risk_of_next", float(risk)), ("aim", aim))
        if snapshot.shared and self._owes(snapshot):
            words += (("owes", 1.0),)  # others that dial for the same agents read it
        return Plan(int(place), names, bound if why == core.ROOM else WHY[why], words)

    def _owes(self, snapshot: Snapshot) -> bool:
        return bool(guarantee.owes(self._guarantee, self._state, snapshot.now_s, snapshot.limits.window_left_s))

    def _make_room(self) -> None:
        """A list that is dialled for the first time gets rows in the tables, and they are built at once."""
        lists = len(self._book.mix)
        if len(self._tables) != lists * forecast.ROWS:
            self._tables = forecast.blank(lists)
            self._memory[core.REBUILT_S] = -1e9

    def _forget(self, now_s: float) -> None:
        """Calls whose end never came must not be kept for ever."""
        if now_s - self._swept_s >= _FORGET_AFTER_S:
            self._swept_s = now_s
            self._placed_s = {name: at_s for name, at_s in self._placed_s.items() if at_s > now_s - _FORGET_AFTER_S}
            self._given_up &= self._placed_s.keys()
            self._book.forget(now_s - _FORGET_AFTER_S)

    def _settle(self, snapshot: Snapshot) -> None:
        """The tally moves theta; the first one may hold what happened before a restart."""
        today, limits = snapshot.today, snapshot.limits
        self._guarantee = guarantee.agreed(
            self.settings.guarantee, limits.abandonment_cap, limits.abandonment_target, snapshot.shared
        )
        if self._state[guarantee.BEGAN_S] < 0.0:
            self._state = guarantee.fresh(self._guarantee)
        people = today.people * (1.0 - self.settings.machine_share)
        mistaken = self.settings.false_positive_share * today.machines
        if self.settings.false_positive_share < 1.0:  # 1: nothing is known of AMD's errors, so chance adds nothing
            mistaken += guarantee.MISTAKEN_Z * math.sqrt(mistaken)
        guarantee.settle(
            self._guarantee, self._state, people + mistaken, float(today.abandoned), mistaken,
            snapshot.now_s, limits.window_left_s,
        )  # fmt: skip


def hazard_law(
    first_ratio: float = 1.2,
    ring_timeout_s: float = 25.0,
    wrap_up_s: float = 30.0,
    *,
    give_up: bool = True,
    false_positive_share: float = 0.0,
    interruptible: bool = False,
    machine_share: float = 0.0,
    zone: str = "",
    past: Learned | None = None,
) -> HazardLaw:
    """The law for a campaign: what is known beforehand is its ring time-out and the longest wrap-up.

    false_positive_share, machine_share, zone: see HazardSettings. interruptible: agents' wrap-ups may be ended for a
    person. past: what the centre's own attempts say.
    """
    warm_up()
    start = shapes.StartUp()._replace(ring_timeout_s=ring_timeout_s, wrap_mean_s=max(1.0, 0.6 * wrap_up_s))
    promise = Guarantee(theta_0=0.07, margin=1.0) if interruptible else Guarantee()
    settings = HazardSettings(promise, start, first_ratio, false_positive_share, give_up, machine_share, zone=zone)
    return HazardLaw(settings, past)


@cache
def warm_up() -> None:
    """Compile (first start on a machine: about ten seconds) or load (half a second) the core, before time matters."""
    view = FlightView("w", FlightStage.RINGING, 20.0, 20.0)
    agent = AgentView("w", AgentActivity.TALKING, 10.0)
    many = (view,) * EXACT_UP_TO
    limits = Limits(200, 10.0)
    for flights, agents in (((view,), (agent,)), (many, (agent,) * 4)):
        law = HazardLaw()
        law._memory[core.ENDED_CALLS] = core.LEARNT_CALLS
        law.observe(PacingEvent(PacingEventKind.PLACED, 0.0, 0.0, "w"))
        law.observe(PacingEvent(PacingEventKind.ANSWERED, 5.0, 5.0, "w"))
        law.plan(Snapshot(10.0, 0, agents, flights, 0, Tally(), limits, 100))


def _view(snapshot: Snapshot, book: ListBook) -> desk.View:
    flights = snapshot.flights + snapshot.rivals if snapshot.rivals else snapshot.flights
    kinds = [_call_kind(flight) for flight in flights]
    ages_s = [
        flight.stage_s if kind == desk.SCREENING else flight.age_s for flight, kind in zip(flights, kinds, strict=True)
    ]
    rung_s = [0.0 if flight.stage is _DIALING else flight.stage_s for flight in snapshot.flights]
    rung_s += [0.0] * len(snapshot.rivals)
    calls = np.full((len(kinds), 6), -1.0)
    calls[:, 0], calls[:, 1], calls[:, 2], calls[:, 4] = kinds, ages_s, rung_s, 0.0
    calls[:, 5] = np.arange(len(kinds)) >= len(snapshot.flights)
    agents = np.full((len(snapshot.agents), 4), -1.0)
    agents[:, 0] = [_agent_kind(agent) for agent in snapshot.agents]
    agents[:, 1] = [agent.since_s for agent in snapshot.agents]
    agents[:, 3] = 0.0
    if len(book.mix) > 1:
        # What is of no list of ours (calls of other campaigns) is looked up with the first one.
        calls[:, 4] = [book.numbers.get(flight.list_id, 0) for flight in flights]
        agents[:, 3] = [book.of_agent.get(agent.agent_id, 0) for agent in snapshot.agents]
    return desk.View(calls, agents)


def _agent_kind(view: AgentView) -> int:
    # identity, not a dictionary: hashing a StrEnum is a Python call, and there may be 500 agents and 2,000 calls
    if view.leaving or view.activity is _PAUSED:
        return desk.AWAY
    if view.activity is _IDLE:
        return desk.IDLE
    return desk.WRAPPING if view.activity is _WRAP_UP else desk.TALKING


def _call_kind(view: FlightView) -> int:
    if view.stage is _SCREENING:
        return desk.SCREENING
    return desk.WAITING if view.stage is _WAITING else desk.RINGING


def _bounds(snapshot: Snapshot) -> dict[str, int]:
    limits = snapshot.limits
    return {
        "channels": limits.channels - len(snapshot.flights) - snapshot.calls_up,
        "calls per second": max(1, int(limits.calls_per_s)),
        "leads": snapshot.leads_ready,
    }
