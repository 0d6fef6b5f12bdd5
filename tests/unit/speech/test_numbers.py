"""Numbers in words, against known spellings and back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.speech import english, spanish
from media.speech.spanish import Form
from media.speech.tongue import NotSpeakable, Tongue, text_of
from media.speech.values import Kind, words

SPANISH = {
    0: "cero", 1: "uno", 9: "nueve", 15: "quince", 16: "dieciséis", 20: "veinte", 21: "veintiuno", 22: "veintidós",
    23: "veintitrés", 26: "veintiséis", 29: "veintinueve", 30: "treinta", 31: "treinta y uno", 45: "cuarenta y cinco",
    99: "noventa y nueve", 100: "cien", 101: "ciento uno", 116: "ciento dieciséis", 200: "doscientos",
    500: "quinientos", 700: "setecientos", 900: "novecientos", 999: "novecientos noventa y nueve", 1000: "mil",
    1001: "mil uno", 1100: "mil cien", 2000: "dos mil", 21_000: "veintiún mil", 31_000: "treinta y un mil",
    100_000: "cien mil", 101_000: "ciento un mil", 121_021: "ciento veintiún mil veintiuno",
    200_000: "doscientos mil", 1_000_000: "un millón", 1_000_001: "un millón uno", 2_000_000: "dos millones",
    21_000_000: "veintiún millones", 100_000_000: "cien millones", 1_000_000_000: "mil millones",
    10**12: "un billón", 2 * 10**12 + 5: "dos billones cinco", -7: "menos siete",
}  # fmt: skip
FEMININE = {
    1: "una", 21: "veintiuna", 31: "treinta y una", 101: "ciento una", 200: "doscientas", 521: "quinientas veintiuna",
    21_000: "veintiún mil", 200_000: "doscientas mil", 201_001: "doscientas un mil una",
    200_000_000: "doscientos millones", 100: "cien", 1_000_201: "un millón doscientas una",
}  # fmt: skip
ENGLISH = {
    0: "zero", 12: "twelve", 21: "twenty one", 40: "forty", 90: "ninety", 100: "one hundred", 101: "one hundred one",
    999: "nine hundred ninety nine", 1000: "one thousand", 1001: "one thousand one", 12_345:
    "twelve thousand three hundred forty five", 1_000_000: "one million", 10**9: "one billion", -5: "minus five",
}  # fmt: skip
BRITISH = {
    101: "one hundred and one", 1001: "one thousand and one", 1101: "one thousand one hundred and one",
    100_100: "one hundred thousand one hundred", 1_000_020: "one million and twenty", 20: "twenty",
}  # fmt: skip


@pytest.mark.parametrize(("value", "text"), SPANISH.items())
def test_spanish_numbers_are_spelled_as_known(value: int, text: str) -> None:
    assert " ".join(spanish.cardinal(value)) == text


@pytest.mark.parametrize(("value", "text"), FEMININE.items())
def test_spanish_numbers_agree_with_a_feminine_noun(value: int, text: str) -> None:
    assert " ".join(spanish.cardinal(value, Form.FEMININE)) == text


@pytest.mark.parametrize(("value", "text"), [(1, "un"), (21, "veintiún"), (31, "treinta y un"), (101, "ciento un")])
def test_spanish_numbers_are_shortened_before_a_masculine_noun(value: int, text: str) -> None:
    assert " ".join(spanish.cardinal(value, Form.MASCULINE)) == text


@pytest.mark.parametrize(("value", "text"), ENGLISH.items())
def test_english_numbers_are_spelled_as_known(value: int, text: str) -> None:
    assert " ".join(english.cardinal(value)) == text


@pytest.mark.parametrize(("value", "text"), BRITISH.items())
def test_british_numbers_have_their_and(value: int, text: str) -> None:
    assert " ".join(english.cardinal(value, british=True)) == text


_ES_VALUES = {spanish.cardinal(number)[0]: number for number in range(30)}
_ES_VALUES |= {spanish.cardinal(number)[0]: number for number in range(30, 100, 10)}
_ES_VALUES |= {spanish.cardinal(number, form)[0]: number for number in range(200, 1000, 100) for form in Form}
_ES_VALUES |= {"cien": 100, "ciento": 100, "un": 1, "una": 1, "veintiún": 21, "veintiuna": 21, "y": 0}


def spanish_value(said: tuple[str, ...]) -> int:
    """Read a Spanish number: another way round than it is made, so that both cannot be wrong alike."""
    total = millions = part = 0
    for word in said:
        if word in ("billón", "billones"):
            total, millions, part = (millions + part) * 10**12, 0, 0
        elif word in ("millón", "millones"):
            total, millions, part = total + (millions + part) * 10**6, 0, 0
        elif word == "mil":
            millions, part = max(part, 1) * 1000, 0
        elif word != "menos":
            part += _ES_VALUES[word]
    return (total + millions + part) * (-1 if said[0] == "menos" else 1)


_EN_VALUES = {english.below_hundred(number)[0]: number for number in (*range(20), *range(20, 100, 10))}
_EN_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "quadrillion": 10**15}


def english_value(said: tuple[str, ...]) -> int:
    total = part = 0
    for word in said:
        if word in _EN_SCALES:
            total, part = total + part * _EN_SCALES[word], 0
        elif word == "hundred":
            part *= 100
        elif word not in ("minus", "and"):
            part += _EN_VALUES[word]
    return (total + part) * (-1 if said[0] == "minus" else 1)


# Every length as often as another: the largest numbers are not the commonest.
INTEGERS = st.integers(1, 18).flatmap(lambda size: st.integers(-(10**size) + 1, 10**size - 1))


@given(INTEGERS, st.sampled_from(Form))
def test_spanish_numbers_can_be_read_back(value: int, form: Form) -> None:
    assert spanish_value(spanish.cardinal(value, form)) == value


@given(INTEGERS, st.booleans())
def test_english_numbers_can_be_read_back(value: int, british: bool) -> None:
    assert english_value(english.cardinal(value, british)) == value


@given(st.integers(0, 99_999))
def test_no_two_small_numbers_sound_alike(value: int) -> None:
    assert spanish.cardinal(value) != spanish.cardinal(value + 1)


@pytest.mark.parametrize("value", [10**18, -(10**18)])
def test_numbers_too_long_to_follow_are_refused(value: int) -> None:
    for cardinal in (spanish.cardinal, english.cardinal):
        with pytest.raises(NotSpeakable, match="digit by digit"):
            cardinal(value)


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1, Form.MASCULINE, "primer"), (1, Form.ALONE, "primero"), (1, Form.FEMININE, "primera"),
        (3, Form.MASCULINE, "tercer"), (7, Form.FEMININE, "séptima"), (10, Form.ALONE, "décimo"),
        (12, Form.ALONE, "duodécimo"), (21, Form.MASCULINE, "veintiún"),
    ],
)  # fmt: skip
def test_spanish_ordinals(value: int, form: Form, text: str) -> None:
    assert " ".join(spanish.ordinal(value, form)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "first"), (2, "second"), (3, "third"), (5, "fifth"), (8, "eighth"), (9, "ninth"), (12, "twelfth"),
     (20, "twentieth"), (21, "twenty first"), (100, "one hundredth"), (40, "fortieth"), (13, "thirteenth")],
)  # fmt: skip
def test_english_ordinals(value: int, text: str) -> None:
    assert " ".join(english.ordinal(value)) == text


def test_an_ordinal_below_one_is_refused() -> None:
    for ordinal in (spanish.ordinal, english.ordinal):
        with pytest.raises(NotSpeakable):
            ordinal(0)


@pytest.mark.parametrize(
    ("value", "tag", "text"),
    [
        ("3.14", "es-MX", "tres punto catorce"), ("3.14", "es-ES", "tres coma catorce"),
        ("0.05", "es-CO", "cero coma cero cinco"), ("-0.5", "es-AR", "menos cero coma cinco"),
        ("2.125", "es-PE", "dos punto uno dos cinco"), ("2.50", "en", "two point five"),
        ("-3.07", "en", "minus three point zero seven"), ("7.00", "es", "siete"), ("1E+3", "es", "mil"),
    ],
)  # fmt: skip
def test_fractions_follow_the_country(value: str, tag: str, text: str) -> None:
    assert text_of(words(Kind.NUMBER, Decimal(value), Tongue.of(tag))) == text


@pytest.mark.parametrize("value", ["", "uno", "NaN", "Infinity", "1e400", "1,5"])
def test_what_is_no_number_is_refused_without_repeating_it(value: str) -> None:
    with pytest.raises(NotSpeakable) as caught:
        words(Kind.NUMBER, value, Tongue.of("es"))
    assert not value or value not in str(caught.value)


def test_yes_and_no_are_no_numbers() -> None:
    with pytest.raises(NotSpeakable):
        words(Kind.NUMBER, True, Tongue.of("es"))


def test_a_language_without_rules_is_refused() -> None:
    with pytest.raises(NotSpeakable, match="es, en"):
        Tongue.of("fr")


@pytest.mark.parametrize(
    ("tag", "country"), [("es", "MX"), ("es-419", "MX"), ("es_ES", "ES"), ("en", "US"), ("EN-gb", "GB")]
)
def test_a_language_tag_names_a_country_or_has_one(tag: str, country: str) -> None:
    assert Tongue.of(tag).country == country
