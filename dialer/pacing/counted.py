"""Laws that look at counts and averages, live: VICIdial's three, Wombat's boost, Issabel's two, averages with feedback.

The decisions are those of `baselines_core`, which the simulator calls too; what it is told beforehand there (mean ring,
talk and wrap-up times) is learned from the calls here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dialer.pacing import baselines_core as base
from dialer.pacing import guarantee
from dialer.pacing.agent_times import Busy, ended_stays
from dialer.pacing.baselines_core import Counts
from dialer.pacing.guarantee import Guarantee
from dialer.pacing.plan import (
    AgentActivity,
    FlightStage,
    Limits,
    PacingEvent,
    PacingEventKind,
    Plan,
    Snapshot,
    Tally,
)
from dialer.pacing.simple import bounded, idle_agents

# Facts that the belief at the start weighs, and after which an old one counts 1/e.
_BELIEF, _MEMORY = 5.0, 200.0
# Issabel: an agent counts as free soon when the call is over with this probability by now.
_SOON_FREE = 0.97


@dataclass(slots=True)
class Mean:
    """A mean that begins with a belief and lets old facts fade. Seconds."""

    value_s: float
    weight: float = _BELIEF

    def add(self, value_s: float) -> None:
        """Take one more fact in."""
        self.weight = min(self.weight + 1.0, _MEMORY)
        self.value_s += (value_s - self.value_s) / self.weight


@dataclass(slots=True)
class Seen:
    """What was seen of calls and agents. busy: activity and beginning (monotonic seconds) of each agent."""

    ring: Mean = field(default_factory=lambda: Mean(11.0))
    talk: Mean = field(default_factory=lambda: Mean(90.0))
    wrap_up: Mean = field(default_factory=lambda: Mean(15.0))
    placed_s: dict[str, float] = field(default_factory=dict)
    busy: Busy = field(default_factory=dict)

    def observe(self, event: PacingEvent) -> None:
        """Learn how long calls ring until they are answered."""
        if event.kind is PacingEventKind.PLACED:
            self.placed_s[event.attempt_id] = event.at_s
        elif event.kind in (PacingEventKind.ANSWERED, PacingEventKind.UNANSWERED):
            placed_s = self.placed_s.pop(event.attempt_id, None)
            if placed_s is not None and event.kind is PacingEventKind.ANSWERED:
                self.ring.add(event.at_s - placed_s)

    def watch(self, snapshot: Snapshot) -> None:
        """Learn talk and wrap-up times from what changed since the last look; forget calls whose end never came."""
        self.busy, stays = ended_stays(self.busy, snapshot)
        for stay in stays:
            if stay.activity is AgentActivity.TALKING:
                self.talk.add(stay.lasted_s)
            elif stay.activity is AgentActivity.WRAP_UP:
                self.wrap_up.add(stay.lasted_s)
        if len(self.placed_s) > 2 * len(snapshot.flights) + 1000:
            alive = {flight.attempt_id for flight in snapshot.flights}
            self.placed_s = {name: at_s for name, at_s in self.placed_s.items() if name in alive}


def counts_of(snapshot: Snapshot) -> Counts:
    """A snapshot as the laws count it. Calls of other campaigns that share the agents hold them too."""
    flights = snapshot.flights + snapshot.rivals
    away = sum(agent.activity is AgentActivity.PAUSED for agent in snapshot.agents)
    today, limits = snapshot.today, snapshot.limits
    return Counts(
        idle_agents(snapshot), sum(flight.stage is FlightStage.WAITING for flight in flights), len(snapshot.agents),
        len(snapshot.agents) - away, len(flights), snapshot.calls_up, float(today.placed), float(today.answers),
        float(today.people), float(today.abandoned), snapshot.now_s, limits.window_left_s, limits.abandonment_cap,
    )  # fmt: skip


class CountedLaw:
    """A law that decides by counts. It takes no ringing call back."""

    def __init__(self, name: str, kind: str, knob: float = 0.0, mode: int = 0, wrap_up_s: float = 15.0) -> None:
        """kind: which decision; knob: boost or highest dial level; mode: VICIdial's; wrap_up_s: believed at first."""
        self.name = name
        self.kind = kind
        self.knob = knob
        self.mode = mode
        self._seen = Seen(wrap_up=Mean(wrap_up_s))
        self._vicidial: NDArray[np.float64] = base.fresh_vicidial()
        self._guarantee = Guarantee()
        self._state = guarantee.fresh(self._guarantee)

    def observe(self, event: PacingEvent) -> None:
        """Learn ring times."""
        self._seen.observe(event)

    def watch(self, snapshot: Snapshot) -> None:
        """Learn from a moment in which another law decides."""
        self._seen.watch(snapshot)

    def plan(self, snapshot: Snapshot) -> Plan:
        """Decide as the law that it is named after."""
        self.watch(snapshot)
        return bounded(max(0, int(_WANTED[self.kind](self, snapshot, counts_of(snapshot)))), snapshot)

    def wanted_by_vicidial(self, snapshot: Snapshot, counts: Counts) -> int:
        """VICIdial's dial level times agents, less calls that exist."""
        return int(base.vicidial(self._vicidial, counts, self.mode, self.knob))

    def wanted_by_wombat(self, snapshot: Snapshot, counts: Counts) -> int:
        """WombatDialer's boost."""
        return int(base.wombat(counts, self.knob, 0))

    def wanted_by_issabel(self, snapshot: Snapshot, counts: Counts) -> int:
        """Issabel's: free agents and those whose call is long over due."""
        mean_s, ring_s = max(1.0, self._seen.talk.value_s), self._seen.ring.value_s
        soon = sum(
            1.0 - np.exp(-(agent.since_s + ring_s) / mean_s) >= _SOON_FREE
            for agent in snapshot.agents
            if agent.activity is AgentActivity.TALKING and not agent.leaving
        )
        return int(base.issabel(counts, int(soon), self.knob > 0.0))

    def wanted_by_averages(self, snapshot: Snapshot, counts: Counts) -> int:
        """A binomial on averages, under the same integral rule as the hazard law."""
        limits, state, seen = snapshot.limits, self._state, self._seen
        self._guarantee = guarantee.agreed(
            Guarantee(), limits.abandonment_cap, limits.abandonment_target, snapshot.shared
        )
        guarantee.settle(
            self._guarantee, state, counts.people, counts.abandoned, 0.0, counts.now_s, limits.window_left_s
        )
        if not guarantee.may_over_dial(self._guarantee, state, 0.0, counts.now_s, limits.window_left_s):
            return counts.idle - counts.in_flight
        return int(
            base.averages(counts, seen.talk.value_s, seen.wrap_up.value_s, seen.ring.value_s, guarantee.theta_of(state))
        )


_WANTED: dict[str, Callable[[CountedLaw, Snapshot, Counts], int]] = {
    "vicidial": CountedLaw.wanted_by_vicidial,
    "wombat": CountedLaw.wanted_by_wombat,
    "issabel": CountedLaw.wanted_by_issabel,
    "averages": CountedLaw.wanted_by_averages,
}


@cache
def warm_up() -> None:
    """Compile or load what these laws call, before time matters."""
    look = Snapshot(1.0, 0, (), (), 0, Tally(placed=1, people=1), Limits(1, 1.0), 1)
    for kind in _WANTED:
        CountedLaw("warm", kind, 2.0).plan(look)
