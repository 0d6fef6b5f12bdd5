"""Mail over TLS to a real server, with certificates that the test makes: who cannot prove who it is gets nothing."""

import ssl
from pathlib import Path
from typing import Any

from pytest import TempPathFactory, fixture, mark, raises

from ivr.mail import Mail, SmtpMail
from ivr.port import MessageChannel, OutgoingMessage
from ivr.secret import Secret
from ivr.values import PortTrouble
from server.settings import SettingsError, load
from tests.support.certificates import Certificate, certificate
from tests.support.mail_server import mail_server

LETTER = OutgoingMessage("m1", MessageChannel.EMAIL, "eva@customers.example", "Su código", Secret("482913"), "es")
WAYS = mark.parametrize("security", ["starttls", "tls"])


@fixture(scope="module")
def good(tmp_path_factory: TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("good") / "ca")


def mail_of(port: int, security: str, **fields: Any) -> SmtpMail:
    rules = {"host": "localhost", "port": port, "security": security, "sender": "no-reply@shop.example"}
    return SmtpMail(Mail.model_validate({**rules, **fields}))


@WAYS
async def test_given_a_trusted_server_when_a_code_is_sent_then_login_and_letter_go_over_tls(
    good: Certificate, security: str
) -> None:
    async with mail_server(asks_password=True, tls=good.context, at_once=security == "tls") as server:
        mail = mail_of(server.port, security, ca_file=good.ca_file, user="shop", password="open sesame")
        assert await mail.send(LETTER) == "<m1@shop.example>"
    assert server.letters[0].get_content().strip() == "482913" and server.logins == ["shop"]


@WAYS
@mark.parametrize(
    ("names", "days", "trusted", "words"),
    [
        ("DNS:localhost", 1, False, "name the authority that signed it as ivr.mail.ca_file"),
        ("DNS:mail.example", 1, True, "write the name that stands in the certificate as ivr.mail.host"),
        ("DNS:localhost", -1, True, "its certificate must be renewed"),
    ],
)
async def test_given_a_wrong_certificate_when_sent_then_one_message_says_what_to_mend_and_nothing_goes_out(
    tmp_path: Path, security: str, names: str, days: int, trusted: bool, words: str
) -> None:
    made = certificate(tmp_path / "wrong", names, days)
    async with mail_server(asks_password=True, tls=made.context, at_once=security == "tls") as server:
        more = {"ca_file": made.ca_file} if trusted else {}
        with raises(PortTrouble) as caught:
            await mail_of(server.port, security, user="shop", password="open sesame", **more).send(LETTER)
    told = str(caught.value)
    assert words in told and f"mail server localhost:{server.port} was not trusted" in told and "\n" not in told
    assert server.letters == [] and server.logins == [] and "482913" not in told and "eva@" not in told


async def test_given_tls_at_the_wrong_moment_when_sent_then_the_message_names_port_and_security(
    good: Certificate,
) -> None:
    async with mail_server(tls=good.context) as server:
        with raises(PortTrouble, match=r'\[ivr.mail\] security = "tls" wants .*: look at port and security'):
            await mail_of(server.port, "tls", ca_file=good.ca_file).send(LETTER)
    async with mail_server(tls=good.context) as server:
        with raises(PortTrouble, match="SMTPSenderRefused, 530"):
            await mail_of(server.port, "none").send(LETTER)
    assert server.letters == []


def test_given_settings_when_the_authority_is_no_certificate_then_the_field_is_named(
    good: Certificate, tmp_path: Path
) -> None:
    text = '[ivr.mail]\nhost = "mail.example"\nsender = "a@b.example"\nca_file = "{}"\n'
    file, nothing = tmp_path / "timbre.toml", tmp_path / "no.pem"
    nothing.write_text("not a certificate")
    file.write_text(text.format(good.ca_file))
    mail = load(file).ivr.mail
    assert mail is not None and mail.ca_file == good.ca_file
    for wrong in (nothing, tmp_path / "none.pem"):
        file.write_text(text.format(wrong))
        with raises(SettingsError) as caught:
            load(file)
        assert "ivr.mail" in str(caught.value) and f"ca_file {wrong} is no readable PEM certificate" in str(
            caught.value
        )


def test_given_a_context_of_ours_when_made_then_names_and_versions_are_checked(good: Certificate) -> None:
    context = mail_of(25, "tls", ca_file=good.ca_file)._context()
    assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
