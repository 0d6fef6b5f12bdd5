"""Every load benchmark, one after the other, and a report.

python -m benchmarks.load [--quick] [--out benchmarks/out/load]
"""

import argparse
import asyncio
from pathlib import Path

from benchmarks.load import conversations, growth, live_amd, originate_rate, report

_OUT = Path(__file__).parents[1] / "out" / "load"
_ALL = (live_amd, originate_rate, conversations, growth)


def main() -> None:
    """Run them, exit with 1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter windows: for a look, not for the record")
    parser.add_argument("--out", type=Path, default=_OUT, help="folder of the report")
    options = parser.parse_args()
    results = []
    for benchmark in _ALL:
        result = asyncio.run(benchmark.measure(options.quick))
        results.append(result)
        print(result.name)
        for bar in result.bars:
            print("  ", bar, flush=True)
    print(report.write(results, options.out))
    raise SystemExit(0 if all(bar.met for result in results for bar in result.bars) else 1)


if __name__ == "__main__":
    main()
