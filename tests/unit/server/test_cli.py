"""The `timbre` command: every command is there, and those that only ask import nothing of the server."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from server.cli import COMMANDS, app

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


def test_given_commands_that_only_ask_then_they_import_neither_server_nor_numbers() -> None:
    imports = ", ".join(f"server.commands.{name}" for name in _ASKING)
    program = f"import sys, server.cli, {imports}; print(*(name for name in {_HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
