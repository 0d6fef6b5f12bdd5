"""Helpers of the IVR tests: small flows, callers by script."""

from pathlib import Path
from typing import Any

from ivr.flow import LoadedFlow, read_flow
from ivr.given import Given
from ivr.line import KeyRequest, RecordRequest
from ivr.simulate import Act, Walk, walk

READY = Path(__file__).parents[3] / "ivr" / "flows"
READY_FILES = sorted(file for file in READY.rglob("*.yaml") if not file.name.endswith(".test.yaml"))


def flow_of(nodes: str, head: str = "", start: str = "first", rescue: str = "rescue: {queue: people}") -> LoadedFlow:
    """A flow of a few nodes; `nodes` is YAML indented by two."""
    return read_flow(f"flow: small\nlanguage: en\nstart: {start}\n{rescue}\n{head}\nnodes:\n{nodes}\n", "small.yaml")


class Presses:
    """A caller who presses these keys, one entry for each question, and then is silent. "h" hangs up, "s4" speaks."""

    def __init__(self, *keys: str) -> None:
        self.left = list(keys)

    async def __call__(self, taken: Walk, request: KeyRequest | RecordRequest) -> Act:
        if not self.left:
            return Act()
        key = self.left.pop(0)
        if key == "h":
            return Act(hang_up=True)
        if key.startswith("s"):
            return Act(speaks_s=float(key[1:]))
        return Act(key.replace("{code}", taken.code))


def call(loaded: LoadedFlow, *keys: str, **given: Any) -> Walk:
    """Call a flow and press keys."""
    return walk(loaded, Given.model_validate(given), Presses(*keys))


def exit_of(taken: Walk) -> str:
    assert taken.ended is not None
    return taken.ended.exit.value
