"""Whether an instance got its ports. Asterisk goes on without those that were taken while it started.

It would then run without its manager interface, or without SIP, and whoever asks there meets another program.
"""

import asyncio
import re

from telephony.asterisk.credentials import Credentials
from telephony.asterisk.settings import AsteriskSettings

_BANNER = b"Asterisk Call Manager"
_PATIENCE_S = 5.0
# "Unable to bind AMI server to 127.0.0.1:5038: Address already in use", "Transport 'udp' could not be started: ...".
_NOT_BOUND = re.compile(r"ERROR.*?: (?P<what>(?:Unable to bind|Transport ').*Address already in use)")


def not_bound(log: str) -> str:
    """What a log says of a port that was taken, "" when it says nothing."""
    found = _NOT_BOUND.search(log)
    return found["what"] if found else ""


async def missing(settings: AsteriskSettings, credentials: Credentials) -> str:
    """Which port an instance that is up does not have, in words; "" when manager interface and SIP are its own."""
    where = f"{settings.control_host}:{settings.ami_port} (asterisk.ami_port)"
    try:
        async with asyncio.timeout(_PATIENCE_S):
            transports = await _ask(settings, credentials, "pjsip show transports")
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return f"no manager interface of ours answers on {where}"
    except TimeoutError:
        return f"nobody answered on {where} within {_PATIENCE_S:g} s"
    if not transports:
        return f"another program answers on {where}"
    wanted = {"asterisk.sip_port": settings.sip_port}
    if settings.tls:
        wanted["asterisk.tls.port"] = settings.tls.port
    bound = {line.rsplit(":", 1)[-1].strip() for line in transports.splitlines() if "Transport:" in line}
    lost = [f"SIP has no port {port} ({name})" for name, port in wanted.items() if str(port) not in bound]
    return "; ".join(lost)


async def _ask(settings: AsteriskSettings, credentials: Credentials, command: str) -> str:
    """What a command prints, asked over the manager interface; "" when that is not ours: it knows our secret."""
    reader, writer = await asyncio.open_connection(settings.control_host, settings.ami_port)
    try:
        if not (await reader.readline()).startswith(_BANNER):
            return ""
        user = f"Username: {credentials.ami_user}\r\nSecret: {credentials.ami_secret}\r\n"
        writer.write(f"Action: Login\r\n{user}Events: off\r\n\r\n".encode())
        if b"Response: Success" not in await reader.readuntil(b"\r\n\r\n"):
            return ""
        writer.write(f"Action: Command\r\nActionID: listeners\r\nCommand: {command}\r\n\r\n".encode())
        while b"ActionID: listeners" not in (answer := await reader.readuntil(b"\r\n\r\n")):
            pass
        return answer.decode(errors="replace")
    finally:
        writer.close()
