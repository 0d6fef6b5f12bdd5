"""Free ports for tests and for a second checkout, and who holds one that is not free."""

import errno
import itertools
import os
import random
import socket
from collections import deque
from pathlib import Path

from telephony.asterisk.settings import AsteriskSettings, PortRange
from telephony.errors import SetupError

# Each process goes through the single ports from another place on: it hands out none twice, and two that run at the
# same time meet seldom.
_steps = itertools.count(os.getpid() * 61)
_LOWEST, _SINGLE_PORTS = 10_000, 6_000
# Each is an open file of ours; who got a port so many ports ago listens on it by now.
_MOST_PROMISES = 120
_promises: deque[int] = deque()


class PortInUse(SetupError):
    """Something else listens there already; the message names the port and the setting to change."""


def is_free(port: int, kind: socket.SocketKind, host: str = "127.0.0.1") -> bool:
    """Whether `port` can be bound now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def free_tcp_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody holds now, below the kernel's own range; the same one is not handed out twice.

    A port of the kernel's choice may go to anybody's outgoing connection before it is used, or while the server that
    listens on it is being restarted.
    """
    return _free_port(host, socket.SOCK_STREAM)


def free_udp_port(host: str = "127.0.0.1") -> int:
    """A port that is free on UDP and on TCP, for SIP."""
    return _free_port(host, socket.SOCK_DGRAM, socket.SOCK_STREAM)


def _free_port(host: str, *kinds: socket.SocketKind) -> int:
    first = _end_of_ours() - _SINGLE_PORTS
    for step in itertools.islice(_steps, _SINGLE_PORTS):
        port = first + step % _SINGLE_PORTS
        if all(is_free(port, kind, host) for kind in kinds) and _promise(port):
            return port
    raise PortInUse(f"no free port between {first} and {first + _SINGLE_PORTS}: stop something")


def _promise(port: int) -> bool:
    """Keep a port from other processes that look for one, until this process ends; False when one of them has it.

    Whoever asked needs some time to listen there. The kernel forgets the promise with the process.
    """
    promise = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        promise.bind(f"\0timbre-port-{port}")
    except OSError:
        promise.close()
        return False
    _promises.append(promise.detach())
    if len(_promises) > _MOST_PROMISES:
        os.close(_promises.popleft())
    return True


def free_rtp_range(rng: random.Random, size: int = 400, host: str = "127.0.0.1") -> PortRange:
    """`size` UDP ports in a row that nobody holds now, starting at an even one, below the kernel's own range."""
    first_port, last_port = _LOWEST, _end_of_ours() - _SINGLE_PORTS - size
    for _ in range(200):
        first = rng.randrange(first_port, last_port) & ~1
        if all(is_free(port, socket.SOCK_DGRAM, host) for port in range(first, first + size)):
            return PortRange(first, first + size - 1)
    raise PortInUse(f"no {size} free UDP ports in a row between {first_port} and {last_port}: stop something")


def _end_of_ours() -> int:
    """Where the kernel's own range begins; where that leaves too little below it, all ports are its and ours."""
    try:
        start = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except (OSError, ValueError):
        start = 32_768
    return start if start > _LOWEST + 2 * _SINGLE_PORTS else 61_000


def require_free(settings: AsteriskSettings) -> None:
    """Raise PortInUse naming the first port of the instance that something else holds."""
    tls = [("tls_port", settings.tls.port, socket.SOCK_STREAM, settings.sip_host)] if settings.tls else []
    wanted = [
        ("http_port", settings.http_port, socket.SOCK_STREAM, settings.control_host),
        ("ami_port", settings.ami_port, socket.SOCK_STREAM, settings.control_host),
        ("sip_port", settings.sip_port, socket.SOCK_DGRAM, settings.sip_host),
        *tls,
    ]
    for setting, port, kind, host in wanted:
        if not is_free(port, kind, host):
            protocol = "UDP" if kind is socket.SOCK_DGRAM else "TCP"
            raise PortInUse(
                f"port {port} ({protocol} on {host}) is in use by another program: stop it, "
                f"or set asterisk.{setting} (TIMBRE_ASTERISK__{setting.upper()}) of the instance {settings.name!r} "
                "to a free one"
            )
