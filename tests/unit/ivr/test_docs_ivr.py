"""The examples of docs/ivr.md are sound and do what the text says."""

import re
from pathlib import Path
from typing import get_args

from ivr.checker import check
from ivr.flow import read_flow
from ivr.functions import FUNCTIONS
from ivr.nodes import AnyNode
from ivr.testing import read_script, run_script
from tests.unit.ivr.flows import call, exit_of

DOCS = (Path(__file__).parents[3] / "docs" / "ivr.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)


def test_given_the_flows_of_the_docs_when_checked_then_they_are_sound() -> None:
    flows = [text for text in EXAMPLES if text.startswith("flow:")]
    assert len(flows) == 2
    for text in flows:
        assert [finding.said("docs") for finding in check(read_flow(text))] == []
    assert call(read_flow(flows[0]), "1", "12345678").heard[-1] == "Your account is 12345678 . Thank you."
    assert exit_of(call(read_flow(flows[0]))) == "talked"


def test_given_the_script_of_the_docs_when_run_then_it_passes(tmp_path: Path) -> None:
    flow = read_flow(next(text for text in EXAMPLES if text.startswith("flow: shop")))
    script = tmp_path / "shop.test.yaml"
    script.write_text(next(text for text in EXAMPLES if text.startswith("given:")))
    assert [result.problems for result in run_script(flow, read_script(script))] == [(), (), ()]


def test_given_the_table_of_the_docs_when_compared_then_it_names_every_node_field_and_failure() -> None:
    rows = {
        row[0].strip(): row for line in DOCS.splitlines() if line.startswith("| ") for row in [line[1:-1].split("|")]
    }
    for node in get_args(get_args(AnyNode)[0]):
        kind = get_args(node.model_fields["do"].annotation)[0]
        what, failures = rows[kind][2], {word.strip() for word in rows[kind][3].split(",")} - {""}
        assert failures == set(node.failures), kind
        wanted = [info.alias or name for name, info in node.model_fields.items() if info.is_required() and name != "do"]
        missing = [name for name in wanted if not re.search(rf"\b{name}\b", what)]
        assert not missing, (kind, missing)


def test_given_the_functions_when_compared_then_the_docs_name_them_all() -> None:
    assert not [name for name in FUNCTIONS if not re.search(rf"\b{name}\b", DOCS)]
