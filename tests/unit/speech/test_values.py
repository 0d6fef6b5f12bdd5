"""Money, dates, times, durations, telephone numbers, digits and letters in words."""

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.speech import calendar, money, symbols
from media.speech.tongue import PAUSE, NotSpeakable, Tongue, text_of
from media.speech.values import Kind, Manner, words

ES, MX, US, GB = (Tongue.of(tag) for tag in ("es-ES", "es-MX", "en", "en-GB"))


def said(kind: Kind, value: object, tag: str, **manner: object) -> str:
    return text_of(words(kind, value, Tongue.of(tag), Manner(**manner)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "currency", "tag", "text"),
    [
        ("1", "EUR", "es-ES", "un euro"),
        ("0", "EUR", "es-ES", "cero euros"),
        ("21", "EUR", "es-ES", "veintiún euros"),
        ("12.50", "EUR", "es-ES", "doce euros con cincuenta céntimos"),
        ("0.01", "EUR", "es-ES", "un céntimo"),
        ("1.01", "USD", "es-MX", "un dólar con un centavo"),
        ("1000000", "MXN", "es-MX", "un millón de pesos"),
        ("1000001", "MXN", "es-MX", "un millón un pesos"),
        ("2000000.50", "COP", "es-CO", "dos millones de pesos con cincuenta centavos"),
        ("1000000000", "COP", "es-CO", "mil millones de pesos"),
        ("31000", "ARS", "es-AR", "treinta y un mil pesos"),
        ("10.21", "PEN", "es-PE", "diez soles con veintiún céntimos"),
        ("1", "PEN", "es-PE", "un sol"),
        ("1990.4", "CLP", "es-CL", "mil novecientos noventa pesos"),
        ("0.5", "CLP", "es-CL", "un peso"),
        ("201", "GBP", "es-ES", "doscientas una libras"),
        ("-3.005", "EUR", "es-ES", "menos tres euros con un céntimo"),
        ("-0.001", "EUR", "es-ES", "cero euros"),
        ("1", "USD", "en", "one dollar"),
        ("12.01", "USD", "en", "twelve dollars and one cent"),
        ("0.99", "EUR", "en", "ninety nine cents"),
        ("1000000", "EUR", "en", "one million euros"),
        ("5.01", "GBP", "en-GB", "five pounds and one penny"),
        ("101", "GBP", "en-GB", "one hundred and one pounds"),
        ("2", "mxn", "en", "two pesos"),
    ],
)
def test_money(value: str, currency: str, tag: str, text: str) -> None:
    assert said(Kind.MONEY, value, tag, currency=currency) == text


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(money.CURRENCIES), st.sampled_from([ES, MX, US, GB]))
def test_every_amount_has_words_in_every_currency(value: Decimal, currency: str, tongue: Tongue) -> None:
    spoken = money.amount(value, currency, tongue)
    assert spoken and all(re.fullmatch(r"[a-záéíóúñ]+", word) for word in spoken)


@pytest.mark.parametrize(("value", "currency"), [("1", "XXX"), ("1", ""), ("NaN", "EUR"), ("1e18", "EUR")])
def test_an_amount_that_has_no_words_is_refused(value: str, currency: str) -> None:
    with pytest.raises(NotSpeakable):
        said(Kind.MONEY, value, "es", currency=currency)


@pytest.mark.parametrize(
    ("value", "tag", "text"),
    [
        ("2026-11-22", "es-MX", "domingo veintidós de noviembre de dos mil veintiséis"),
        ("2026-01-01", "es-MX", "jueves primero de enero de dos mil veintiséis"),
        ("2026-01-01", "es-ES", "jueves uno de enero de dos mil veintiséis"),
        ("1999-05-31", "es", "lunes treinta y uno de mayo de mil novecientos noventa y nueve"),
        ("2026-11-22", "en", "Sunday November twenty second twenty twenty six"),
        ("2026-11-22", "en-GB", "Sunday the twenty second of November twenty twenty six"),
        ("2006-03-01", "en", "Wednesday March first two thousand six"),
        ("1905-03-01", "en", "Wednesday March first nineteen oh five"),
        ("1900-03-01", "en", "Thursday March first nineteen hundred"),
        ("2010-03-01", "en", "Monday March first twenty ten"),
    ],
)
def test_dates(value: str, tag: str, text: str) -> None:
    assert said(Kind.DATE, value, tag) == text


@pytest.mark.parametrize(
    ("offset", "es", "en"), [(-1, "ayer", "yesterday"), (0, "hoy", "today"), (1, "mañana", "tomorrow")]
)
def test_dates_near_today_are_named_so(offset: int, es: str, en: str) -> None:
    today = date(2026, 12, 31)
    value = today + timedelta(days=offset)
    assert said(Kind.DATE, value, "es", today=today) == es
    assert said(Kind.DATE, value, "en", today=today) == en


def test_this_year_needs_no_number_and_another_does() -> None:
    today = date(2026, 11, 22)
    assert said(Kind.DATE, date(2026, 12, 24), "es", today=today) == "jueves veinticuatro de diciembre"
    assert said(Kind.DATE, date(2027, 1, 2), "es", today=today).endswith("de enero de dos mil veintisiete")


@pytest.mark.parametrize(
    ("value", "tag", "hours", "text"),
    [
        ("01:00", "es", 12, "la una de la madrugada"),
        ("00:10", "es", 12, "las doce y diez de la noche"),
        ("12:00", "es", 12, "las doce del mediodía"),
        ("13:15", "es", 12, "la una y cuarto de la tarde"),
        ("15:30", "es", 12, "las tres y media de la tarde"),
        ("09:01", "es", 12, "las nueve y uno de la mañana"),
        ("20:00", "es-MX", 12, "las ocho de la noche"),
        ("20:00", "es-ES", 12, "las ocho de la tarde"),
        ("15:45", "es-MX", 12, "las tres y cuarenta y cinco de la tarde"),
        ("15:45", "es-ES", 12, "las cuatro menos cuarto de la tarde"),
        ("12:40", "es-ES", 12, "la una menos veinte del mediodía"),
        ("23:55", "es-ES", 12, "las doce menos cinco de la noche"),
        ("15:37", "es-ES", 12, "las tres y treinta y siete de la tarde"),
        ("15:30", "es", 24, "las quince horas y treinta minutos"),
        ("01:01", "es", 24, "la una hora y un minuto"),
        ("21:00", "es", 24, "las veintiuna horas"),
        ("00:00", "en", 12, "midnight"),
        ("12:00", "en", 12, "noon"),
        ("12:05", "en", 12, "twelve oh five P.M."),
        ("15:00", "en", 12, "three P.M."),
        ("09:30", "en", 12, "nine thirty A.M."),
        ("15:30", "en", 24, "fifteen thirty"),
        ("09:05", "en", 24, "oh nine oh five"),
        ("18:00", "en", 24, "eighteen hundred"),
    ],
)
def test_times_of_day(value: str, tag: str, hours: int, text: str) -> None:
    assert said(Kind.TIME, value, tag, clock_hours=hours) == text


@given(st.times(), st.sampled_from([ES, MX, US, GB]), st.sampled_from([12, 24]))
def test_two_minutes_of_a_day_never_sound_alike(value: time, tongue: Tongue, hours: int) -> None:
    later = (datetime.combine(date(2026, 1, 1), value) + timedelta(minutes=1)).time()
    assert calendar.clock(value, tongue, hours) != calendar.clock(later, tongue, hours)


@pytest.mark.parametrize(
    ("seconds", "exact", "es", "en"),
    [
        (0, False, "cero segundos", "zero seconds"),
        (1, True, "un segundo", "one second"),
        (2, False, "cinco segundos", "five seconds"),
        (58, False, "un minuto", "one minute"),
        (170, False, "tres minutos", "three minutes"),
        (21 * 60, False, "veintiún minutos", "twenty one minutes"),
        (3600, False, "una hora", "one hour"),
        (3590, False, "una hora", "one hour"),
        (21 * 3600, True, "veintiuna horas", "twenty one hours"),
        (3725, True, "una hora, dos minutos y cinco segundos", "one hour, two minutes and five seconds"),
        (5400, False, "una hora y treinta minutos", "one hour and thirty minutes"),
        (90000, False, "un día y una hora", "one day and one hour"),
    ],
)
def test_durations(seconds: int, exact: bool, es: str, en: str) -> None:
    assert said(Kind.DURATION, seconds, "es", exact=exact) == es
    assert said(Kind.DURATION, seconds, "en", exact=exact) == en


@given(st.integers(1, 10**6))
def test_rounding_a_duration_stays_near_and_is_stable(seconds: int) -> None:
    rounded = calendar.rounded_s(seconds)
    assert (
        rounded > 0 and abs(rounded - seconds) <= max(4, 30, seconds * 0.05) and calendar.rounded_s(rounded) == rounded
    )


@pytest.mark.parametrize(
    ("value", "tag", "text"),
    [
        ("+34612345678", "es-ES", "seis uno dos, treinta y cuatro, cincuenta y seis, setenta y ocho"),
        ("+34912050078", "es-ES", "nueve uno dos, cero cinco, cero cero, setenta y ocho"),
        ("+525512345678", "es-MX", "cincuenta y cinco, doce, treinta y cuatro, cincuenta y seis, setenta y ocho"),
        ("55 1234 5678", "es-MX", "cincuenta y cinco, doce, treinta y cuatro, cincuenta y seis, setenta y ocho"),
        ("+573001234567", "es-CO", "tres cero cero, uno dos tres, cuarenta y cinco, sesenta y siete"),
        ("+51987654321", "es-PE", "nueve ocho siete, seis cinco cuatro, tres dos uno"),
        ("+56987654321", "es-CL", "nueve, ochenta y siete, sesenta y cinco, cuarenta y tres, veintiuno"),
        ("+541143211234", "es-AR", "once, cuarenta y tres, veintiuno, doce, treinta y cuatro"),
        ("+12125550123", "en", "two one two, five five five, zero one two three"),
        (
            "+34612345678",
            "es-MX",
            "más treinta y cuatro, seis uno dos, treinta y cuatro, cincuenta y seis, setenta y ocho",
        ),
        ("+34612345678", "en", "plus three four, six one two, three four, five six, seven eight"),
    ],
)
def test_telephone_numbers_are_grouped_as_in_their_country(value: str, tag: str, text: str) -> None:
    assert said(Kind.PHONE, value, tag) == text


@given(st.integers(1, 40))
def test_groups_hold_all_digits_and_leave_none_alone(count: int) -> None:
    sizes = symbols.group_sizes(count)
    assert sum(sizes) == count and max(sizes) <= 4 and (count == 1 or min(sizes) >= 2)


@given(st.text("0123456789", min_size=1, max_size=30), st.sampled_from(["es", "en"]))
def test_every_digit_is_said_once_and_in_order(value: str, language: str) -> None:
    tongue = Tongue.of(language)
    spoken = [word for word in symbols.digits(value, tongue) if word != PAUSE]
    assert spoken == [symbols.digit(character, tongue) for character in value]


def test_written_groups_are_kept() -> None:
    assert said(Kind.DIGITS, "12-345", "en") == "one two, three four five"


@pytest.mark.parametrize("value", ["", "12a", "١٢", "--"])
def test_what_are_no_digits_is_refused(value: str) -> None:
    with pytest.raises(NotSpeakable):
        said(Kind.DIGITS, value, "es")


@pytest.mark.parametrize(
    ("value", "tag", "text"),
    [
        ("AB-1", "es", "a be guion uno"),
        ("vw", "es-MX", "ve doble u"),
        ("vw", "es-ES", "uve uve doble"),
        ("ñY", "es", "eñe i griega"),
        ("a@b.es", "es", "a arroba be, punto e ese"),
        ("Zx9", "en", "Z X nine"),
        ("z", "en-GB", "zed"),
    ],
)
def test_codes_are_spelled(value: str, tag: str, text: str) -> None:
    assert said(Kind.LETTERS, value, tag) == text


@pytest.mark.parametrize("value", ["", " ", "漢", "a%"])
def test_a_code_of_other_signs_is_refused(value: str) -> None:
    with pytest.raises(NotSpeakable):
        said(Kind.LETTERS, value, "es")


@pytest.mark.parametrize(("kind", "value"), [(Kind.DATE, "22/11/2026"), (Kind.TIME, "half past"), (Kind.DURATION, -1)])
def test_a_value_of_the_wrong_form_is_refused(kind: Kind, value: object) -> None:
    with pytest.raises(NotSpeakable):
        said(kind, value, "es")
