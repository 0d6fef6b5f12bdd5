import random

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType as T
from phonenumbers import timezone

from campaigns.dnc import read_dnc
from campaigns.phone import (
    PhoneError,
    _country_zones,
    _number,
    _zones,
    country_of,
    is_e164,
    is_mobile,
    mask,
    parse_phone,
    zones_of,
)


@pytest.mark.parametrize(
    ("phone", "masked"),
    [("+34612345678", "+34******678"), ("612 345 678", "61****678"), ("12345", "*****"), ("", ""), ("ana", "")],
)
def test_a_masked_number_keeps_its_ends_only(phone, masked):
    assert mask(phone) == masked


@given(st.text(alphabet="+0123456789 -", max_size=25))
def test_a_mask_hides_all_but_five_digits(phone):
    assert sum(char.isdigit() for char in mask(phone)) <= 5
    assert sum(char.isdigit() or char == "*" for char in mask(phone)) == sum(char.isdigit() for char in phone)


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_a_phone_error_that_does_not_hold_it(text):
    try:
        phone = parse_phone(text, "ES")
    except PhoneError as error:
        assert sum(char.isdigit() for char in str(error)) <= 5
    else:
        assert is_e164(phone)
        assert parse_phone(phone, "MX") == phone


@pytest.mark.parametrize(
    ("text", "region", "e164"),
    [
        ("55 1234 5678", "MX", "+525512345678"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("+52 1 55 1234 5678", "ES", "+525512345678"),
        ("52 1 55 1234 5678", "MX", "+525512345678"),
        ("01 55 1234 5678", "MX", "+525512345678"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("(11) 98765-4321", "BR", "+5511987654321"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("(212) 555-1234", "US", "+12125551234"),
    ],
)
def test_national_ways_of_writing_are_read(text, region, e164):
    assert parse_phone(text, region) == e164


def test_zone_country_and_kind_come_from_the_number():
    assert zones_of("+34922123456") == ("Atlantic/Canary",)
    assert zones_of("nonsense") == ()
    assert (country_of("+525512345678"), country_of("nonsense")) == ("MX", "")
    assert is_mobile("+34612345678")
    assert not is_mobile("+34912345678")


def test_a_number_in_e164_is_taken_apart_as_the_library_does_in_every_country():
    examples = []
    for region in phonenumbers.SUPPORTED_REGIONS:
        for kind in (T.FIXED_LINE, T.MOBILE, T.TOLL_FREE, T.VOIP):
            if example := phonenumbers.example_number_for_type(region, kind):
                examples.append(phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164))
    assert len(examples) > 500
    for text in [*examples, "+34", "+3461234567", "+340612345678", "+999123456789", "34612345678", "+34612345678x"]:
        try:
            parsed = phonenumbers.parse(text, None)
        except phonenumbers.NumberParseException:
            parsed = None
        assert _number(text) == parsed, text


def test_a_do_not_call_list_names_every_line_it_cannot_read():
    lines = ["\ufefftelefono;fecha", "612345678;2026-01-01", "", "# x", "12", '"+34 912 345 678"']
    found = list(read_dnc(lines, "ES"))
    assert [(line.line, line.phone) for line in found] == [(2, "+34612345678"), (5, None), (6, "+34912345678")]
    assert found[1].reason


def test_the_zones_of_a_number_are_the_library_s_in_every_country_and_of_every_kind():
    rng, asked = random.Random(5), 0
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for number in _like_examples_of(code, regions, rng):
            zones = timezone.time_zones_for_geographical_number(number)
            if zones != _country_zones(code):
                zones = timezone.time_zones_for_number(number)
                asked += 1
            assert _zones(number) == tuple(zone for zone in zones if zone != "Etc/Unknown"), number
    assert asked > 1000


def _like_examples_of(code, regions, rng):
    """A number of each kind that the region has, valid and not: with other last digits, one more, one less."""
    for region in regions:
        for kind in range(11):
            if example := phonenumbers.example_number_for_type(region, kind):
                digits = str(example.national_number)
                tail = rng.randrange(1, len(digits))
                other = digits[:tail] + "".join(rng.choice("0123456789") for _ in digits[tail:])
                for text in (digits, other, digits + "1", digits[:-1]):
                    yield phonenumbers.PhoneNumber(code, int(text))
