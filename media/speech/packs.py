"""Which recorded file of Asterisk's sound packs says which word.

The English pack comes with a list of its texts; the Spanish one comes with none, so a file is used only where its sound
was compared with the word (docs/speech.md).
"""

from pathlib import Path
from typing import Final

from media.speech import calendar, english, spanish, symbols
from media.speech.tongue import PAUSE, Tongue, Words

_LONGEST_KEY: Final = 2
Index = dict[Words, str]


def _dates(language: str) -> Index:
    days, months = calendar.DAYS[language], calendar.MONTHS[language]
    index: Index = {(day,): f"digits/day-{(number + 1) % 7}" for number, day in enumerate(days)}
    index |= {(month,): f"digits/mon-{number}" for number, month in enumerate(months)}
    files = {-1: "digits/yesterday", 0: "digits/today", 1: "digits/tomorrow"}
    return index | {(word,): files[offset] for offset, word in calendar.RELATIVE[language].items()}


def _spanish() -> Index:
    index = _dates("es")
    index |= {spanish.cardinal(number): f"digits/{number}" for number in (*range(30), *range(30, 100, 10))}
    index |= {spanish.cardinal(number): f"digits/{number}" for number in range(200, 1000, 100)}
    index |= {spanish.ordinal(number): f"digits/h-{number}" for number in range(1, 11)}
    words = {
        "un": "1M", "una": "1F", "y": "and", "cien": "hundred", "ciento": "100-and", "mil": "thousand",
        "millón": "million", "millones": "millions", "menos": "minus", "dólares": "dollars",
    }  # fmt: skip
    index |= {(word,): f"digits/{name}" for word, name in words.items()}
    index |= {("horas",): "hours", ("minutos",): "minutes", ("segundos",): "seconds"}
    names = {symbols.letters(letter, Tongue("es", "MX")): letter for letter in "abcdefghijklmnopqrstuvwxyz"}
    index |= {name: f"letters/{letter}" for name, letter in names.items()}
    signs = {"punto": "dot", "arroba": "at", "coma": "ascii44", "más": "plus", "diagonal": "slash"}
    spoken: Index = {(word,): f"letters/{name}" for word, name in signs.items()}
    return index | spoken | {("asterisco",): "digits/star", ("de",): "digits/es-de"}


def _english() -> Index:
    index = _dates("en")
    index |= {english.cardinal(number): f"digits/{number}" for number in (*range(20), *range(20, 100, 10))}
    index |= {english.ordinal(number): f"digits/h-{number}" for number in (*range(1, 20), *range(20, 100, 10))}
    words = {"A.M.": "a-m", "P.M.": "p-m"} | {
        word: word for word in ("hundred", "thousand", "million", "billion", "minus", "dollars", "oh", "star", "pound")
    }
    index |= {(word,): f"digits/{name}" for word, name in words.items()}
    units: Index = {(word,): word for word in ("hours", "minute", "minutes", "seconds")}
    index |= units | {("and",): "vm-and"}
    index |= {(letter.upper(),): f"letters/{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"}
    return index | {(word,): f"letters/{word}" for word in ("zed", "dot", "at", "dash", "slash", "plus")}


_INDEXES: Final = {"es": _spanish(), "en": _english()}


class SoundPack:
    """The recorded words of one language in `folder` (Asterisk's sounds/es, sounds/en)."""

    def __init__(self, folder: Path, language: str) -> None:
        self._folder = folder
        self._index = {
            key: path for key, name in _INDEXES[language].items() if (path := folder / f"{name}.wav").is_file()
        }

    @property
    def vocabulary(self) -> dict[Words, Path]:
        """Words and their files."""
        return dict(self._index)

    def files(self, words: Words) -> tuple[Path | None, ...] | None:
        """The files that say `words`, None for a pause; None altogether when one of them is not recorded."""
        found: list[Path | None] = []
        place = 0
        while place < len(words):
            if words[place] == PAUSE:
                found.append(None)
                place += 1
                continue
            for length in range(min(_LONGEST_KEY, len(words) - place), 0, -1):
                path = self._index.get(words[place : place + length])
                if path is not None:
                    found.append(path)
                    place += length
                    break
            else:
                return None
        return tuple(found)
