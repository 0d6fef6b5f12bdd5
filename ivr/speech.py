"""Speech for flows: the `SpeechOut` port over `media.speech`."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Final

from ivr.port import SayAs, Spoken
from ivr.values import PortTrouble
from media.prompts import PromptMissing
from media.soundfiles import SoundFileUnusable
from media.speech.spanish import Form
from media.speech.speaker import Saying, Speaker
from media.speech.tongue import NotSpeakable, Tongue
from media.speech.tts import SpeechFailed
from media.speech.values import Kind, Manner, words

_KINDS: Final[Mapping[SayAs, Kind]] = {
    SayAs.NUMBER: Kind.NUMBER,
    SayAs.MONEY: Kind.MONEY,
    SayAs.DATE: Kind.DATE,
    SayAs.TIME: Kind.TIME,
    SayAs.PHONE: Kind.PHONE,
    SayAs.DIGITS: Kind.DIGITS,
    SayAs.DURATION: Kind.DURATION,
    SayAs.LETTERS: Kind.LETTERS,
    SayAs.ORDINAL: Kind.ORDINAL,
    SayAs.ORDINAL_FEMININE: Kind.ORDINAL,
    SayAs.ORDINAL_MASCULINE: Kind.ORDINAL,
    SayAs.NUMBER_FEMININE: Kind.NUMBER,
    SayAs.NUMBER_MASCULINE: Kind.NUMBER,
}
_FORMS: Final[Mapping[SayAs, Form]] = {
    SayAs.ORDINAL_FEMININE: Form.FEMININE,
    SayAs.ORDINAL_MASCULINE: Form.MASCULINE,
    SayAs.NUMBER_FEMININE: Form.FEMININE,
    SayAs.NUMBER_MASCULINE: Form.MASCULINE,
}


class FlowSpeech:
    """Phrases of flows as media URIs.

    today: the date where callers live (None: dates are said in full). At most `at_once` phrases are synthesised at a
    time, in threads of their own: an engine that hangs holds up no phrase that is recorded or was said before.
    country: added to a language that names none, such as "ES" for "es".
    """

    def __init__(
        self, speaker: Speaker, today: Callable[[], date] | None = None, country: str = "", at_once: int = 4
    ) -> None:
        self._speaker, self._today, self._country = speaker, today, country
        self._slow = ThreadPoolExecutor(at_once, "speech")

    async def render(self, parts: Sequence[Spoken], language: str) -> tuple[str, ...]:
        """Media in order. Raises PortTrouble; its message never holds a value of a private piece."""
        tag = f"{language}-{self._country}" if self._country and "-" not in language else language
        try:
            phrase = self._phrase(parts, Tongue.of(tag))
            said = await asyncio.to_thread(self._speaker.quick, phrase, tag)
            if said is not None:
                return said
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._slow, self._speaker.media, phrase, tag)
        except (NotSpeakable, SpeechFailed, PromptMissing, SoundFileUnusable, OSError) as error:
            raise PortTrouble(f"cannot speak ({language}): {error}") from None

    def close(self) -> None:
        """End the threads; phrases that wait for one are given up."""
        self._slow.shutdown(wait=False, cancel_futures=True)

    def _phrase(self, parts: Sequence[Spoken], tongue: Tongue) -> list[Saying]:
        today = self._today() if self._today is not None else None
        return [_saying(part, tongue, today) for part in parts]


def _saying(part: Spoken, tongue: Tongue, today: date | None) -> Saying:
    if part.kind is SayAs.TEXT:
        return Saying(text=str(part.value), private=part.private)
    if part.kind is SayAs.PROMPT:
        return Saying(prompt=str(part.value), private=part.private)
    if part.value is None or isinstance(part.value, bool):
        raise NotSpeakable(f"{part.kind}: needs a value, and it is empty or yes/no")
    manner = Manner(part.currency, today, form=_FORMS.get(part.kind, Form.ALONE))
    spoken = words(_KINDS[part.kind], part.value, tongue, manner)
    return Saying(words=spoken, private=part.private)
