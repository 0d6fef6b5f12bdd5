"""A flow as a picture that people who do not program understand: SVG, in Spanish or English.

Branches that the caller chooses are lines; what happens on failures stands in the box, so that the picture stays clear.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from ivr.flow import Flow
from ivr.graph import Edge, edges_of, parts_of
from ivr.layout import Layout, lay_out
from ivr.nodes.base import Node
from ivr.nodes.decide import Branch
from ivr.picture_words import FAILURES, KINDS, TITLES, Look, branch_words
from ivr.texts import Text

_WIDTH, _GAP_X, _GAP_Y, _BEND = 250, 34, 74, 26
_LINE, _PAD, _BAR = 17, 12, 8
_CHARACTERS = 34
_MOST_LINES = 4


@dataclass(frozen=True, slots=True)
class Passed:
    """How many callers came to a node, and how many hung up there."""

    entered: int
    left: int


@dataclass
class _Box:
    name: str
    look: Look
    lines: list[str]
    failures: list[str]
    x: float = 0.0
    y: float = 0.0
    width: float = _WIDTH
    height: float = 0.0
    counts: Passed | None = None
    most: int = 0  # callers of the node that most came to


@dataclass
class _Canvas:
    pieces: list[str] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


def draw(flow: Flow, language: str = "", passed: Mapping[str, Passed] | None = None) -> str:
    """The picture as SVG text. passed: numbers of callers by node: the funnel that shows where they leave."""
    speaks = language or flow.language
    edges = [edge for edge in edges_of(flow) if edge.target in flow.nodes]
    lines = [edge for edge in edges if not edge.failure]
    drawn = {(edge.source, edge.target) for edge in lines}
    # A node that only failures lead to hangs by one dashed line from the first of them.
    met = {edge.target for edge in lines} | {flow.start}
    for edge in edges:
        if edge.failure and edge.target not in met:
            met.add(edge.target)
            lines.append(edge)
            drawn.add((edge.source, edge.target))
    boxes = {name: _box(name, node, edges, speaks, (passed or {}).get(name)) for name, node in flow.nodes.items()}
    most = max((each.entered for each in (passed or {}).values()), default=0)
    for box in boxes.values():
        box.most = most
    layout = lay_out(list(flow.nodes), sorted(drawn), flow.start)
    canvas = _Canvas()
    bends = _place(layout, boxes, canvas)
    together: dict[tuple[str, str], list[Edge]] = {}
    for edge in lines:
        together.setdefault((edge.source, edge.target), []).append(edge)
    for same in together.values():
        label = " ".join(filter(None, (branch_words(each.branch, speaks) for each in same)))
        canvas.pieces.append(_line(same[0], layout, boxes, bends, label))
    for name, box in boxes.items():
        canvas.pieces.append(_drawn(box, name == flow.start, speaks))
    return _svg(canvas, flow.title or flow.flow, speaks)


def _box(name: str, node: Node, edges: list[Edge], speaks: str, counts: Passed | None) -> _Box:
    kind = str(getattr(node, "do", ""))
    texts = [text for _, text in parts_of(node, Text)]
    said = ""
    if texts:
        written = texts[0].written
        said = written.get(speaks) or texts[0].first()
    lines = _wrapped(node.note or (f"«{said}»" if said else _detail(node)))
    if isinstance(node, Branch) and not node.note:
        cases = [f"({number}) {case.when.expression.text}" for number, case in enumerate(node.cases, 1)]
        lines = [line for case in cases for line in _wrapped(case)]
    own = [edge for edge in edges if edge.source == name and edge.failure]
    words = FAILURES.get(speaks[:2], FAILURES["en"])
    failures = [f"{words.get(edge.branch, edge.branch)} → {edge.target}" for edge in own]
    box = _Box(name, KINDS[kind], lines, failures, counts=counts)
    rows = 2 + len(lines) + len(failures) + (1 if counts else 0)
    box.height = rows * _LINE + 2 * _PAD + (_BAR if counts else 0)
    return box


def _detail(node: Node) -> str:
    for name in ("recording", "source", "queue", "hours", "set", "to"):
        value = getattr(node, name, None)
        if isinstance(value, str) and value:
            return value
        if name == "hours" and isinstance(value, tuple):
            return "; ".join(value)
        if name == "set" and isinstance(value, Mapping):
            return "; ".join(f"{key} = {formula.expression.text}" for key, formula in value.items())
    return ""


def _wrapped(text: str) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + len(word) < _CHARACTERS:
            lines[-1] += " " + word
        else:
            lines.append(word)
    if len(lines) > _MOST_LINES:
        lines = [*lines[: _MOST_LINES - 1], lines[_MOST_LINES - 1][: _CHARACTERS - 2] + " …"]
    return lines


def _place(layout: Layout, boxes: dict[str, _Box], canvas: _Canvas) -> dict[str, tuple[float, float]]:
    """Give every box its place; returns the places of the bends."""
    widths = [sum((_BEND if each.startswith("|") else _WIDTH) + _GAP_X for each in layer) for layer in layout.layers]
    canvas.width = max(widths, default=0) + 2 * _GAP_X + 60
    bends: dict[str, tuple[float, float]] = {}
    y = 70.0
    for layer, width in zip(layout.layers, widths, strict=True):
        x = (canvas.width - width) / 2
        tallest = max((boxes[name].height for name in layer if name in boxes), default=0.0)
        for name in layer:
            if name in boxes:
                boxes[name].x, boxes[name].y = x, y
                x += _WIDTH + _GAP_X
            else:
                bends[name] = (x + _BEND / 2, y + tallest / 2)
                x += _BEND + _GAP_X
        y += tallest + _GAP_Y
    canvas.height = y
    return bends


def _line(edge: Edge, layout: Layout, boxes: dict[str, _Box], bends: dict[str, tuple[float, float]], label: str) -> str:
    source, target = boxes[edge.source], boxes[edge.target]
    dashed = ' stroke-dasharray="5 4"' if edge.failure else ""
    style = f'class="way"{dashed} marker-end="url(#arrow)"'
    if (edge.source, edge.target) not in layout.ways:
        x1, y1 = source.x + source.width, source.y + source.height / 2
        x2, y2 = target.x + target.width, target.y + 24
        out = max(x1, x2) + 46
        path = f"M{x1:.0f} {y1:.0f} C{out:.0f} {y1:.0f} {out:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
        return f'<path d="{path}" {style}/>' + _label(x1 + 16, y1 - 5, label)
    # Branches leave in the order in which they go on, so that they do not cross under their own box.
    firsts = {t: way[1] for (s, t), way in layout.ways.items() if s == edge.source}
    siblings = sorted(firsts, key=lambda t: bends[firsts[t]][0] if firsts[t] in bends else boxes[t].x + _WIDTH / 2)
    place = siblings.index(edge.target)
    x1 = source.x + source.width * (place + 1) / (len(siblings) + 1)
    points = [(x1, source.y + source.height)]
    points += [bends[name] for name in layout.ways[edge.source, edge.target][1:-1]]
    points.append((target.x + target.width / 2, target.y - 2))
    path = f"M{x1:.0f} {points[0][1]:.0f}"
    for (ax, ay), (bx, by) in itertools.pairwise(points):
        middle = (ay + by) / 2
        path += f" C{ax:.0f} {middle:.0f} {bx:.0f} {middle:.0f} {bx:.0f} {by:.0f}"
    return f'<path d="{path}" {style}/>' + _label(x1, points[0][1] + 15 + 13 * (place % 2), label)


def _label(x: float, y: float, words: str) -> str:
    if not words:
        return ""
    return f'<text x="{x:.0f}" y="{y:.0f}" class="label">{escape(words)}</text>'


def _drawn(box: _Box, is_start: bool, speaks: str) -> str:
    kind = box.look.words.get(speaks[:2], box.look.words["en"])
    x, y = box.x, box.y
    stroke = "#111" if is_start else box.look.colour
    rows = [
        f'<g><title>{escape(box.name)}</title><rect x="{x:.0f}" y="{y:.0f}" width="{box.width:.0f}" '
        f'height="{box.height:.0f}" rx="10" fill="#fff" stroke="{stroke}" stroke-width="{3 if is_start else 1.6}"/>'
        f'<rect x="{x:.0f}" y="{y:.0f}" width="7" height="{box.height:.0f}" rx="3" fill="{box.look.colour}"/>'
    ]
    at = y + _PAD + 12

    def row(words: str, style: str) -> None:
        nonlocal at
        rows.append(f'<text x="{x + 18:.0f}" y="{at:.0f}" class="{style}">{escape(words)}</text>')
        at += _LINE

    row(f"{box.look.sign} {kind}", "kind")
    row(box.name, "name")
    for words in box.lines:
        row(words, "words")
    for words in box.failures:
        row(words, "failure")
    if box.counts:
        titles = TITLES.get(speaks[:2], TITLES["en"])
        share = 100 * box.counts.left / box.counts.entered if box.counts.entered else 0.0
        row(titles.format(entered=box.counts.entered, left=box.counts.left, share=share), "counts")
        rows.append(_funnel_bar(box, box.counts, at - 8))
    return "".join(rows) + "</g>"


def _funnel_bar(box: _Box, counts: Passed, y: float) -> str:
    """As long as callers came, the red part as long as hung up: where the bars shorten is where callers are lost."""
    longest = box.width - 36
    came, gone = (longest * count / max(1, box.most) for count in (counts.entered, counts.left))
    return (
        f'<rect x="{box.x + 18:.0f}" y="{y:.0f}" width="{came:.1f}" height="6" fill="#9cc5f0"/>'
        f'<rect x="{box.x + 18 + came - gone:.1f}" y="{y:.0f}" width="{gone:.1f}" height="6" fill="#c33"/>'
    )


def _svg(canvas: _Canvas, title: str, speaks: str) -> str:
    style = (
        "text{font-family:'DejaVu Sans',Verdana,sans-serif;font-size:12px;fill:#222}"
        ".title{font-size:20px;font-weight:bold}.kind{font-size:11px;fill:#555}.name{font-weight:bold;font-size:13px}"
        ".words{fill:#333}.failure{fill:#a33;font-size:11px}.counts{fill:#06c;font-size:11px}"
        ".label{font-size:11px;fill:#345;text-anchor:middle;paint-order:stroke;stroke:#fafafa;stroke-width:4px}"
        ".way{fill:none;stroke:#678;stroke-width:1.6}"
    )
    width, height = f"{canvas.width:.0f}", f"{canvas.height:.0f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'lang="{escape(speaks)}" role="img"><title>{escape(title)}</title><style>{style}</style>'
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L10 5L0 10z" fill="#678"/></marker></defs>'
        f'<rect width="{width}" height="{height}" fill="#fafafa"/>'
        f'<text x="30" y="40" class="title">{escape(title)}</text>' + "\n".join(canvas.pieces) + "</svg>\n"
    )
