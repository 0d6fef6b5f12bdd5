"""50 calls a second through the whole engine (SQLite, Redis, rules, every move recorded), each 180 and then 486.

python -m benchmarks.load.originate_rate [--quick] [--json OUT]
"""

import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.load import bare
from benchmarks.load.far_end import Behaviour, far_end
from benchmarks.load.result import Bar, Result, main
from benchmarks.load.stage import stage

RATE = 50.0
_RING_MS = 2000
_WARM_UP_S = 4.0
_CPU_RATIO = 0.25
_LAG_P99_MS = 20.0
# Two of 15,700 calls rang and came back with cause 0, which is no answer to us and was a 486 of the far end.
_WITHOUT_CAUSE = 0.001


async def measure(
    quick: bool, rate: float = RATE, seconds: float | None = None, warm_up_s: float = _WARM_UP_S, compare: bool = True
) -> Result:
    """The whole benchmark."""
    seconds = seconds or (15.0 if quick else 60.0)
    busy = Behaviour(ring_ms=_RING_MS, answer=0.0)
    with tempfile.TemporaryDirectory(prefix="timbre-sipp-") as folder:
        async with far_end(Path(folder), "busy", busy) as network, stage(network.port) as parts:
            options = {"rate": rate, "seconds": seconds, "warm_up_s": warm_up_s}
            run = await parts.play("originate", options, {"sipp": network.pid})
        alone = {}
        if compare:
            async with far_end(Path(folder), "busy-bare", busy) as network:
                alone["dial"] = (await bare.dial(network.port, rate, min(seconds, 20.0))).share
    controller, asterisk = run.costs["controller"], run.costs["asterisk"]
    ratio = controller.cpu_s / asterisk.cpu_s
    placed = run.found["placed"]
    figures = {
        "seconds": seconds,
        "found": run.found,
        "costs": {name: asdict(cost) for name, cost in run.costs.items()},
        "controller_to_asterisk": round(ratio, 3),
        "controller_ms_per_call": round(1000 * controller.cpu_s / max(1, placed), 2),
        "asterisk_ms_per_call": round(1000 * asterisk.cpu_s / max(1, placed), 2),
        "bare_asterisk_share": alone,
    }
    busy_count, unsaid = run.found["outcomes"].get("busy", 0), run.found["ended_without_cause"]
    bars = (
        Bar("calls fewer a second than ordered", round(max(0.0, rate - run.found["placed_per_s"]), 2), 0.02 * rate),
        Bar("attempts without an outcome", run.found["without_outcome"], 0, exact=True),
        Bar("attempts with a wrong outcome", run.found["attempts"] - busy_count - unsaid, 0, exact=True),
        Bar("calls that Asterisk ended without saying why", unsaid, max(1.0, _WITHOUT_CAUSE * run.found["attempts"])),
        Bar("CPU of the controller / CPU of its Asterisk", round(ratio, 3), _CPU_RATIO),
        Bar("event-loop lag p99", run.found["lag_ms"]["p99"], _LAG_P99_MS, "ms"),
    )
    return Result("originate_rate", bars, figures)


if __name__ == "__main__":
    main("originate_rate", measure, __doc__)
