import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any

from pytest import mark, raises

from ivr.mail import Mail, Security, SmtpMail
from ivr.messages import Messages
from ivr.port import MessageChannel, OutgoingMessage
from ivr.secret import Secret
from ivr.values import PortTrouble
from tests.support.mail_server import mail_server

WHO = "eva@customers.example"


def mail_of(port: int, **fields: Any) -> SmtpMail:
    rules = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "Shop <no-reply@shop.example>"}
    return SmtpMail(Mail.model_validate({**rules, **fields}))


def letter(to: str = WHO, text: "str | Secret" = "Hola, ¿qué tal?", subject: str = "Su código") -> OutgoingMessage:
    return OutgoingMessage("m1", MessageChannel.EMAIL, to, subject, text, "es")


class Hooks:
    def __init__(self) -> None:
        self.posted: list[tuple[str, Mapping[str, Any], str]] = []

    async def post(self, hook: str, body: bytes, event_id: str) -> None:
        self.posted.append((hook, json.loads(body), event_id))


async def test_given_a_mail_server_when_a_code_is_sent_then_it_has_the_text_and_an_id_of_its_own() -> None:
    async with mail_server() as server:
        reference = await mail_of(server.port).send(letter(text=Secret("Su código es 482913")))
    (taken,) = server.letters
    assert taken["To"] == WHO and taken["Subject"] == "Su código" and taken["From"] == "Shop <no-reply@shop.example>"
    assert taken.get_content().strip() == "Su código es 482913"
    assert reference == taken["Message-ID"] == "<m1@shop.example>"
    assert taken["Auto-Submitted"] == "auto-generated"


async def test_given_a_server_that_asks_a_password_when_it_is_right_then_mail_goes_and_when_wrong_it_is_told() -> None:
    async with mail_server(asks_password=True) as server:
        await mail_of(server.port, user="shop", password="open sesame").send(letter())
        with raises(PortTrouble, match="SMTPAuthenticationError, 535"):
            await mail_of(server.port, user="shop", password="wrong").send(letter())
    assert len(server.letters) == 1 and set(server.logins) == {"shop"}


async def test_given_a_recipient_that_the_server_refuses_when_sent_then_the_trouble_names_no_address() -> None:
    async with mail_server(refuse=frozenset({WHO})) as server:
        with raises(PortTrouble) as caught:
            await mail_of(server.port).send(letter())
    assert WHO not in str(caught.value) and "SMTPRecipientsRefused" in str(caught.value)


@mark.parametrize("to", ["eva", "eva@x\r\nBcc: all@x.example", "", "a@b, c@d"])
async def test_given_an_address_of_no_form_when_sent_then_nothing_goes_out(to: str) -> None:
    async with mail_server() as server:
        with raises(PortTrouble, match="form"):
            await mail_of(server.port).send(letter(to))
        with raises(PortTrouble, match="form"):
            await mail_of(server.port).send(letter(subject="one\r\nBcc: all@x.example"))
    assert server.letters == []


async def test_given_no_server_when_sent_then_the_trouble_says_which_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with raises(PortTrouble, match=r"127\.0\.0\.1.*ConnectionRefusedError"):
            await mail_of(taken.getsockname()[1]).send(letter())


async def test_given_a_server_that_says_nothing_when_sent_then_it_is_given_up_in_time() -> None:
    def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        kept.append(writer)

    kept: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        with raises(PortTrouble, match=r"TimeoutError|SMTPServerDisconnected"):
            await mail_of(server.sockets[0].getsockname()[1], timeout_s=0.3).send(letter())
        for writer in kept:
            writer.close()
            await writer.wait_closed()


async def test_given_a_server_without_protection_when_starttls_is_wanted_then_nothing_is_sent_in_the_clear() -> None:
    async with mail_server() as server:
        with raises(PortTrouble, match="SMTPNotSupportedError"):
            await mail_of(server.port, security=Security.STARTTLS).send(letter())
    assert server.letters == []


async def test_given_channels_by_hook_when_sent_then_the_hook_has_the_message_and_others_are_refused() -> None:
    hooks = Hooks()
    messages = Messages(None, {MessageChannel.WHATSAPP: "gateway"}, hooks)
    told = OutgoingMessage("m2", MessageChannel.WHATSAPP, "+34600111222", "", Secret("1234"), "en")
    assert await messages.send(told) == "m2"
    ((hook, body, event_id),) = hooks.posted
    assert (hook, event_id, body["text"], body["to"]) == ("gateway", "m2", "1234", "+34600111222")
    with raises(PortTrouble, match=r"\[ivr.mail\]"):
        await messages.send(letter())
    with raises(PortTrouble, match="sms in"):
        await messages.send(OutgoingMessage("m3", MessageChannel.SMS, "+34600111222", "", "x", "en"))
    assert messages.channels() == {"whatsapp"}
