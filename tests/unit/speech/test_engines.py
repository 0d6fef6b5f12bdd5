"""espeak-ng as it is, and engines by name."""

import stat
import sys
from pathlib import Path

import pytest

from media.levels import frame_dbfs
from media.speech.espeak import Espeak, plain
from media.speech.joining import fitted, longest_silence_s, squeezed
from media.speech.tongue import Tongue
from media.speech.tts import LONGEST_TEXT, SpeechFailed, load_engine
from tests.unit.speech.sounds import CountingEngine

ES = Tongue.of("es")


@pytest.mark.parametrize("tag", ["es-MX", "es-ES", "en", "en-GB"])
def test_espeak_speaks_every_language_with_its_own_voice(tag: str) -> None:
    made = squeezed(fitted(Espeak().speak("Hola, hello. Uno dos tres.", Tongue.of(tag))))
    assert 1.0 < len(made) / 8000 < 5.0 and longest_silence_s(made) <= 0.35
    assert frame_dbfs(made)[:4].max() > -45, "it does not begin at once"


def test_voices_differ_so_that_their_caches_do() -> None:
    assert len({Espeak().voice(Tongue.of(tag)) for tag in ("es-MX", "es-ES", "en", "en-GB")}) == 4


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("uno [[h@'loU]] dos", "uno h@'loU dos"),
        ("a\x00b\x1b[0m\n c", "a b [0m c"),
        ("$(reboot); `ls` --version", "$(reboot); `ls` --version"),
    ],
)
def test_orders_in_a_text_are_taken_out(text: str, spoken: str) -> None:
    assert plain(text) == spoken


def test_a_text_that_looks_like_an_option_or_a_command_is_only_spoken(tmp_path: Path) -> None:
    target = tmp_path / "owned"
    for text in (f"--compile={target}", f"-w {target}", f"; touch {target}", f"$(touch {target})", "<audio src='x'/>"):
        assert Espeak().speak(text, ES).size
    assert not target.exists()


def test_a_text_without_letters_is_silence_and_no_error() -> None:
    assert not fitted(Espeak().speak("", ES)).size


def test_a_text_too_long_is_refused_with_its_length() -> None:
    with pytest.raises(SpeechFailed, match=str(LONGEST_TEXT + 1)):
        Espeak().speak("a" * (LONGEST_TEXT + 1), ES)


def _program(folder: Path, script: str) -> str:
    path = folder / "speaker"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_missing_program_says_what_to_install() -> None:
    with pytest.raises(SpeechFailed, match="install the package espeak-ng"):
        Espeak("no-such-speaker").voice(ES)
    with pytest.raises(SpeechFailed, match="cannot be run"):
        Espeak("no-such-speaker").speak("hola", ES)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exec sleep 30", "did not speak within 0.2 s"),
        ("echo no voice >&2; exit 3", "no voice"),
        ("echo hi", "no sound"),
    ],
)
def test_a_program_that_hangs_or_fails_is_a_failure_that_says_so(tmp_path: Path, script: str, message: str) -> None:
    with pytest.raises(SpeechFailed, match=message):
        Espeak(_program(tmp_path, script), timeout_s=0.2).speak("hola", ES)


def test_engines_are_found_by_name_or_path() -> None:
    assert isinstance(load_engine("espeak-ng"), Espeak)
    assert isinstance(load_engine("tests.unit.speech.sounds:CountingEngine"), CountingEngine)


@pytest.mark.parametrize("name", ["nobody", "no.such.module:engine", "media.speech.espeak:nothing", ""])
def test_an_unknown_engine_says_what_there_is(name: str) -> None:
    with pytest.raises(SpeechFailed, match="espeak"):
        load_engine(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("KEY = {}['API_KEY']\n", r"cannot be loaded: KeyError: 'API_KEY' \(broken_voice.py, line 1\)"),
        (
            "def make():\n    raise RuntimeError('no licence')\n",
            r"RuntimeError: no licence \(broken_voice.py, line 2",
        ),
        ("def make(:\n", "cannot be loaded: SyntaxError"),
        ("class make:\n    def voice(self, tongue): ...\n", "has no speak: see docs/speech.md"),
        ("make = 3\n", "cannot be started: TypeError"),
    ],
)
def test_a_plugin_that_breaks_is_one_message_with_what_and_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, words: str
) -> None:
    (tmp_path / "broken_voice.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_voice", raising=False)
    with pytest.raises(SpeechFailed, match=words):
        load_engine("broken_voice:make")
