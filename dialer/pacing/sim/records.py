"""One flat record for each simulated call: what it was, what was said of it, when, and how it ended."""

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import TextIO

from dialer.pacing.desk import RINGING, SCREENING
from dialer.pacing.shapes import Floats
from dialer.pacing.sim import floor as hall
from dialer.pacing.sim.laws import SimLaw
from dialer.pacing.sim.run import ShiftResult, simulate, simulate_floor
from dialer.pacing.sim.scenario import Scenario


class Truth(StrEnum):
    """Who or what a number really is."""

    PERSON = "person"
    MACHINE = "machine"
    DEAD_NUMBER = "dead_number"
    NO_ANSWER = "no_answer"


class CallEnd(StrEnum):
    """How a simulated call ended."""

    DEAD_NUMBER = "dead_number"
    NO_ANSWER = "no_answer"
    GIVEN_UP = "given_up"
    HUNG_UP_BEFORE_VERDICT = "hung_up_before_verdict"
    MACHINE = "machine"
    ABANDONED = "abandoned"
    TALKED = "talked"
    STILL_IN_FLIGHT = "still_in_flight"


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """One call of one shift. Times in seconds since the shift began; what did not happen is None.

    truth: who it was; said: "person", "machine" or None. waited_s: from the verdict to the agent or to the end of
    patience. talk_s, wrap_up_s: of calls that were talked (a talk may outlast the shift). agent: from 0. An abandoned
    person, and a person taken for a machine, count against the cap.
    """

    team: int
    seed: int
    number: int
    campaign: int
    lead_list: str
    truth: Truth
    placed_s: float
    answered_s: float | None
    verdict_s: float | None
    said: str | None
    end: CallEnd
    ended_s: float | None
    waited_s: float | None
    agent: int | None
    talk_s: float | None
    wrap_up_s: float | None


def simulate_calls(scenario: Scenario, law: SimLaw, agents: int, seed: int) -> tuple[ShiftResult, list[SimulatedCall]]:
    """The shift of `simulate`, and its calls in the order they were placed. It is run twice: first to count them."""
    counted = simulate(scenario, law, agents, seed)
    result, floor = simulate_floor(scenario, law, agents, seed, keep=counted.calls_placed + 1)
    first, kept = int(floor.sums[hall.KEEP_FROM]), int(floor.sums[hall.KEPT])
    rows = [(row, list(CallEnd)[int(row[hall.STAGE])]) for row in floor.calls[first : first + kept]]
    rows += [(row, CallEnd.STILL_IN_FLIGHT) for row in floor.calls[: int(floor.sums[hall.IN_FLIGHT])]]
    rows.sort(key=lambda each: float(each[0][hall.PLACED_AT]))
    names = scenario.known_lists
    return result, [_record(agents, seed, number, row, end, names) for number, (row, end) in enumerate(rows, start=1)]


def _record(team: int, seed: int, number: int, row: Floats, end: CallEnd, names: list[str]) -> SimulatedCall:
    answered_s, verdict_s = _heard(row, end)
    talked, over = end is CallEnd.TALKED, end is not CallEnd.STILL_IN_FLIGHT
    ended_s = float(row[hall.GREETING]) if over else None
    person = row[hall.PERSON_AT] < hall.NEVER
    waited = verdict_s if end in (CallEnd.TALKED, CallEnd.ABANDONED) else None
    return SimulatedCall(
        team=team,
        seed=seed,
        number=number,
        campaign=int(row[hall.CAMPAIGN]) + 1,
        lead_list=names[int(row[hall.LIST])],
        truth=list(Truth)[int(row[hall.KIND])],
        placed_s=round(float(row[hall.PLACED_AT]), 3),
        answered_s=_s(answered_s),
        verdict_s=_s(verdict_s),
        said=None if verdict_s is None else "person" if person else "machine",
        end=end,
        ended_s=_s(ended_s),
        waited_s=None if waited is None or ended_s is None else _s(ended_s - waited),
        agent=int(row[hall.WRONG]) if talked else None,
        talk_s=_s(row[hall.TALK]) if talked else None,
        wrap_up_s=_s(row[hall.WRAP]) if talked else None,
    )


def _heard(row: Floats, end: CallEnd) -> tuple[float | None, float | None]:
    """When it was answered, and when the verdict came."""
    since_s, delay_s = float(row[hall.SINCE]), float(row[hall.DELAY])
    if end in (CallEnd.DEAD_NUMBER, CallEnd.NO_ANSWER, CallEnd.GIVEN_UP):
        return None, None
    if end is CallEnd.HUNG_UP_BEFORE_VERDICT:
        return since_s, None
    if end is CallEnd.MACHINE:
        return since_s, since_s + delay_s
    if end is CallEnd.STILL_IN_FLIGHT and row[hall.STAGE] == RINGING:
        return None, None
    if end is CallEnd.STILL_IN_FLIGHT and row[hall.STAGE] == SCREENING:
        return since_s, None
    return since_s - delay_s, since_s


def _s(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)


def write_csv(file: TextIO, calls: Iterable[SimulatedCall], header: bool = True) -> None:
    """One line for each call, empty where something did not happen."""
    writer = csv.DictWriter(file, [each.name for each in fields(SimulatedCall)], lineterminator="\n")
    if header:
        writer.writeheader()
    writer.writerows(asdict(each) for each in calls)
