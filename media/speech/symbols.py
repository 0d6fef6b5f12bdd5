"""Digits, telephone numbers, letters and codes in words, in the groups people make."""

import re
from typing import Final

import phonenumbers

from media.speech import english, spanish
from media.speech.tongue import NotSpeakable, Tongue, Words, group

_ES_LETTERS: Final = dict(
    zip(
        "abcdefghijklmnñopqrstuvwxyz",
        (
            "a be ce de e efe ge hache i jota ka ele eme ene eñe o pe cu erre ese te u ve doble_u equis i_griega zeta"
        ).split(),
        strict=True,
    )
)
_SPAIN_LETTERS: Final = {"v": "uve", "w": "uve_doble"}
_SYMBOLS: Final = {
    "es": {
        "-": "guion", ".": "punto", "@": "arroba", "_": "guion_bajo", "/": "diagonal", "+": "más", ",": "coma",
        "*": "asterisco", "#": "numeral", " ": "",
    },
    "en": {
        "-": "dash", ".": "dot", "@": "at", "_": "underscore", "/": "slash", "+": "plus", ",": "comma", "*": "star",
        "#": "pound", " ": "",
    },
}  # fmt: skip
_SPAIN_SYMBOLS: Final = {"/": "barra", "#": "almohadilla"}
_PHONE_GROUPS: Final = {
    "ES": (3, 2, 2, 2),
    "MX": (2, 2, 2, 2, 2),
    "CO": (3, 3, 2, 2),
    "PE": (3, 3, 3),
    "CL": (1, 2, 2, 2, 2),
    "AR": (2, 2, 2, 2, 2),
    "US": (3, 3, 4),
    "CA": (3, 3, 4),
    "GB": (4, 3, 3),
}
"""How people of the country say a national number of that many digits; another length is grouped as any digits."""


def digit(character: str, tongue: Tongue) -> str:
    """One digit's word."""
    number = int(character)
    return spanish.cardinal(number)[0] if tongue.language == "es" else english.cardinal(number)[0]


def group_sizes(count: int) -> tuple[int, ...]:
    """Groups for digits said one by one: fours, else threes, else fours and threes; never one digit left over."""
    if count <= 4:
        return (count,) if count else ()
    size = 4 if count % 4 == 0 else 3 if count % 3 == 0 else 0
    if size:
        return (size,) * (count // size)
    groups = -(-count // 4)
    small, more = divmod(count, groups)
    return (small + 1,) * more + (small,) * (groups - more)


def digits(value: str, tongue: Tongue) -> Words:
    """Digits one by one, in groups; blanks, hyphens and dots in the value make the groups. Raises NotSpeakable."""
    written = [part for part in re.split(r"[\s.\-]+", value.strip()) if part]
    if not written or not all(part.isascii() and part.isdigit() for part in written):
        raise NotSpeakable("digits are 0 to 9, with blanks, hyphens or dots between groups")
    parts = written if len(written) > 1 else _cut(written[0], group_sizes(len(written[0])))
    return group(*(tuple(digit(character, tongue) for character in part) for part in parts))


def _cut(value: str, sizes: tuple[int, ...]) -> list[str]:
    ends = [sum(sizes[: index + 1]) for index in range(len(sizes))]
    return [value[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def phone(value: str, tongue: Tongue) -> Words:
    """A telephone number (E.164 or national), grouped as its country does; pairs are numbers in Spanish.

    The country code is said when it is not the listener's. Raises NotSpeakable for what is no telephone number.
    """
    try:
        number = phonenumbers.parse(value, tongue.country)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or number.national_number is None:
        return digits(value.lstrip("+"), tongue)  # an extension or a short code
    national = phonenumbers.national_significant_number(number)
    region = phonenumbers.region_code_for_number(number) or tongue.country
    sizes = _PHONE_GROUPS.get(region, ())
    parts = _cut(national, sizes if sum(sizes) == len(national) else group_sizes(len(national)))
    foreign = number.country_code != phonenumbers.country_code_for_region(tongue.country)
    plus = "más" if tongue.language == "es" else "plus"
    prefix = (plus, *_phone_group(str(number.country_code), tongue)) if foreign else ()
    return group(prefix, *(_phone_group(part, tongue) for part in parts))


def _phone_group(part: str, tongue: Tongue) -> Words:
    if tongue.language == "es" and len(part) == 2 and part[0] != "0":
        return spanish.cardinal(int(part))
    return tuple(digit(character, tongue) for character in part)


def letters(value: str, tongue: Tongue) -> Words:
    """Letters, digits and signs one by one, grouped at blanks and hyphens. Raises NotSpeakable for other signs."""
    said = [word for character in value.strip() if (word := _letter(character, tongue))]
    if not said:
        raise NotSpeakable("a code holds letters, digits or - . @ _ / + , * #")
    sizes = group_sizes(len(said))
    spoken = (word for word in said)
    return group(*(tuple(part for _ in range(size) for part in next(spoken).split("_")) for size in sizes))


def _letter(character: str, tongue: Tongue) -> str:
    small = character.lower()
    if small.isascii() and small.isdigit():
        return digit(small, tongue)
    spain = {**_SPAIN_LETTERS, **_SPAIN_SYMBOLS} if tongue.spain else {}
    names = (
        _ES_LETTERS if tongue.language == "es" else {letter: letter.upper() for letter in _ES_LETTERS if letter != "ñ"}
    )
    if tongue.british:
        names = {**names, "z": "zed"}
    name = spain.get(small) or names.get(small) or _SYMBOLS[tongue.language].get(small)
    if name is None:
        raise NotSpeakable("a code holds letters, digits or - . @ _ / + , * #")
    return name
