"""What a campaign plays: its own recordings, and a message that names its seller when it recorded none."""

from dataclasses import replace
from pathlib import Path

import pytest

from campaigns.campaign import Campaign, Language, SafeHarbour
from media import soundfiles
from media.prompts import PromptLibrary, PromptMissing
from media.speech.cache import SpeechCache
from media.speech.speaker import Speaker
from server.clock import SystemClock
from server.prompt_book import PromptBook
from tests.unit.speech.sounds import CountingEngine, tone

CAMPAIGN = Campaign("c", "C", "+34912345678", ("l",), ("t",), "Luz del Norte")


def book(folder: Path, voice: CountingEngine) -> PromptBook:
    library = PromptLibrary([folder / "sounds"], folder / "prompts")
    return PromptBook(library, Speaker(library, voice, SpeechCache(folder / "speech", SystemClock())))


@pytest.mark.parametrize(
    ("language", "country", "number", "said"),
    [
        (Language.ES, "ES", "+34912345678", "nueve uno dos"),
        (Language.ES, "MX", "+525512345678", "cincuenta y cinco"),
        (Language.EN, "US", "+12125550100", "two one two"),
        (Language.EN, "GB", "+442079460958", "two zero"),
    ],
)
def test_given_no_recording_then_the_message_says_seller_and_number_in_the_callees_way(
    tmp_path: Path, language: Language, country: str, number: str, said: str
) -> None:
    voice = CountingEngine()
    campaign = replace(CAMPAIGN, language=language, country=country, caller_id=number)
    prompts = book(tmp_path, voice)
    prompts.prepare(campaign)
    (uri,) = prompts.safe_harbour(campaign)
    assert Path(uri.removeprefix("sound:") + ".wav").is_file()
    (text,) = voice.texts
    assert "Luz del Norte" in text
    assert said in text


def test_given_another_seller_under_the_same_campaign_then_the_message_is_another(tmp_path: Path) -> None:
    prompts = book(tmp_path, voice := CountingEngine())
    first = prompts.safe_harbour(CAMPAIGN)
    assert prompts.safe_harbour(CAMPAIGN) == first
    assert prompts.safe_harbour(replace(CAMPAIGN, seller="Sol del Sur")) != first
    assert "Sol del Sur" in voice.texts[-1]


def test_given_an_own_recording_or_another_name_then_nothing_is_spoken(tmp_path: Path) -> None:
    own = tmp_path / "sounds" / "es" / "safe-harbour.wav"
    own.parent.mkdir(parents=True)
    soundfiles.save(own, tone(1.0))
    prompts = book(tmp_path, voice := CountingEngine())
    assert prompts.safe_harbour(CAMPAIGN)
    assert prompts.safe_harbour(replace(CAMPAIGN, safe_harbour=SafeHarbour(prompt="safe_harbour")))
    assert voice.texts == []


def test_given_no_voice_then_the_campaign_is_told_to_record_its_message(tmp_path: Path) -> None:
    mute = CountingEngine()
    mute.fails = True
    with pytest.raises(PromptMissing, match=r"tone generator is off.*sounds/es/safe-harbour\.wav"):
        book(tmp_path, mute).prepare(CAMPAIGN)
