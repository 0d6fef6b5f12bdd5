"""What holds for a whole flow."""

from typing import Annotated

from pydantic import Field

from ivr.fields import Name, NodeName, Outside, Part
from ivr.texts import Text
from ivr.variables import Variable

Language = Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")]


class Rescue(Part):
    """Where a caller goes when something failed and the node names no branch: told, then a person, then a callback.

    text: said first (a built-in sentence when not given). queue: the people. callback: when nobody can be reached the
    caller's number is kept for a callback.
    """

    queue: Outside
    text: Text | None = None
    callback: bool = True
    longest_s: Annotated[float, Field(gt=0, le=7200)] = 600.0


class FlowHead(Part):
    """A flow without its nodes. zone: IANA time zone of its hours and dates."""

    flow: Name
    title: str = ""
    language: Language = "es"
    languages: tuple[Language, ...] = ()
    zone: str = "UTC"
    start: NodeName
    rescue: Rescue | None = None
    variables: dict[Name, Variable] = Field(default_factory=dict)
    longest_s: Annotated[float, Field(ge=30, le=7200)] = 1800.0

    def spoken_languages(self) -> tuple[str, ...]:
        """The languages that every text must have, the default first."""
        return (self.language, *(each for each in self.languages if each != self.language))
