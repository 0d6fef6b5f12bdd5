"""Results as one page of markdown, and the growth as a picture."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.load.result import Result


def write(results: Sequence[Result], folder: Path) -> Path:
    """Write report.md, results.json and the plots into `folder`; return the report's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps([result.as_json() for result in results], indent=2) + "\n")
    lines = ["# Load", ""]
    for result in results:
        lines += [f"## {result.name}", "", "| what | value | bar | met |", "|---|---|---|---|"]
        for bar in result.bars:
            wanted = f"= {bar.limit:g}" if bar.exact else f"≤ {bar.limit:g}"
            lines.append(f"| {bar.what} | {bar.value:g} {bar.unit} | {wanted} | {'yes' if bar.met else '**no**'} |")
        lines += ["", *_costs(result.figures), ""]
        if result.name == "growth":
            _plot(result.figures["points"], folder / "growth.png")
            lines += ["![growth](growth.png)", ""]
    path = folder / "report.md"
    path.write_text("\n".join(lines))
    return path


def _costs(figures: dict[str, Any]) -> list[str]:
    table = ["| run | process | CPU, % of a core | memory, MB |", "|---|---|---|---|"]
    for label, costs in _runs(figures):
        for name, cost in costs.items():
            table.append(f"| {label} | {name} | {100 * cost['share']:.1f} | {cost['rss_mb']:.0f} |")
    for name, share in figures.get("bare_asterisk_share", {}).items():
        table.append(f"| Asterisk alone | {name} | {100 * share:.1f} | |")
    lag = figures.get("found", {}).get("lag_ms")
    return table + (["", f"Event-loop lag: {lag}"] if lag else [])


def _runs(figures: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if points := figures.get("points"):
        return [(f"{point['calls']} calls", point["costs"]) for point in points]
    return [("whole node", figures["costs"])]


def _plot(points: list[dict[str, Any]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 4), layout="constrained")
    calls = [point["calls"] for point in points]
    for axis, key, factor, words in ((axes[0], "share", 100, "CPU, % of a core"), (axes[1], "rss_mb", 1, "memory, MB")):
        for name in ("controller", "asterisk"):
            axis.plot(calls, [factor * point["costs"][name][key] for point in points], "o-", label=name)
        axis.set(xlabel="calls with live AMD", ylabel=words, ylim=(0, None))
        axis.grid(alpha=0.3)
        axis.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
