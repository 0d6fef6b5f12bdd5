"""Phone numbers: read as people write them, kept as E.164, shown masked."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any, NewType

import phonenumbers
from phonenumbers import timezone
from phonenumbers.phonemetadata import PhoneMetadata
from phonenumbers.phonenumberutil import is_number_type_geographical
from phonenumbers.tzdata import TIMEZONE_DATA

E164 = NewType("E164", str)

_PLAIN = re.compile(r"\+([2-9]\d{8,14})")
_OLD_MEXICAN = re.compile(r"(?:0?1|0?4[45])(\d{10})")
_UNKNOWN_ZONE = "Etc/Unknown"
# Where a country has several zones: that of its largest city.
_LARGEST_CITY_ZONES = {
    "AU": "Australia/Sydney", "BR": "America/Sao_Paulo", "CA": "America/Toronto", "EC": "America/Guayaquil",
    "ES": "Europe/Madrid", "GB": "Europe/London", "MX": "America/Mexico_City", "PT": "Europe/Lisbon",
    "US": "America/New_York",
}  # fmt: skip


class PhoneError(ValueError):
    """A text is not a phone number that can be dialled; the message says why and never holds the whole number."""


def parse_phone(text: str, region: str) -> E164:
    """Read a number as people write it; `region` (ISO 3166 alpha-2) is meant when it has no country prefix.

    Raises PhoneError for anything that the numbering plans (`phonenumbers`) do not know as a possible subscriber.
    """
    return _e164(_parsed(text, region))


def read_phone(text: str, region: str) -> tuple[E164, tuple[str, ...]]:
    """As parse_phone, with the IANA zones the number may ring in: one parse for both, for long lists."""
    number = _parsed(text, region)
    return _e164(number), _zones(number)


def is_e164(text: str) -> bool:
    """Whether `text` is a valid number written as E.164, such as +34612345678."""
    try:
        return parse_phone(text, "ZZ") == text
    except PhoneError:
        return False


def mask(phone: str) -> str:
    """The number as logs may show it: +34*****678. Short or odd texts are masked whole."""
    digits = "".join(char for char in phone if char.isdigit())
    if len(digits) < 7:
        return "*" * len(digits)
    head = ("+" if phone.startswith("+") else "") + digits[:2]
    return head + "*" * (len(digits) - 5) + digits[-3:]


@lru_cache(maxsize=65_536)
def zones_of(phone: str) -> tuple[str, ...]:
    """All IANA zones that an E.164 number may ring in, by its prefix; empty when nobody knows."""
    number = _number(phone)
    return _zones(number) if number else ()


@lru_cache(maxsize=65_536)
def country_of(phone: str) -> str:
    """ISO 3166 alpha-2 country of an E.164 number, "" when it belongs to none."""
    number = _number(phone)
    return phonenumbers.region_code_for_number(number) or "" if number else ""


@lru_cache(maxsize=1024)
def _number(phone: str) -> phonenumbers.PhoneNumber | None:
    """An E.164 number taken apart, once for all that is asked of it in one go; None when it is none.

    Most prefixes belong to one country and its numbers stand in E.164 as they are in `PhoneNumber`; the library's
    parser, made for what people write, is left for the others: it costs ten times as much.
    """
    if plain := _PLAIN.fullmatch(phone):
        for length in (2, 3):
            countries = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(plain[1][:length]), ())
            if len(countries) == 1 and plain[1][length] != "0":
                return phonenumbers.PhoneNumber(int(plain[1][:length]), int(plain[1][length:]))
    try:
        return phonenumbers.parse(phone, None)
    except phonenumbers.NumberParseException:
        return None


def is_mobile(phone: str) -> bool:
    """Whether an E.164 number may be a mobile (in North America nobody can tell: True); False for what is no number."""
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(phone, None))
    except phonenumbers.NumberParseException:
        return False
    return kind in {phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE}


def national_part(phone: str, region: str) -> str:
    """The digits of an E.164 number after the country prefix of `region`; "" when it is not a number of that prefix."""
    prefix = f"+{phonenumbers.country_code_for_region(region)}"
    return phone.removeprefix(prefix) if phone.startswith(prefix) else ""


def is_region(code: str) -> bool:
    """Whether numbers of this ISO 3166 alpha-2 country are known."""
    return code in phonenumbers.SUPPORTED_REGIONS


def home_zone(country: str) -> str:
    """The zone by which a campaign of this country keeps its day when its file names none; "" for no country."""
    if not is_region(country):
        return ""
    zones = _country_zones(phonenumbers.country_code_for_region(country))
    return _LARGEST_CITY_ZONES.get(country) or next((zone for zone in zones if zone != _UNKNOWN_ZONE), "")


def _parsed(text: str, region: str) -> phonenumbers.PhoneNumber:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise PhoneError(_why_unreadable(error, region)) from None
    if number.extension:
        raise PhoneError("it has an extension, which a dialer cannot reach: give the direct number")
    number = _without_old_mexican_prefix(number)
    if not phonenumbers.is_valid_number(number):
        raise PhoneError(_why_invalid(number))
    return number


def _without_old_mexican_prefix(number: phonenumbers.PhoneNumber) -> phonenumbers.PhoneNumber:
    """Mexico dropped 1 (from abroad), 01, 044 and 045 in 2019; lists and WhatsApp still carry them."""
    if number.country_code != 52:
        return number
    old = _OLD_MEXICAN.fullmatch(phonenumbers.national_significant_number(number))
    return phonenumbers.parse(f"+52{old[1]}", None) if old else number


def _e164(number: phonenumbers.PhoneNumber) -> E164:
    return E164(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _zones(number: phonenumbers.PhoneNumber) -> tuple[str, ...]:
    """Numbers that belong to no place (mobiles) ring anywhere in their country; others where their prefix says.

    What kind a number is costs most of the time, and need not be known where its prefix says the whole country. The
    library tries a dozen patterns one after the other in Python; `_Kinds` asks the same in one or two.
    """
    zones = timezone.time_zones_for_geographical_number(number)
    if zones != _country_zones(number.country_code):
        kinds = _kinds_in(number.country_code, phonenumbers.region_code_for_number(number) or "")
        kind = kinds.of(phonenumbers.national_significant_number(number)) if kinds else _Kind.UNKNOWN
        if kind is _Kind.UNKNOWN:
            return ()
        if kind is _Kind.ANYWHERE:
            zones = TIMEZONE_DATA.get(str(number.country_code), ())
    return tuple(zone for zone in zones if zone != _UNKNOWN_ZONE)


class _Kind(Enum):
    """All that the zones of a number depend on."""

    UNKNOWN = auto()
    AT_A_PLACE = auto()
    ANYWHERE = auto()


@dataclass(frozen=True, slots=True)
class _Kinds:
    """A region's numbering plan as three patterns, in the order in which `phonenumbers.number_type` asks."""

    valid: re.Pattern[str]
    elsewhere: re.Pattern[str] | None  # premium, toll free, voice over IP...: before fixed lines and mobiles
    at_a_place: re.Pattern[str] | None
    mobile: re.Pattern[str] | None

    def of(self, national: str) -> _Kind:
        """What kind of number the digits after the country prefix are."""
        if not self.valid.fullmatch(national):
            return _Kind.UNKNOWN
        if self.elsewhere and self.elsewhere.fullmatch(national):
            return _Kind.ANYWHERE
        if self.at_a_place and self.at_a_place.fullmatch(national):
            return _Kind.AT_A_PLACE
        return _Kind.ANYWHERE if self.mobile and self.mobile.fullmatch(national) else _Kind.UNKNOWN


@lru_cache(maxsize=1024)
def _kinds_in(country_code: int, region: str) -> _Kinds | None:
    plan = PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    if plan is None or (valid := _pattern(plan.general_desc)) is None:
        return None
    elsewhere = _pattern(
        plan.premium_rate, plan.toll_free, plan.shared_cost, plan.voip,
        plan.personal_number, plan.pager, plan.uan, plan.voicemail,
    )  # fmt: skip
    places = [plan.fixed_line]
    if is_number_type_geographical(phonenumbers.PhoneNumberType.MOBILE, country_code):
        places.append(plan.mobile)
    return _Kinds(valid, elsewhere, _pattern(*places), _pattern(plan.mobile))


def _pattern(*descriptions: Any) -> re.Pattern[str] | None:
    """Any of these kinds of the numbering plan, of their lengths; None when the plan has none of them."""
    texts = [
        f"(?=(?:{'|'.join(f'.{{{length}}}' for length in each.possible_length)})$)(?:{each.national_number_pattern})"
        if each.possible_length
        else f"(?:{each.national_number_pattern})"
        for each in descriptions
        if each and each.national_number_pattern
    ]
    return re.compile("|".join(texts)) if texts else None


@lru_cache(maxsize=1024)
def _country_zones(country_code: int) -> tuple[str, ...]:
    return tuple(timezone.time_zones_for_geographical_number(phonenumbers.PhoneNumber(country_code, 0)))


def _why_unreadable(error: phonenumbers.NumberParseException, region: str) -> str:
    if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
        return f"it has no country prefix that exists, and {region!r} gave none: write it as +34..., or set the region"
    if error.error_type == phonenumbers.NumberParseException.TOO_LONG:
        return "it has too many digits for a phone number"
    if error.error_type == phonenumbers.NumberParseException.NOT_A_NUMBER:
        return "it is not a phone number"
    return "it has too few digits for a phone number"


def _why_invalid(number: phonenumbers.PhoneNumber) -> str:
    why = phonenumbers.is_possible_number_with_reason(number)
    prefix = f"+{number.country_code}"
    if why == phonenumbers.ValidationResult.TOO_SHORT:
        return f"it has too few digits for a number of {prefix}"
    if why == phonenumbers.ValidationResult.TOO_LONG:
        return f"it has too many digits for a number of {prefix}"
    return f"no subscriber of {prefix} can have this number: check the prefix and the digits"
