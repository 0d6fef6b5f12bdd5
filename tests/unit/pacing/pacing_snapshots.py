"""Snapshots for tests of pacing, short to write."""

from dialer.pacing.plan import AgentActivity, AgentView, FlightStage, FlightView, Limits, Snapshot, Tally

LIMITS = Limits(channels=5000, calls_per_s=500.0)


def agents(
    idle: int = 0, talking: int = 0, wrap_up: int = 0, paused: int = 0, since_s: float = 30.0
) -> tuple[AgentView, ...]:
    counts = {
        AgentActivity.IDLE: idle,
        AgentActivity.TALKING: talking,
        AgentActivity.WRAP_UP: wrap_up,
        AgentActivity.PAUSED: paused,
    }
    return tuple(
        AgentView(f"{activity}{index}", activity, since_s)
        for activity, count in counts.items()
        for index in range(count)
    )


def ringing(*ages_s: float) -> tuple[FlightView, ...]:
    return tuple(FlightView(f"call{index}", FlightStage.RINGING, age, age) for index, age in enumerate(ages_s))


def waiting(count: int) -> tuple[FlightView, ...]:
    return tuple(FlightView(f"waiting{index}", FlightStage.WAITING, 12.0, 0.5) for index in range(count))


def look(
    now_s: float = 0.0,
    agents: tuple[AgentView, ...] = (),
    flights: tuple[FlightView, ...] = (),
    today: Tally | None = None,
    limits: Limits = LIMITS,
    leads: int = 10_000,
    rivals: tuple[FlightView, ...] = (),
) -> Snapshot:
    return Snapshot(now_s, int(now_s), agents, flights, 0, today or Tally(), limits, leads, rivals)
