"""What the house itself plays to callers: recorded when there is a file of the name, synthesised otherwise."""

from pathlib import Path

from dialer.events import EventSink, Trouble
from media.prompts import PromptLibrary, PromptMissing
from media.soundfiles import SoundFileUnusable
from media.speech.speaker import Saying, Speaker
from media.speech.tts import SpeechFailed

_TEXTS = {
    ("unavailable", "es"): "Lo sentimos. En este momento nadie puede atenderle. Por favor, llame más tarde. Adiós.",
    ("unavailable", "en"): "We are sorry. Nobody can take your call at the moment. Please call again later. Goodbye.",
    ("interrupted", "es"): "Disculpe la interrupción. Seguimos con su llamada.",
    ("interrupted", "en"): "Please excuse the interruption. We go on with your call.",
}
_MUSIC_SUFFIXES = (".wav", ".sln")


class NodeSounds:
    """`dialer.inbound.services.HouseSounds`. `prepare` it in a thread before the first call."""

    def __init__(self, library: PromptLibrary, speaker: Speaker, music_folders: list[Path]) -> None:
        """music_folders: where pieces of music lie, as Asterisk sees them; the first that has some wins."""
        self._library = library
        self._speaker = speaker
        self._music_folders = music_folders
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}
        self._music: tuple[str, ...] = ()

    def prepare(self, at_s: float, sink: EventSink) -> None:
        """Find or make every sound. Blocking; what cannot be played is told the operator, and is silence."""
        for folder in self._music_folders:
            files = sorted(path for path in folder.glob("*") if path.suffix in _MUSIC_SUFFIXES)
            if files and not self._music:
                self._music = tuple(f"sound:{path.with_suffix('')}" for path in files)
        if not self._music:
            sink(Trouble(at_s, "inbound", "there is no music on hold: put 8 kHz WAV files into var/sounds/music"))
        for name, language in _TEXTS:
            try:
                self._known[name, language] = self._find(name, language)
            except (PromptMissing, SoundFileUnusable, SpeechFailed, OSError) as error:
                sink(Trouble(at_s, "inbound", f"callers would hear silence for {name} ({language}): {error}"))

    def music(self, name: str) -> tuple[str, ...]:
        """The house's music, or the one piece of this name."""
        named = tuple(uri for uri in self._music if name and uri.endswith(f"/{name}"))
        return named or self._music

    def unavailable(self, language: str) -> tuple[str, ...]:
        """Nobody can take the call now."""
        return self._get("unavailable", language)

    def interrupted(self, language: str) -> tuple[str, ...]:
        """Excuse the interruption."""
        return self._get("interrupted", language)

    def _get(self, name: str, language: str) -> tuple[str, ...]:
        return self._known.get((name, language)) or self._known.get((name, "es"), ())

    def _find(self, name: str, language: str) -> tuple[str, ...]:
        try:
            return (self._library.uri(name, language),)
        except PromptMissing:
            return self._speaker.media([Saying(text=_TEXTS[name, language])], language)
