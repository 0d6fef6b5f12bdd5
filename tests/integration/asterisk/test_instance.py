"""A real Asterisk from our own templates: it comes up clean and unprivileged, on loopback, and goes without a trace."""

import asyncio
import contextlib
import dataclasses
import math
import os
import signal
import socket
import stat
import struct
import wave
from pathlib import Path
from typing import NoReturn

import aiohttp
import pytest

from telephony.asterisk.account import account_for
from telephony.asterisk.installation import Installation
from telephony.asterisk.pidfile import start_time
from telephony.asterisk.ports import PortInUse, free_tcp_port
from telephony.asterisk.process import AsteriskInstance, StartFailed
from telephony.asterisk.settings import AgentEndpoint, AsteriskSettings, TlsTransport, Trunk
from telephony.errors import LinkDown, SetupError
from tests.support.servers import AsteriskFactory, scratch_dir
from tests.support.until import until

pytestmark = pytest.mark.asterisk


def _status_fields(pid: int) -> dict[str, list[str]]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.split() for key, _, value in (line.partition(":") for line in lines)}


def _running(instance: AsteriskInstance) -> int:
    pid = instance.pid
    assert pid is not None
    return pid


def _listening(pid: int) -> set[tuple[str, str, int]]:
    """(protocol, address, port) of every socket of the process that waits for somebody."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = os.readlink(descriptor)
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for protocol, waiting in (("tcp", "0A"), ("udp", "07"), ("tcp6", "0A"), ("udp6", "07")):
        for line in Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]:
            fields = line.split()
            address, _, port = fields[1].partition(":")
            if fields[3] == waiting and fields[9] in inodes:
                text = socket.inet_ntoa(bytes.fromhex(address)[::-1]) if len(address) == 8 else address
                found.add((protocol, text, int(port, 16)))
    return found


def _log(instance: AsteriskInstance) -> str:
    texts = [path.read_text() for path in (instance.settings.log_dir / "messages.log", instance.settings.console_log)]
    return "\n".join(texts)


def test_given_templates_when_an_instance_starts_then_its_log_has_no_error_line(
    asterisk_instance: AsteriskFactory,
) -> None:
    instance = asterisk_instance(
        agents=(AgentEndpoint("agent1", "pw1"), AgentEndpoint("web1", "pw2", "Ana Gómez", browser=True)), websocket=True
    )

    log = _log(instance)

    assert "Asterisk" in log
    assert [line for line in log.splitlines() if "ERROR" in line or "WARNING" in line] == []


def test_given_root_when_an_instance_starts_then_it_runs_as_its_own_account_without_capabilities(
    dialer_asterisk: AsteriskInstance,
) -> None:
    fields = _status_fields(_running(dialer_asterisk))

    assert set(fields["Uid"]) == {str(account_for(dialer_asterisk.settings.user).uid)}
    assert "0" not in fields["Uid"]
    assert "0" not in fields["Gid"]
    assert "0" not in fields["Groups"]
    assert int(fields["CapEff"][0], 16) == 0
    assert fields["NoNewPrivs"] == ["1"]


def test_given_an_instance_when_it_is_up_then_everything_listens_on_loopback_alone(
    dialer_asterisk: AsteriskInstance,
) -> None:
    listening = _listening(_running(dialer_asterisk))

    settings = dialer_asterisk.settings
    # SIP's name resolver has a UDP socket of its own, on a port that the kernel chose: it serves nobody.
    served = {entry for entry in listening if entry[0].startswith("tcp") or entry[2] == settings.sip_port}
    assert served == {
        ("tcp", "127.0.0.1", settings.http_port),
        ("tcp", "127.0.0.1", settings.ami_port),
        ("udp", "127.0.0.1", settings.sip_port),
    }


def test_given_secrets_when_they_are_written_then_nobody_else_can_read_them(dialer_asterisk: AsteriskInstance) -> None:
    settings = dialer_asterisk.settings

    assert stat.S_IMODE(settings.credentials_file.stat().st_mode) == 0o600
    assert settings.credentials_file.stat().st_uid == os.geteuid()
    for path in settings.etc_dir.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o137 == 0, path
        assert path.stat().st_uid == os.geteuid()
    for folder in (settings.directory, settings.etc_dir, settings.run_dir, settings.log_dir):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o007 == 0, folder


_SAME_PATH = """
[same-path]
exten => play,1,Answer()
 same => n,MixMonitor({record}/said.wav)
 same => n,Playback({prompt}/hello)
 same => n,Hangup()
exten => hear,1,Answer()
 same => n,Wait(2)
"""


def _write_tone(path: Path, seconds: float) -> None:
    samples = [int(8000 * math.sin(2 * math.pi * 440 * index / 8000)) for index in range(int(8000 * seconds))]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))


async def _ari_post(instance: AsteriskInstance, resource: str, **query: str) -> int:
    credentials = instance.credentials
    login = {"Authorization": aiohttp.encode_basic_auth(credentials.ari_user, credentials.ari_password)}
    async with (
        aiohttp.ClientSession(headers=login) as session,
        session.post(f"{instance.ari_url}/{resource}", params=query) as answer,
    ):
        return answer.status


async def test_given_folders_that_only_root_can_enter_when_asterisk_plays_and_records_then_paths_are_the_same_for_both(
    asterisk_instance: AsteriskFactory,
) -> None:
    with scratch_dir("timbre-closed-") as closed:  # mode 0700
        prompt, record = closed / "prompts", closed / "recordings"
        prompt.mkdir(mode=0o755)
        _write_tone(prompt / "hello.wav", 0.5)
        dialplan = _SAME_PATH.format(record=record, prompt=prompt)
        instance = asterisk_instance.make(
            readable_dirs=(prompt,), writable_dirs=(record,), extra_dialplan=dialplan, name="closed"
        )
        await instance.start()
        query = {"endpoint": "Local/play@same-path", "context": "same-path", "extension": "hear", "priority": "1"}

        assert await _ari_post(instance, "channels", **query) == 200

        async def idle() -> bool:
            return "0 active channels" in await instance.rx("core show channels")

        await until(idle)
        await instance.stop()
        with wave.open(str(record / "said.wav")) as recording:
            data = recording.readframes(recording.getnframes())
        loudest = max(map(abs, struct.unpack(f"<{len(data) // 2}h", data)))
        assert len(data) >= 2 * 8000 * 0.4
        assert loudest > 4000


def test_given_an_installation_when_its_sounds_are_listed_then_english_and_spanish_are_there(
    asterisk_root: Installation,
) -> None:
    for language in ("en", "es"):
        assert (asterisk_root.sounds_dir / language / "vm-goodbye.wav").exists()
    assert list((asterisk_root.data_dir / "moh").glob("*.wav"))


async def test_given_a_port_in_use_when_an_instance_starts_then_the_message_names_port_and_setting(
    asterisk_instance: AsteriskFactory, dialer_asterisk: AsteriskInstance
) -> None:
    taken = dialer_asterisk.settings.http_port
    instance = asterisk_instance.make(http_port=taken, name="second")

    with pytest.raises(PortInUse, match=rf"port {taken} \(TCP .*set asterisk.http_port .*of the instance 'second'"):
        await instance.start()

    assert instance.pid is None


async def test_given_two_instances_at_once_when_one_stops_then_the_other_stays(
    asterisk_instance: AsteriskFactory, dialer_asterisk: AsteriskInstance
) -> None:
    other = asterisk_instance.make()
    await other.start()
    pid = _running(other)
    assert (await other.status()).booted

    await other.stop()

    assert start_time(pid) is None
    assert other.pid is None
    assert (await dialer_asterisk.status()).booted


async def test_given_a_running_instance_when_start_is_repeated_then_it_is_the_same_process(
    dialer_asterisk: AsteriskInstance,
) -> None:
    before = dialer_asterisk.pid

    await AsteriskInstance(dialer_asterisk.settings, dialer_asterisk.installation).start()

    assert dialer_asterisk.pid == before


async def test_given_a_running_instance_when_started_with_another_agent_then_it_learns_of_her_without_a_restart(
    asterisk_instance: AsteriskFactory,
) -> None:
    instance = asterisk_instance.make(agents=(AgentEndpoint("ana", "pw"),))
    await instance.start()
    before = instance.pid
    both = dataclasses.replace(instance.settings, agents=(AgentEndpoint("ana", "pw"), AgentEndpoint("eva", "pw2")))

    await AsteriskInstance(both, instance.installation).start()

    assert instance.pid == before

    async def known() -> bool:
        return "eva/eva" in await instance.rx("pjsip show endpoints")

    await until(known)


async def test_given_a_running_instance_when_started_with_another_port_then_it_says_that_a_stop_is_needed(
    dialer_asterisk: AsteriskInstance,
) -> None:
    for changes in ({"http_port": free_tcp_port()}, {"sip_port": free_tcp_port()}):
        other = dataclasses.replace(dialer_asterisk.settings, **changes)

        with pytest.raises(SetupError, match=r"runs with other settings \(.*timbre asterisk stop"):
            await AsteriskInstance(other, dialer_asterisk.installation).start()

    assert (await dialer_asterisk.status()).booted


async def test_given_an_asterisk_that_was_killed_when_it_starts_again_then_it_is_up_with_the_same_secrets(
    asterisk_instance: AsteriskFactory,
) -> None:
    instance = asterisk_instance.make()
    await instance.start()
    first, credentials = _running(instance), instance.credentials
    await instance.kill()
    assert instance.pid is None
    with pytest.raises(LinkDown):
        await instance.rx("core show version")

    await instance.start()

    assert instance.pid not in (None, first)
    assert instance.credentials == credentials


async def test_given_a_frozen_instance_when_a_start_is_cancelled_then_no_process_is_left(
    asterisk_instance: AsteriskFactory,
) -> None:
    instance = asterisk_instance.make()
    starting = asyncio.create_task(instance.start())
    await until(lambda: instance.pid is not None)
    pid = _running(instance)
    os.kill(pid, signal.SIGSTOP)

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert instance.pid is None
    assert start_time(pid) is None


def _processes_of(instance: AsteriskInstance) -> list[str]:
    """Command lines that name the instance's folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if str(instance.settings.directory) in line]


@pytest.mark.parametrize("after_ms", [0, 5, 10, 15, 20, 30, 60])
async def test_given_a_start_when_it_is_cancelled_at_any_moment_then_no_process_is_left(
    asterisk_instance: AsteriskFactory, after_ms: int
) -> None:
    instance = asterisk_instance.make()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(after_ms / 1000):
            await instance.start()

    assert instance.pid is None
    assert _processes_of(instance) == []


async def test_given_a_database_that_cannot_be_opened_when_it_starts_then_the_message_holds_the_end_of_the_log(
    asterisk_instance: AsteriskFactory,
) -> None:
    instance = asterisk_instance.make()
    (instance.settings.lib_dir / "astdb.sqlite3").mkdir(parents=True)

    with pytest.raises(StartFailed, match=r"ended while starting:\n(.*\n)*.*astdb"):
        await instance.start()

    assert instance.pid is None


@pytest.mark.parametrize("of", ["ami_port", "sip_port", "http_port"])
async def test_given_a_port_that_is_taken_while_it_starts_then_it_is_not_up_and_the_message_names_the_port(
    asterisk_instance: AsteriskFactory, monkeypatch: pytest.MonkeyPatch, of: str
) -> None:
    # Asterisk itself logs a line and goes on without it: a dialer would wait for the manager interface for ever.
    instance = asterisk_instance.make()
    port = getattr(instance.settings, of)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if of == "sip_port" else socket.SOCK_STREAM) as other:

        def takes_it(settings: AsteriskSettings) -> None:
            other.bind(("127.0.0.1", port))
            if of != "sip_port":
                other.listen()

        monkeypatch.setattr("telephony.asterisk.ports.require_free", takes_it)
        with pytest.raises(StartFailed, match=rf"without one of its ports: .*Address already in use.*{of} {port}"):
            await instance.start()

    assert instance.pid is None
    assert _processes_of(instance) == []


async def test_given_every_kind_of_trunk_when_pjsip_is_reloaded_then_asterisk_accepts_them(
    asterisk_instance: AsteriskFactory,
) -> None:
    trunks = (
        Trunk("byaddress", "192.0.2.10", match=("192.0.2.10", "192.0.2.11")),
        Trunk("account", "127.0.0.1", username="timbre", secret="s3cret", registers=True, qualify_s=0),
        Trunk("overtcp", "192.0.2.12", transport="tcp"),
        Trunk("secure", "192.0.2.13", port=5061, transport="tls", srtp=True, from_domain="example.com"),
        Trunk("proxied", "sip.example.com", outbound_proxy="sip:192.0.2.14;lr", qualify_s=0),
    )
    instance = asterisk_instance.make(trunks=trunks, tls=TlsTransport(port=free_tcp_port()))
    await instance.start()

    await instance.rx("module reload res_pjsip.so")
    shown = await instance.rx("pjsip show endpoints")

    assert [trunk.name for trunk in trunks if f"Endpoint:  {trunk.name} " not in shown] == []
    errors = [line for line in _log(instance).splitlines() if "ERROR" in line]
    # These carriers do not exist, and from the loopback their addresses cannot be asked whether they live.
    assert [line for line in errors if "sending OPTIONS request" not in line] == []
    assert "account" in await instance.rx("pjsip show registrations")


def _as_somebody_else(instance: AsteriskInstance) -> NoReturn:
    """Runs in a child that must never get back into pytest. Exit status 0: both acts were refused in our words."""
    refused = 0
    try:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        for act in (instance.prepare, lambda: asyncio.run(instance.stop())):
            try:
                act()
            except SetupError as error:
                refused += "belongs to another user" in str(error)
    finally:
        os._exit(0 if refused == 2 else 1)


def test_given_an_instance_of_root_when_somebody_else_starts_or_stops_it_then_one_line_says_whose_it_is(
    dialer_asterisk: AsteriskInstance,
) -> None:
    before = _running(dialer_asterisk)
    child = os.fork()
    if child == 0:
        _as_somebody_else(dialer_asterisk)

    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert dialer_asterisk.pid == before
