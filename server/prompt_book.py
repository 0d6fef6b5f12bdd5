"""Which sounds a campaign plays. Found and converted when the campaign starts, so that no call waits for a file."""

from pathlib import Path
from typing import Final

from campaigns.campaign import Campaign, SafeHarbour
from media.prompts import PromptLibrary, PromptMissing
from media.speech.speaker import Saying, Speaker
from media.speech.tongue import Tongue
from media.speech.tts import SpeechFailed
from media.speech.values import Kind, words

# 16 CFR 310.4(b)(4)(iii), Ofcom's persistent misuse policy: who called and a number to call back; nothing is sold.
_SAFE_HARBOUR: Final = {
    "es": (
        "Hola, le llamamos de {seller}. Ahora nadie puede atenderle, disculpe. Si no desea más llamadas, llame al",
        "Adiós.",
    ),
    "en": (
        "Hello, this is {seller}. Nobody is free to talk to you now, we are sorry. For no more calls, please call",
        "Goodbye.",
    ),
}
_SPOKEN: Final = SafeHarbour().prompt


class PromptBook:
    """`dialer.services.PromptBook` over a prompt library. `prepare` a campaign before it dials."""

    def __init__(self, library: PromptLibrary, speaker: Speaker) -> None:
        """Take sounds from `library`; what must name a campaign's seller and was not recorded is said by `speaker`."""
        self._library = library
        self._speaker = speaker
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def prepare(self, campaign: Campaign) -> None:
        """Find every sound the campaign may play. Blocking. Raises PromptMissing, SoundFileUnusable naming the file."""
        names = {campaign.safe_harbour.prompt, campaign.amd.message or "voicemail_message", "goodbye"}
        for name in names:
            self._known[_key(campaign, name)] = self._find(campaign, name)

    def safe_harbour(self, campaign: Campaign) -> tuple[str, ...]:
        """What a person hears when no agent is free in time."""
        return self._get(campaign, campaign.safe_harbour.prompt)

    def voicemail(self, campaign: Campaign) -> tuple[str, ...]:
        """The message left after the beep."""
        return self._get(campaign, campaign.amd.message or "voicemail_message")

    def agent_lost(self, campaign: Campaign) -> tuple[str, ...]:
        """What a customer hears when the agent's line broke and did not come back."""
        return self._get(campaign, "goodbye")

    def _get(self, campaign: Campaign, name: str) -> tuple[str, ...]:
        key = _key(campaign, name)
        if key not in self._known:
            self.prepare(campaign)
        return self._known[key]

    def _find(self, campaign: Campaign, name: str) -> tuple[str, ...]:
        if Path(name).is_absolute():
            return (self._library.uri_of_file(Path(name)),)
        try:
            return (self._library.uri(name, campaign.language.value),)
        except PromptMissing as missing:
            if name == _SPOKEN:
                return self._spoken(campaign)
            try:  # the built-in sounds write their names with underscores
                return (self._library.uri(name.replace("-", "_"), campaign.language.value),)
            except PromptMissing:
                raise missing from None

    def _spoken(self, campaign: Campaign) -> tuple[str, ...]:
        """The safe-harbour message of a campaign that has not recorded its own."""
        tag = f"{campaign.language.value}-{campaign.country}"
        before, after = _SAFE_HARBOUR[campaign.language.value]
        number = words(Kind.PHONE, campaign.caller_id, Tongue.of(tag))
        phrase = [Saying(text=before.format(seller=campaign.seller)), Saying(words=number), Saying(text=after)]
        try:
            return self._speaker.media(phrase, tag)
        except SpeechFailed as error:
            raise PromptMissing(
                f"the safe-harbour message could not be spoken ({error}): record one that names the seller and a "
                f"number, as sounds/{campaign.language.value}/{_SPOKEN}.wav in the var folder"
            ) from error


def _key(campaign: Campaign, name: str) -> tuple[str, ...]:
    spoken = (campaign.seller, campaign.caller_id, campaign.country) if name == _SPOKEN else ()
    return (campaign.language.value, name, *spoken)
