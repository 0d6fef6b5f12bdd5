"""Phrases: one voice each, cached by content, private ones gone after a while."""

from datetime import date
from pathlib import Path

import pytest

from ivr.port import SayAs, Spoken
from ivr.speech import FlowSpeech
from ivr.values import PortTrouble
from media import soundfiles
from media.levels import active_dbfs
from media.prompts import PromptLibrary, PromptMissing
from media.speech.cache import SpeechCache
from media.speech.joining import longest_silence_s
from media.speech.packs import SoundPack
from media.speech.speaker import Saying, Speaker
from media.speech.tongue import NotSpeakable, Tongue
from media.speech.tts import SpeechFailed
from media.speech.values import Kind, Manner, words
from tests.unit.speech.sounds import CountingEngine, tone, write_pack


class SetClock:
    def __init__(self) -> None:
        self.time_s = 0.0

    def now_s(self) -> float:
        return self.time_s

    def monotonic_s(self) -> float:
        return self.time_s


class House:
    """A speaker with both packs, one recorded prompt that has a text and one that has none."""

    def __init__(self, folder: Path, sounds: Path | None) -> None:
        self.clock, self.engine = SetClock(), CountingEngine()
        own = folder / "own"
        soundfiles.save(own / "es" / "saldo.wav", tone(1.0, -28.0))
        soundfiles.save(own / "es" / "logo.wav", tone(1.0, -12.0))
        (own / "texts.toml").write_text('[es]\nsaldo = "Su saldo es"\nmissing = "No hay archivo"\n')
        self.folder = folder / "speech"
        self.cache = SpeechCache(self.folder, self.clock, private_life_s=60.0)
        self.speaker = Speaker(PromptLibrary([own], folder / "cache"), self.engine, self.cache, sounds)

    def file(self, uri: str) -> Path:
        assert uri.startswith("sound:")
        return Path(uri.removeprefix("sound:") + ".wav")

    @property
    def private_files(self) -> list[Path]:
        return list((self.folder / "private").glob("*"))


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    write_pack(folder, "es")
    return write_pack(folder, "en")


@pytest.fixture
def house(tmp_path: Path, sounds: Path) -> House:
    return House(tmp_path, sounds)


def number(value: int, language: str = "es", private: bool = False) -> Saying:
    return Saying(words=words(Kind.NUMBER, value, Tongue.of(language)), private=private)


def test_given_recorded_words_when_said_then_the_engine_is_not_asked(house: House) -> None:
    (uri,) = house.speaker.media([number(1234)], "es")
    made = soundfiles.load(house.file(uri))
    assert not house.engine.texts
    assert active_dbfs(made) == pytest.approx(-20, abs=0.6) and longest_silence_s(made) <= 0.35


def test_given_a_recorded_text_and_recorded_words_when_said_then_all_is_recorded(house: House) -> None:
    phrase = [Saying(text="Su saldo es "), number(20), Saying(text=".")]
    assert house.speaker.is_recorded(phrase, "es") and len(house.speaker.media(phrase, "es")) == 1
    assert not house.engine.texts


def test_given_one_word_that_is_not_recorded_when_said_then_the_whole_phrase_is_one_synthesised_text(
    house: House,
) -> None:
    pesos = Saying(words=words(Kind.MONEY, "20.50", Tongue.of("es"), Manner("MXN")))
    house.speaker.media([Saying(text="Su saldo es"), pesos, Saying(text=". Gracias.")], "es")
    assert house.engine.texts == ["Su saldo es veinte pesos con cincuenta centavos. Gracias."]


def test_given_a_named_prompt_when_the_rest_is_synthesised_then_the_prompt_stays_the_recording(house: House) -> None:
    media = house.speaker.media([Saying(text="Hola"), Saying(prompt="logo"), Saying(text="Adiós")], "es-MX")
    assert len(media) == 3 and house.engine.texts == ["Hola", "Adiós"]
    levels = [active_dbfs(soundfiles.load(house.file(uri))) for uri in media]
    assert levels == pytest.approx([-20] * 3, abs=0.6), "one of them is louder than the others"


def test_given_a_gap_and_silence_from_the_engine_when_said_then_it_begins_at_once(house: House) -> None:
    (uri,) = house.speaker.media([Saying(text="Hola a todos")], "es")
    made = soundfiles.load(house.file(uri))
    assert len(made) / 8000 == pytest.approx(0.6 + 0.1, abs=0.05)


def test_given_the_same_phrase_twice_when_said_then_it_is_made_once_until_voice_or_language_change(
    house: House,
) -> None:
    phrase = [Saying(text="Hola")]
    first = house.speaker.media(phrase, "es")
    assert house.speaker.media(phrase, "es") == first and len(house.engine.texts) == 1
    house.engine.version = "2"
    assert house.speaker.media(phrase, "es") != first
    assert house.speaker.media(phrase, "es-ES") != house.speaker.media(phrase, "es") and len(house.engine.texts) == 3


def test_given_an_edited_prompt_when_said_again_then_the_new_one_is_heard(house: House, tmp_path: Path) -> None:
    (before,) = house.speaker.media([Saying(prompt="logo")], "es")
    soundfiles.save(tmp_path / "own" / "es" / "logo.wav", tone(2.0))
    (after,) = house.speaker.media([Saying(prompt="logo")], "es")
    assert len(soundfiles.load(house.file(after))) > len(soundfiles.load(house.file(before)))


def test_given_an_edited_recorded_text_when_said_again_then_the_new_one_is_heard(house: House, tmp_path: Path) -> None:
    phrase = [Saying(text="su saldo es")]
    (before,) = house.speaker.media(phrase, "es")
    soundfiles.save(tmp_path / "own" / "es" / "saldo.wav", tone(2.0))
    assert house.speaker.media(phrase, "es") != (before,)


def test_given_a_private_value_when_said_then_its_file_tells_nothing_and_goes(house: House) -> None:
    first = house.speaker.media([number(4321, private=True)], "es")
    second = house.speaker.media([number(4321, private=True)], "es")
    assert first != second and len(house.private_files) == 2
    assert not list(house.folder.glob("*.wav")), "a private value is in the shared cache"
    house.clock.time_s = 61.0
    house.cache.forget_old()
    assert not house.private_files


def test_given_private_files_of_a_dead_node_when_the_cache_opens_then_they_are_gone(house: House) -> None:
    house.speaker.media([number(4321, private=True)], "es")
    SpeechCache(house.folder, house.clock)
    assert not house.private_files


def test_given_private_files_when_the_cache_closes_then_they_are_gone(house: House) -> None:
    house.speaker.media([number(4321, private=True)], "es")
    house.cache.close()
    assert not house.private_files


def test_given_a_full_cache_when_more_is_said_then_the_longest_unused_go(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, SetClock(), most=50)
    paths = [cache.shared("text", str(index)) for index in range(100)]
    for path in paths[:99]:
        cache.keep(path, tone(0.02))
    assert cache.has(paths[0]), "nothing goes before its time"
    cache.keep(paths[99], tone(0.02))
    assert len(list(tmp_path.glob("*.wav"))) == 50
    assert cache.has(paths[0]) and cache.has(paths[99]), "what was used last has to stay"


def test_given_asterisk_in_a_root_of_its_own_when_said_then_the_address_is_as_it_sees_it(tmp_path: Path) -> None:
    cache = SpeechCache(tmp_path, SetClock(), seen_as=Path("/var/speech"))
    assert cache.uri(cache.shared("a")).startswith("sound:/var/speech/")
    assert cache.uri(cache.keep_private(tone(0.1))).startswith("sound:/var/speech/private/")


def test_given_no_packs_when_a_number_is_said_then_it_is_synthesised(tmp_path: Path) -> None:
    house = House(tmp_path, None)
    house.speaker.media([number(21)], "es")
    assert house.engine.texts == ["veintiuno"]


def test_nothing_to_say_is_no_media(house: House) -> None:
    assert house.speaker.media([Saying(text=" . "), Saying(text="")], "es") == ()
    assert not house.speaker.samples([], "es").size


def test_given_a_broken_engine_when_said_then_the_error_does_not_repeat_the_text(house: House) -> None:
    house.engine.fails = True
    with pytest.raises(SpeechFailed, match="switch it on"):
        house.speaker.media([Saying(text="secreto")], "es")


def test_unknown_prompts_and_languages_are_named(house: House) -> None:
    with pytest.raises(PromptMissing, match="nada"):
        house.speaker.media([Saying(prompt="nada")], "es")
    with pytest.raises(NotSpeakable, match="fr"):
        house.speaker.media([Saying(text="Salut")], "fr")


def test_a_broken_list_of_texts_names_its_file(tmp_path: Path, sounds: Path) -> None:
    (tmp_path / "texts.toml").write_text("es = [")
    with pytest.raises(ValueError, match=r"texts\.toml"):
        Speaker(
            PromptLibrary([tmp_path], tmp_path / "c"), CountingEngine(), SpeechCache(tmp_path / "s", SetClock()), sounds
        )


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_pack_says_every_number_up_to_a_million_in_order(sounds: Path, language: str) -> None:
    pack, tongue = SoundPack(sounds / language, language), Tongue.of(language)
    names = {path: key for key, path in pack.vocabulary.items()}
    for value in (*range(1200), 21_021, 101_101, 999_999, 1_000_000, 2_000_000):
        spoken = words(Kind.NUMBER, value, tongue)
        files = pack.files(spoken)
        if "veintiún" in spoken:
            assert files is None
            continue
        assert files is not None
        assert tuple(word for path in files if path for word in names[path]) == spoken


class TestFlowSpeech:
    async def test_given_parts_of_a_flow_when_rendered_then_they_are_said_off_the_loop(self, house: House) -> None:
        import threading

        speech = FlowSpeech(house.speaker, today=lambda: date(2026, 11, 22), country="ES")
        parts = [
            Spoken(SayAs.TEXT, "Su pago de"),
            Spoken(SayAs.MONEY, 21, "EUR", private=True),
            Spoken(SayAs.TEXT, "vence"),
            Spoken(SayAs.DATE, date(2026, 11, 23)),
        ]
        media = await speech.render(parts, "es")
        assert house.engine.texts == ["Su pago de veintiún euros vence mañana"]
        assert len(media) == 1 and "/private/" in media[0]
        assert threading.get_ident() not in house.engine.threads

    @pytest.mark.parametrize("kind", [kind for kind in SayAs if kind not in (SayAs.TEXT, SayAs.PROMPT)])
    async def test_every_kind_can_be_said_and_an_empty_value_is_trouble(self, house: House, kind: SayAs) -> None:
        speech = FlowSpeech(house.speaker)
        values = {SayAs.DATE: "2026-11-22", SayAs.TIME: "15:30"}
        assert await speech.render([Spoken(kind, values.get(kind, "1234"), "USD")], "es")
        with pytest.raises(PortTrouble, match=kind.value):
            await speech.render([Spoken(kind, None)], "es")

    async def test_a_private_value_is_in_no_trouble(self, house: House) -> None:
        speech = FlowSpeech(house.speaker)
        with pytest.raises(PortTrouble) as caught:
            await speech.render([Spoken(SayAs.DIGITS, "4111x1111", private=True)], "es")
        assert "4111" not in str(caught.value) and caught.value.__cause__ is None

    async def test_given_an_engine_that_hangs_when_others_speak_then_they_do_not_wait(self, house: House) -> None:
        import asyncio
        import threading

        speech = FlowSpeech(house.speaker, at_once=1)
        known = await speech.render([Spoken(SayAs.TEXT, "Hola")], "es")
        asked, released = threading.Event(), threading.Event()
        speak = house.engine.speak

        def hanging(text: str, tongue: Tongue) -> object:
            asked.set()
            assert released.wait(10)
            return speak(text, tongue)

        house.engine.speak = hanging  # type: ignore[method-assign,assignment]
        waiting = [asyncio.create_task(speech.render([Spoken(SayAs.TEXT, f"Nuevo {n}")], "es")) for n in range(20)]
        assert await asyncio.to_thread(asked.wait, 5)
        async with asyncio.timeout(5):
            assert await speech.render([Spoken(SayAs.TEXT, "Hola")], "es") == known
            assert await speech.render([Spoken(SayAs.NUMBER, 7, private=True)], "es")
        assert not any(task.done() for task in waiting)
        released.set()
        assert len(set(await asyncio.gather(*waiting))) == 20
        speech.close()

    async def test_every_trouble_of_speech_is_a_port_trouble(self, house: House) -> None:
        speech = FlowSpeech(house.speaker)
        house.engine.fails = True
        for part, language in [
            (Spoken(SayAs.TEXT, "x"), "es"),
            (Spoken(SayAs.PROMPT, "nada"), "es"),
            (Spoken(SayAs.TEXT, "x"), "fr"),
        ]:
            with pytest.raises(PortTrouble):
                await speech.render([part], language)
