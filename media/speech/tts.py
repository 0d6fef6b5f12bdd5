"""Text to speech: the port, and how an engine is found by its name.

A plugin is a callable without arguments that returns a TextToSpeech: registered as an entry point of the group
`timbre.text_to_speech`, or named by its dotted path "package.module:factory".
"""

import importlib
from importlib.metadata import entry_points
from typing import Final, Protocol, cast

from media.speech.joining import Samples
from media.speech.tongue import Tongue

GROUP: Final = "timbre.text_to_speech"
LONGEST_TEXT: Final = 2000


class SpeechFailed(Exception):
    """A text could not be spoken; the message says why and how to mend it, never the text."""


class TextToSpeech(Protocol):
    """A synthesiser. Its methods block: they are called in a thread, several at a time."""

    def voice(self, tongue: Tongue) -> str:
        """Engine, version and voice for this language: speech is cached under it."""
        ...

    def speak(self, text: str, tongue: Tongue) -> Samples:
        """The text as plain speech, at any level: (n,) int16, 8 kHz. Raises SpeechFailed."""
        ...


def load_engine(name: str) -> TextToSpeech:
    """The engine of this name: "espeak-ng", a plugin's name or a dotted path. Raises SpeechFailed."""
    from media.speech.espeak import Espeak

    if name == "espeak-ng":
        return Espeak()
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            return cast(TextToSpeech, getattr(importlib.import_module(module), attribute)())
        except (ImportError, AttributeError) as error:
            raise SpeechFailed(f"speech engine {name!r} cannot be loaded: {error}") from error
    for point in entry_points(group=GROUP, name=name):
        return cast(TextToSpeech, point.load()())
    known = ", ".join(sorted({"espeak-ng", *entry_points(group=GROUP).names}))
    raise SpeechFailed(f"no speech engine {name!r}: use one of {known}, or a dotted path package.module:factory")
