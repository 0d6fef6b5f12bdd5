"""How long a person waits for an agent's ears: verdict to the callee's first sound, measured at the agents' phones.

python benchmarks/load/connect_latency.py [--calls 40] [--agents 6] [--json out.json]

A whole node, the simulated network and agent robots on this machine; exit status 1 when p95 is over 60 ms, or when a
person whom AMD found with an agent free was not connected. The robot's stamp adds 0 to 20 ms (docs/media.md).
"""

import argparse
import asyncio
import json
import sys
from pathlib import Path

import numpy as np
import uvloop

from campaigns.outcome import Outcome
from dialer.events import PersonConnected
from server.demo.behaviours import Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from server.logs import configure
from server.settings import LogSettings
from telephony.asterisk import install
from tests.support.live_house import campaign_text, live_house
from tests.support.live_talk import latency_ms
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network

LIMIT_MS = 60.0
# Far ends stay 8 s after their greeting. The network's RTP timestamps begin near nought with every call, as other
# Asterisks' do, and the robots' phones (pjmedia) hold a new source whose timestamps are up to a second behind those of
# the last one for late packets of it. After talks of two seconds that came together once in forty calls.
_STAY = 3
_KINDS = (Behaviour.PERSON_SHORT_WORD, Behaviour.PERSON_TWO_WORDS, Behaviour.PERSON_SENTENCE)


async def measure(network: Network, calls: int, agents: int) -> dict[str, object]:
    """Dial so many people, one for each free agent at a time."""
    numbers = [
        DemoNumber.of(_KINDS[each % 3], variant=each % 8, ring=each % 3, stay=_STAY, serial=each)
        for each in range(calls)
    ]
    async with live_house(network, agents) as live:
        await live.campaign(campaign_text("latency", mode="progressive", wrap_up_s=1), numbers)
        attempts = await live.dialled("latency", calls, 30.0 + 10.0 * calls / agents)
        connected = live.of(PersonConnected)
        late_ms = [late for event in connected if (late := latency_ms(live, event)) is not None]
        bridge_ms = [1000 * (event.bridged_at_s - event.verdict_at_s) for event in connected]
        people = [each for each in attempts if any(said.startswith("human") for said in live.verdicts(each.attempt_id))]
    return {
        "calls": calls,
        "people_found": len(people),
        "connected_percent": 100.0 * sum(each.outcome is Outcome.BRIDGED for each in people) / max(1, len(people)),
        "heard": len(late_ms),
        "verdict_to_agent_audio_ms": _percentiles(late_ms),
        "verdict_to_bridge_ms": _percentiles(bridge_ms),
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    return {f"p{rank}": round(float(np.percentile(values, rank)), 1) for rank in (50, 95, 99)} if values else {}


def main() -> int:
    """Run it; the exit status says whether the limit holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--agents", type=int, default=6)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    configure(LogSettings(level="warning"))
    factory = AsteriskFactory(install.require())
    instance, network = make_network(factory)
    try:
        asyncio.run(instance.start())
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            report = runner.run(measure(network, options.calls, options.agents))
    finally:
        factory.close()
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text)
    late_ms = report["verdict_to_agent_audio_ms"]
    assert isinstance(late_ms, dict)
    sound = report["connected_percent"] == 100.0 and report["heard"] == report["people_found"]
    return 0 if sound and late_ms.get("p95", np.inf) <= LIMIT_MS else 1


if __name__ == "__main__":
    sys.exit(main())
