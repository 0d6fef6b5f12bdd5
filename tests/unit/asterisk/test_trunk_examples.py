"""The documented trunks are real settings: each example is read by the server and written for Asterisk."""

from pathlib import Path

import pytest

from server.managed_asterisk import asterisk_settings
from server.settings import load
from telephony.asterisk import render
from telephony.asterisk.credentials import load_or_create
from telephony.asterisk.installation import Installation

EXAMPLES = sorted((Path(__file__).parents[3] / "asterisk-conf" / "trunk-examples").glob("*.toml"))


def test_given_the_documentation_when_examples_are_counted_then_each_kind_is_there() -> None:
    assert {path.stem for path in EXAMPLES} == {"ip-trunk", "registration", "tls-srtp"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_given_an_example_when_it_is_loaded_then_asterisk_gets_that_trunk(
    example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMBRE_VAR", str(tmp_path))
    settings = asterisk_settings(load(example))

    installation = Installation(("asterisk",), (22, 10, 1), Path("/m"), Path("/d"))
    text = render.render(settings, load_or_create(settings.credentials_file), installation)["pjsip.conf"]

    assert "\n[carrier]\ntype=endpoint\n" in text
    assert ("type=registration" in text) == (example.stem == "registration")
    assert ("protocol=tls" in text) == ("media_encryption=sdes" in text) == (example.stem == "tls-srtp")
    assert "bind=0.0.0.0:5060" in text
