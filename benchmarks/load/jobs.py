"""What a controller is made to do under the meter."""

import asyncio
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from amd.verdict import AmdSettings
from benchmarks.load.steady import SteadyLaw, campaign_text, leads
from benchmarks.load.window import Window
from campaigns.ids import call_channel_id, new_id, tap_bridge_id, tap_channel_id
from campaigns.outcome import Outcome
from dialer.campaign_run import CampaignRun
from dialer.events import ConversationEnded, DialerEvent
from dialer.line import Line, LineGone
from server.house import House
from storage.port import LeadList, RecordingState
from telephony.port import OriginateOrder, TapOrder

_RAMP_PER_S = 20.0
_SETTLE_S = 2.0
_ANSWER_TIMEOUT_S = 20.0
_END_TIMEOUT_S = 60.0
# A recording starts when the exchange has carried the order out, and may end with its last frame not yet written.
_RECORDING_SLACK_S = 0.6
# Who hangs up while the bridge is made is told of as a talk of some milliseconds: there was nothing to record.
_NO_TALK_S = 0.1


# -- live AMD ----------------------------------------------------------------------------------------------------------


class _Listened:
    """One call that is held and listened to all the time: after each verdict the detector begins anew."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.up = asyncio.Event()
        self.verdicts: Counter[str] = Counter()

    async def run(self) -> None:
        control, services = self._house.control, self._house.engine.services
        attempt_id = new_id(self._house.clock.now_s(), services.rng)
        channel_id = call_channel_id(attempt_id)
        async with Line(control, channel_id) as line:
            number = f"+34788{services.rng.randrange(10**6):06d}"
            await control.originate(OriginateOrder(channel_id, f"PJSIP/{number}@carrier", "", _ANSWER_TIMEOUT_S))
            await line.unless_gone(line.answered.wait(), _ANSWER_TIMEOUT_S)
            try:
                await self._listen(line, attempt_id)
            finally:
                await control.hang_up(channel_id)

    async def _listen(self, line: Line, attempt_id: str) -> None:
        listening, control = self._house.engine.services.listening, self._house.control
        tap_id, settings = str(uuid.uuid4()), AmdSettings()
        order = TapOrder(line.channel_id, tap_id, tap_channel_id(attempt_id), tap_bridge_id(attempt_id))
        ear = listening.open(tap_id, settings, answered=True)
        try:
            await control.start_tap(order)
            self.up.set()
            while True:
                verdict = await line.unless_gone(ear.next())
                self.verdicts[verdict.call_class.value] += 1
                listening.bank.open(ear.slot, settings, answered=True)
        finally:
            ear.close()
            await control.stop_tap(order)


async def listen(house: House, options: dict[str, Any], window: Window) -> dict[str, Any]:
    """Hold `calls` calls with live AMD on every one, for the whole window."""
    await house.engine.recovered.wait()
    calls = [_Listened(house) for _ in range(options["calls"])]
    tasks = []
    for call in calls:
        tasks.append(asyncio.create_task(call.run(), name="listened call"))
        await asyncio.sleep(1 / _RAMP_PER_S)
    async with asyncio.timeout(_ANSWER_TIMEOUT_S):
        await asyncio.gather(*(call.up.wait() for call in calls))
    await asyncio.sleep(_SETTLE_S)
    listening = house.engine.services.listening
    late_ticks = listening.late_ticks
    before = asdict(house.taps.totals())
    async with window.measured():
        pass
    frames = {name: count - before[name] for name, count in asdict(house.taps.totals()).items()}
    frames["late_ticks"] = listening.late_ticks - late_ticks
    still_up = sum(not task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    faults = [repr(end) for end in ends if isinstance(end, LineGone | Exception)]
    return {
        "calls": len(calls),
        "still_up": still_up,
        "frames": frames,
        "expected_frames": round(len(calls) * window.seconds * 50),
        "verdicts": dict(sum((call.verdicts for call in calls), Counter())),
        "faults": faults[:10],
        "link": house.control.counters,
    }


# -- calls by the engine -----------------------------------------------------------------------------------------------


async def originate(house: House, options: dict[str, Any], window: Window) -> dict[str, Any]:
    """Let the engine dial `rate` calls a second."""
    rate = float(options["rate"])
    run = await _start(house, options, int(rate * (window.seconds + 20)))
    run.law = SteadyLaw(rate)
    await asyncio.sleep(float(options["warm_up_s"]))
    before = run.tally.placed
    async with window.measured():
        pass
    placed = run.tally.placed - before
    return {"placed": placed, "placed_per_s": placed / window.seconds} | await _finish(house, run)


async def converse(house: House, options: dict[str, Any], window: Window) -> dict[str, Any]:
    """Bring agents into recorded conversations while the engine dials `rate` calls a second."""
    rate = float(options["rate"])
    talks: list[ConversationEnded] = []

    def hear(event: DialerEvent) -> None:
        if isinstance(event, ConversationEnded):
            talks.append(event)

    house.hub.listen(hear)
    await _sign_in(house)
    run = await _start(house, options, int(rate * (window.seconds + float(options["warm_up_s"]) + 40)))
    run.law = SteadyLaw(rate)
    await asyncio.sleep(float(options["warm_up_s"]))
    busy: list[int] = []
    sampling = asyncio.create_task(_sample_busy(house, busy), name="busy agents")
    placed, ended = run.tally.placed, len(talks)
    async with window.measured():
        pass
    sampling.cancel()
    placed, ended = run.tally.placed - placed, len(talks) - ended
    found = {
        "placed": placed,
        "placed_per_s": placed / window.seconds,
        "conversations_up": sum(busy) / max(1, len(busy)),
        "conversations_ended": ended,
    }
    found |= await _finish(house, run)
    return found | await _check_recordings(house, talks)


async def _start(house: House, options: dict[str, Any], lead_count: int) -> CampaignRun:
    await house.engine.recovered.wait()
    now_s = house.clock.now_s()
    await house.stores.lists.put(LeadList("load", "load", now_s))
    await house.stores.leads.add(leads(lead_count, now_s, house.engine.services.rng))
    await house.catalogue.put(campaign_text(options), "campaign of the load benchmark")
    await house.start_campaign("load")
    return house.engine.runs["load"]


async def _sign_in(house: House) -> None:
    await house.engine.recovered.wait()
    for agent in house.settings.agents:
        await house.staff.sign_in(agent.name)
        await asyncio.sleep(1 / _RAMP_PER_S)
    async with asyncio.timeout(_ANSWER_TIMEOUT_S):
        while not all(seat.leg_up for seat in house.desk.pool.seats()):  # noqa: ASYNC110 - a benchmark may poll
            await asyncio.sleep(0.1)
    for agent in house.settings.agents:
        house.desk.ready(agent.name)


async def _sample_busy(house: House, busy: list[int]) -> None:
    while True:
        busy.append(len(house.desk.conversations))
        await asyncio.sleep(0.5)


async def _finish(house: House, run: CampaignRun) -> dict[str, Any]:
    """Dial no more, let every call end by itself, and look into the books."""
    house.engine.pause("load")
    with suppress(TimeoutError):
        async with asyncio.timeout(_END_TIMEOUT_S):
            while not run.idle:  # noqa: ASYNC110 - a benchmark may poll
                await asyncio.sleep(0.1)
    stuck = [f"{flow.attempt_id} {flow.journal.state}: {_where(flow.attempt_id)}" for flow in run.flows.values()]
    outcomes = await house.stores.attempts.outcomes("load", 0.0)
    unfinished = await house.stores.attempts.unfinished(house.settings.node)
    return {
        "attempts": run.tally.placed,
        "outcomes": {outcome.value: count for outcome, count in outcomes.items()},
        "ended_without_cause": await _without_cause(house),
        "without_outcome": max(len(unfinished), run.tally.placed - sum(outcomes.values())),
        "broken": run.broken[:10],
        "stuck": stuck[:10],
        "people": run.tally.people,
        "abandoned": run.tally.abandoned,
        "link": house.control.counters,
    }


async def _without_cause(house: House) -> int:
    """Attempts that rang and that Asterisk ended with cause 0, whatever the far end answered: no answer to us."""
    found, after = 0, ""
    while page := await house.stores.attempts.list("load", 1000, after):
        after = page[-1].attempt_id
        for attempt in page:
            if attempt.outcome is Outcome.NO_ANSWER:
                end = (await house.stores.attempts.moves(attempt.attempt_id))[-1]
                found += dict(end.detail).get("q850") == 0
    return found


def _where(attempt_id: str) -> str:
    """What the task of a call waits for."""
    for task in asyncio.all_tasks():
        if task.get_name() == f"call {attempt_id}":
            steps, waiting = [], task.get_coro()
            while code := getattr(waiting, "cr_code", None):
                steps.append(f"{code.co_qualname}:{waiting.cr_frame.f_lineno if waiting.cr_frame else 0}")
                waiting = waiting.cr_await
            return " > ".join(steps[-5:])
    return "no task"


async def _check_recordings(house: House, talks: list[ConversationEnded]) -> dict[str, Any]:
    await house.recorder.close()
    missing: list[str] = []
    odd: list[str] = []
    gone = 0
    for talk in talks:
        rows = await house.stores.recordings.of_attempt(talk.attempt_id)
        row = rows[0] if rows else None
        if row is not None and row.state is RecordingState.COMPLETE and row.duration_s is not None:
            if abs(row.duration_s - talk.talk_s) > _RECORDING_SLACK_S:
                odd.append(f"{talk.attempt_id}: {row.duration_s:.2f} s recorded of {talk.talk_s:.2f} s")
        elif talk.talk_s < _NO_TALK_S:
            gone += 1
        else:
            missing.append(f"{talk.attempt_id}: {row.detail or row.state.value if row else 'no recording'}")
    return {
        "recordings": len(talks),
        "recordings_missing": missing,
        "recordings_of_wrong_length": odd,
        "gone_while_connected": gone,
    }
