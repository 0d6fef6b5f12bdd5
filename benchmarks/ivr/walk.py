"""`python -m benchmarks.ivr walk`: every flow walked down every branch by robots on real Asterisk, and listened to.

The calls are found by `ivr.explore` from the flow and the script beside it. Each is placed on a node as `timbre up`
runs it, on a real line, with keys as RFC 4733, SIP INFO or in-band tones in turn; sources are those of its settings
(HTTP, SQL, a plugin, in turn) and webhooks an HTTP service, that are good, slow or
down. What the phone heard is held against speech made anew from the words.
"""

import argparse
import asyncio
import html
import json
import os
import random
import time
from pathlib import Path
from typing import Any

from telephony.asterisk import install
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network
from tests.support.walk_node import walk_node
from tests.support.walk_run import Plan, Row, asks_of_all, fuzz_really, fuzz_virtually, plan_of, walk_plans

_FLOWS = Path("ivr/flows")
_HEAD = ("flow", "ways", "hang-ups", "slow", "calls", "prompts", "weakest", "gap s", "faults")


def main(arguments: list[str]) -> int:
    """Walk, print the table, write JSON and HTML; 1 when something was not as it should be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ivr walk", description=__doc__)
    parser.add_argument("--flows", nargs="*", type=Path, help="flow files or folders; the ready flows when left out")
    parser.add_argument("--at-once", type=int, default=30, help="calls at the same time")
    parser.add_argument("--most", type=int, default=10_000, help="calls of each flow, for a quick look")
    parser.add_argument("--fuzz", type=int, default=42, help="calls with random keys on real lines")
    parser.add_argument("--fuzz-virtual", type=int, default=300, help="calls with random keys a flow on virtual time")
    parser.add_argument("--seed", type=int, help="of random keys; a new one is drawn and told when left out")
    parser.add_argument("--keep", type=Path, help="a folder for sound, packets and words of every call with a finding")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--html", type=Path, help="write a page there")
    given = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    plans = [plan_of(file) for file in _files(given.flows or [_FLOWS])]
    if not plans:
        parser.error("there is no flow file at the places given")
    print(f"{len(plans)} flows, {sum(len(p.explored.trials) for p in plans)} calls, seed {seed}", flush=True)
    virtual = [wrong for plan in plans for wrong in fuzz_virtually(plan, given.fuzz_virtual, seed)]
    began_s = time.monotonic()
    rows, fuzzed, troubles = asyncio.run(_walk(plans, given, seed))
    report = {
        "seed": seed, "at_once": given.at_once, "took_s": round(time.monotonic() - began_s, 1),
        "flows": [row.values() for row in rows], "load": os.getloadavg(),
        "fuzz": {"virtual_calls": given.fuzz_virtual * len(plans), "virtual_faults": virtual,
                 "real_calls": given.fuzz, "real_faults": fuzzed},
        "troubles": troubles,
    }  # fmt: skip
    print(_table(rows, report))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    verdict, clean = _verdict(rows, report, whole=given.most > 999)
    if given.html:
        given.html.write_text(_page(rows, report, verdict), encoding="utf-8")
    print(verdict, flush=True)
    return 0 if clean else 1


def _verdict(rows: list[Row], report: dict[str, Any], whole: bool) -> tuple[str, bool]:
    """One line, and whether everything was as it should be. whole: ways that were not walked are findings too."""
    fuzz, calls, prompts = report["fuzz"], sum(row.calls for row in rows), sum(row.prompts for row in rows)
    counted = {
        "findings in walked calls": sum(len(row.faults) for row in rows),
        "ways not walked": sum(len(row.missed) for row in rows) if whole else 0,
        "ends of random calls": len(fuzz["virtual_faults"]) + len(fuzz["real_faults"]),
        "troubles of the node": len(report["troubles"]),
    }
    found = ", ".join(f"{count} {what}" for what, count in counted.items() if count)
    walked = f"{len(rows)} flows, {calls} calls, {prompts} prompts compared"
    return f"VERDICT: {'NOT CLEAN: ' + found if found else 'clean'} ({walked})", not found


def _files(places: list[Path]) -> list[Path]:
    found = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.yaml")))]
    return [file for file in found if not file.name.endswith(".test.yaml")]


async def _walk(plans: list[Plan], given: argparse.Namespace, seed: int) -> tuple[list[Row], list[str], list[str]]:
    factory = AsteriskFactory(install.require())
    try:
        _, network = await asyncio.to_thread(make_network, factory)
        async with walk_node(network, asks_of_all(plans), given.at_once) as node:
            rows = await walk_plans(node, plans, given.at_once, given.most, given.keep)
            fuzzed = await fuzz_really(node, plans, given.fuzz, seed, given.at_once, keep=given.keep)
            worst = max(node.late, key=lambda each: each.by_s, default=None)
            if worst:
                print(f"the loop was late by {worst.by_s:.2f} s at most, of which it worked {worst.worked_s:.2f} s")
            return rows, fuzzed, node.troubles()
    finally:
        await asyncio.to_thread(factory.close)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.flow, f"{row.ways_walked}/{row.ways}", f"{row.hang_ups_walked}/{row.hang_ups}",
        f"{row.slow_walked}/{row.slow}", str(row.calls), str(row.prompts), f"{row.weakest:.2f}",
        f"{row.longest_gap_s:.2f}", str(len(row.faults)),
    )  # fmt: skip


def _table(rows: list[Row], report: dict[str, Any]) -> str:
    lines = ["| " + " | ".join(_HEAD) + " |", "|---|" + "---:|" * (len(_HEAD) - 1)]
    lines += ["| " + " | ".join(_cells(row)) + " |" for row in rows]
    lines += [f"{row.flow}: not walked: {missed}" for row in rows for missed in row.missed]
    lines += [f"{row.flow}: {fault}" for row in rows for fault in row.faults]
    fuzz = report["fuzz"]
    lines += [f"random keys: {fuzz['virtual_calls']} calls on virtual time, {len(fuzz['virtual_faults'])} wrong; "
              f"{fuzz['real_calls']} on real lines, {len(fuzz['real_faults'])} wrong"]  # fmt: skip
    lines += [*fuzz["virtual_faults"], *fuzz["real_faults"], *(f"trouble: {each}" for each in report["troubles"])]
    return "\n".join([*lines, f"took {report['took_s']} s"])


def _page(rows: list[Row], report: dict[str, Any], verdict: str) -> str:
    def row_of(cells: tuple[str, ...], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    body = row_of(_HEAD, "th") + "".join(row_of(_cells(row), "td") for row in rows)
    rest = _table([], report).split("\n", 2)[-1]
    faults = "\n".join(f"{row.flow}: {each}" for row in rows for each in [*row.faults, *row.missed])
    return (
        '<!doctype html><meta charset="utf-8"><title>Flows walked</title><style>body{font:15px sans-serif;margin:2em}'
        "td,th{padding:.3em .8em;text-align:right;border-bottom:1px solid #ccc}td:first-child,th:first-child"
        "{text-align:left}pre{white-space:pre-wrap}</style><h1>Flows walked on real lines</h1>"
        f"<p>{html.escape(verdict)}. Seed {report['seed']}, load {report['load'][0]:.1f}.</p>"
        f"<table>{body}</table><pre>{html.escape(faults)}\n{html.escape(rest)}</pre>\n"
    )
