"""Check digits of the numbers that callers type: a slip is told at once, before any look-up."""

from collections.abc import Callable
from enum import StrEnum

# The 23 letters of the Spanish identity document, by the number modulo 23 (Real Decreto 1553/2005).
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
# Letters on telephone keys, ITU-T E.161.
_KEY_OF_LETTER = {
    letter: key
    for key, letters in {
        "2": "ABC",
        "3": "DEF",
        "4": "GHI",
        "5": "JKL",
        "6": "MNO",
        "7": "PQRS",
        "8": "TUV",
        "9": "WXYZ",
    }.items()
    for letter in letters
}
_RUC_WEIGHTS = (5, 4, 3, 2, 7, 6, 5, 4, 3, 2)


class Check(StrEnum):
    """A rule for typed digits."""

    LUHN = "luhn"  # cards, IMEI: ISO/IEC 7812-1
    DNI = "dni"  # Spain: 8 digits and the telephone key of the letter
    RUC = "ruc"  # Peru's tax number: 11 digits, modulo 11


def passes(check: Check, digits: str) -> bool:
    """Whether typed digits satisfy the rule."""
    return digits.isascii() and digits.isdigit() and _RULES[check](digits)


def dni_letter(digits: str) -> str:
    """The letter that belongs to the digits of a DNI."""
    return _DNI_LETTERS[int(digits) % 23]


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return len(digits) > 1 and total % 10 == 0


def _dni(digits: str) -> bool:
    return len(digits) == 9 and _KEY_OF_LETTER[dni_letter(digits[:8])] == digits[8]


def _ruc(digits: str) -> bool:
    if len(digits) != 11:
        return False
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, _RUC_WEIGHTS, strict=False)) % 11
    return int(digits[10]) == rest % 10


_RULES: dict[Check, Callable[[str], bool]] = {Check.LUHN: luhn, Check.DNI: _dni, Check.RUC: _ruc}
