"""The real pool, desk and queue against queueing theory: Erlang A, where callers lose patience.

Poisson arrivals, exponential talks and patience, n agents. The expected values are worked out here from the birth and
death chain (Garnett, Mandelbaum, Reiman 2002), not taken from the program.
"""

import asyncio
import math
import random

from agents.queue import QueueSettings
from dialer.events import DialerEvent
from dialer.inbound.events import CallOver, TalkBegan, WaitEnded
from telephony.sim.far_end import FarEnd
from tests.support.virtual import run_virtual
from tests.unit.inbound.inbound_house import DID, InboundHouse

AGENTS = 5
TALK_S, PATIENCE_S = 58.0, 60.0
EVERY_S = 11.0
"""One call every 11 s for 5 agents who talk 58 s: 5.3 Erlang, more than they can carry."""


def erlang_a(arrivals_per_s: float, talk_s: float, patience_s: float, agents: int) -> tuple[float, float]:
    """Share of callers who lose patience, and mean wait of all callers in seconds (Little's law)."""
    weights, weight, state = [1.0], 1.0, 0
    while weight > 1e-14 or state < agents:
        state += 1
        leaves_per_s = min(state, agents) / talk_s + max(0, state - agents) / patience_s
        weight *= arrivals_per_s / leaves_per_s
        weights.append(weight)
    total = math.fsum(weights)
    waiting = math.fsum(max(0, state - agents) * each for state, each in enumerate(weights)) / total
    return waiting / patience_s / arrivals_per_s, waiting / arrivals_per_s


class _Callers:
    """Callers who wait as long as they like and talk as long as they like, whatever is played to them."""

    def __init__(self, house: InboundHouse, rng: random.Random) -> None:
        self._house, self._rng = house, rng
        self._channel_of: dict[str, str] = {}
        self._talking: set[str] = set()
        house.on_event = self._take

    def call(self) -> None:
        channel_id = self._house.exchange.call_in(DID, "+34600111222", FarEnd.caller(1e6))
        asyncio.get_running_loop().call_later(self._rng.expovariate(1.0 / PATIENCE_S), self._lose_patience, channel_id)

    def _take(self, event: DialerEvent) -> None:
        if isinstance(event, TalkBegan):
            channel_id = self._house.reception.calls[event.call_id].line.channel_id
            self._talking.add(channel_id)
            talk_s = self._rng.expovariate(1.0 / TALK_S)
            asyncio.get_running_loop().call_later(talk_s, self._house.exchange.far_end_hangs_up, channel_id)

    def _lose_patience(self, channel_id: str) -> None:
        if channel_id not in self._talking:
            self._house.exchange.far_end_hangs_up(channel_id)


async def _shift(seed: int, calls: int) -> tuple[float, float]:
    """Share abandoned and mean wait."""
    rng = random.Random(seed)
    settings = QueueSettings(
        "sales", max_wait_s=1e6, max_waiting=10_000, wrap_up_s=0.0, short_abandon_s=0.0, recording=False
    )
    house = await InboundHouse(queues=(settings,)).open()
    house.services.sounds.music = lambda name: ("sound:long-music",)  # type: ignore[method-assign]
    await house.start(AGENTS)
    callers = _Callers(house, rng)
    for _ in range(calls):
        await asyncio.sleep(rng.expovariate(1.0 / EVERY_S))
        callers.call()
    await house.until(lambda: len(house.of(CallOver)) == calls, 36_000.0)
    waits = [event for event in house.of(WaitEnded) if isinstance(event, WaitEnded)]
    assert len(waits) == calls and house.troubles() == []
    await asyncio.sleep(5.0)
    assert await house.base.leaks() == []
    await house.stop()
    gone = sum(event.how == "abandoned" for event in waits)
    return gone / calls, sum(event.waited_s for event in waits) / calls


def test_given_poisson_callers_who_lose_patience_when_served_then_erlang_a_holds_within_its_interval() -> None:
    calls, seeds = 600, range(5)
    abandonment, wait_s = erlang_a(1.0 / EVERY_S, TALK_S, PATIENCE_S, AGENTS)
    shifts = [run_virtual(_shift(seed, calls)) for seed in seeds]
    for expected, seen in ((abandonment, [s[0] for s in shifts]), (wait_s, [s[1] for s in shifts])):
        mean = sum(seen) / len(seen)
        spread = math.sqrt(sum((each - mean) ** 2 for each in seen) / (len(seen) - 1) / len(seen))
        # Student's t with 4 degrees of freedom, 99 %
        assert abs(mean - expected) < 4.604 * spread + 0.02 * expected, (expected, seen)
