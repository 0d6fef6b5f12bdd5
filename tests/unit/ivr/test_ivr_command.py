from pathlib import Path

from typer.testing import CliRunner

from server.commands.ivr import app
from tests.unit.ivr.flows import READY

RUNNER = CliRunner()


def test_given_ready_flows_when_checked_and_tested_by_command_then_it_says_so() -> None:
    checked = RUNNER.invoke(app, ["check", str(READY / "en")])
    assert checked.exit_code == 0 and checked.output.count(": sound, ") == 7
    tested = RUNNER.invoke(app, ["test", str(READY / "en" / "survey.yaml")])
    assert tested.exit_code == 0 and "5 passed, 0 failed" in tested.output


def test_given_a_broken_flow_when_checked_by_command_then_it_fails_with_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("flow: bad\nstart: a\nnodes:\n  a: {do: say, text: Hi., next: b}\n")
    checked = RUNNER.invoke(app, ["check", str(file)])
    assert checked.exit_code == 1
    assert "bad.yaml:4: nodes.a.next: there is no node 'b'" in checked.output
    assert RUNNER.invoke(app, ["check", str(tmp_path / "none.yaml")]).exit_code == 1


def test_given_keys_typed_when_simulated_then_the_call_is_walked(tmp_path: Path) -> None:
    flow = str(READY / "es" / "saldo.yaml")
    called = RUNNER.invoke(app, ["simulate", flow], input="12345678\n4321\n9\n")
    assert called.exit_code == 0, called.output
    assert "su saldo pendiente" in called.output and "goodbye" in called.output
    out = tmp_path / "saldo.svg"
    assert RUNNER.invoke(app, ["draw", flow, "-o", str(out)]).exit_code == 0
    assert out.read_text().startswith("<svg")
