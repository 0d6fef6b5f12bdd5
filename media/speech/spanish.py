"""Spanish numbers in words: RAE, Diccionario panhispánico de dudas, "cardinales" and "ordinales"."""

from enum import Enum
from typing import Final

from media.speech.tongue import NotSpeakable, Words

LARGEST: Final = 10**18 - 1
_SMALL: Final = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete "
    "dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete "
    "veintiocho veintinueve"
).split()
_TENS: Final = "treinta cuarenta cincuenta sesenta setenta ochenta noventa".split()
_HUNDREDS: Final = "ciento doscient trescient cuatrocient quinient seiscient setecient ochocient novecient".split()
_ORDINALS: Final = "primer segund tercer cuart quint sext séptim octav noven décim undécim duodécim".split()


class Form(Enum):
    """How a number ends: alone (uno), before a masculine noun (un), before a feminine one (una)."""

    ALONE = "alone"
    MASCULINE = "masculine"
    FEMININE = "feminine"


_ONE: Final = {Form.ALONE: "uno", Form.MASCULINE: "un", Form.FEMININE: "una"}
_TWENTY_ONE: Final = {Form.ALONE: "veintiuno", Form.MASCULINE: "veintiún", Form.FEMININE: "veintiuna"}


def cardinal(value: int, form: Form = Form.ALONE) -> Words:
    """An integer of up to 18 digits. Raises NotSpeakable above that."""
    if abs(value) > LARGEST:
        raise NotSpeakable("a number is spoken up to 18 digits: say it digit by digit")
    if value < 0:
        return ("menos", *cardinal(-value, form))
    return _cardinal(value, form) or ("cero",)


def _cardinal(value: int, form: Form) -> Words:
    billions, rest = divmod(value, 10**12)
    millions, units = divmod(rest, 10**6)
    return (
        *_counted(billions, "billón", "billones"),
        *_counted(millions, "millón", "millones"),
        *_below_million(units, form, form is Form.FEMININE),
    )


def _counted(count: int, singular: str, plural: str) -> Words:
    if count == 0:
        return ()
    return (*_below_million(count, Form.MASCULINE, False), singular if count == 1 else plural)


def _below_million(value: int, form: Form, feminine: bool) -> Words:
    thousands, rest = divmod(value, 1000)
    said: Words = ()
    if thousands == 1:
        said = ("mil",)
    elif thousands:
        # Before "mil" one is always "un" (treinta y un mil), but hundreds agree (doscientas mil personas).
        said = (*_below_thousand(thousands, Form.MASCULINE, feminine), "mil")
    return (*said, *_below_thousand(rest, form, feminine))


def _below_thousand(value: int, form: Form, feminine: bool) -> Words:
    if value == 100:
        return ("cien",)
    hundreds, rest = divmod(value, 100)
    return (*_hundreds(hundreds, feminine), *_below_hundred(rest, form))


def _hundreds(count: int, feminine: bool) -> Words:
    if count == 0:
        return ()
    stem = _HUNDREDS[count - 1]
    return (stem if count == 1 else stem + ("as" if feminine else "os"),)


def _below_hundred(value: int, form: Form) -> Words:
    if value == 0:
        return ()
    if value == 1:
        return (_ONE[form],)
    if value == 21:
        return (_TWENTY_ONE[form],)
    if value < 30:
        return (_SMALL[value],)
    tens, units = divmod(value, 10)
    return (_TENS[tens - 3], "y", *_below_hundred(units, form)) if units else (_TENS[tens - 3],)


def wants_de(value: int) -> bool:
    """Whether a noun follows with "de": un millón de pesos, but un millón cien pesos."""
    return value != 0 and value % 10**6 == 0


def ordinal(value: int, form: Form = Form.ALONE) -> Words:
    """First to twelfth; after that people use the cardinal (el piso veinte), and so does this. value: 1 or more."""
    if value < 1:
        raise NotSpeakable("an ordinal is 1 or more")
    if value > len(_ORDINALS):
        return cardinal(value, form)
    stem = _ORDINALS[value - 1]
    if form is Form.MASCULINE and value in (1, 3):
        return (stem,)
    return (stem + ("a" if form is Form.FEMININE else "o"),)
