"""A real SMTP server on the loopback that keeps what it is given."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class MailServer:
    """Takes mail. refuse: recipients that it does not know."""

    def __init__(self, refuse: frozenset[str] = frozenset()) -> None:
        self.letters: list[EmailMessage] = []
        self.logins: list[str] = []
        self.port = 0
        self._refuse = refuse

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]) -> str:
        if to in self._refuse:
            return "550 5.1.1 there is nobody of this name"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = cast(bytes, envelope.content)
        self.letters.append(cast(EmailMessage, message_from_bytes(content, policy=default)))
        return "250 kept"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append(given.login.decode())
        return AuthResult(success=given.password == b"open sesame", handled=False)


@asynccontextmanager
async def mail_server(
    *,
    refuse: frozenset[str] = frozenset(),
    asks_password: bool = False,
    tls: ssl.SSLContext | None = None,
    at_once: bool = False,
) -> AsyncIterator[MailServer]:
    """The server while the context lasts, on the test's own loop.

    tls: it wants STARTTLS before anything else, or (at_once) speaks TLS from the first byte.
    """
    kept = MailServer(refuse)
    more: dict[str, Any] = {"hostname": "mail.example"}
    if asks_password:
        more |= {
            "auth_required": True,
            "auth_require_tls": tls is not None and not at_once,
            "authenticator": kept.authenticate,
        }
    if tls is not None and not at_once:
        more |= {"tls_context": tls, "require_starttls": True}
    talks: list[SMTP] = []

    def answer() -> SMTP:
        with warnings.catch_warnings(action="ignore"):  # a password without TLS: this is the loopback
            talks.append(SMTP(kept, **more))
        return talks[-1]

    server = await asyncio.get_running_loop().create_server(answer, "127.0.0.1", 0, ssl=tls if at_once else None)
    kept.port = server.sockets[0].getsockname()[1]
    try:
        yield kept
    finally:
        server.close()
        for talk in talks:
            if talk.transport is not None:
                talk.transport.close()
        await server.wait_closed()
