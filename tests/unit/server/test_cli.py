"""The `timbre` command: every command is there, and those that only ask import nothing of the server."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import COMMANDS, app
from server.commands.doctor import _look
from server.settings import load

_HEAVY = ("aiohttp", "alembic", "fastapi", "matplotlib", "numba", "numpy", "sqlalchemy")
_ASKING = ("agent", "campaign", "console", "node", "queue")


@pytest.mark.parametrize("name", COMMANDS)
def test_given_a_command_then_the_overview_says_of_it_what_it_says_itself(name: str) -> None:
    command = COMMANDS[name].load()
    assert (command.help or "").startswith(COMMANDS[name].help)
    shown = CliRunner().invoke(app, [name, "--help"])
    assert shown.exit_code == 0
    assert f"timbre {name}" in shown.stdout or f" {name} [OPTIONS]" in shown.stdout


def test_given_a_word_that_is_no_command_then_the_nearest_ones_are_named() -> None:
    refused = CliRunner().invoke(app, ["statu"])
    assert refused.exit_code == 2
    assert "status" in refused.output


def test_given_no_idea_then_the_overview_names_the_first_steps_and_groups_do_not_repeat_its_options() -> None:
    assert "timbre demo" in CliRunner().invoke(app, ["--help"]).stdout
    assert "completion" not in CliRunner().invoke(app, ["campaign", "--help"]).stdout
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("timbre 0.")


def test_given_commands_that_only_ask_then_they_import_neither_server_nor_numbers() -> None:
    imports = ", ".join(f"server.commands.{name}" for name in _ASKING)
    program = f"import sys, server.cli, {imports}; print(*(name for name in {_HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ('var = "/proc/none"\n', "var folder /proc/none"),
        ('var = "{var}"\n[redis]\nurl = "redis://:hunter2@127.0.0.1:9/0"\n', "the Redis of redis.url"),
        ('var = "{var}"\n[database]\nurl = "mysql://a:hunter2@b/c"\n', "database (mysql)"),
        ('var = "{var}"\nlines = [{{number = "*", flow = "x"}}]\n[media]\nspeech_engine = "x"\n', "the voice of menus"),
    ],
)
def test_given_a_part_that_is_out_of_reach_then_the_doctor_names_it_with_its_mending_and_no_secret(
    tmp_path: Path, text: str, missing: str
) -> None:
    path = tmp_path / "timbre.toml"
    path.write_text(text.format(var=tmp_path / "var"))
    (finding,) = [each for each in _look(load(path)) if each.what == missing]
    assert not finding.fine and finding.mend
    assert "hunter2" not in finding.mend
