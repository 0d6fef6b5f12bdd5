"""How CPU and memory of controller and Asterisk grow with the calls that live AMD listens to.

python -m benchmarks.load.growth [--quick] [--json OUT]
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from benchmarks.load.live_amd import frame_bars, listen
from benchmarks.load.result import Bar, Result, main

CALLS = (25, 50, 100, 200)
_EXPONENT = 1.1


def exponent(calls: Sequence[int], values: Sequence[float]) -> float:
    """The b of value = a * calls^b, fitted on logarithms: 1 is proportional."""
    slope, _ = np.polyfit([math.log(count) for count in calls], [math.log(value) for value in values], 1)
    return round(float(slope), 2)


async def measure(quick: bool, calls: Sequence[int] = CALLS, seconds: float | None = None) -> Result:
    """The whole benchmark."""
    seconds = seconds or (10.0 if quick else 30.0)
    points: list[dict[str, Any]] = []
    bars: list[Bar] = []
    for count in calls:
        run = await listen(count, seconds)
        costs = {name: asdict(cost) for name, cost in run.costs.items()}
        points.append({"calls": count, "costs": costs, "frames": run.found["frames"], "lag_ms": run.found["lag_ms"]})
        bars += [replace(bar, what=f"{count} calls: {bar.what}") for bar in frame_bars(run)]
    exponents = {
        f"{name} {what}": exponent(calls, [point["costs"][name][what] for point in points])
        for name in ("controller", "asterisk")
        for what in ("share", "rss_mb")
    }
    bars += [Bar(f"growth exponent of {name}", value, _EXPONENT) for name, value in exponents.items()]
    return Result("growth", tuple(bars), {"seconds": seconds, "points": points, "exponents": exponents})


if __name__ == "__main__":
    main("growth", measure, __doc__)
