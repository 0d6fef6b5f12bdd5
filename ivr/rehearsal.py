"""Say every fixed text of a flow once before its first caller, so that nobody waits for a voice to be made."""

from collections.abc import Iterator

from ivr.flow import Flow
from ivr.graph import parts_of
from ivr.phrases import PHRASES
from ivr.port import SayAs, SpeechOut, Spoken
from ivr.texts import Insert, Recording, Text
from ivr.values import PortTrouble


async def rehearse(flow: Flow, speech: SpeechOut) -> list[str]:
    """Speak them, one after the other; what cannot be spoken, in words. Texts with a caller's values are left out."""
    problems = []
    for language in flow.spoken_languages():
        sayings = [_fixed(text, language, flow.language) for text in _texts(flow)]
        for parts in dict.fromkeys(filter(None, sayings)):
            try:
                await speech.render(parts, language)
            except PortTrouble as error:
                problems.append(f"flow {flow.flow}: {error}")
    return problems


def _texts(flow: Flow) -> Iterator[Text]:
    for node in flow.nodes.values():
        for _, text in parts_of(node, Text):
            yield text
    if flow.rescue and flow.rescue.text:
        yield flow.rescue.text
    yield from PHRASES.values()


def _fixed(text: Text, language: str, default: str) -> tuple[Spoken, ...] | None:
    parts = []
    for piece in text.pieces(language, default):
        if isinstance(piece, Insert):
            return None
        parts.append(Spoken(SayAs.PROMPT, piece.name) if isinstance(piece, Recording) else Spoken(SayAs.TEXT, piece))
    return tuple(parts)
