"""E-mail over SMTP: one message, one connection, accepted by the server or refused with a reason."""

import asyncio
import re
import smtplib
import ssl
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from ivr.fields import Part
from ivr.port import OutgoingMessage
from ivr.secret import Secret
from ivr.values import PortTrouble

_AT_ONCE = 4
# OpenSSL's X509_V_ERR_*: not yet valid, expired; the name or the address is another one.
_OUT_OF_DATE, _WRONG_NAME = frozenset({9, 10}), frozenset({62, 64})
# Narrower than RFC 5322: no comments, no quotes, nothing that could make two addresses of one.
_ADDRESS = re.compile(r"[^\s<>@,;:()\[\]\"\\]{1,64}@[\w.-]{1,255}")


class Security(StrEnum):
    """How the connection is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"  # a relay on this machine


class Mail(Part):
    """A mail server that takes our messages. sender: "Shop <no-reply@shop.example>". user "": it wants no password.

    ca_file: PEM file of the authority that signed the server's certificate, when the system does not know it.
    """

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Security = Security.STARTTLS
    user: str = ""
    password: SecretStr = SecretStr("")
    ca_file: Path | None = None
    sender: Annotated[str, Field(pattern=r"^[^\r\n]*[^\s<>@]+@[^\s<>@]+>?$")]
    timeout_s: Annotated[float, Field(gt=0, le=60)] = 8.0

    @model_validator(mode="after")
    def _protected(self) -> Self:
        if self.security is Security.NONE and self.ca_file:
            raise ValueError('ca_file is of no use with security = "none": choose "starttls" or "tls"')
        if self.ca_file is not None:
            try:
                ssl.create_default_context(cafile=str(self.ca_file))
            except (OSError, ssl.SSLError) as error:
                raise ValueError(f"ca_file {self.ca_file} is no readable PEM certificate: {error}") from None
        return self


class SmtpMail:
    """Sends e-mail (`ivr.port.MessagePort`) in threads of its own. A message's key is its Message-ID."""

    def __init__(self, mail: Mail) -> None:
        """Send through `mail`; nothing is opened before the first message."""
        self._mail = mail
        self._threads = ThreadPoolExecutor(_AT_ONCE, "mail")

    def close(self) -> None:
        """End the threads; messages that wait for one are given up."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, message: OutgoingMessage) -> str:
        """Hand the message to the server; its Message-ID. Raises PortTrouble; its words hold no address and no text."""
        try:
            written = self._written(message)
        except ValueError:  # its words would hold the address
            raise PortTrouble(
                "an e-mail was not sent: its address or subject has a form that no mail can have"
            ) from None
        await asyncio.get_running_loop().run_in_executor(self._threads, self._hand_over, written)
        return str(written["Message-ID"])

    def _written(self, message: OutgoingMessage) -> EmailMessage:
        if not _ADDRESS.fullmatch(message.to):
            raise ValueError("no address")
        written = EmailMessage()
        written["From"] = self._mail.sender
        written["To"] = message.to
        written["Subject"] = message.subject
        domain = self._mail.sender.rpartition("@")[2].rstrip(">")
        written["Message-ID"] = f"<{message.message_key}@{domain}>"
        written["Content-Language"] = message.language
        written["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine answers it
        text = message.text
        written.set_content(text.reveal() if isinstance(text, Secret) else text)
        return written

    def _hand_over(self, message: EmailMessage) -> None:
        mail = self._mail
        try:
            with self._connected() as server:
                if mail.user:
                    server.login(mail.user, mail.password.get_secret_value())
                server.send_message(message)
        except smtplib.SMTPResponseException as error:
            raise PortTrouble(f"mail server {mail.host} refused ({type(error).__name__}, {error.smtp_code})") from None
        except ssl.SSLCertVerificationError as error:
            raise PortTrouble(self._untrusted(error)) from None
        except ssl.SSLError as error:
            raise PortTrouble(
                f"mail server {mail.host}:{mail.port} does not speak TLS as [ivr.mail] security = "
                f'"{mail.security}" wants ({error.reason or type(error).__name__}): look at port and security'
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            raise PortTrouble(
                f"mail server {mail.host}:{mail.port} offers no STARTTLS or no login ({type(error).__name__}): nothing "
                "was sent in the clear; look at port and security in [ivr.mail]"
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise PortTrouble(f"mail server {mail.host}:{mail.port} failed ({type(error).__name__})") from None

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self._mail.ca_file) if self._mail.ca_file else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    def _untrusted(self, error: ssl.SSLCertVerificationError) -> str:
        """What to mend when the server cannot prove who it is."""
        mail, words = self._mail, error.verify_message.rstrip(".")
        if error.verify_code in _WRONG_NAME:
            how = "write the name that stands in the certificate as ivr.mail.host"
        elif error.verify_code in _OUT_OF_DATE:
            how = "its certificate must be renewed, or this machine's clock set right"
        else:
            how = "if the server is yours, name the authority that signed it as ivr.mail.ca_file"
        return f"mail server {mail.host}:{mail.port} was not trusted, nothing was sent: {words}: {how}"

    def _connected(self) -> smtplib.SMTP:
        mail = self._mail
        if mail.security is Security.TLS:
            context = self._context()
            return smtplib.SMTP_SSL(mail.host, mail.port, timeout=mail.timeout_s, context=context)
        server = smtplib.SMTP(mail.host, mail.port, timeout=mail.timeout_s)
        if mail.security is Security.STARTTLS:
            try:
                server.starttls(context=self._context())
            except BaseException:
                server.close()
                raise
        return server
