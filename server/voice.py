"""The voice of the house: one speaker over one cache, for menus and for what campaigns say."""

from pathlib import Path

from campaigns.clock import Clock
from media.prompts import PromptLibrary
from media.speech.cache import SpeechCache
from media.speech.speaker import Speaker
from media.speech.tts import SpeechFailed, TextToSpeech, load_engine
from server.settings import Settings, SettingsError
from telephony.asterisk import install
from telephony.errors import SetupError


def house_speaker(settings: Settings, library: PromptLibrary, clock: Clock) -> Speaker:
    """The speaker of these settings. Blocking: a folder is made and swept. Raises SettingsError."""
    cache = SpeechCache(settings.var_dir / "prompts" / "speech", clock)
    return Speaker(library, _engine(settings), cache, asterisk_sounds(settings)[0])


def _engine(settings: Settings) -> TextToSpeech:
    try:
        return load_engine(settings.media.speech_engine)
    except SpeechFailed as error:
        raise SettingsError(f"media.speech_engine: {error}") from error


def asterisk_sounds(settings: Settings) -> tuple[Path | None, list[Path]]:
    """Where a managed Asterisk's own voices and music lie."""
    if not settings.asterisk.managed:
        return None, []
    try:
        installation = install.require()
    except SetupError:
        return None, []
    return installation.sounds_dir, [installation.data_dir / "moh"]
