"""Every ready flow: sound, walked down its script, and fuzzed with random keys in a random world."""

import json
import re
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest import mark

from ivr.checker import check
from ivr.drawing import Passed, draw
from ivr.events import Exit
from ivr.flow import LoadedFlow, load_flow
from ivr.given import Given
from ivr.line import KeyRequest, QueueEnd, RecordRequest, TransferEnd
from ivr.nodes.lookup import Lookup
from ivr.schema.__main__ import SCHEMA_FILE, schema_text
from ivr.simulate import Act, Walk, walk
from ivr.testing import Script, given_of, read_script, run_script, script_of
from ivr.yaml_text import read_yaml
from tests.unit.ivr.flows import READY_FILES

ready = mark.parametrize("file", READY_FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")


@ready
def test_given_a_ready_flow_when_checked_then_nothing_is_to_mend(file: Path) -> None:
    assert [finding.said(str(file)) for finding in check(load_flow(file))] == []


@ready
def test_given_a_ready_flow_when_its_script_is_run_then_every_scenario_passes(file: Path) -> None:
    loaded = load_flow(file)
    results = list(run_script(loaded, read_script(script_of(file))))
    assert [(result.name, result.problems) for result in results if result.problems] == []
    visited = {node for result in results for node in result.walk.nodes}
    # A goodbye or confirmation that no scenario reaches is a branch that nobody has listened to.
    assert set(loaded.flow.nodes) <= visited | {"goodbye"}, set(loaded.flow.nodes) - visited


@ready
def test_given_a_ready_flow_when_drawn_then_the_picture_names_every_node(file: Path) -> None:
    flow = load_flow(file).flow
    picture = draw(flow, passed={flow.start: Passed(40, 10)})
    # A bar as long as callers came; its red end is those who hung up: a quarter.
    came, gone = (
        float(re.findall(rf'width="([0-9.]+)" height="6" fill="{colour}"', picture)[0])
        for colour in ("#9cc5f0", "#c33")
    )
    assert gone > 40.0 and came == 4 * gone
    words = {element.text for element in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")}
    assert set(flow.nodes) <= words
    assert any("(25 %)" in (word or "") for word in words)


@ready
def test_given_a_ready_flow_when_held_against_the_published_schema_then_it_fits(file: Path) -> None:
    jsonschema.validate(read_yaml(file.read_text()).value, json.loads(SCHEMA_FILE.read_text()))


def test_given_the_language_when_its_schema_is_made_then_the_published_one_is_the_same() -> None:
    assert SCHEMA_FILE.read_text() == schema_text(), "the language has changed: run python -m ivr.schema"


@cache
def _read(file: Path) -> tuple[LoadedFlow, Script]:
    return load_flow(file), read_script(script_of(file))


class RandomCaller:
    def __init__(self, acts: list[str]) -> None:
        self._acts = acts
        self._next = 0

    async def __call__(self, taken: Walk, request: KeyRequest | RecordRequest) -> Act:
        act = self._acts[self._next % len(self._acts)] if self._acts else ""
        self._next += 1
        return Act(hang_up=True) if act == "h" else Act(act, speaks_s=float(len(act)))


ACTS = st.text("0123456789*#", max_size=10) | st.sampled_from(["1", "2", "0", "9", "", "h"])
WORLDS = st.fixed_dictionaries(
    {
        "caller": st.sampled_from(["+34600100200", ""]),
        "down": st.lists(st.sampled_from(["messages", "hooks", "store", "payments"]), unique=True),
        "end": st.sampled_from(list(QueueEnd)),
        "transfer": st.sampled_from(list(TransferEnd)),
        "card_refused": st.booleans(),
        "answers": st.sampled_from(["as given", "down", "slow", "nothing", "wrong fields"]),
    }
)
BROKEN_ANSWERS = {
    "down": {"down": True},
    "slow": {"slow_s": 100, "found": {}},
    "nothing": {},
    "wrong fields": {"found": {"ok": True, "saldo": "no number", "balance": [], "estado": None}},
}


@ready
@settings(max_examples=20, deadline=None)
@given(acts=st.lists(ACTS, max_size=30), world=WORLDS)
def test_given_random_keys_in_a_random_world_when_called_then_the_call_ends_legally(
    file: Path, acts: list[str], world: dict[str, object]
) -> None:
    loaded, script = _read(file)
    answers = world.pop("answers") if "answers" in world else "as given"
    end = world.pop("end") if "end" in world else QueueEnd.TALKED
    raw = given_of(script, script.scenarios[0]).model_dump() | world
    raw["queues"] = {
        getattr(node, "queue", "x"): {"end": end} for node in loaded.flow.nodes.values() if hasattr(node, "queue")
    }
    if answers in BROKEN_ANSWERS:
        sources = {node.source for node in loaded.flow.nodes.values() if isinstance(node, Lookup)}
        raw["lookups"] = {**raw["lookups"], **{source: BROKEN_ANSWERS[str(answers)] for source in sources}}
    taken = walk(loaded, Given.model_validate(raw), RandomCaller(acts))
    assert taken.ended is not None and taken.hung_up
    assert taken.ended.exit is not Exit.BROKEN
    if taken.ended.exit is Exit.CALLER_LEFT:
        assert "h" in acts
    else:
        assert taken.heard, "hung up without a word"
    if taken.ended.exit is Exit.CALLBACK:
        assert taken.callbacks, "a callback was promised and not kept"
    if taken.ended.exit is Exit.MESSAGE:
        assert taken.voicemails
    assert not any("unexpected" in trouble for trouble in taken.troubles), taken.troubles
