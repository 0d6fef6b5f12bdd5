"""Whatever is done for speed, a seed's shift stays the same to the last call: held against results written down once.

`python tests/unit/pacing/test_pacing_same_shift.py` writes them anew; only a change of a law itself is a reason to.
"""

from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from dialer.pacing.sim.laws import LAWS, law_named
from dialer.pacing.sim.run import simulate
from dialer.pacing.sim.scenario import read

SCENARIOS = Path(__file__).parents[3] / "benchmarks" / "pacing" / "scenarios"
WRITTEN = Path(__file__).parent / "same_shift.json"
CELLS = [f"base25 {law} 6" for law in LAWS] + [
    f"{path.stem} {law} 15" for path in sorted(SCENARIOS.glob("*.toml")) for law in ("vicidial-average", "hazard-wrap")
]


def shift_of(cell: str) -> dict[str, object]:
    """What came of a shift of three hours."""
    scenario, law, agents = cell.split()
    world = replace(read(SCENARIOS / f"{scenario}.toml"), hours=3.0)
    result = simulate(world, law_named(law), int(agents), 7).as_json()
    return {
        name: result[name]
        for name in ("people_answered", "abandoned", "amd_false_positives", "calls_placed", "given_up", "occupancy_pct")
    }


@pytest.mark.parametrize("cell", CELLS)
def test_a_seeds_shift_is_what_it_was(cell: str) -> None:
    assert shift_of(cell) == orjson.loads(WRITTEN.read_bytes())[cell]


if __name__ == "__main__":
    WRITTEN.write_bytes(orjson.dumps({cell: shift_of(cell) for cell in CELLS}, option=orjson.OPT_INDENT_2) + b"\n")
