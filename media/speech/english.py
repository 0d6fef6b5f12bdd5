"""English numbers in words, American or British ("and" before tens)."""

from typing import Final

from media.speech.tongue import NotSpeakable, Words

LARGEST: Final = 10**18 - 1
_SMALL: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_SCALES: Final = (
    (10**15, "quadrillion"),
    (10**12, "trillion"),
    (10**9, "billion"),
    (10**6, "million"),
    (1000, "thousand"),
)
_IRREGULAR: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip


def cardinal(value: int, british: bool = False) -> Words:
    """An integer of up to 18 digits; short scale. Raises NotSpeakable above that."""
    if abs(value) > LARGEST:
        raise NotSpeakable("a number is spoken up to 18 digits: say it digit by digit")
    if value < 0:
        return ("minus", *cardinal(-value, british))
    said: list[str] = []
    rest = value
    for size, name in _SCALES:
        count, rest = divmod(rest, size)
        if count:
            said += [*_below_thousand(count, british), name]
    if british and said and 0 < rest < 100:
        said.append("and")
    return tuple(said) + _below_thousand(rest, british) or ("zero",)


def _below_thousand(value: int, british: bool) -> Words:
    hundreds, rest = divmod(value, 100)
    said: Words = (_SMALL[hundreds], "hundred") if hundreds else ()
    if said and rest and british:
        said = (*said, "and")
    return (*said, *below_hundred(rest)) if rest else said


def below_hundred(value: int) -> Words:
    """0 to 99."""
    if value < 20:
        return (_SMALL[value],)
    tens, units = divmod(value, 10)
    return (_TENS[tens - 2], _SMALL[units]) if units else (_TENS[tens - 2],)


def ordinal(value: int, british: bool = False) -> Words:
    """First, second, twenty first... value: 1 or more."""
    if value < 1:
        raise NotSpeakable("an ordinal is 1 or more")
    *head, last = cardinal(value, british)
    if last in _IRREGULAR:
        return (*head, _IRREGULAR[last])
    return (*head, last[:-1] + "ieth" if last.endswith("y") else last + "th")


def year(value: int) -> Words:
    """1000 to 9999, as a year: nineteen oh five, two thousand six, twenty twenty six."""
    century, rest = divmod(value, 100)
    if not 10 <= century <= 99:
        return cardinal(value)
    if century % 10 == 0 and rest < 10:
        return cardinal(value)
    if rest == 0:
        return (*below_hundred(century), "hundred")
    return (*below_hundred(century), *(("oh",) if rest < 10 else ()), *below_hundred(rest))
