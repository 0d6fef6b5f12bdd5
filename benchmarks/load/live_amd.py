"""100 calls with live AMD at once: frames, CPU of controller and Asterisk, beside Asterisk alone.

python -m benchmarks.load.live_amd [--quick] [--json OUT]
"""

import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.load import bare
from benchmarks.load.far_end import Behaviour, far_end
from benchmarks.load.result import Bar, Result, main
from benchmarks.load.stage import Run, stage

CALLS = 100
_CPU_RATIO = 0.5


async def listen(calls: int, seconds: float) -> Run:
    """Hold and hear `calls` calls for `seconds`."""
    with tempfile.TemporaryDirectory(prefix="timbre-sipp-") as folder:
        async with (
            far_end(Path(folder), "people", Behaviour(calls=calls)) as people,
            stage(people.port) as parts,
        ):
            return await parts.play("listen", {"calls": calls, "seconds": seconds}, {"sipp": people.pid})


async def alone(calls: int, seconds: float) -> dict[str, float]:
    """Shares of a core that a bare Asterisk takes for the same calls: waiting, and in its own AMD()."""
    shares = {}
    with tempfile.TemporaryDirectory(prefix="timbre-sipp-") as folder:
        for extension in ("wait", "amd"):
            async with far_end(Path(folder), extension, Behaviour(calls=calls)) as people:
                shares[extension] = (await bare.hold(people.port, extension, calls, seconds)).share
    return shares


def frame_bars(run: Run) -> tuple[Bar, ...]:
    """No call lost, no frame lost or late."""
    frames, calls = run.found["frames"], run.found["calls"]
    return (
        Bar("calls that ended early", calls - run.found["still_up"], 0, exact=True),
        Bar("late frames", frames["late"], 0, exact=True),
        Bar("lost frames", frames["lost"], 0, exact=True),
    )


async def measure(quick: bool, calls: int = CALLS, seconds: float | None = None) -> Result:
    """The whole benchmark."""
    seconds = seconds or (15.0 if quick else 60.0)
    run = await listen(calls, seconds)
    ratio = run.costs["controller"].cpu_s / run.costs["asterisk"].cpu_s
    figures = {
        "seconds": seconds,
        "found": run.found,
        "costs": {name: asdict(cost) for name, cost in run.costs.items()},
        "controller_to_asterisk": round(ratio, 3),
        "bare_asterisk_share": await alone(calls, min(seconds, 20.0)),
    }
    bars = (
        *frame_bars(run),
        Bar("CPU of the controller / CPU of its Asterisk", round(ratio, 3), _CPU_RATIO),
    )
    return Result("live_amd", bars, figures)


if __name__ == "__main__":
    main("live_amd", measure, __doc__)
