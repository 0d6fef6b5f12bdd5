import asyncio
import contextlib
import itertools
import os
import random
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from telephony.asterisk import listeners, ports
from telephony.asterisk.account import Account
from telephony.asterisk.credentials import load_or_create
from telephony.asterisk.installation import Installation, new_enough, parse_version
from telephony.asterisk.launch import barriers, launch_script, needed_dirs
from telephony.asterisk.pidfile import PidFile, ended, start_time
from telephony.asterisk.settings import AsteriskSettings, PortRange
from telephony.errors import SetupError
from tests.support.until import until

NOBODY = Account("nobody", 65534, 65534)


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for a line."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("text", "version", "enough"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1\n", (22, 10, 1), True),
        ("Asterisk 22.6.0", (22, 6, 0), True),
        ("Asterisk 22.5.2", (22, 5, 2), False),
        ("Asterisk 20.16.0", (20, 16, 0), True),
        ("Asterisk 20.9.3", (20, 9, 3), False),
        ("Asterisk 21.12.0", (21, 12, 0), False),
        ("Asterisk certified/20.7-cert3", (20, 7, 0), False),
        ("Asterisk 23.0", (23, 0, 0), True),
        ("Asterisk 18.10.0~dfsg", (18, 10, 0), False),
    ],
)
def test_given_a_version_line_when_read_then_old_ones_are_refused(
    text: str, version: tuple[int, int, int], enough: bool
) -> None:
    assert parse_version(text) == version
    assert new_enough(version) is enough


def test_given_something_else_when_its_version_is_read_then_it_is_refused() -> None:
    with pytest.raises(SetupError, match="not Asterisk's version"):
        parse_version("command not found")


def test_given_no_secrets_when_asked_twice_then_they_are_made_once_and_private(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "credentials.json")

    assert load_or_create(tmp_path / "credentials.json") == first
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600
    assert len(first.ari_password) >= 40
    assert len({first.ari_password, first.ami_secret, first.agent_key}) == 3
    assert first.agent_secret("ana") == first.agent_secret("ana") != first.agent_secret("eva")
    assert [path.name for path in tmp_path.iterdir()] == ["credentials.json"]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"ari_user": "x"}'])
def test_given_damaged_secrets_when_read_then_the_message_says_how_to_mend_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "credentials.json").write_text(content)

    with pytest.raises(SetupError, match=r"damaged .* remove it and start again"):
        load_or_create(tmp_path / "credentials.json")


def test_given_a_pid_file_when_the_process_ends_then_it_is_not_read_as_running(
    tmp_path: Path, process: subprocess.Popen[bytes]
) -> None:
    file = PidFile(tmp_path / "pid")
    assert file.read() is None
    file.write(process.pid)
    assert file.read() == process.pid

    process.kill()
    process.wait()

    assert file.read() is None


def test_given_a_pid_that_another_process_got_when_read_then_it_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text(f"{os.getpid()} 12345\n")

    assert start_time(os.getpid()) is not None
    assert PidFile(tmp_path / "pid").read() is None


async def test_given_a_process_when_it_is_waited_for_then_its_end_is_seen_or_the_time_is_over(
    process: subprocess.Popen[bytes],
) -> None:
    assert await ended(process.pid, 0.05) is False
    waiting = asyncio.create_task(ended(process.pid, 10))

    process.send_signal(signal.SIGKILL)

    assert await waiting is True
    process.wait()
    assert await ended(process.pid, 10) is True


def test_given_a_port_in_use_when_required_then_the_message_names_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        settings = AsteriskSettings(
            tmp_path, http_port=ports.free_tcp_port(), ami_port=ports.free_tcp_port(), sip_port=port
        )

        with pytest.raises(ports.PortInUse, match=rf"port {port} \(UDP on 127.0.0.1\) is in use.*sip_port.*'dialer'"):
            ports.require_free(settings)


_FIRST_THREAD_ENDS = """
import ctypes, socket, threading, time
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=time.sleep, args=(60,)).start()
print(server.getsockname()[1], flush=True)
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.fixture
def half_dead() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A process whose first thread ends while another one stays, and the port that it listens on."""
    with subprocess.Popen([sys.executable, "-c", _FIRST_THREAD_ENDS], stdout=subprocess.PIPE) as process:
        assert process.stdout
        yield process, int(process.stdout.readline())
        process.kill()


async def test_given_a_process_whose_first_thread_is_over_then_the_end_of_the_others_is_waited_for(
    tmp_path: Path, half_dead: tuple[subprocess.Popen[bytes], int]
) -> None:
    process, port = half_dead
    file = PidFile(tmp_path / "pid")
    file.path.write_text(f"{process.pid} {start_time(process.pid, dying=True)}\n")
    await until(lambda: start_time(process.pid) is None)
    assert file.read() is None
    assert not ports.is_free(port, socket.SOCK_STREAM)
    waiting = asyncio.create_task(file.gone(20.0))
    await asyncio.sleep(0.05)
    assert not waiting.done()

    process.kill()
    await waiting

    assert ports.is_free(port, socket.SOCK_STREAM)
    process.wait()
    await file.gone(20.0)  # nobody is there any more


def test_given_many_parts_that_need_ports_then_none_gets_the_port_of_another() -> None:
    found = [ports.free_tcp_port() for _ in range(200)] + [ports.free_udp_port() for _ in range(200)]

    assert len(set(found)) == len(found)


def test_given_somebody_on_a_port_then_it_is_not_handed_out() -> None:
    first = ports.free_udp_port()
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # somebody else of this machine may be there already
            other.bind(("127.0.0.1", first + 1))
            other.listen()
        found = [ports.free_tcp_port(), ports.free_udp_port()]

    assert first + 1 not in found


def test_given_a_port_promised_to_another_process_then_it_is_not_handed_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two checkouts look for ports at the same time, and listen on them seconds later."""
    first = ports.free_tcp_port()
    begin = ports._end_of_ours() - ports._SINGLE_PORTS
    monkeypatch.setattr(ports, "_steps", itertools.count(first - begin))
    assert ports.free_tcp_port() != first


def test_given_a_log_when_a_port_could_not_be_bound_then_it_is_told() -> None:
    bad = "[x] ERROR[1] tcptls.c: Unable to bind AMI server to 127.0.0.1:5038: Address already in use"
    assert listeners.not_bound(f"[x] NOTICE[1] loader.c: fine\n{bad}\n[x] NOTICE[1] y: z") == bad.split(": ", 1)[1]
    assert listeners.not_bound("[x] ERROR[1] chan.c: something else\n[x] NOTICE[1] a.c: Address already in use") == ""


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ((b"220 mail.example.com ESMTP\r\n",), "another program answers on"),
        ((b"Asterisk Call Manager/1\r\n", b"Response: Error\r\nMessage: Authentication failed\r\n\r\n"), "another"),
        ((b"Asterisk Call Manager/1\r\n",), "no manager interface of ours answers"),
        (
            (
                b"Asterisk Call Manager/1\r\n",
                b"Response: Success\r\n\r\n",
                b"Event: Other\r\n\r\nResponse: Success\r\nActionID: listeners\r\nOutput: No objects found.\r\n\r\n",
            ),
            "SIP has no port 5999",
        ),
        (
            (
                b"Asterisk Call Manager/1\r\n",
                b"Response: Success\r\n\r\n",
                b"ActionID: listeners\r\nOutput: Transport:  udp  udp  0  0  127.0.0.1:5999\r\n\r\n",
            ),
            "",
        ),
    ],
    ids=["mail", "another asterisk", "closes", "no SIP", "ours"],
)
async def test_given_whoever_answers_when_an_instance_is_up_then_it_is_known_whether_its_ports_are_its_own(
    tmp_path: Path, answers: tuple[bytes, ...], words: str
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for index, answer in enumerate(answers):
            if index:
                await reader.readuntil(b"\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    ami_port = server.sockets[0].getsockname()[1]
    rtp_ports = PortRange(20_000, 20_099)
    settings = AsteriskSettings(tmp_path, http_port=1, ami_port=ami_port, sip_port=5999, rtp_ports=rtp_ports)
    found = await listeners.missing(settings, load_or_create(tmp_path / "secrets"))
    server.close()
    assert found.startswith(words) if words else not found


def test_given_free_ports_when_ranges_are_asked_for_then_they_are_even_and_free() -> None:
    found = ports.free_rtp_range(random.Random(3), 20)

    assert found.first % 2 == 0
    assert found.last - found.first == 19
    assert all(ports.is_free(port, socket.SOCK_DGRAM) for port in range(found.first, found.last + 1))


def test_given_a_closed_folder_when_barriers_are_looked_for_then_the_topmost_one_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    closed, inner = tmp_path / "closed", tmp_path / "closed" / "inner" / "data"
    inner.mkdir(parents=True)
    closed.chmod(0o700)
    inner.parent.chmod(0o700)
    outermost = NOBODY.barrier_before(tmp_path / "x")

    assert NOBODY.barrier_before(inner) == (outermost or closed)
    assert barriers(NOBODY, [inner]) == {outermost or closed: [inner]}
    assert Account("me", closed.stat().st_uid, closed.stat().st_gid).barrier_before(inner) is None


def test_given_nothing_closed_when_launched_then_no_namespace_is_made() -> None:
    settings = AsteriskSettings(Path("/"), rtp_ports=PortRange(4000, 4001))
    installation = Installation(("/bin/asterisk",), (22, 10, 1), Path("/usr/lib"), Path("/usr/share"))

    script = launch_script(settings, installation, NOBODY)

    assert "unshare" not in script
    assert "setpriv --reuid=65534" in script
    assert script.splitlines()[-1].endswith("-f -C /etc/asterisk.conf")


@pytest.mark.parametrize(("first", "last"), [(10_000, 14_999), (4_000, 4_007), (4_001, 4_011)])
def test_given_a_port_range_when_halved_then_the_halves_are_all_of_it_and_share_nothing(first: int, last: int) -> None:
    one, other = PortRange(first, last).halves()

    assert (one.first, one.last + 1, other.last) == (first, other.first, last)
    assert (other.first - one.first) % 2 == 0  # a call's pair of ports is not torn apart
    assert min(one.last - one.first, other.last - other.first) >= 1


def test_given_a_port_range_too_small_for_two_when_halved_then_both_halves_are_all_of_it() -> None:
    assert PortRange(4_000, 4_001).halves() == (PortRange(4_000, 4_001), PortRange(4_000, 4_001))


def test_given_folders_within_each_other_when_listed_then_parents_come_first() -> None:
    settings = AsteriskSettings(Path("/usr"), readable_dirs=(Path("/usr/share"), Path("/usr")))
    installation = Installation(("a",), (22, 10, 1), Path("/usr/lib"), Path("/usr/share"))

    found = needed_dirs(settings, installation)

    assert list(found) == sorted(set(found))
    assert found[0] == Path("/usr")


def test_given_a_closed_folder_and_no_namespaces_when_launched_then_the_message_says_what_to_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unshare").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "unshare").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    closed = tmp_path / "closed"
    (closed / "var").mkdir(parents=True)
    closed.chmod(0o700)
    installation = Installation(("/bin/asterisk",), (22, 10, 1), Path("/usr/lib"), Path("/usr/share"))

    with pytest.raises(SetupError, match=r"account 'nobody' cannot enter .*XDG_CACHE_HOME and Timbre's var folder"):
        launch_script(AsteriskSettings(closed / "var"), installation, NOBODY)
