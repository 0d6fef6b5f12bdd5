"""Pictures for engineers: one call with its decisions, and reports as one HTML file. Needs matplotlib (`plots`)."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amd.evaluate import Errors, Record, Score
from amd.manifest import Complaint
from amd.offline import Hearing
from amd.verdict import CallClass
from media.frames import FRAME_S, SAMPLE_RATE_HZ

# Below it a call is taken for a machine; a contestant that is always sure says one of three things.
_EVEN = 0.5
_SURE = frozenset({0.0, _EVEN, 1.0})


class PicturesMissing(Exception):
    """matplotlib is not installed: it comes with the extra `plots`."""


@dataclass(frozen=True, slots=True)
class Example:
    """One call to be drawn in a report: its sound since the answer, what was heard, a title in words."""

    title: str
    samples: NDArray[np.int16]
    hearing: Hearing


def _pyplot() -> Any:
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot
    except ImportError as error:
        raise PicturesMissing(
            "pictures need matplotlib, which the extra `plots` brings: pip install 'timbre-dialer[plots]'; "
            "without --plot and --html everything else works"
        ) from error
    return pyplot


def draw_call(samples: NDArray[np.int16], hearing: Hearing, out: Path, title: str = "") -> None:
    """Draw a call to a PNG (see `call_picture`), with its title. Raises PicturesMissing, OSError."""
    out.write_bytes(call_picture(samples, hearing, title=title))


def call_picture(samples: NDArray[np.int16], hearing: Hearing, dpi: int = 110, title: str = "") -> bytes:
    """Waveform, level against floor with speech and tones, and P(person) over time, verdicts marked: a PNG.

    hearing: with its trace. Raises PicturesMissing.
    """
    pyplot = _pyplot()
    figure, (wave, level, belief) = pyplot.subplots(3, 1, figsize=(11, 7), sharex=True)
    time_s = np.arange(len(samples)) / SAMPLE_RATE_HZ
    wave.plot(time_s, samples / 32768.0, linewidth=0.4)
    wave.set_ylabel("waveform")
    wave.set_title(title.replace("$", r"\$"), fontsize=11, loc="left")
    ticks_s = np.arange(len(hearing.trace)) * FRAME_S
    column = {name: np.array([step[name] for step in hearing.trace]) for name in (hearing.trace or [{}])[0]}
    if column:
        level.plot(ticks_s, column["level_db"], linewidth=0.8, label="level")
        level.plot(ticks_s, column["floor_db"], linewidth=0.8, label="noise floor")
        level.fill_between(ticks_s, -96, -90, where=column["voiced"] > 0, color="tab:green", label="speech")
        level.fill_between(ticks_s, -90, -84, where=column["tone_hz"] > 0, color="tab:red", label="tone")
        level.legend(loc="upper right", fontsize=8)
        belief.step(ticks_s, column["probability"], where="post")
    level.set_ylabel("dBFS")
    belief.set_ylabel("P(person)")
    belief.set_ylim(-0.02, 1.02)
    belief.set_xlabel("seconds since answer")
    said_s = [verdict.since_answer_s + 0.2 for verdict in (hearing.first, *hearing.later) if verdict is not None]
    belief.set_xlim(0, max([len(samples) / SAMPLE_RATE_HZ, 1.0, *said_s]))  # a recording may end before its verdict
    _mark_verdicts(hearing, (wave, level, belief))
    return _saved(figure, dpi)


def _mark_verdicts(hearing: Hearing, axes: Sequence[Any]) -> None:
    """A line at every verdict, dotted for later ones; its class beside it, one below the other."""
    said = [verdict for verdict in [hearing.first, *hearing.later] if verdict is not None]
    for place, verdict in enumerate(said):
        for axis in axes:
            axis.axvline(verdict.since_answer_s, color="black", linestyle=":" if verdict.settled else "-")
        words = f" {verdict.call_class.value} {verdict.probability:.2f}"
        low, high = axes[0].get_ylim()
        at = (verdict.since_answer_s, high - (0.12 + 0.14 * (place % 5)) * (high - low))
        axes[0].annotate(
            words, at, fontsize=9, bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1}
        )


def write_report(
    out: Path,
    tables: Mapping[str, tuple[Sequence[Score], Errors]],
    records: Mapping[str, Sequence[Record]],
    complaints: Sequence[Complaint],
    notes: str = "",
    examples: Sequence[Example] = (),
    remarks: Sequence[str] = (),
) -> None:
    """Write one HTML file: notes (a line, a paragraph), every contestant's tables and curves, complaints, calls."""
    parts = [
        "<!doctype html><meta charset=utf-8><title>Call progress analysis</title>",
        _STYLE,
        *(f"<p>{html.escape(line)}</p>" for line in notes.splitlines()),
    ]
    parts += [_picture(_draw_curves(records)), _picture(_draw_latencies(records))]
    for name, (rows, wrong) in tables.items():
        parts.append(f"<h2>{html.escape(name)}</h2>{_errors(wrong)}{_table(rows)}")
    if complaints:
        items = "".join(f"<li>{html.escape(c.where)}: {html.escape(c.message)}</li>" for c in complaints)
        parts.append(f"<h2>Not judged ({len(complaints)})</h2><ul>{items}</ul>")
    if remarks:
        items = "".join(f"<li>{html.escape(words)}</li>" for words in remarks)
        parts.append(f"<h2>Judged, but ({len(remarks)})</h2><ul>{items}</ul>")
    if examples:
        parts.append("<h2>Calls</h2><p>A line is the first verdict, a dotted one a later verdict.</p>")
    parts += [f"<h3>{html.escape(each.title)}</h3>{_example(each)}" for each in examples]
    out.write_text("\n".join(parts), encoding="utf-8")


def _example(example: Example) -> str:
    return _picture(call_picture(example.samples, example.hearing, dpi=70))


_STYLE = (
    "<style>body{font:15px sans-serif;max-width:70em;margin:2em auto}"
    "td,th{padding:.2em .6em;text-align:right}td{white-space:nowrap}"
    "td:first-child,th:first-child{text-align:left}tr:nth-child(even){background:#f2f2f2}img{max-width:100%}</style>"
    "<h1>Call progress analysis</h1>"
)


def _errors(wrong: Errors) -> str:
    return (
        f"<p>People called something that gets no agent: {wrong.false_positives} of {wrong.people}; flagged 2 s later: "
        f"{wrong.people_flagged}. Machines called a person: {wrong.false_negatives} of {wrong.machines}.</p>"
    )


def _table(rows: Sequence[Score]) -> str:
    head = "<tr><th>calls<th>right<th>of<th>%<th>95 % interval<th>settled right"
    head += "<th>after greeting p50<th>p95 (s)<th>after answer p50<th>p95 (s)</tr>"
    body = "".join(
        f"<tr><td>{html.escape(row.name)}<td>{row.right}<td>{row.total}<td>{100 * row.share:.1f}"
        f"<td>{100 * row.low:.1f} to {100 * row.high:.1f}<td>{row.settled_right}"
        f"<td>{_seconds(row.p50_s)}<td>{_seconds(row.p95_s)}<td>{_seconds(row.at_p50_s)}<td>{_seconds(row.at_p95_s)}</tr>"
        for row in rows
    )
    return f"<table>{head}{body}</table>"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _picture(png: bytes) -> str:
    return f'<img src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _saved(figure: Any, dpi: int = 100) -> bytes:
    buffer = io.BytesIO()
    figure.tight_layout()
    figure.savefig(buffer, format="png", dpi=dpi)
    _pyplot().close(figure)
    return buffer.getvalue()


def _draw_curves(records: Mapping[str, Sequence[Record]]) -> bytes:
    """Machines caught over people lost at every threshold, and the cost of errors over the cost ratio."""
    figure, (roc, cost) = _pyplot().subplots(1, 2, figsize=(11, 4))
    points: list[tuple[float, float]] = []
    for name, group in records.items():
        people = np.sort([_belief(r) for r in group if r.entry.call_class is CallClass.HUMAN])
        machines = np.sort([_belief(r) for r in group if r.entry.call_class is CallClass.MACHINE])
        if not len(people) or not len(machines):
            continue
        cuts = np.concatenate([[-0.01], np.unique(np.concatenate([people, machines])), [1.01]])
        lost = np.searchsorted(people, cuts) / len(people)
        caught = np.searchsorted(machines, cuts) / len(machines)
        points.append((100 * float(np.mean(people < _EVEN)), 100 * float(np.mean(machines < _EVEN))))
        if set(np.unique(np.concatenate([people, machines]))) <= _SURE:
            roc.plot(*points[-1], marker="o", linestyle="none", label=f"{name} (has no threshold)")
        else:
            roc.plot(100 * lost, 100 * caught, label=name, drawstyle="steps-post")
        ratios = np.logspace(0, 2, 60)
        cost.plot(ratios, [float(np.min(ratio * lost + 1 - caught)) for ratio in ratios], label=name)
    _frame_roc(roc, points)
    cost.set(xlabel="cost of a lost person / of a machine put through", ylabel="cost per call", xscale="log")
    cost.set_title("cost curve, best threshold")
    cost.set_ylim(bottom=0.0)
    roc.legend(loc="lower right", fontsize=8)
    return _saved(figure)


def _frame_roc(roc: Any, points: Sequence[tuple[float, float]]) -> None:
    """A window that holds every contestant as it is; fine where few people are lost, and still there where many are."""
    worst, least = max([25.0, *(lost for lost, _ in points)]), min([50.0, *(caught for _, caught in points)])
    roc.set_xscale("symlog", linthresh=2.0, linscale=0.6)
    ticks = [tick for tick in (0, 1, 2, 5, 10, 20, 50, 100) if tick <= worst * 1.3]
    roc.set_xticks(ticks, [str(tick) for tick in ticks])
    roc.set_xticks([], minor=True)
    roc.set(xlim=(-0.1, min(worst * 1.3, 105.0)), ylim=(max(least - 5.0, 0.0), 100.8))
    roc.set(xlabel="people lost, %", ylabel="machines caught, %", title="ROC: machines caught over people lost")


def _belief(record: Record) -> float:
    """P(person) behind a verdict; a baseline without one counts as sure."""
    said = record.judgement
    if said.probability_human is not None and said.call_class in (CallClass.HUMAN, CallClass.MACHINE):
        return said.probability_human
    return {CallClass.HUMAN: 1.0, CallClass.UNKNOWN: 0.5}.get(said.call_class, 0.0)


def _draw_latencies(records: Mapping[str, Sequence[Record]]) -> bytes:
    figure, axis = _pyplot().subplots(figsize=(11, 3.2))
    for name, group in records.items():
        latencies = sorted(
            record.latency_s
            for record in group
            if record.latency_s is not None and record.entry.call_class is CallClass.HUMAN
        )
        if latencies:
            axis.plot(latencies, np.linspace(0, 100, len(latencies)), label=name)
    axis.set(xlabel="seconds from the end of a person's greeting to the verdict", ylabel="% of people", xlim=(-0.5, 3))
    axis.set_title("How long people wait for the verdict")
    axis.legend(loc="lower right", fontsize=8)
    return _saved(figure)
