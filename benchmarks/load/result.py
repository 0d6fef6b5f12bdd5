"""What a benchmark found: figures, and bars that were met or not."""

import argparse
import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing that must hold: `value` at most (or exactly, `exact`) `limit`."""

    what: str
    value: float
    limit: float
    unit: str = ""
    exact: bool = False

    @property
    def met(self) -> bool:
        """Whether it holds."""
        return self.value == self.limit if self.exact else self.value <= self.limit

    def __str__(self) -> str:
        """One line for people."""
        wanted = "must be" if self.exact else "at most"
        return f"{'met   ' if self.met else 'MISSED'} {self.what}: {self.value:g} {self.unit} ({wanted} {self.limit:g})"


@dataclass(frozen=True, slots=True)
class Result:
    """One benchmark's outcome. figures: everything else, for tables and plots."""

    name: str
    bars: tuple[Bar, ...]
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        bars = [asdict(bar) | {"met": bar.met} for bar in self.bars]
        return {"name": self.name, "bars": bars, "figures": self.figures}


def main(name: str, measure: Callable[[bool], Coroutine[Any, Any, Result]], description: str | None) -> None:
    """The command of one benchmark: measure, print, exit with 1 when a bar was missed."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.load.{name}", description=description)
    parser.add_argument("--quick", action="store_true", help="shorter windows: for a look, not for the record")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    result = asyncio.run(measure(options.quick))
    text = json.dumps(result.as_json(), indent=2)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(text + "\n")
    print(text)
    for bar in result.bars:
        print(bar)
    raise SystemExit(0 if all(bar.met for bar in result.bars) else 1)
