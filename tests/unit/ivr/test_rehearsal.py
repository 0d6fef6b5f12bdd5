from collections.abc import Sequence

from ivr.flow import load_flow
from ivr.phrases import PHRASES, Phrase
from ivr.port import Spoken
from ivr.rehearsal import rehearse
from ivr.values import PortTrouble
from tests.unit.ivr.flows import READY


class Voice:
    def __init__(self, mute: str = "") -> None:
        self.said: list[tuple[str, str]] = []
        self._mute = mute

    async def render(self, parts: Sequence[Spoken], language: str) -> tuple[str, ...]:
        words = " ".join(str(part.value) for part in parts)
        if self._mute and self._mute in words:
            raise PortTrouble(f"cannot speak ({language}): no voice")
        self.said.append((language, words))
        return ("sound:x",)


async def test_given_a_flow_when_rehearsed_then_fixed_texts_are_said_and_values_are_not() -> None:
    voice = Voice()
    loaded = load_flow(READY / "en" / "balance.yaml")
    assert await rehearse(loaded.flow, voice) == []
    said = [words for _, words in voice.said]
    assert "Welcome to the balance line." in said and PHRASES[Phrase.INVALID].by_language["en"][0] in said
    assert len(said) == len(set(said)) and not any("outstanding balance is" in words for words in said)


async def test_given_a_voice_that_fails_when_rehearsed_then_it_is_told_once_and_the_rest_is_said() -> None:
    voice = Voice("Welcome")
    loaded = load_flow(READY / "en" / "balance.yaml")
    assert await rehearse(loaded.flow, voice) == ["flow balance: cannot speak (en): no voice"]
    assert len(voice.said) > 10
