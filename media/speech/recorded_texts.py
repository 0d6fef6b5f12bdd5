"""Which text a recorded prompt says: `texts.toml` in a prompt folder, one table per language, name = "text"."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from media.prompts import SUFFIXES


class RecordedTexts:
    """Finds the recording of exactly this text in `folders` (first one wins), whatever the blanks and capitals."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._paths: dict[tuple[str, str], Path] = {}
        for folder in folders:
            self._read(folder)

    def path(self, text: str, language: str) -> Path | None:
        """The file that says `text`, when there is one."""
        return self._paths.get((language, _key(text)))

    def _read(self, folder: Path) -> None:
        try:
            tables = tomllib.loads((folder / "texts.toml").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{folder / 'texts.toml'}: {error}") from error
        for language, prompts in tables.items():
            for name, text in prompts.items() if isinstance(prompts, dict) else ():
                file = next(
                    (path for suffix in SUFFIXES if (path := folder / language / f"{name}{suffix}").is_file()), None
                )
                if file is not None and isinstance(text, str):
                    self._paths.setdefault((language, _key(text)), file)


def _key(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!? ")
