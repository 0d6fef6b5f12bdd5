"""From a key let go to the first packet of the next prompt, with so many callers in a menu at once; a growth plot.

`python -m benchmarks.ivr walk` and `... queue` are other things: see `benchmarks.ivr.walk` and `benchmarks.ivr.queue`.

`python -m benchmarks.ivr [--out FOLDER] [--sizes 1 10 ...]`: a node as `timbre up` runs it, real Asterisk, callers in
this process (they share the machine: what they cost is in the figures). Every caller is in the menu before the first
key is pressed; half of the keys cut the prompt, half come after it. Ends with one line, `VERDICT: clean` or not, and
exit status 1.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.ivr import queue, walk
from telephony.asterisk import install
from tests.integration.inbound.phone_line import DID, MENU_HZ, ONE_HZ, furnish
from tests.support.inbound_caller import InboundCaller
from tests.support.live_house import LiveProcess, live_folder
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network

SIZES = (1, 10, 25, 50, 75, 100)
GOAL_MS = 250.0
_DIALLED_WITHIN_S = 5.0
_PRESSED_WITHIN_S = 10.0


async def _call(sip: tuple[str, int], index: int, all_up: asyncio.Barrier) -> float:
    """One caller's wait, in milliseconds."""
    rng = random.Random(index)
    await asyncio.sleep(rng.uniform(0.0, _DIALLED_WITHIN_S))
    async with InboundCaller(sip, DID, caller=f"+346001{index:05}") as caller:
        await caller.hears_tone(MENU_HZ, 20.0)
        await all_up.wait()
        await asyncio.sleep(rng.uniform(0.0, _PRESSED_WITHIN_S))
        pressed_s = await caller.press("1")
        heard_s = await caller.hears_tone(ONE_HZ, 10.0, since_s=pressed_s)
        await caller.ended()
        return (heard_s - pressed_s) * 1000.0


async def _measure(sip: tuple[str, int], size: int) -> dict[str, Any]:
    all_up = asyncio.Barrier(size)
    waits_ms = sorted(await asyncio.gather(*(_call(sip, index, all_up) for index in range(size))))
    p95_ms = waits_ms[max(0, round(0.95 * size) - 1)]
    return {"callers": size, "p50_ms": statistics.median(waits_ms), "p95_ms": p95_ms, "max_ms": waits_ms[-1]}


async def _run(sizes: Sequence[int]) -> list[dict[str, Any]]:
    factory = AsteriskFactory(install.require())
    _, network = await asyncio.to_thread(make_network, factory)
    results = []
    with tempfile.TemporaryDirectory(prefix="timbre-line-") as name:
        settings = await asyncio.to_thread(furnish, Path(name))
        with live_folder(network, 0, settings) as folder:
            server = LiveProcess(folder)
            await server.start(120.0)
            try:
                for size in sizes:
                    results.append(await _measure(("127.0.0.1", folder.settings.asterisk.sip_port), size))
                    print({key: round(value, 1) for key, value in results[-1].items()}, flush=True)
            finally:
                await server.stop()
    return results


def _plot(results: list[dict[str, Any]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib import ticker

    figure, axes = plt.subplots(figsize=(7, 4))
    for name, label in (("p50_ms", "median"), ("p95_ms", "95 % are faster"), ("max_ms", "slowest")):
        axes.plot([each["callers"] for each in results], [each[name] for each in results], marker="o", label=label)
    axes.axhline(GOAL_MS, color="grey", linestyle=":", label=f"goal: 95 % below {GOAL_MS:g} ms")
    axes.set(xlabel="callers in the menu at once", ylabel="key to next prompt (ms)", yscale="log")
    axes.set_ylim(1.0, 400.0)
    axes.yaxis.set_major_formatter(ticker.FormatStrFormatter("%g"))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def main() -> int:
    """Measure, write ivr.json and ivr.svg; 1 when a p95 is above the goal."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ivr", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/ivr/results"))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="callers at once")
    given = parser.parse_args()
    out: Path = given.out
    out.mkdir(parents=True, exist_ok=True)
    results = asyncio.run(_run(given.sizes))
    (out / "ivr.json").write_text(json.dumps(results, indent=1) + "\n")
    _plot(results, out / "ivr.svg")
    worst = max(results, key=lambda result: float(result["p95_ms"]))
    clean = worst["p95_ms"] <= GOAL_MS
    print(f"VERDICT: {'clean' if clean else 'NOT CLEAN'}: p95 {worst['p95_ms']:.1f} ms at most, with "
          f"{worst['callers']} callers; goal {GOAL_MS:g} ms")  # fmt: skip
    return 0 if clean else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["walk"]:
        sys.exit(walk.main(sys.argv[2:]))
    if sys.argv[1:2] == ["queue"]:
        sys.exit(queue.main(sys.argv[2:]))
    sys.exit(main())
