"""50 agents in recorded stereo conversations while the engine dials 5 calls a second.

Seven of ten calls are answered by a person who talks for 20 s: more than 50 agents can take, so that the desks stay
full and some people are abandoned with the message, as the rules want it. AMD hears every answer.

python -m benchmarks.load.conversations [--quick] [--json OUT]
"""

import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.load.far_end import Behaviour, far_end
from benchmarks.load.result import Bar, Result, main
from benchmarks.load.stage import stage

AGENTS = 50
RATE = 5.0
_ANSWERED = 0.7
_TALK_MS = 20_000
_WARM_UP_S = 30.0
_FULL = 0.9
_LAG_P99_MS = 20.0


async def measure(
    quick: bool,
    agents: int = AGENTS,
    rate: float = RATE,
    seconds: float | None = None,
    talk_ms: int = _TALK_MS,
    warm_up_s: float = _WARM_UP_S,
) -> Result:
    """The whole benchmark."""
    seconds = seconds or (15.0 if quick else 60.0)
    people = Behaviour(ring_ms=1500, answer=_ANSWERED, talk_ms=talk_ms, calls=4 * agents)
    with tempfile.TemporaryDirectory(prefix="timbre-sipp-") as name:
        folder = Path(name)
        async with (
            far_end(folder, "people", people) as network,
            far_end(folder, "desks", Behaviour(ring_ms=10, calls=agents)) as desks,
            stage(network.port, desks.port, agents) as parts,
        ):
            options = {"rate": rate, "seconds": seconds, "warm_up_s": warm_up_s, "recording": True}
            run = await parts.play("converse", options, {"sipp_people": network.pid, "sipp_desks": desks.pid})
    ratio = run.costs["controller"].cpu_s / run.costs["asterisk"].cpu_s
    figures = {
        "seconds": seconds,
        "agents": agents,
        "found": run.found,
        "costs": {name: asdict(cost) for name, cost in run.costs.items()},
        "controller_to_asterisk": round(ratio, 3),
    }
    idle_share = 1 - run.found["conversations_up"] / agents
    bars = (
        Bar("share of agents not in a conversation", round(idle_share, 3), round(1 - _FULL, 3)),
        Bar("calls fewer a second than ordered", round(max(0.0, rate - run.found["placed_per_s"]), 2), 0.05 * rate),
        Bar("recordings missing", len(run.found["recordings_missing"]), 0, exact=True),
        Bar("recordings of the wrong length", len(run.found["recordings_of_wrong_length"]), 0, exact=True),
        Bar("attempts without an outcome", run.found["without_outcome"], 0, exact=True),
        Bar("event-loop lag p99", run.found["lag_ms"]["p99"], _LAG_P99_MS, "ms"),
    )
    return Result("conversations", bars, figures)


if __name__ == "__main__":
    main("conversations", measure, __doc__)
