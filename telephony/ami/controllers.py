"""Who else controls an ARI application: asked before we take it, because Asterisk gives it to whoever comes last.

The one who had it is told (`ApplicationReplaced`) and ends, and with it a whole node: a second server that was pointed
at the wrong Asterisk must not do that.
"""

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from telephony.errors import LinkDown, RequestRejected, SetupError

_SESSION = re.compile(r"(?P<id>[0-9a-f]{8}-[0-9a-f-]{27})\s+\w+\s+(?P<address>\S+)\s+Up\s+(?P<apps>\S.*?)\s*")
# The session of a server that was killed a moment ago goes when Asterisk reads the end of its socket.
_LOOKS = 7
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Controller:
    """A session that has the application. address: host and port of its far end."""

    session_id: str
    address: str


class Manager(Protocol):
    """What is needed of `telephony.ami.observer.AmiObserver`."""

    async def wait_up(self) -> None:
        """Wait until actions are answered. Raises SetupError."""
        ...

    async def command(self, line: str) -> list[str]:
        """Run a command of Asterisk's command line. Raises LinkDown, RequestRejected."""
        ...


def read_controllers(lines: Iterable[str], app: str) -> list[Controller]:
    """The sessions that have `app`, out of what `ari show websocket sessions` prints."""
    found = (_SESSION.fullmatch(line) for line in lines)
    return [
        Controller(session["id"], session["address"])
        for session in found
        if session and app in (name.strip() for name in session["apps"].split(","))
    ]


async def require_alone(manager: Manager, app: str) -> None:
    """Wait until the manager interface answers, and make sure that nobody has the application `app`.

    Raises SetupError when the secret is wrong or somebody has it. An Asterisk that cannot tell (older than 22, or an
    account without the class `command`) is taken at its word.
    """
    for look in reversed(range(_LOOKS)):
        await manager.wait_up()
        try:
            others = read_controllers(await manager.command("ari show websocket sessions"), app)
        except RequestRejected:
            return
        except LinkDown:
            others = []
        else:
            if not others:
                return
        if others and not look:
            raise SetupError(_refusal(others[0], app))
        await asyncio.sleep(_LOOK_EVERY_S)
    raise LinkDown("Asterisk's manager interface comes and goes")


def _refusal(other: Controller, app: str) -> str:
    return (
        f"another controller ({other.address}) has the ARI application {app!r} of this Asterisk: stop it, or set "
        "asterisk.app (TIMBRE_ASTERISK__APP) to a name of this node's own; the session of a machine that died is ended "
        f"by Asterisk's command `ari shutdown websocket session {other.session_id}`"
    )
