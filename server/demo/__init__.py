"""The outside world of the demo and: a telephone network, voices and leads. Nothing here serves real calls."""

from pathlib import Path


def campaign_file() -> Path:
    """The demo's campaign, in the format of every campaign file."""
    return Path(__file__).with_name("campaign.toml")
