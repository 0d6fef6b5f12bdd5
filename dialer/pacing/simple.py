"""The laws without a forecast: manual, preview, progressive, ratio."""

from dataclasses import dataclass

from dialer.pacing.plan import AgentActivity, FlightStage, PacingEvent, Plan, Snapshot


def idle_agents(snapshot: Snapshot) -> int:
    """Agents that could take a call now."""
    return sum(agent.activity is AgentActivity.IDLE and not agent.leaving for agent in snapshot.agents)


def bounded(wanted: int, snapshot: Snapshot, tick_s: float = 1.0) -> Plan:
    """A plan for `wanted` calls, cut to channels, originate rate and leads; says which of them bound it."""
    in_use = len(snapshot.flights) + snapshot.calls_up
    rate = max(1, int(snapshot.limits.calls_per_s * tick_s))
    bounds = {
        "the law": wanted,
        "channels": snapshot.limits.channels - in_use,
        "calls per second": rate,
        "leads": snapshot.leads_ready,
    }
    name = min(bounds, key=lambda bound: bounds[bound])
    return Plan(max(0, bounds[name]), bound_by=name)


@dataclass(slots=True)
class AgentPlaced:
    """Manual and preview: agents place their calls themselves, the law places none."""

    name: str = "agent"

    def plan(self, snapshot: Snapshot) -> Plan:
        """Place nothing."""
        return Plan(0, bound_by="agents place their own calls")

    def observe(self, event: PacingEvent) -> None:
        """Nothing to learn."""


@dataclass(slots=True)
class Ratio:
    """`ratio` calls in flight for each idle agent; 1.0 is progressive dialling. Stops while somebody waits."""

    ratio: float = 1.0
    name: str = "ratio"

    def plan(self, snapshot: Snapshot) -> Plan:
        """Fill up to ratio x idle agents, counting calls that may still turn into a person."""
        if any(flight.stage is FlightStage.WAITING for flight in snapshot.flights):
            return Plan(0, bound_by="somebody waits for an agent")
        wanted = int(self.ratio * idle_agents(snapshot)) - len(snapshot.flights)
        return bounded(max(0, wanted), snapshot)

    def observe(self, event: PacingEvent) -> None:
        """Nothing to learn."""


def progressive() -> Ratio:
    """One call for each idle agent."""
    return Ratio(1.0, "progressive")
