"""The invariants of docs/design.md section 5, read from what the exchange did and what is in SQL."""

import itertools
from collections import Counter, defaultdict

from agents.agent import AgentState
from amd.verdict import CallClass
from campaigns.attempt import Attempt, AttemptState
from campaigns.outcome import Outcome
from storage.sql.attempts import SqlAttemptLog
from telephony.sim.leg import CallRecord
from tests.unit.dialer.house import House
from tests.unit.dialer.wires import Asked

_ANSWERED_TOO_LATE_S = 0.5


class IdleWatch:
    """Notes how many suitable agents were idle at the moment somebody was given the safe-harbour message."""

    def __init__(self, house: House) -> None:
        self.broken: list[str] = []
        self._house = house
        house.wire.on_asked = self._look

    def _look(self, asked: Asked) -> None:
        if asked.request != "play" or "sound:safe-harbour" not in asked.args[1]:
            return
        attempt_id = asked.args[0].removesuffix("-call")
        flows = {name: flow for run in self._house.engine.runs.values() for name, flow in run.flows.items()}
        flow = flows.get(attempt_id)
        idle = [seat for seat in self._house.desk.pool.seats() if seat.state is AgentState.IDLE and seat.leg_up]
        if flow and flow.abandoning and idle:
            self.broken.append(f"{attempt_id} at {asked.at_s:.2f} s with {len(idle)} idle")


async def attempts_are_whole(house: House) -> list[str]:
    """One outcome per attempt, one channel per attempt, one live attempt per lead."""
    broken = []
    log = SqlAttemptLog(house.database)
    attempts = await house.attempts()
    for attempt in attempts:
        ends = [move for move in await log.moves(attempt.attempt_id) if move.target is AttemptState.ENDED]
        if attempt.state is not AttemptState.ENDED or attempt.outcome is None or len(ends) != 1:
            broken.append(f"{attempt.attempt_id}: {attempt.state}, {attempt.outcome}, {len(ends)} ends")
    placed = Counter(record.channel_id for record in house.exchange.records if record.channel_id.endswith("-call"))
    broken += [f"{name} was placed {count} times" for name, count in placed.items() if count > 1]
    known = {attempt.channel_id for attempt in attempts}
    broken += [f"{name} has no attempt" for name in placed if name not in known]
    return broken + _overlaps(attempts)


def _overlaps(attempts: list[Attempt]) -> list[str]:
    of_lead: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in sorted(attempts, key=lambda attempt: attempt.planned_at_s):
        of_lead[attempt.lead_id].append(attempt)
    return [
        f"{lead_id}: {before.attempt_id} and {after.attempt_id} were live at once"
        for lead_id, own in of_lead.items()
        for before, after in itertools.pairwise(own)
        if (before.ended_at_s or float("inf")) > after.planned_at_s
    ]


async def nothing_is_left(house: House) -> list[str]:
    """No channel, bridge, tap, reservation or conversation outlives its call."""
    left = await house.leaks()
    left += [f"conversation {name}" for name in house.desk.conversations]
    held = (AgentState.RESERVED, AgentState.TALKING)
    left += [f"{seat.profile.agent_id} {seat.state}" for seat in house.desk.pool.seats() if seat.state in held]
    left += [f"waiting {call.call_id}" for call in house.desk.pool.waiting()]
    if house.listening.open_count:
        left.append(f"{house.listening.open_count} ears")
    left += [f"trunk {name} in use {trunk.in_use}" for name, trunk in house.trunks.items() if trunk.in_use]
    return left


async def everybody_heard_something(house: House) -> list[str]:
    """People heard an agent or a message before we hung up, and those who count as abandoned heard who called.

    Only who answers in the very moment in which their call is taken back hears nothing.
    """
    outcomes = {attempt.channel_id: attempt.outcome for attempt in await house.attempts()}
    return [
        f"{record.channel_id} ({outcomes.get(record.channel_id)}) heard {record.heard} and we hung up"
        for record in house.exchange.records
        if record.far_end.truth is CallClass.HUMAN
        and record.ended_by == "us"
        and (record.ended_s or 0.0) - (record.answered_s or record.ended_s or 0.0) > _ANSWERED_TOO_LATE_S
        and not _heard_enough(record, outcomes.get(record.channel_id))
    ]


def _heard_enough(record: CallRecord, outcome: Outcome | None) -> bool:
    if outcome is Outcome.ABANDONED:
        return any("safe-harbour" in heard.source for heard in record.heard)
    return bool(record.heard)
