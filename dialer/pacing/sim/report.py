"""One HTML file that shows a comparison: tables, occupancy against abandonment, idle times, trajectories."""

import base64
import io
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment

from dialer.pacing.sim.compare import Comparison


class PlotsMissing(RuntimeError):
    """The plots cannot be drawn; the message says what to install."""


_TEMPLATE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Pacing laws side by side</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1c2530 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .8rem; border-bottom: 1px solid #d7dde4 }
td { text-align: right } td:first-child, th:first-child { text-align: left } .over { color: #b3261e; font-weight: 600 }
img { max-width: 100%; height: auto }
</style>
<h1>Pacing laws side by side</h1>
<p>Occupancy is the share of paid time in talk and wrap-up; abandonment is (abandoned + people that AMD took for
machines) / people answered, of each campaign by itself. Intervals are 95 % of the mean over seeds; every law met the
same calls in the same order.</p>
{% for part in parts %}
<h2>{{ part.scenario }}, {{ part.agents }} agents</h2>
<p>Seeds {{ part.seeds | join(", ") }}; cap {{ "%.1f" | format(part.cap_pct) }} %.</p>
<table><tr><th>law<th>occupancy %<th>productive %<th>abandonment %<th>worst seed<th>seeds over<th>mean idle s</tr>
{% for row in part.rows %}<tr><td>{{ row.law }}
<td>{{ "%.1f ± %.1f" | format(row.occupancy, row.occupancy_half) }}<td>{{ "%.1f" | format(row.productive) }}
<td>{{ "%.2f ± %.2f" | format(row.abandonment, row.abandonment_half) }}
<td{% if row.seeds_over %} class="over"{% endif %}>{{ "%.2f" | format(row.worst_abandonment) }}
<td>{{ row.seeds_over }} of {{ part.seeds | length }}<td>{{ "%.1f" | format(row.mean_idle_s) }}</tr>
{% endfor %}</table>
<img alt="plots of {{ part.scenario }}" src="data:image/png;base64,{{ plots[loop.index0] }}">
{% endfor %}
</html>
"""


class Report:
    """The files that a comparison is kept in, whole again after each part: a stop at any time keeps what there is."""

    def __init__(self, html: Path | None, json: Path | None) -> None:
        """Write to these, where given. Raises PlotsMissing when an HTML report is wanted and matplotlib is missing."""
        self._html, self._json = html, json
        self._parts: list[Comparison] = []
        self._rows: list[orjson.Fragment] = []
        self._plots: list[str] = []
        if html is not None:
            _figure()
        self._page = Environment(autoescape=True).from_string(_TEMPLATE)

    def add(self, part: Comparison) -> None:
        """Write the files with one part more. Raises OSError when one cannot be written."""
        if self._json is not None:
            self._rows.append(orjson.Fragment(orjson.dumps(part.as_json())))
            _replace(self._json, orjson.dumps({"comparisons": self._rows}))
        if self._html is not None:
            self._parts.append(part)
            self._plots.append(_png(_figure()(figsize=(13, 4)), part))
            _replace(self._html, self._page.render(parts=self._parts, plots=self._plots).encode())


def _figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise PlotsMissing("the report's plots need matplotlib: pip install 'timbre-dialer[dev]'") from None
    return Figure


def _replace(path: Path, content: bytes) -> None:
    """Put a whole file in the place of the one before: nobody finds half of one."""
    if path.exists() and not path.is_file():  # a pipe, /dev/stdout
        path.write_bytes(content)
        return
    half = path.with_name(path.name + ".part")
    half.write_bytes(content)
    half.replace(path)


def _png(figure: Any, comparison: Comparison) -> str:
    scatter, idle, way = figure.subplots(1, 3)
    for row in comparison.rows:
        scatter.errorbar(
            row.abandonment, row.occupancy, xerr=row.abandonment_half, yerr=row.occupancy_half, fmt="o", label=row.law
        )
        left = 1.0
        beyond = [left := left - share for share in row.idle_spells]
        idle.plot(range(1, len(beyond) + 1), beyond, label=row.law)
        way.plot(row.trajectory, label=row.law)
    scatter.axvline(comparison.cap_pct, color="grey", linestyle=":")
    way.axhline(comparison.cap_pct, color="grey", linestyle=":")
    scatter.set(xlabel="abandonment %", ylabel="occupancy %")
    idle.set(
        xlabel="idle spell, seconds", ylabel="share that lasts longer", yscale="log", ylim=(1e-3, 1), xlim=(0, 200)
    )
    top = max(2.0 * comparison.cap_pct, 0.1)
    way.set(xlabel="minute of the first seed's shift", ylabel="abandonment so far, %", ylim=(0, top))
    scatter.legend(fontsize=7)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    return base64.b64encode(buffer.getvalue()).decode()
