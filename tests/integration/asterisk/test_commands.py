"""`timbre asterisk ...` as a person types it, on a real Asterisk."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.commands.asterisk import app
from telephony.asterisk.installation import Installation
from tests.support.servers import free_settings

pytestmark = pytest.mark.asterisk


@pytest.fixture
def config() -> Iterator[Path]:
    """A settings file for a var folder of its own, on free ports."""
    var = Path(tempfile.mkdtemp(prefix="timbre-cli-"))
    free = free_settings(var)
    lines = [f'var = "{var}"', "[asterisk]", f"http_port = {free.http_port}", f"ami_port = {free.ami_port}"]
    lines += [f"sip_port = {free.sip_port}", f"rtp_first = {free.rtp_ports.first}", f"rtp_last = {free.rtp_ports.last}"]
    (var / "timbre.toml").write_text("\n".join(lines))
    yield var / "timbre.toml"
    _timbre(var / "timbre.toml", "stop")
    shutil.rmtree(var)


def _timbre(config: Path, command: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--config", str(config), command])
    return done.exit_code, done.output


def test_given_a_settings_file_when_it_is_started_asked_and_stopped_then_each_command_says_the_state(
    config: Path, asterisk_root: Installation
) -> None:
    assert _timbre(config, "status")[0] == 3

    code, output = _timbre(config, "start")
    assert (code, "ready" in output, asterisk_root.version_text in output) == (0, True, True)
    assert _timbre(config, "status")[0] == 0

    code, output = _timbre(config, "stop")
    assert (code, "stopped" in output) == (0, True)
    assert _timbre(config, "status")[0] == 3


def test_given_a_port_in_use_when_it_is_started_then_one_line_says_which_setting_to_change(config: Path) -> None:
    port = int(config.read_text().split("ami_port = ")[1].split()[0])
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()

        code, output = _timbre(config, "start")

    assert code == 1
    assert f"port {port}" in output
    assert "ami_port" in output
    assert "Traceback" not in output


def test_given_a_wrong_settings_file_when_it_is_started_then_the_field_is_named(config: Path) -> None:
    wrong = config.with_name("wrong.toml")
    wrong.write_text(config.read_text().replace("http_port = ", "http_port = 9"))

    code, output = _timbre(wrong, "start")

    assert code == 1
    assert "asterisk.http_port" in output


def test_given_an_asterisk_when_install_is_asked_again_then_it_says_where_it_is(
    config: Path, asterisk_root: Installation
) -> None:
    code, output = _timbre(config, "install")

    assert code == 0
    assert asterisk_root.version_text in output
