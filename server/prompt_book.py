"""Which sounds a campaign plays. Found and converted when the campaign starts, so that no call waits for a file."""

from pathlib import Path

from campaigns.campaign import Campaign
from media.prompts import PromptLibrary, PromptMissing


class PromptBook:
    """`dialer.services.PromptBook` over a prompt library. `prepare` a campaign before it dials."""

    def __init__(self, library: PromptLibrary) -> None:
        """Take sounds from `library`."""
        self._library = library
        self._known: dict[tuple[str, str], tuple[str, ...]] = {}

    def prepare(self, campaign: Campaign) -> None:
        """Find every sound the campaign may play. Blocking. Raises PromptMissing, SoundFileUnusable naming the file."""
        names = {campaign.safe_harbour.prompt, campaign.amd.message or "voicemail_message", "goodbye"}
        for name in names:
            self._known[campaign.language.value, name] = (self._find(campaign, name),)

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
        key = campaign.language.value, name
        if key not in self._known:
            self.prepare(campaign)
        return self._known[key]

    def _find(self, campaign: Campaign, name: str) -> str:
        if Path(name).is_absolute():
            return self._library.uri_of_file(Path(name))
        try:
            return self._library.uri(name, campaign.language.value)
        except PromptMissing:
            # The built-in sounds write their names with underscores.
            return self._library.uri(name.replace("-", "_"), campaign.language.value)
