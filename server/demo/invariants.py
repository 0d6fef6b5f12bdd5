"""What must hold in every run, counted: name -> how often it was broken. All zero is the only good answer."""

from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

from agents.agent import AgentState
from campaigns.attempt import TRANSITIONS
from campaigns.outcome import Outcome
from server.demo.truth import CallTruth
from server.demo.witness import Seen, Witness
from server.house import House

# A verdict and a bridge are some ten milliseconds apart; an agent may become idle in between.
_RACE_S = 0.25
_KEEP = ("-legc", "-legb")


async def check_invariants(house: House, witness: Witness, truths: list[CallTruth], campaign_id: str) -> dict[str, int]:
    """Judge a finished run: nothing is in flight any more."""
    seen = list(witness.attempts.values())
    unfinished = await house.stores.attempts.unfinished(house.settings.node)
    return {
        "no lead dialled twice for one attempt": _dialled_twice(seen, truths),
        "every attempt has one outcome": len(unfinished) + sum(_ends(each) != 1 for each in seen),
        "every move is legal": sum(_illegal(each) for each in seen),
        "at most one live attempt per lead": _overlaps(seen),
        "no channel or bridge outlives its call": await _leaks(house),
        "no reservation outlives its call": _reserved(house),
        "nobody abandoned while an agent is idle": sum(_needless(each) for each in seen),
        "every person with an agent free is connected": sum(_lost_person(each) for each in seen),
        "no person hears silence and a hang-up": sum(_silent(each) for each in seen),
        "no call breaks off by a fault of ours": sum("fault of ours" in each.words for each in witness.troubles),
        "every conversation is recorded": await _unrecorded(house, seen),
    }


def _ends(each: Seen) -> int:
    return sum(move.outcome is not None for move in each.moves)


def _illegal(each: Seen) -> int:
    steps = [move for move in each.moves if move.target not in TRANSITIONS[move.source]]
    gaps = [1 for first, second in pairwise(each.moves) if first.target is not second.source]
    return len(steps) + len(gaps)


def _dialled_twice(seen: list[Seen], truths: list[CallTruth]) -> int:
    """Calls that the network saw beyond the attempts we made, by number."""
    made = Counter(each.attempt.phone for each in seen)
    arrived = Counter(truth.number for truth in truths)
    return sum(max(0, count - made[number]) for number, count in arrived.items())


def _overlaps(seen: list[Seen]) -> int:
    by_lead: dict[str, list[Seen]] = defaultdict(list)
    for each in seen:
        by_lead[each.attempt.lead_id].append(each)
    broken = 0
    for attempts in by_lead.values():
        ordered = sorted(attempts, key=lambda each: each.attempt.planned_at_s)
        for first, second in pairwise(ordered):
            broken += (first.attempt.ended_at_s or float("inf")) > second.attempt.planned_at_s
    return broken


async def _leaks(house: House) -> int:
    state = await house.control.snapshot()
    names = [channel.channel_id for channel in state.channels] + [bridge.bridge_id for bridge in state.bridges]
    return sum(not name.endswith(_KEEP) for name in names) + house.engine.services.listening.open_count


def _reserved(house: House) -> int:
    return sum(seat.state in (AgentState.RESERVED, AgentState.TALKING) for seat in house.desk.pool.seats())


def _needless(each: Seen) -> int:
    return int(each.attempt.outcome is Outcome.ABANDONED and each.idle_at_end > 0 and each.idle_at_verdict > 0)


def _lost_person(each: Seen) -> int:
    sent = each.verdict is not None and each.verdict.call_class.value in ("human", "unknown")
    connected = each.connected is not None or each.attempt.outcome is Outcome.CUSTOMER_HUNG_UP
    return int(sent and each.idle_at_verdict > 0 and not connected)


def _silent(each: Seen) -> int:
    """Abandoned attempts whose message could not be played."""
    if each.attempt.outcome is not Outcome.ABANDONED:
        return 0
    return int(any(dict(move.detail).get("why") == "message not played" for move in each.moves))


async def _unrecorded(house: House, seen: list[Seen]) -> int:
    missing = 0
    for each in seen:
        if each.attempt.outcome is Outcome.BRIDGED:
            rows = await house.stores.recordings.of_attempt(each.attempt.attempt_id)
            files = [house.settings.recordings_dir / Path(row.path) for row in rows if row.state.value == "complete"]
            missing += not any(file.exists() for file in files)
    return missing
