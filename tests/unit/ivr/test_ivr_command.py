from pathlib import Path

from pytest import mark
from typer.testing import CliRunner

from ivr.schema.__main__ import SCHEMA_FILE
from server.commands.ivr import app
from tests.unit.ivr.flows import READY, READY_FILES

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


def test_given_settings_when_flows_are_checked_against_them_then_what_they_lack_is_told(tmp_path: Path) -> None:
    file, config = tmp_path / "menu.yaml", tmp_path / "timbre.toml"
    config.write_text(f'var = "{tmp_path}/var"\n[[queues]]\nqueue_id = "sales"\n')
    file.write_text(
        "flow: menu\nlanguage: en\nstart: a\nrescue: {queue: sale}\nnodes:\n"
        "  a: {do: say, text: '{welcome:prompt}', next: b}\n  b: {do: goodbye, text: Bye.}\n"
    )
    assert RUNNER.invoke(app, ["check", str(file)]).exit_code == 0
    checked = RUNNER.invoke(app, ["check", str(file), "--config", str(config)])
    assert checked.exit_code == 1
    assert "menu.yaml:4: rescue.queue: the settings know no queue 'sale': did you mean 'sales'?" in checked.output
    assert "menu.yaml:6: nodes.a.text: there is no recorded prompt 'welcome' in 'en'" in checked.output
    assert RUNNER.invoke(app, ["check", str(file), "--config", str(tmp_path / "none.toml")]).exit_code == 1


def test_given_a_broken_flow_when_simulated_or_tested_then_its_faults_are_told_and_nobody_walks(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("flow: bad\nstart: a\nrescue: {queue: q}\nnodes:\n  a: {do: say, text: Hi., next: b}\n")
    (tmp_path / "bad.test.yaml").write_text("scenarios: [{name: hears, when: [], then: {exit: goodbye}}]\n")
    for command in ("simulate", "test"):
        ran = RUNNER.invoke(app, [command, str(file)])
        assert ran.exit_code == 1 and "bad.yaml:5: nodes.a.next: there is no node 'b'" in ran.output
        assert "Hi." not in ran.output


def test_given_a_terminal_that_is_closed_when_simulated_then_the_caller_has_hung_up() -> None:
    called = RUNNER.invoke(app, ["simulate", str(READY / "es" / "saldo.yaml")], input="")
    assert called.exit_code == 0 and "caller_left" in called.output


def test_given_no_repository_when_the_schema_is_written_then_it_is_the_published_one(tmp_path: Path) -> None:
    out = tmp_path / "flow.schema.json"
    written = RUNNER.invoke(app, ["schema", "-o", str(out)])
    assert written.exit_code == 0 and f"# yaml-language-server: $schema={out}" in written.output
    assert out.read_text() == SCHEMA_FILE.read_text()


def test_given_a_ready_flow_when_opened_in_an_editor_then_its_first_line_names_the_schema() -> None:
    for file in READY_FILES:
        first = file.read_text().splitlines()[0]
        assert (file.parent / first.removeprefix("# yaml-language-server: $schema=")).resolve() == SCHEMA_FILE


@mark.parametrize(
    ("script", "told"),
    [
        ("scenarios:\n  - name: x\n    when: [{pres: '1'}]\n    then: {exit: told}\n",
         "bad.test.yaml:3: scenarios.0.when.0.pres: there is no field `pres` here: did you mean `press`?"),
        ("scenarios:\n  - name: x\n    when: [{press: one}]\n    then: {}\n",
         "bad.test.yaml:3: scenarios.0.when.0.press: are no keys"),
        ("scenarios:\n  - name: x\n    given:\n      lookups:\n        s: {slow: 4}\n    then: {}\n",
         "bad.test.yaml:5: scenarios.0.given.lookups.s.0.slow: there is no field `slow` here: did you mean `slow_s`?"),
        ("given: {wether: bad}\nscenarios:\n  - name: x\n    then: {}\n",
         "bad.test.yaml:1: given.wether: there is no field `wether` here: remove it"),
    ],
)  # fmt: skip
def test_given_a_mistake_in_a_script_when_run_then_file_line_and_field_are_told(
    tmp_path: Path, script: str, told: str
) -> None:
    (tmp_path / "bad.yaml").write_text("flow: bad\nstart: a\nrescue: {queue: q}\nnodes: {a: {do: goodbye, text: A.}}\n")
    (tmp_path / "bad.test.yaml").write_text(script)
    ran = RUNNER.invoke(app, ["test", str(tmp_path / "bad.yaml")])
    assert ran.exit_code == 1 and told in ran.output, ran.output
