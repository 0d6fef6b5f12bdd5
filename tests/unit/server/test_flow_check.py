"""What flows need and the settings lack."""

import tempfile
from pathlib import Path

import pytest

from server.flow_check import flow_problems
from server.settings import SettingsError, load
from tests.unit.ivr.flows import READY

FULL = """
[ivr]
flows = "{flows}"
[ivr.mail]
host = "127.0.0.1"
sender = "no-reply@shop.example"
[ivr.messages]
whatsapp = "gateway"
sms = "gateway"
[ivr.payment]
url = "https://pay.example/tokens"
secret = "a secret of both sides"
[[ivr.hooks]]
name = "gateway"
url = "https://gateway.example/"
secret = "a secret of both sides"
[[queues]]
queue_id = "service"
"""


def problems_of(folder: Path, text: str) -> list[str]:
    path = folder / "timbre.toml"
    path.write_text(f'var = "{folder / "var"}"\n{text}')
    return list(flow_problems(load(path), Path(tempfile.mkdtemp(dir=folder))))


def test_given_a_ready_flow_when_the_settings_lack_its_source_then_file_line_and_place_are_named(
    tmp_path: Path,
) -> None:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "balance.yaml").write_text((READY / "en" / "balance.yaml").read_text())
    settings = FULL.format(flows=flows)
    first, second = problems_of(tmp_path, settings)
    assert first.startswith(f"{flows / 'balance.yaml'}:") and "nodes.identity.source" in first
    assert "no source 'customers_pin': add it under [[ivr.sources]]" in first and "customers_balance" in second
    source = '[[ivr.sources]]\nkind = "sql"\nurl = "sqlite://"\nstatement = "SELECT 1"\nname = '
    assert problems_of(tmp_path, f'{settings}{source}"customers_pin"\n{source}"customers_balance"\n') == []
    assert not (flows / ".versions").exists() and not (tmp_path / "var").exists()


def test_given_messages_and_cards_when_nothing_is_set_up_for_them_then_each_is_told(tmp_path: Path) -> None:
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "pay.yaml").write_text(
        "flow: pay\nlanguage: en\nstart: ask\nrescue: {queue: service}\nvariables: {token: {type: text}}\nnodes:\n"
        "  ask: {do: payment, amount: 5, currency: EUR, into: token, next: tell}\n"
        "  tell: {do: send, channel: sms, to: caller, text: Paid., next: bye}\n"
        "  bye: {do: goodbye, text: Bye.}\n"
    )
    assert problems_of(tmp_path, FULL.format(flows=flows)) == []
    bare = f'[ivr]\nflows = "{flows}"\n[[queues]]\nqueue_id = "service"\n[[lines]]\nnumber = "1"\nflow = "pays"\n'
    card, sms, line = problems_of(tmp_path, bare)
    assert card.startswith(f"{flows / 'pay.yaml'}:7: ") and "[ivr.payment]" in card
    assert ":8: nodes.tell.channel: the settings know no channel 'sms'" in sms
    assert line == f"lines, 1: there is no flow 'pays' in {flows}: it has no flow"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ivr.messages]\nsms = "gate"\n', "ivr.messages.sms: there is no hook 'gate'"),
        ('[[ivr.sources]]\nkind = "plugin"\nname = "x"\nfunction = "no_such_module:ask"\n', "no_such_module"),
        ('[[lines]]\nnumber = "1"\nqueue = "none"\n', "lines, 1: there is no queue 'none'"),
    ],
)
def test_given_names_that_lead_nowhere_when_looked_at_then_they_are_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        problems_of(tmp_path, text)


def test_given_a_plugin_in_its_folder_when_declared_then_it_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "timbre_test_plugin.py").write_text("async def ask(question):\n    return {'ok': True}\n")
    source = '[[ivr.sources]]\nkind = "plugin"\nname = "x"\nfunction = "timbre_test_plugin:ask"\n'
    assert problems_of(tmp_path, f'[ivr]\nplugins = "{folder}"\nflows = "{tmp_path}"\n{source}') == []


@pytest.mark.parametrize("secret", ["short", "open sesame"])
def test_given_a_secret_that_is_wrong_when_read_then_the_message_does_not_show_it(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "timbre.toml"
    path.write_text(f'[ivr.payment]\nurl = "https://pay.example/"\nsecret = "{secret}"\n')
    with pytest.raises(SettingsError) as caught:
        load(path)
    assert secret not in str(caught.value) and "ivr.payment.secret" in str(caught.value)
