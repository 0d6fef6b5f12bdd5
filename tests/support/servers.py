"""Real servers for the test session, each in its own folder on free ports, ended by the pid that was started."""

import asyncio
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from telephony.asterisk import ports
from telephony.asterisk.installation import Installation
from telephony.asterisk.process import AsteriskInstance
from telephony.asterisk.settings import AsteriskSettings

_RTP_PORTS = 600


def free_settings(directory: Path, **changes: Any) -> AsteriskSettings:
    """Settings of an instance in `directory` on ports that are free now; `changes` are fields of AsteriskSettings."""
    settings = AsteriskSettings(
        directory=directory,
        http_port=ports.free_tcp_port(),
        ami_port=ports.free_tcp_port(),
        sip_port=ports.free_udp_port(),
        rtp_ports=ports.free_rtp_range(random.Random(), _RTP_PORTS),
    )
    return replace(settings, **changes)


class AsteriskFactory:
    """Makes instances for tests; `close` ends every one and removes what they wrote."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._instances: list[AsteriskInstance] = []

    def make(self, **changes: Any) -> AsteriskInstance:
        """A new instance, not started."""
        directory = Path(tempfile.mkdtemp(prefix="timbre-ast-"))
        instance = AsteriskInstance(free_settings(directory, **changes), self.installation)
        self._instances.append(instance)
        return instance

    def __call__(self, **changes: Any) -> AsteriskInstance:
        """A new instance that runs. For synchronous fixtures; inside a loop use `make` and await `start`."""
        instance = self.make(**changes)
        asyncio.run(instance.start())
        return instance

    def close(self) -> None:
        """Stop and remove every instance."""
        for instance in self._instances:
            asyncio.run(instance.stop())
            shutil.rmtree(instance.settings.directory)


@contextmanager
def scratch_dir(prefix: str, owner: str | None = None) -> Iterator[Path]:
    """A folder of its own, removed at the end; `owner` gets it when we are root."""
    path = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        if owner and os.geteuid() == 0:
            entry = pwd.getpwnam(owner)
            os.chown(path, entry.pw_uid, entry.pw_gid)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def wait_for(ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, timeout_s: float = 30) -> None:
    """Poll until `ready`; fail with the log when the process ends or the time is over."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args!r} did not come up:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)


def end(process: subprocess.Popen[bytes], signal_number: int) -> None:
    """Signal and reap; KILL after 10 s."""
    process.send_signal(signal_number)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def accepts(port: int) -> bool:
    """Whether something listens on the loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
