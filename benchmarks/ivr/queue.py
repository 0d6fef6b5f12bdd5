"""`python -m benchmarks.ivr queue`: 50 callers who lose patience and 5 agents, on real Asterisk.

Every announcement of a place is recognised in the sound that the caller's telephone got, and held against the caller's
rank at that moment, counted from the times at which everybody came and went. Abandonment and mean wait must lie in the
99 % interval of Erlang A for 50 calls (M/M/n+M from an empty queue, drawn many times in a few lines here); beside them
stands what the very calls of this run should have had, worked out in the same way.
"""

import argparse
import asyncio
import contextlib
import heapq
import json
import random
import tempfile
import time
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dialer.events import DialerEvent
from dialer.inbound.events import CallOver, CallQueued, TalkBegan, WaitEnded
from ivr.port import SayAs, Spoken
from media import levels
from media.g711 import ulaw_decode
from telephony.asterisk import install
from tests.support.inbound_caller import InboundCaller
from tests.support.line_folder import MUSIC_HZ, furnish_line
from tests.support.live_house import LiveHouse, live_house
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network
from tests.support.until import until
from tests.support.walk_audio import Listener

CALLERS, AGENTS = 50, 5
EVERY_S, TALK_S, PATIENCE_S = 2.2, 11.6, 12.0
"""5.3 Erlang for 5 agents: more than they can carry."""
_DID = "+34910000001"
_DRAWS, _TAIL = 20_000, 0.005
_ALIKE, _MOST_PLACES = 0.9, 25
_APART = {"abandoned": 0.04, "mean_wait_s": 0.5}
"""What a run may differ from what its own calls should have had: two callers, and what joining takes."""
_SAID = "Usted es el número"
_FLOW = f"""
flow: fila
language: es
start: cola
rescue: {{queue: sales}}
nodes:
  cola:
    do: queue
    queue: sales
    announce: {{every_s: 5, text: "{_SAID} {{position:number}}."}}
"""
_SETTINGS = f"""
[[lines]]
number = "{_DID}"
flow = "fila"
[[queues]]
queue_id = "sales"
wrap_up_s = 0.0
recording = false
max_wait_s = 3600
"""
Samples = NDArray[np.int16]


@dataclass
class Caller:
    """One of them. Times are monotonic seconds; queued_s, left_s: in the queue."""

    patience_s: float
    talk_s: float
    call_id: str = ""
    queued_s: float | None = None
    left_s: float | None = None
    how: str = ""
    heard: list[tuple[float, Samples]] = field(default_factory=list)


class Shift:
    """Callers come, lose patience or talk; agents hang up when a talk is as long as it was drawn."""

    def __init__(self, live: LiveHouse, rng: random.Random) -> None:
        self.callers = [Caller(patience_s, talk_s) for patience_s, talk_s in _drawn(rng)]
        self._live, self._rng = live, rng
        self._of: dict[str, Caller] = {}
        self._loop = asyncio.get_running_loop()
        live.house.hub.listen(self._take)

    async def run(self) -> None:
        """From the first call to the end of the last."""
        async with asyncio.TaskGroup() as group:
            for index, caller in enumerate(self.callers):
                await asyncio.sleep(self._rng.expovariate(1 / EVERY_S))
                group.create_task(self._call(caller, f"+346001{index:05}"), name=f"caller {index}")

    async def _call(self, caller: Caller, number: str) -> None:
        sip = "127.0.0.1", self._live.folder.settings.asterisk.sip_port
        async with InboundCaller(sip, _DID, caller=number) as phone:
            await until(lambda: self._is_known(caller, number), 20.0)
            due_s = (caller.queued_s or 0.0) + caller.patience_s
            with contextlib.suppress(TimeoutError):
                await until(lambda: caller.how == "answered", max(0.0, due_s - time.monotonic()))
            if caller.how == "answered":
                await phone.ended(600.0)
            packets = list(phone.packets)
        await until(lambda: caller.left_s is not None, 20.0)
        caller.heard = [(at_s, ulaw_decode(payload)) for at_s, _, payload in packets if at_s < (caller.left_s or 0.0)]

    def _is_known(self, caller: Caller, number: str) -> bool:
        for call_id, call in self._live.house.inbound.reception.calls.items():
            if call.journal.call.caller == number and call_id in self._of:
                queued = self._of[call_id]
                caller.call_id, caller.queued_s = call_id, queued.queued_s
                caller.left_s, caller.how = queued.left_s, queued.how
                self._of[call_id] = caller
                return True
        return False

    def _take(self, event: DialerEvent) -> None:
        now_s = time.monotonic()
        if isinstance(event, CallQueued):
            self._of[event.call_id] = Caller(0.0, 0.0, event.call_id, now_s)
        elif isinstance(event, WaitEnded):
            caller = self._of[event.call_id]
            caller.left_s, caller.how = now_s, event.how
        elif isinstance(event, TalkBegan):
            self._loop.call_later(0.05, self._talk, event.call_id, event.agent_id)

    def _talk(self, call_id: str, agent_id: str) -> None:
        """Once the caller's own task knows the call, its talk's length is known."""
        talk_s = self._of[call_id].talk_s
        self._loop.call_later(max(0.0, talk_s - 0.05) if talk_s else 0.05, self._end, call_id, agent_id, bool(talk_s))

    def _end(self, call_id: str, agent_id: str, over: bool) -> None:
        if not over:
            self._talk(call_id, agent_id)
        elif any(talk.agent_id == agent_id for talk in self._live.house.desk.conversations.values()):
            self._live.house.desk.end_conversation(agent_id)

    def ranks(self, caller: Caller, from_s: float, until_s: float) -> set[int]:
        """Every place that the caller had in a stretch of time."""
        others = [each for each in self.callers if each is not caller and (each.queued_s or 0) < (caller.queued_s or 0)]
        moments = [from_s, *(each.left_s for each in others if each.left_s and from_s < each.left_s < until_s)]
        return {1 + sum((each.left_s or 1e18) > moment for each in others) for moment in moments}


def announcements(caller: Caller) -> list[tuple[float, Samples]]:
    """What was loud and not the music while the caller waited: when it began, and its samples."""
    loud = [levels.dbfs(sound) > -45.0 and not _is_music(sound) for _, sound in caller.heard]
    found, at = [], 0
    for is_loud, run in groupby(_closed(loud)):
        size = sum(1 for _ in run)
        if is_loud and size >= 25:
            piece = caller.heard[max(0, at - 5) : at + size + 25]
            found.append((piece[0][0], np.concatenate([sound for _, sound in piece])))
        at += size
    return found


def _closed(loud: list[bool]) -> list[bool]:
    """Pauses of less than 0.3 s inside of words belong to them."""
    return [any(loud[max(0, at - 7) : at + 1]) and any(loud[at : at + 8]) for at in range(len(loud))]


def _is_music(sound: Samples) -> bool:
    spectrum = np.abs(np.fft.rfft(sound.astype(float)))
    return bool(spectrum[round(MUSIC_HZ * len(sound) / 8000)] > 0.8 * np.sqrt((spectrum**2).sum()))


def place_told(sound: Samples, phrases: dict[int, Samples]) -> int:
    """Which place is said; 0 when it is none wholly (cut by an answer)."""
    likeness = {
        place: levels.find(phrase, sound).similarity for place, phrase in phrases.items() if len(phrase) <= len(sound)
    }
    best = max(likeness, key=lambda place: likeness[place], default=0)
    return best if best and likeness[best] > _ALIKE else 0


def erlang_a_interval(rng: random.Random) -> dict[str, tuple[float, float]]:
    """99 % of all draws of these 50 calls: share abandoned, mean wait of all callers in seconds."""
    draws = sorted_columns([_draw(rng) for _ in range(_DRAWS)])
    low, high = int(_TAIL * _DRAWS), int((1 - _TAIL) * _DRAWS) - 1
    return {name: (each[low], each[high]) for name, each in zip(("abandoned", "mean_wait_s"), draws, strict=True)}


def sorted_columns(rows: list[tuple[float, float]]) -> list[list[float]]:
    """Each column for itself."""
    return [sorted(column) for column in zip(*rows, strict=True)]


def _draw(rng: random.Random) -> tuple[float, float]:
    """One shift of drawn calls, worked out: share abandoned, mean wait in seconds."""
    return _worked_out(_drawn(rng), rng)


def _drawn(rng: random.Random) -> list[tuple[float, float]]:
    """Each caller's patience and talk, in seconds."""
    return [(rng.expovariate(1 / PATIENCE_S), rng.expovariate(1 / TALK_S)) for _ in range(CALLERS)]


def _worked_out(calls: list[tuple[float, float]], rng: random.Random) -> tuple[float, float]:
    """First come, first served: a caller takes the agent who is free first, or is gone before."""
    free_at = [0.0] * AGENTS
    at_s, gone, waited_s = 0.0, 0, 0.0
    for patience_s, talk_s in calls:
        at_s += rng.expovariate(1 / EVERY_S)
        served_s = max(at_s, free_at[0])
        if served_s - at_s > patience_s:
            gone, waited_s = gone + 1, waited_s + patience_s
        else:
            waited_s += served_s - at_s
            heapq.heapreplace(free_at, served_s + talk_s)
    return gone / CALLERS, waited_s / CALLERS


async def _measure(seed: int) -> dict[str, Any]:
    factory = AsteriskFactory(install.require())
    try:
        _, network = await asyncio.to_thread(make_network, factory)
        with tempfile.TemporaryDirectory(prefix="timbre-queue-") as name:
            settings = await asyncio.to_thread(furnish_line, Path(name), {"fila": _FLOW}) + _SETTINGS
            async with live_house(network, AGENTS, extra_toml=settings) as live:
                await until(lambda: live.house.inbound.flows.has("fila"), 30.0)
                shift = Shift(live, random.Random(seed))
                await shift.run()
                await until(lambda: len(live.of(CallOver)) == CALLERS, 60.0)
                world = live.house.inbound.flows.world
                assert world is not None
                return await asyncio.to_thread(_judged, shift, Listener(world.speech), live.troubles())  # type: ignore[arg-type]
    finally:
        await asyncio.to_thread(factory.close)


def _words(place: int) -> tuple[Spoken, ...]:
    said = Spoken(SayAs.TEXT, _SAID), Spoken(SayAs.NUMBER, place, private=True), Spoken(SayAs.TEXT, ".")
    return said


def _judged(shift: Shift, listener: Listener, troubles: list[str]) -> dict[str, Any]:
    phrases = {place: listener.made(_words(place), "es") for place in range(1, _MOST_PLACES)}
    true, false, cut = 0, [], 0
    for caller in shift.callers:
        for began_s, sound in announcements(caller):
            told = place_told(sound, phrases)
            ranks = shift.ranks(caller, began_s - 1.0, began_s + 0.2)  # it was worked out just before it was said
            if not told:
                cut += 1
            elif told in ranks:
                true += 1
            else:
                false.append(f"{caller.call_id}: told {told}, was {sorted(ranks)}")
    waits = [(each.left_s or 0.0) - (each.queued_s or 0.0) for each in shift.callers]
    gone = sum(each.how == "abandoned" for each in shift.callers) / CALLERS
    return {
        "callers": CALLERS, "agents": AGENTS, "abandoned": gone, "mean_wait_s": round(sum(waits) / CALLERS, 2),
        "places_true": true, "places_false": false, "not_whole": cut, "troubles": troubles,
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    """Measure, print, write JSON; 1 when a place was wrong or a figure lies outside."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ivr queue", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=3, help="of arrivals, patience and talks; 3 is a shift in which many wait"
    )
    parser.add_argument("--json", type=Path, help="write the figures there")
    given = parser.parse_args(arguments)
    interval = erlang_a_interval(random.Random(1))
    should = dict(zip(("abandoned", "mean_wait_s"), _draw(random.Random(given.seed)), strict=True))
    found = asyncio.run(_measure(given.seed)) | {"seed": given.seed, "erlang_a_99": interval, "worked_out": should}
    print(json.dumps(found, indent=1))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    outside = [name for name, (low, high) in interval.items() if not low <= found[name] <= high]
    outside += [f"{name} of these calls" for name, most in _APART.items() if abs(found[name] - should[name]) > most]
    false, true = len(found["places_false"]), found["places_true"]
    bad = outside or false or found["troubles"] or not true
    print(f"VERDICT: {'NOT CLEAN' if bad else 'clean'}: {true} places true, {false} false; "
          f"not as it should be: {', '.join(outside) or 'nothing'}")  # fmt: skip
    return 1 if bad else 0
