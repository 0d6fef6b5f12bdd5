"""Phrases as media that Asterisk plays: one voice per phrase, one level, no gap, no click.

The rule: when everything of a phrase that is not a named prompt is recorded, it is played from the recordings; when one
word is not, all of it is synthesised as one text. A named prompt is always the recording.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from media import soundfiles
from media.prompts import PromptLibrary, PromptMissing
from media.speech.cache import SpeechCache
from media.speech.joining import Samples, fitted, joined, squeezed
from media.speech.packs import SoundPack
from media.speech.recorded_texts import RecordedTexts
from media.speech.tongue import LANGUAGES, Tongue, Words, text_of
from media.speech.tts import SpeechFailed, TextToSpeech

_BEFORE_MARK: Final = re.compile(r"\s+([.,;:!?])")
_MARKS: Final = re.compile(r"([.,;:!?])(?:\s*[.,;:])+")
_VERSION: Final = "1"
"""Count up when what is made of the same words changes."""


@dataclass(frozen=True, slots=True)
class Saying:
    """A piece of a phrase: a text, a named prompt, or a value in words (one of the three). private: of one caller."""

    text: str = ""
    prompt: str = ""
    words: Words = ()
    private: bool = False


class Speaker:
    """Speaks phrases. sounds_dir: Asterisk's folder of packs (None: everything is synthesised).

    Its methods block for some milliseconds (up to the engine's timeout): call them in a thread.
    """

    def __init__(
        self, prompts: PromptLibrary, engine: TextToSpeech, cache: SpeechCache, sounds_dir: Path | None = None
    ) -> None:
        self._prompts, self._engine, self._cache = prompts, engine, cache
        self._texts = RecordedTexts(prompts.folders)
        self._packs = {
            language: SoundPack(sounds_dir / language, language)
            for language in LANGUAGES
            if sounds_dir is not None and (sounds_dir / language).is_dir()
        }
        self._fitted: dict[tuple[Path, int], Samples] = {}

    def media(self, phrase: Sequence[Saying], tag: str) -> tuple[str, ...]:
        """Media URIs in order; empty when there is nothing to say. `tag`: language, with or without country.

        Raises PromptMissing, SoundFileUnusable, SpeechFailed, NotSpeakable (an unknown language).
        """
        tongue = Tongue.of(tag)
        said: list[str] = []
        for named, run in groupby(_worded(phrase), key=lambda saying: bool(saying.prompt)):
            if named:
                said += [self._prompt(saying.prompt, tongue) for saying in run]
            else:
                said += self._run(list(run), tongue, self._all_recorded(phrase, tongue))
        return tuple(said)

    def quick(self, phrase: Sequence[Saying], tag: str) -> tuple[str, ...] | None:
        """As `media`, but None when that would wait for the engine."""
        tongue = Tongue.of(tag)
        if not self._all_recorded(phrase, tongue):
            for named, run in groupby(_worded(phrase), key=lambda saying: bool(saying.prompt)):
                if not named and not self._is_made(list(run), tongue):
                    return None
        return self.media(phrase, tag)

    def _is_made(self, run: list[Saying], tongue: Tongue) -> bool:
        private = any(saying.private for saying in run)
        return not private and self._cache.has(self._place(run, tongue, False))

    def samples(self, phrase: Sequence[Saying], tag: str) -> Samples:
        """The whole phrase as one recording, to listen to; nothing is kept on disk. Raises as `media`."""
        tongue = Tongue.of(tag)
        recorded = self._all_recorded(phrase, tongue)
        parts: list[Samples] = []
        for named, run in groupby(_worded(phrase), key=lambda saying: bool(saying.prompt)):
            if named:
                parts += [self._load(self._prompt_path(saying.prompt, tongue)) for saying in run]
            else:
                parts.append(self._made(list(run), tongue, recorded))
        return joined(parts)

    def is_recorded(self, phrase: Sequence[Saying], tag: str) -> bool:
        """Whether the rule takes the recordings."""
        return self._all_recorded(phrase, Tongue.of(tag))

    def _all_recorded(self, phrase: Sequence[Saying], tongue: Tongue) -> bool:
        return all(saying.prompt or self._files(saying, tongue) is not None for saying in _worded(phrase))

    def _files(self, saying: Saying, tongue: Tongue) -> tuple[Path | None, ...] | None:
        if saying.text:
            path = self._texts.path(saying.text, tongue.language)
            return None if path is None else (path,)
        pack = self._packs.get(tongue.language)
        return None if pack is None else pack.files(saying.words)

    def _run(self, run: list[Saying], tongue: Tongue, recorded: bool) -> list[str]:
        if any(saying.private for saying in run):
            return [self._cache.uri(self._cache.keep_private(self._made(run, tongue, recorded)))]
        path = self._place(run, tongue, recorded)
        if not self._cache.has(path):
            self._cache.keep(path, self._made(run, tongue, recorded))
        return [self._cache.uri(path)]

    def _place(self, run: list[Saying], tongue: Tongue, recorded: bool) -> Path:
        how = "recorded" if recorded else self._engine.voice(tongue)
        files = [str(_stamp(path)) for path in self._run_files(run, tongue) if path] if recorded else []
        return self._cache.shared(_VERSION, how, tongue.language, tongue.country, _text(run), *files)

    def _made(self, run: list[Saying], tongue: Tongue, recorded: bool) -> Samples:
        if recorded:
            return joined([None if path is None else self._load(path) for path in self._run_files(run, tongue)])
        made = squeezed(fitted(self._engine.speak(_text(run), tongue)))
        if not made.size:
            raise SpeechFailed(f"the speech engine ({self._engine.voice(tongue)}) gave silence")
        return made

    def _run_files(self, run: list[Saying], tongue: Tongue) -> list[Path | None]:
        return [path for saying in run for path in self._files(saying, tongue) or ()]

    def _load(self, path: Path) -> Samples:
        key = (path, path.stat().st_mtime_ns)
        if key not in self._fitted:
            self._fitted[key] = fitted(soundfiles.load(path))
        return self._fitted[key]

    def _prompt(self, name: str, tongue: Tongue) -> str:
        source = self._prompt_path(name, tongue)
        path = self._cache.shared(_VERSION, "prompt", str(_stamp(source)))
        if not self._cache.has(path):
            self._cache.keep(path, fitted(soundfiles.load(source)))
        return self._cache.uri(path)

    def _prompt_path(self, name: str, tongue: Tongue) -> Path:
        try:
            return self._prompts.path(name, f"{tongue.language}-{tongue.country}")
        except PromptMissing:
            return self._prompts.path(name, tongue.language)


def _worded(phrase: Sequence[Saying]) -> list[Saying]:
    """Without texts that say nothing: the full stop after a value."""
    return [saying for saying in phrase if saying.prompt or saying.words or any(map(str.isalnum, saying.text))]


def _text(run: list[Saying]) -> str:
    said = " ".join(saying.text.strip() or text_of(saying.words) for saying in run)
    return _MARKS.sub(r"\1", _BEFORE_MARK.sub(r"\1", said))


def _stamp(path: Path) -> tuple[str, int, int]:
    stat = path.stat()
    return str(path), stat.st_mtime_ns, stat.st_size
