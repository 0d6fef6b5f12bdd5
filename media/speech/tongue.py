"""Words, languages and what cannot be said."""

from dataclasses import dataclass
from typing import Final

Words = tuple[str, ...]
"""What is said, word by word; PAUSE stands between groups."""

PAUSE: Final = ","
"""A short pause. In text it is a comma, in recorded speech `joining.PAUSE_S` of silence."""

LANGUAGES: Final = ("es", "en")
_HOME: Final = {"es": "MX", "en": "US"}
"""The country of a language tag without one. The recorded Spanish pack is Mexican, the English one American."""
_LATIN_COMMA: Final = frozenset({"ES", "AR", "CL", "CO", "EC", "PY", "UY", "VE", "BO", "CR"})


class NotSpeakable(ValueError):
    """A value cannot be said; the message says why and what would be right, without the value."""


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language and the country whose habits count (ISO 639-1, ISO 3166 alpha-2)."""

    language: str
    country: str

    @classmethod
    def of(cls, tag: str) -> "Tongue":
        """Read "es", "es-ES", "en-GB"... Raises NotSpeakable for a language without rules."""
        language, _, country = tag.replace("_", "-").partition("-")
        language = language.lower()
        if language not in LANGUAGES:
            raise NotSpeakable(f"language {tag!r} has no rules for values: use one of {', '.join(LANGUAGES)}")
        if country == "419":  # UN M.49: Latin America
            country = ""
        return cls(language, country.upper() or _HOME[language])

    @property
    def spain(self) -> bool:
        """Spanish as in Spain, not as in America."""
        return self.language == "es" and self.country == "ES"

    @property
    def decimal_word(self) -> str:
        """What stands between whole and fraction. Mexico, Peru and the Caribbean write a point, the south a comma."""
        if self.language == "en":
            return "point"
        return "coma" if self.country in _LATIN_COMMA else "punto"

    @property
    def british(self) -> bool:
        """English that says "one hundred and one"."""
        return self.language == "en" and self.country not in ("US", "PR")


def text_of(words: Words) -> str:
    """The words as a text for a synthesiser: pauses are commas."""
    return " ".join(words).replace(f" {PAUSE}", PAUSE).strip(" ,")


def group(*groups: Words) -> Words:
    """Groups with a pause between them; empty ones are left out."""
    said: list[str] = []
    for words in groups:
        if words:
            said += [PAUSE, *words] if said else words
    return tuple(said)
