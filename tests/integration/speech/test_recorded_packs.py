"""The sound packs that setup installs: what they hold, how loud they are, how phrases of them sound."""

import re
from datetime import date, time
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from media import soundfiles
from media.levels import active_dbfs, find, first_sound_s, frame_dbfs
from media.prompts import PromptLibrary
from media.speech.cache import SpeechCache
from media.speech.espeak import Espeak
from media.speech.joining import fitted, longest_silence_s
from media.speech.packs import _INDEXES, SoundPack
from media.speech.speaker import Saying, Speaker
from media.speech.tongue import Tongue
from media.speech.values import Kind, Manner, words
from server.clock import SystemClock
from telephony.asterisk.install import require


@pytest.fixture(scope="module")
def sounds() -> Path:
    return require().sounds_dir


@pytest.fixture
def speaker(tmp_path: Path, sounds: Path) -> Speaker:
    cache = SpeechCache(tmp_path / "speech", SystemClock())
    return Speaker(PromptLibrary([], tmp_path / "prompts"), Espeak(), cache, sounds)


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_word_that_the_rules_look_for_is_in_the_pack(sounds: Path, language: str) -> None:
    pack = SoundPack(sounds / language, language)
    assert sorted(pack.vocabulary) == sorted(_INDEXES[language])


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_recorded_word_is_made_as_loud_as_the_others_and_begins_at_once(sounds: Path, language: str) -> None:
    paths = set(SoundPack(sounds / language, language).vocabulary.values())
    made = {path.stem: fitted(soundfiles.load(path)) for path in paths}
    levels = {name: active_dbfs(samples) for name, samples in made.items()}
    assert {name for name, level in levels.items() if abs(level + 20) > 0.6} == set()
    assert {name for name, samples in made.items() if (first_sound_s(samples, -45.0) or 0) > 0.1} == set()
    assert {name for name, samples in made.items() if longest_silence_s(samples) > 0.25} == set()


PHRASES = [
    (Kind.NUMBER, 987_654, "es"), (Kind.NUMBER, -1_234_567, "en"), (Kind.DIGITS, "0123456789", "es"),
    (Kind.DIGITS, "0123456789", "en"), (Kind.PHONE, "+525512345678", "es-MX"), (Kind.DATE, date(2026, 11, 1), "es"),
    (Kind.DATE, date(2026, 11, 22), "en"), (Kind.TIME, time(15, 5), "en"), (Kind.DURATION, 125, "es"),
    (Kind.LETTERS, "ABCWXYZ", "es"), (Kind.LETTERS, "ABCWXYZ-7", "en"), (Kind.MONEY, Decimal(250), "es"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "tag"), PHRASES)
def test_a_recorded_phrase_has_no_gap_no_click_and_every_word_in_order(
    speaker: Speaker, sounds: Path, kind: Kind, value: object, tag: str
) -> None:
    spoken = words(kind, value, Tongue.of(tag), Manner("USD"))  # type: ignore[arg-type]
    phrase = [Saying(words=spoken)]
    assert speaker.is_recorded(phrase, tag)
    made = speaker.samples(phrase, tag)
    assert longest_silence_s(made) <= 0.35
    files = SoundPack(sounds / tag[:2], tag[:2]).files(spoken) or ()
    pieces = [fitted(soundfiles.load(path)) for path in files if path is not None]
    place = 0
    for piece in pieces:
        match = find(piece, made[place : place + len(piece) + 3000])
        assert match.similarity > 0.99
        place += int(match.offset_s * 8000) + len(piece)
        assert not made[place : place + 100].any(), "a seam that is not silent clicks"
    steepest = max(int(np.abs(np.diff(piece.astype(int))).max()) for piece in pieces)
    assert np.abs(np.diff(made.astype(int))).max() <= steepest


TEXTS = [
    ("Hola. Pulse uno para ventas; pulse dos, para soporte. O espere, por favor.", "es-MX"),
    ("Su saldo es de mil doscientos pesos con cincuenta centavos. Gracias.", "es-ES"),
    ("Hello. Press one for sales, press two for support. Or hold the line.", "en"),
    ("Fuera de horario: vuelva a llamar mañana.", "es"),
    ("Six of your orders are on their way.", "en-GB"),
]


@pytest.mark.parametrize(("text", "tag"), TEXTS)
def test_synthesised_speech_is_as_loud_as_the_recordings_and_has_no_gap(speaker: Speaker, text: str, tag: str) -> None:
    made = speaker.samples([Saying(text=text)], tag)
    raw = Espeak().speak(text, Tongue.of(tag))
    assert active_dbfs(made) == pytest.approx(-20, abs=0.6)
    assert longest_silence_s(made) <= 0.35
    assert (first_sound_s(made, -45.0) or 0) <= 0.06
    assert frame_dbfs(made)[-6:].max() > -45, "it trails off into silence"
    syllables = len(re.findall(r"[aeiouáéíóúy]+", text.lower()))
    assert len(made) / 8000 > syllables * 0.08, f"too short for its text ({len(raw) / 8000:.1f} s before trimming)"
