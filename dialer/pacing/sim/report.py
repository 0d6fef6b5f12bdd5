"""One HTML file that shows a comparison: tables, occupancy against abandonment, idle times, trajectories."""

import base64
import io
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment

from dialer.pacing.sim.compare import Comparison

# Ten colours that eyes tell apart, then the same with other lines and marks.
_COLOURS = (
    "#1f77b4", "#d95f02", "#1b9e3e", "#c2185b", "#6a3d9a", "#8c5a2b", "#e6ab02", "#555555", "#17a2b8", "#9acd32",
)  # fmt: skip
_LINES = ("-", "--", ":")
_MARKS = "osD^v<>PX*"


class PlotsMissing(RuntimeError):
    """The plots cannot be drawn; the message says what to install."""


_TEMPLATE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Pacing laws side by side</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1c2530 }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .25rem .8rem; border-bottom: 1px solid #d7dde4 }
td { text-align: right } td:first-child, th:first-child { text-align: left } .over { color: #b3261e; font-weight: 600 }
td { white-space: nowrap } .wide { overflow-x: auto } img { max-width: 100%; height: auto }
nav ul { columns: 2; padding-left: 1.2rem }
</style>
<h1>Pacing laws side by side</h1>
<p>Occupancy is the share of paid time in talk and wrap-up; abandonment is (abandoned + people that AMD took for
machines) / people answered, of each campaign by itself. Intervals are 95 % of the mean over seeds; every law met the
same calls in the same order. An oracle knows what nobody can: what becomes of the calls in flight, or also when agents
will be free. It dials under the same cap.</p>
<nav><ul>
{% for scenario, teams in scenarios.items() %}{% set number = loop.index %}<li>{{ scenario }}:
{% for part, _ in teams %}<a href="#s{{ number }}-{{ part.agents }}">{{ part.agents }}</a> {% endfor %}agents
{% endfor %}</ul></nav>
{% for scenario, teams in scenarios.items() %}{% set number = loop.index %}
<h2>{{ scenario }}</h2>
{% if teams | length > 1 %}<p>Mean occupancy % (abandonment % of the worst seed) by the number of agents.</p>
<div class="wide"><table><tr><th>law{% for part, _ in teams %}<th>{{ part.agents }}{% endfor %}</tr>
{% for row in teams[0][0].rows %}{% set place = loop.index0 %}<tr><td>{{ row.law }}
{% for part, _ in teams %}{% set cell = part.rows[place] %}<td>{{ "%.1f" | format(cell.occupancy) }} (<span
{% if cell.seeds_over %} class="over"{% endif %}>{{ "%.2f" | format(cell.worst_abandonment) }}</span>){% endfor %}</tr>
{% endfor %}</table></div>{% endif %}
{% for part, plot in teams %}
<h3 id="s{{ number }}-{{ part.agents }}">{{ scenario }}, {{ part.agents }} agents</h3>
<p>Seeds {{ part.seeds | join(", ") }}; cap {{ "%.1f" | format(part.cap_pct) }} %.</p>
<table><tr><th>law<th>occupancy %<th>productive %<th>abandonment %<th>worst seed<th>seeds over<th>mean idle s</tr>
{% for row in part.rows %}<tr><td>{{ row.law }}
<td>{{ "%.1f ± %.1f" | format(row.occupancy, row.occupancy_half) }}<td>{{ "%.1f" | format(row.productive) }}
<td>{{ "%.2f ± %.2f" | format(row.abandonment, row.abandonment_half) }}
<td{% if row.seeds_over %} class="over"{% endif %}>{{ "%.2f" | format(row.worst_abandonment) }}
<td>{{ row.seeds_over }} of {{ part.seeds | length }}<td>{{ "%.1f" | format(row.mean_idle_s) }}</tr>
{% endfor %}</table>
<img alt="plots of {{ scenario }}, {{ part.agents }} agents" src="data:image/png;base64,{{ plot }}">
{% endfor %}{% endfor %}
</html>
"""


class Report:
    """The files that a comparison is kept in, whole again after each part: a stop at any time keeps what there is."""

    def __init__(self, html: Path | None, json: Path | None) -> None:
        """Write to these, where given. Raises PlotsMissing when an HTML report is wanted and matplotlib is missing."""
        self._html, self._json = html, json
        self._scenarios: dict[str, list[tuple[Comparison, str]]] = {}  # with the plot, as text
        self._rows: list[orjson.Fragment] = []
        if html is not None:
            _figure()
        self._page = Environment(autoescape=True).from_string(_TEMPLATE)

    def add(self, part: Comparison) -> None:
        """Write the files with one part more. Raises OSError when one cannot be written."""
        if self._json is not None:
            self._rows.append(orjson.Fragment(orjson.dumps(part.as_json())))
            _replace(self._json, orjson.dumps({"comparisons": self._rows}))
        if self._html is not None:
            plot = _png(_figure()(figsize=(13, 9)), part)
            self._scenarios.setdefault(part.scenario, []).append((part, plot))
            _replace(self._html, self._page.render(scenarios=self._scenarios).encode())


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
    """Three panels; a law has the same colour in all, and is named once beside them."""
    (scatter, idle), (way, names) = figure.subplots(2, 2)
    for index, row in enumerate(comparison.rows):
        style = {"color": _COLOURS[index % len(_COLOURS)], "label": row.law}
        line = style | {"linestyle": _LINES[index // len(_COLOURS) % len(_LINES)], "linewidth": 1.4}
        scatter.errorbar(
            row.abandonment, row.occupancy, xerr=row.abandonment_half, yerr=row.occupancy_half,
            marker=_MARKS[index % len(_MARKS)], linewidth=1.0, markersize=8, **style,
            markerfacecolor=style["color"] if index < len(_COLOURS) else "white",
        )  # fmt: skip
        left = 1.0
        beyond = [left := left - share for share in row.idle_spells]
        idle.plot(range(1, len(beyond) + 1), beyond, **line)
        way.plot(row.trajectory, **line)
    scatter.axvline(comparison.cap_pct, color="grey", linestyle=":")
    way.axhline(comparison.cap_pct, color="grey", linestyle=":")
    scatter.set(title="occupancy against abandonment", xlabel="abandonment % (dotted: the cap)", ylabel="occupancy %")
    near = max(2.0 * comparison.cap_pct, 0.1)
    # Laws far over the cap would press the others together: the axis is logarithmic beyond twice the cap.
    scatter.set_xscale("symlog", linthresh=near, linscale=2.0)
    ticks = [near * part / 6 for part in range(7)] + [far for far in (10.0, 20.0, 50.0, 100.0) if far > near]
    scatter.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    scatter.minorticks_off()
    scatter.set_xlim(-near / 12, 1.2 * max(near, *(row.abandonment + row.abandonment_half for row in comparison.rows)))
    idle.set(
        title="how long agents wait", xlabel="idle spell, seconds", ylabel="spells that last longer, %",
        yscale="log", ylim=(1e-3, 1), xlim=(0, 200),
    )  # fmt: skip
    idle.set_yticks([0.001, 0.01, 0.1, 1.0], ["0.1", "1", "10", "100"])
    way.set(
        title="abandonment so far, first seed", xlabel="minute of the shift", ylabel="abandonment %", ylim=(0, near)
    )
    for panel in (scatter, idle, way):
        panel.grid(alpha=0.25)
    names.axis("off")
    names.legend(*scatter.get_legend_handles_labels(), fontsize=11, loc="center", ncols=2, frameon=False)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return base64.b64encode(_few_colours(buffer)).decode()


def _few_colours(picture: io.BytesIO) -> bytes:
    """The same picture, a third as large: a report may hold a hundred and more."""
    from PIL import Image  # comes with matplotlib

    small = io.BytesIO()
    Image.open(picture).convert("RGB").quantize(64).save(small, format="png", optimize=True)
    return small.getvalue()
