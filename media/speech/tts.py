"""Text to speech: the port, and how an engine is found by its name.

A plugin is a callable without arguments that returns a TextToSpeech: registered as an entry point of the group
`timbre.text_to_speech`, or named by its path "package.module:factory".
"""

import importlib
from collections.abc import Callable
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
    try:
        factory = _factory(name)
    except (ImportError, AttributeError, ValueError) as error:
        raise SpeechFailed(f"speech engine {name!r} cannot be loaded ({error}): {_known()}") from error
    if factory is None:
        raise SpeechFailed(f"there is no speech engine {name!r}: {_known()}")
    return factory()


def _factory(name: str) -> Callable[[], TextToSpeech] | None:
    from media.speech.espeak import Espeak  # it is an engine of this port: imported only when engines are looked for

    if name == "espeak-ng":
        return Espeak
    module, colon, attribute = name.partition(":")
    if colon:
        return cast(Callable[[], TextToSpeech], getattr(importlib.import_module(module), attribute))
    point = next(iter(entry_points(group=GROUP, name=name)), None)
    return None if point is None else cast(Callable[[], TextToSpeech], point.load())


def _known() -> str:
    names = ", ".join(sorted({"espeak-ng", *entry_points(group=GROUP).names}))
    return f"use one of {names}, or a path package.module:factory"
