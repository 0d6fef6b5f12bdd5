"""Every way to say a value: the text names it, the checker knows what it fits, the voice has words for it."""

from decimal import Decimal
from pathlib import Path
from typing import cast

from pytest import mark

from ivr.checker import check
from ivr.flow import LoadedFlow
from ivr.port import SayAs, Spoken
from ivr.speech import _FORMS, FlowSpeech
from ivr.values import Value
from media.speech.speaker import Saying, Speaker
from tests.unit.ivr.flows import flow_of


class Told:
    """A speaker that notes what it is to say."""

    def __init__(self) -> None:
        self.words: list[tuple[str, ...]] = []

    def quick(self, phrase: list[Saying], tag: str) -> tuple[str, ...]:
        self.words += [saying.words for saying in phrase]
        return ("sound:x",)


@mark.parametrize(
    ("how", "value", "language", "said"),
    [
        (SayAs.LETTERS, "AB12", "es-ES", "a be uno dos"),
        (SayAs.LETTERS, "AB", "en", "A B"),
        (SayAs.ORDINAL, 3, "es", "tercero"),
        (SayAs.ORDINAL_MASCULINE, 3, "es", "tercer"),
        (SayAs.ORDINAL_FEMININE, 3, "es", "tercera"),
        (SayAs.ORDINAL_FEMININE, 3, "en", "third"),
        (SayAs.NUMBER, 201, "es", "doscientos uno"),
        (SayAs.NUMBER_MASCULINE, 221, "es", "doscientos veintiún"),
        (SayAs.NUMBER_FEMININE, 221, "es", "doscientas veintiuna"),
        (SayAs.NUMBER_FEMININE, Decimal("1.5"), "es", "uno punto cinco"),
    ],
)
async def test_given_a_value_when_said_in_a_way_then_these_are_the_words(
    how: SayAs, value: Value, language: str, said: str
) -> None:
    told = Told()
    speech = FlowSpeech(cast(Speaker, told))
    assert await speech.render([Spoken(how, value)], language) == ("sound:x",)
    assert " ".join(word for word in told.words[0] if word != ",") == said
    speech.close()


def test_given_the_ways_to_say_then_the_documentation_names_each() -> None:
    text = (Path(__file__).parents[3] / "docs" / "ivr.md").read_text(encoding="utf-8")
    assert [way.value for way in SayAs if f"`{way.value}`" not in text] == []
    assert set(_FORMS) == {way for way in SayAs if way.value.endswith(("feminine", "masculine"))}


def flow_with(way: str) -> LoadedFlow:
    head = "variables:\n  code: {type: text, start: \"'AB12'\"}\n  place: {type: number, start: 3}"
    return flow_of(f'  first: {{do: goodbye, text: "Hello {{{way}}}."}}', head)


@mark.parametrize("way", ["code:letters", "place:ordinal", "place:ordinal_feminine", "place:number_masculine"])
def test_given_a_way_that_fits_when_checked_then_the_flow_is_sound(way: str) -> None:
    assert [finding for finding in check(flow_with(way)) if not finding.warning] == []


@mark.parametrize("way", ["code:ordinal", "place:letters", "code:number_feminine"])
def test_given_a_way_that_does_not_fit_when_checked_then_it_is_told(way: str) -> None:
    (finding,) = [finding for finding in check(flow_with(way)) if not finding.warning]
    assert way.partition(":")[2] in finding.message
