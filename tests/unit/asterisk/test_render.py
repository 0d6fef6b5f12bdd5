from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.asterisk import render
from telephony.asterisk.credentials import Credentials
from telephony.asterisk.installation import Installation
from telephony.asterisk.modules import MODULES
from telephony.asterisk.settings import (
    AgentEndpoint,
    AsteriskSettings,
    AsteriskSettingsError,
    PortRange,
    TlsTransport,
    Trunk,
)

INSTALLATION = Installation(("/opt/ast/asterisk",), (22, 10, 1), Path("/opt/ast/modules"), Path("/opt/ast/data"))
CREDENTIALS = Credentials("timbre", "ari-secret", "timbre", "ami-secret", "agent-key")


def rendered(**changes: object) -> dict[str, str]:
    settings = AsteriskSettings(directory=Path("/srv/timbre/dialer"), **changes)  # type: ignore[arg-type]
    return dict(render.render(settings, CREDENTIALS, INSTALLATION))


def sections(text: str, name: str) -> list[dict[str, str]]:
    """Every [name] section of an Asterisk file, in order; comments removed, escaped semicolons restored."""
    found: list[dict[str, str]] = []
    current: dict[str, str] = {}
    for raw in text.splitlines():
        line = raw.replace("\\;", "\0").split(";")[0].replace("\0", ";").strip()
        if line.startswith("["):
            current = {}
            if line == f"[{name}]":
                found.append(current)
        elif "=" in line:
            key, _, value = line.partition("=")
            current[key.strip()] = value.lstrip(">").strip()
    return found


def only(text: str, name: str, **having: str) -> dict[str, str]:
    (section,) = [item for item in sections(text, name) if having.items() <= item.items()]
    return section


def test_given_settings_when_rendered_then_every_folder_is_the_instances_own() -> None:
    directories = only(rendered()["asterisk.conf"], "directories")

    assert directories.pop("astmoddir") == "/opt/ast/modules"
    assert directories.pop("astdatadir") == "/opt/ast/data"
    assert {Path(path).is_relative_to("/srv/timbre/dialer") for path in directories.values()} == {True}
    assert {"astetcdir", "astvarlibdir", "astdbdir", "astspooldir", "astrundir", "astlogdir"} <= set(directories)


def test_given_default_settings_when_rendered_then_control_is_on_loopback_with_the_secrets() -> None:
    files = rendered(http_port=8801, ami_port=5801)

    http, ami = only(files["http.conf"], "general"), only(files["manager.conf"], "general")
    assert (http["bindaddr"], http["bindport"]) == ("127.0.0.1", "8801")
    assert (ami["bindaddr"], ami["port"]) == ("127.0.0.1", "5801")
    assert only(files["ari.conf"], "timbre")["password"] == "ari-secret"
    assert only(files["manager.conf"], "timbre")["secret"] == "ami-secret"


def test_given_any_settings_when_rendered_then_ami_may_not_originate() -> None:
    granted = only(rendered()["manager.conf"], "timbre")

    assert "originate" not in granted["write"].split(",")
    assert "all" not in granted["write"].split(",")


def test_given_extra_modules_when_rendered_then_they_come_last_and_once() -> None:
    lines = rendered(extra_modules=("app_stack", "app_stack", "chan_pjsip"))["modules.conf"].splitlines()

    loaded = [line.removeprefix("load=").removesuffix(".so") for line in lines if line.startswith("load=")]
    assert loaded == [*MODULES, "app_stack"]
    assert "autoload=no" in lines


def test_given_an_incoming_call_when_the_dialplan_takes_it_then_stasis_gets_the_number_without_odd_marks() -> None:
    dialplan = rendered(stasis_app="acme")["extensions.conf"]

    stasis = "Stasis(acme,incoming,${FILTER(0-9+*#,${EXTEN})})"
    assert f"exten => _[+0-9]!,1,Set(PJSIP_DTMF_MODE()=auto)\n same => n,{stasis}" in dialplan


def test_given_extra_text_when_rendered_then_it_ends_the_files() -> None:
    files = rendered(extra_dialplan="[network]\nexten => s,1,Answer()", extra_pjsip="[peer]\ntype=aor")

    assert files["extensions.conf"].rstrip().endswith("[network]\nexten => s,1,Answer()")
    assert files["pjsip.conf"].rstrip().endswith("[peer]\ntype=aor")


def test_given_agents_when_rendered_then_each_registers_with_digest_and_one_contact() -> None:
    agents = (AgentEndpoint("ana", "s;e[c]ret", "Ana Gómez"), AgentEndpoint("web", "pw", browser=True))
    text = rendered(agents=agents, websocket=True)["pjsip.conf"]

    assert only(text, "ana", type="auth")["password"] == "s;e[c]ret"
    assert only(text, "ana", type="endpoint")["callerid"] == '"Ana Gómez" <ana>'
    assert only(text, "ana", type="aor")["max_contacts"] == "1"
    assert only(text, "web", type="endpoint")["webrtc"] == "yes"
    assert only(text, "ws")["protocol"] == "ws"
    assert sections(rendered()["pjsip.conf"], "ws") == []


def test_given_a_tls_trunk_that_registers_when_rendered_then_all_its_parts_are_there() -> None:
    trunk = Trunk(
        "carrier", "sip.example.com", 5061, "tls", ("192.0.2.1", "192.0.2.0/29"), "acct", "pw", True,
        srtp=True, from_domain="example.com", outbound_proxy="sip:proxy.example.com;lr",
    )  # fmt: skip
    text = rendered(trunks=(trunk,), tls=TlsTransport(port=5071))["pjsip.conf"]

    endpoint = only(text, "carrier", type="endpoint")
    assert endpoint["media_encryption"] == "sdes"
    assert endpoint["send_pai"] == "yes"
    assert endpoint["outbound_proxy"] == "sip:proxy.example.com;lr"
    assert only(text, "carrier", type="aor")["contact"] == "sip:sip.example.com:5061;transport=tls"
    assert only(text, "carrier", type="registration")["client_uri"] == "sip:acct@example.com"
    assert text.count("match=192.0.2.") == 2
    assert only(text, "tls")["verify_server"] == "yes"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"http_port": 0}, "0 is no port"),
        ({"name": "a b"}, "name must be"),
        ({"directory": Path("relative")}, "must be absolute"),
        ({"directory": Path("/with blank")}, "must be absolute"),
        ({"trunks": (Trunk("t", "h", transport="tls"),)}, "the settings need tls="),
        ({"trunks": (Trunk("t", "h"), Trunk("t", "h"))}, "'t' is taken"),
        ({"agents": (AgentEndpoint("udp", "x"),)}, "'udp' is taken"),
    ],
)
def test_given_settings_that_cannot_work_when_made_then_the_message_says_which(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(AsteriskSettingsError, match=message):
        AsteriskSettings(**({"directory": Path("/srv/x")} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "values",
    [
        {"transport": "sctp"},
        {"registers": True},
        {"srtp": True},
        {"port": 70000},
        {"host": "a\nb"},
        {"name": "x]\n[y"},
        {"secret": " padded"},
        {"secret": ">arrow"},
    ],
)
def test_given_a_trunk_that_cannot_work_when_made_then_it_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(AsteriskSettingsError, match="trunk"):
        Trunk(**({"name": "t", "host": "h"} | values))  # type: ignore[arg-type]


def test_given_an_empty_port_range_when_made_then_it_is_refused() -> None:
    with pytest.raises(AsteriskSettingsError, match="holds no pair"):
        PortRange(4000, 4000)


@given(secret=st.text(min_size=1, max_size=30))
def test_given_any_secret_when_it_is_accepted_then_the_file_holds_exactly_it_and_no_other_line(secret: str) -> None:
    plain = rendered(agents=(AgentEndpoint("ana", "x"),))["pjsip.conf"]
    try:
        agent = AgentEndpoint("ana", secret)
    except AsteriskSettingsError:
        return

    text = rendered(agents=(agent,))["pjsip.conf"]

    assert text.count("\n") == plain.count("\n")
    assert f"\npassword={secret.replace(';', chr(92) + ';')}\n" in text


def test_given_secrets_when_shown_then_they_are_hidden() -> None:
    shown = repr((CREDENTIALS, AgentEndpoint("ana", "pw-x"), Trunk("t", "h", secret="pw-x")))

    assert "secret" not in shown.replace("ami_secret", "")
    assert "pw-x" not in shown
