"""What a person can get wrong, through the command itself: one clear message, exit status 1, no traceback, no loss."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from server.demo.behaviours import Behaviour
from server.demo.network import Network
from server.demo.numbering import DemoNumber
from server.managed_asterisk import asterisk_settings
from server.run import asterisk_of, redis_of
from telephony.asterisk.credentials import load_or_create
from tests.support.live_house import LiveFolder, LiveProcess, campaign_text, live_folder
from tests.support.servers import AsteriskFactory
from tests.support.telephone_network import make_network

pytestmark = pytest.mark.asyncio(loop_scope="module")
ROOT = Path(__file__).parents[2]
EXTRA = """
[[trunks]]
name = "unreachable"
host = "127.0.0.1"
port = 9
qualify_s = 0
"""


@pytest.fixture(scope="module")
def network(asterisk_instance: AsteriskFactory) -> Iterator[Network]:
    instance, network = make_network(asterisk_instance)
    asyncio.run(instance.start())
    yield network
    asyncio.run(instance.stop())


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def node(network: Network) -> AsyncIterator[LiveProcess]:
    with live_folder(network, 1, EXTRA) as folder:
        process = LiveProcess(folder)
        try:
            await process.start(90.0)
            yield process
        finally:
            await process.end()


@pytest.fixture
def folder(network: Network) -> Iterator[LiveFolder]:
    """A folder whose node does not run (yet); what it leaves running is stopped."""
    with live_folder(network, 0) as folder:
        yield folder
        folder.config.write_text(folder.config.read_text().replace("managed = false", ""))
        for part in (asterisk_of(folder.settings), redis_of(folder.settings)):
            assert part is not None and part.pid is None, "a start that failed left a process behind"


def timbre(config: Path, *words: str) -> tuple[int, str]:
    """Run the command; its exit status and everything it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", *words, "--config", str(config)],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


async def refused(config: Path, *words: str) -> str:
    """Run a command that must fail in words."""
    status, output = await asyncio.to_thread(timbre, config, *words)
    assert status == 1, output
    assert "Traceback" not in output
    return output


async def test_given_a_campaign_file_with_wrong_values_then_every_line_that_is_wrong_is_named(
    node: LiveProcess, tmp_path: Path
) -> None:
    text = campaign_text("wrong").replace("ring_timeout_s = 15", 'ring_timeout_s = "long"')
    text = text.replace('mode = "ratio"', 'mode = "psychic"').replace('caller_id = "+34788000000"', 'caller_id = "me"')
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    output = await refused(node.folder.config, "campaign", "add", str(path))
    for word in (":5: caller_id", ":8: mode", ":12: ring_timeout_s"):
        assert word in output
    assert all(each["campaign_id"] != "wrong" for each in await node.ask("GET", "/campaigns"))


async def test_given_a_csv_of_garbage_then_it_is_refused_whole_and_the_list_is_as_before(
    node: LiveProcess, tmp_path: Path
) -> None:
    with pytest.raises(httpx.HTTPStatusError) as refusal:
        await node.ask("POST", "/lists/garbage/import", content=bytes(range(256)) * 50)
    assert refusal.value.response.status_code == 422
    assert len(refusal.value.response.json()["detail"]) < 1000
    report = await node.ask("POST", "/lists/garbage/import", content=b"phone\nhello\n612345678\n12\n")
    assert report["added"] == 1
    assert report["rejected"] == 2
    assert all(report["rejections"])


async def test_given_an_agent_without_audio_when_it_places_a_call_then_it_is_told_to_connect_first(
    node: LiveProcess,
) -> None:
    text = campaign_text("unreachable", mode="progressive", amd=False).replace('["network"]', '["unreachable"]')
    agent = node.folder.agents[0]
    await node.ask("POST", f"/agents/{agent}/sign-in")
    await node.ask("PUT", "/campaigns", content=text.replace("progressive", "manual").encode())
    number = DemoNumber.of(Behaviour.BUSY, serial=1)
    await node.ask("POST", "/lists/unreachable/import", content=f"phone\n{number.e164}\n".encode())
    await node.ask("POST", "/campaigns/unreachable/start")
    (lead,) = await node.ask("GET", "/lists/unreachable/leads")
    with pytest.raises(httpx.HTTPStatusError) as refusal:
        await node.ask("POST", f"/agents/{agent}/call", json={"campaign_id": "unreachable", "lead_id": lead["lead_id"]})
    assert refusal.value.response.status_code == 409
    assert "no audio: connect the phone first" in refusal.value.response.json()["detail"]


async def test_given_a_campaign_over_an_unknown_trunk_then_the_start_says_which_there_are(node: LiveProcess) -> None:
    text = campaign_text("no-trunk").replace('["network"]', '["nowhere"]')
    await node.ask("PUT", "/campaigns", content=text.encode())
    with pytest.raises(httpx.HTTPStatusError) as refusal:
        await node.ask("POST", "/campaigns/no-trunk/start")
    assert refusal.value.response.status_code == 409
    assert "no trunk named nowhere; the settings have network, unreachable" in refusal.value.response.json()["detail"]


async def test_given_the_http_port_is_taken_then_up_says_which_setting_to_change(folder: LiveFolder) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", folder.settings.http.port))
        other.listen()
        output = await refused(folder.config, "up")
    assert f"port {folder.settings.http.port}" in output
    assert "http.port" in output


@pytest.mark.parametrize("setting", ["http_port", "ami_port"])
async def test_given_a_port_of_asterisk_is_taken_then_up_says_so_and_leaves_nothing(
    folder: LiveFolder, setting: str
) -> None:
    port = getattr(folder.settings.asterisk, setting)
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        output = await refused(folder.config, "up")
    assert f"port {port} " in output
    assert f"asterisk.{setting} (TIMBRE_ASTERISK__{setting.upper()})" in output


async def test_given_the_port_of_redis_is_taken_then_up_names_the_setting(folder: LiveFolder) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", folder.settings.redis.port))
        output = await refused(folder.config, "up")
    assert f"port {folder.settings.redis.port} (redis.port)" in output


async def test_given_the_sip_port_is_taken_then_up_says_so_and_leaves_nothing(folder: LiveFolder) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", folder.settings.asterisk.sip_port))
        output = await refused(folder.config, "up")
    assert f"port {folder.settings.asterisk.sip_port} " in output
    assert "asterisk.sip_port (TIMBRE_ASTERISK__SIP_PORT)" in output


def theirs(folder: LiveFolder, node: LiveProcess, **changed: str) -> Path:
    """Settings of a node that uses the Asterisk of another node, with its secrets except those that are given."""
    part = node.folder.settings.asterisk
    right = load_or_create(asterisk_settings(node.folder.settings).credentials_file)
    secrets = {"secret": right.ari_password, "ami_secret": right.ami_secret, **changed}
    lines = "managed = false\n" + "".join(f'{name} = "{value}"\n' for name, value in secrets.items())
    text = folder.config.read_text().replace("[asterisk]\n", f"[asterisk]\n{lines}")
    for port in ("http_port", "ami_port"):
        text = text.replace(f"{port} = {getattr(folder.settings.asterisk, port)}", f"{port} = {getattr(part, port)}")
    config = folder.path / "theirs.toml"
    config.write_text(text)
    return config


@pytest.mark.parametrize(
    ("wrong", "words"), [("secret", "refuses ARI user 'timbre'"), ("ami_secret", "manager interface at")]
)
async def test_given_one_secret_of_a_running_asterisk_is_wrong_then_up_says_which_and_where_to_mend_it(
    folder: LiveFolder, node: LiveProcess, wrong: str, words: str
) -> None:
    output = await refused(theirs(folder, node, **{wrong: "mistaken"}), "up")
    assert output.count(words) == 1
    assert f"asterisk.{wrong}" in output
    assert "mistaken" not in output
    assert (await node.ask("GET", "/status"))["may_dial"], "the node that runs there goes on"


async def test_given_another_node_controls_that_asterisk_then_up_leaves_it_alone_and_says_so(
    folder: LiveFolder, node: LiveProcess
) -> None:
    output = await refused(theirs(folder, node), "up")
    assert output.count("another controller") == 1
    assert "asterisk.app" in output
    assert (await node.ask("GET", "/status"))["may_dial"], "the node that runs there goes on"


async def test_given_an_asterisk_of_yours_without_secrets_then_up_says_which_settings_are_missing(
    folder: LiveFolder,
) -> None:
    config = folder.path / "theirs.toml"
    config.write_text(folder.config.read_text().replace("[asterisk]\n", "[asterisk]\nmanaged = false\n"))
    assert "TIMBRE_ASTERISK__SECRET" in await refused(config, "up")


async def test_given_a_database_that_cannot_be_written_then_up_says_so(folder: LiveFolder) -> None:
    config = folder.path / "database.toml"
    config.write_text(f'database = {{ url = "sqlite:////proc/nowhere/timbre.db" }}\n{folder.config.read_text()}')
    assert "database" in (await refused(config, "up")).lower()


async def test_given_settings_that_are_no_toml_or_have_wrong_values_then_the_field_is_named(tmp_path: Path) -> None:
    config = tmp_path / "timbre.toml"
    config.write_text("[http\nport = 1")
    assert "not valid TOML" in await refused(config, "up")
    config.write_text('[http]\nport = "a"\n[[trunks]]\nname = "x"\nchannels = -1\n')
    output = await refused(config, "status")
    assert "http.port" in output
    assert "TIMBRE_HTTP__PORT" in output
    assert "no such settings file" in await refused(tmp_path / "missing.toml", "status")


async def test_given_no_server_runs_then_every_command_says_how_to_start_one(folder: LiveFolder) -> None:
    assert "timbre up" in await refused(folder.config, "status")


async def test_given_a_second_server_in_the_same_folder_then_it_names_the_first(node: LiveProcess) -> None:
    assert "a server (pid" in await refused(node.folder.config, "up")
