"""Text to speech: the port, and how an engine is found by its name.

A plugin is a callable without arguments that returns a TextToSpeech: registered as an entry point of the group
`timbre.text_to_speech`, or named by its path "package.module:factory".
"""

import importlib
import traceback
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
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
    except Exception as error:  # a plugin's own code runs when it is imported: whatever it raises is told, not thrown
        raise SpeechFailed(f"speech engine {name!r} cannot be loaded: {_raised(error)}") from error
    if factory is None:
        raise SpeechFailed(f"there is no speech engine {name!r}: {_known()}")
    try:
        engine = factory()
    except SpeechFailed:
        raise
    except Exception as error:  # likewise
        raise SpeechFailed(f"speech engine {name!r} cannot be started: {_raised(error)}") from error
    if lacking := [method for method in ("voice", "speak") if not callable(getattr(engine, method, None))]:
        raise SpeechFailed(f"speech engine {name!r} has no {' and no '.join(lacking)}: see docs/speech.md")
    return engine


def _raised(error: Exception) -> str:
    """What a plugin raised, and where."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


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
