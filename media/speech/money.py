"""Amounts of money in words: whole and cents, singular and plural, gender, "de" after million."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from media.speech import english, spanish
from media.speech.spanish import Form
from media.speech.tongue import NotSpeakable, Tongue, Words


@dataclass(frozen=True, slots=True)
class _Name:
    one: str
    many: str
    form: Form = Form.MASCULINE


@dataclass(frozen=True, slots=True)
class _Currency:
    """ISO 4217: names by language; digits: the decimals of the minor unit, 0 where it is not in use."""

    es: _Name
    en: _Name
    es_cent: _Name
    en_cent: _Name
    digits: int = 2


_PESO: Final = (
    _Name("peso", "pesos"),
    _Name("peso", "pesos"),
    _Name("centavo", "centavos"),
    _Name("centavo", "centavos"),
)
_CENT: Final = _Name("cent", "cents")
_CURRENCIES: Final = {
    "EUR": _Currency(_Name("euro", "euros"), _Name("euro", "euros"), _Name("céntimo", "céntimos"), _CENT),
    "USD": _Currency(_Name("dólar", "dólares"), _Name("dollar", "dollars"), _Name("centavo", "centavos"), _CENT),
    "GBP": _Currency(
        _Name("libra", "libras", Form.FEMININE), _Name("pound", "pounds"),
        _Name("penique", "peniques"), _Name("penny", "pence"),
    ),
    "MXN": _Currency(*_PESO),
    "COP": _Currency(*_PESO),
    "ARS": _Currency(*_PESO),
    "CLP": _Currency(*_PESO, digits=0),
    "PEN": _Currency(*(_Name("sol", "soles"),) * 2, *(_Name("céntimo", "céntimos"),) * 2),
}  # fmt: skip
CURRENCIES: Final = tuple(_CURRENCIES)


def amount(value: Decimal | int, currency: str, tongue: Tongue) -> Words:
    """An amount, rounded half up to the currency's smallest unit. Raises NotSpeakable for an unknown currency."""
    known = _CURRENCIES.get(currency.upper())
    if known is None:
        raise NotSpeakable(f"currency {currency!r} has no words: use one of {', '.join(CURRENCIES)}")
    if not Decimal(value).is_finite():
        raise NotSpeakable("an amount is a finite number")
    if abs(Decimal(value)) > spanish.LARGEST:
        raise NotSpeakable("an amount is spoken up to 18 digits")
    cents: int = int((abs(Decimal(value)) * 10**known.digits).to_integral_value(ROUND_HALF_UP))
    whole, fraction = divmod(cents, 10**known.digits)
    spoken = _spanish(whole, fraction, known) if tongue.language == "es" else _english(whole, fraction, known, tongue)
    minus = "menos" if tongue.language == "es" else "minus"
    return (minus, *spoken) if value < 0 and cents else spoken


def _spanish(whole: int, fraction: int, currency: _Currency) -> Words:
    said = _spanish_part(whole, currency.es) if whole or not fraction else ()
    cents = _spanish_part(fraction, currency.es_cent) if fraction else ()
    return (*said, "con", *cents) if said and cents else said or cents


def _spanish_part(count: int, name: _Name) -> Words:
    de = ("de",) if spanish.wants_de(count) else ()
    return (*spanish.cardinal(count, name.form), *de, name.one if count == 1 else name.many)


def _english(whole: int, fraction: int, currency: _Currency, tongue: Tongue) -> Words:
    said = _english_part(whole, currency.en, tongue) if whole or not fraction else ()
    cents = _english_part(fraction, currency.en_cent, tongue) if fraction else ()
    return (*said, "and", *cents) if said and cents else said or cents


def _english_part(count: int, name: _Name, tongue: Tongue) -> Words:
    return (*english.cardinal(count, tongue.british), name.one if count == 1 else name.many)
