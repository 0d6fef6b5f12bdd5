"""The prompt library: a name and a language in, something Asterisk can play at once out.

A prompt is a file `<folder>/<language>/<name>.<any sound suffix>`. It is converted once to 8 kHz and kept in a cache
folder under the hash of its content, so that an edited prompt is heard at its next use and no call plays half a file.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from media import soundfiles
from media.builtin_prompts import FOLDER as BUILTIN_FOLDER
from media.frames import SAMPLE_RATE_HZ
from media.soundfiles import SoundFileUnusable

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".sln")
_HASH_CHARACTERS = 20


class PromptMissing(LookupError):
    """No file for this prompt; the message names what was looked for and where."""


class PromptLibrary:
    """Prompts from `folders` (first one wins; the built-in prompts come last), converted into `cache_folder`.

    seen_as: where Asterisk sees the cache folder, when it runs in a root of its own.
    Methods read and write files: call them at start-up or in a thread. A prompt known already costs one `stat`.
    """

    def __init__(self, folders: Sequence[Path], cache_folder: Path, seen_as: Path | None = None) -> None:
        self._folders = (*folders, BUILTIN_FOLDER)
        self._cache = cache_folder.resolve()
        self._seen_as = seen_as or self._cache
        self._known: dict[tuple[Path, int, int], Path] = {}

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where prompts are looked for, in order."""
        return self._folders

    def uri(self, name: str, language: str) -> str:
        """The sound URI of a prompt for `CallControl.play`. Raises PromptMissing, SoundFileUnusable."""
        return self.uri_of_file(self._find(name, language))

    def uri_of_file(self, path: Path) -> str:
        """The sound URI of any sound file (a campaign's own message). Raises PromptMissing, SoundFileUnusable."""
        playable = self.playable(path)
        return f"sound:{self._seen_as / playable.with_suffix('').name}"

    def playable(self, path: Path) -> Path:
        """The file's 8 kHz WAV in the cache, made when it is not there yet. Raises PromptMissing, SoundFileUnusable."""
        try:
            stat = path.stat()
        except OSError as error:
            raise PromptMissing(f"prompt file {path.name} is not in folder {path.parent}: {error.strerror}") from None
        key = (path, stat.st_mtime_ns, stat.st_size)
        known = self._known.get(key)
        if known is None or not known.exists():
            known = self._known[key] = self._convert(path)
        return known

    def duration_s(self, path: Path) -> float:
        """How long the file plays."""
        return len(soundfiles.load(self.playable(path))) / SAMPLE_RATE_HZ

    def names(self) -> dict[str, frozenset[str]]:
        """Every prompt there is, by language."""
        found: dict[str, set[str]] = {}
        for folder in self._folders:
            for path in folder.glob("*/*"):
                if path.suffix in SUFFIXES:
                    found.setdefault(path.parent.name, set()).add(path.stem)
        return {language: frozenset(names) for language, names in found.items()}

    def path(self, name: str, language: str) -> Path:
        """The source file of a prompt. Raises PromptMissing."""
        return self._find(name, language)

    def _find(self, name: str, language: str) -> Path:
        wanted = f"{language}/{name}"
        if not name or name != Path(name).name or language != Path(language).name:
            raise PromptMissing(f"{wanted!r} is not a prompt's name: use letters, digits, hyphen and underscore")
        for folder in self._folders:
            for suffix in SUFFIXES:
                path = folder / language / f"{name}{suffix}"
                if path.is_file():
                    return path
        places = ", ".join(str(folder / language) for folder in self._folders)
        raise PromptMissing(
            f"prompt {name!r} ({language}): no file {name}.wav (or {', '.join(SUFFIXES[1:])}) in {places}"
        )

    def _convert(self, path: Path) -> Path:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:_HASH_CHARACTERS]
        target = self._cache / f"{path.stem}-{digest}.wav"
        if not target.exists():
            soundfiles.save(target, soundfiles.load(path))
        return target


__all__ = ["PromptLibrary", "PromptMissing", "SoundFileUnusable"]
