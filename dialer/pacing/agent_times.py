"""How long agents talked and wrapped up, read off the snapshots: who does something else than a moment before.

Every law that learns these times learns them here; so work for other campaigns teaches too.
"""

from dataclasses import dataclass

from dialer.pacing.plan import AgentActivity, Snapshot

# What each agent does, and since when (monotonic seconds).
Busy = dict[str, tuple[AgentActivity, float]]


@dataclass(frozen=True, slots=True)
class Stay:
    """An agent's activity that is over. lasted_s: seconds; then: what the agent does instead."""

    agent_id: str
    activity: AgentActivity
    lasted_s: float
    then: AgentActivity


def ended_stays(before: Busy, snapshot: Snapshot) -> tuple[Busy, list[Stay]]:
    """What agents do now, and which of their activities ended since `before`, in the order of the snapshot."""
    now: Busy = {}
    stays: list[Stay] = []
    for agent in snapshot.agents:
        began_s = snapshot.now_s - agent.since_s
        now[agent.agent_id] = (agent.activity, began_s)
        was = before.get(agent.agent_id)
        if was and was[0] is not agent.activity:
            stays.append(Stay(agent.agent_id, was[0], began_s - was[1], agent.activity))
    return now, stays
