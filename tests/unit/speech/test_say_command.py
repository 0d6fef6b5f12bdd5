"""`timbre ivr say`."""

from pathlib import Path

from typer.testing import CliRunner

from media import soundfiles
from server.commands.speech import app


def test_given_a_value_when_said_then_words_are_shown_and_the_sound_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    options = ["--kind", "money", "--currency", "EUR", "--language", "es-ES", "-o", str(out)]
    done = CliRunner().invoke(app, ["say", "12.50", *options])
    assert done.exit_code == 0, done.output
    assert "doce euros con cincuenta céntimos" in done.output
    assert len(soundfiles.load(out)) > 8000


def test_given_a_value_of_the_wrong_form_when_said_then_it_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    done = CliRunner().invoke(app, ["say", "twelve", "--kind", "number", "-o", str(out)])
    assert done.exit_code == 1 and not out.exists()
