"""Say a text, play a recorded prompt, say good-bye."""

from typing import ClassVar, Literal

from ivr.events import Exit
from ivr.fields import NodeName, Outside
from ivr.nodes.base import Node
from ivr.port import SayAs, Spoken
from ivr.texts import Text
from ivr.visit import Go, Step, Stop, Visit


class Say(Node):
    """Say a text and go on."""

    failures: ClassVar[tuple[str, ...]] = ("failed",)
    do: Literal["say"]
    text: Text
    barge_in: bool = True
    next: NodeName
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Speak."""
        await at.say(self.text, barge_in=self.barge_in)
        return Go("next", self.next)


class Play(Node):
    """Play a recorded prompt by its name and go on."""

    failures: ClassVar[tuple[str, ...]] = ("failed",)
    do: Literal["play"]
    recording: Outside
    barge_in: bool = True
    next: NodeName
    failed: NodeName | None = None

    async def visit(self, at: Visit) -> Step:
        """Play."""
        media = await at.world.speech.render((Spoken(SayAs.PROMPT, self.recording),), at.language)
        await at.play(media, barge_in=self.barge_in)
        return Go("next", self.next)


class Goodbye(Node):
    """Say good-bye and hang up."""

    failures: ClassVar[tuple[str, ...]] = ("failed",)
    do: Literal["goodbye"]
    text: Text
    failed: NodeName | None = None

    def ends(self) -> bool:
        """Always."""
        return True

    async def visit(self, at: Visit) -> Step:
        """Speak to the end: a key does not cut the last words."""
        await at.say(self.text, barge_in=False)
        return Stop(Exit.GOODBYE)


class Goto(Node):
    """Go to another node."""

    do: Literal["goto"]
    to: NodeName

    async def visit(self, at: Visit) -> Step:
        """Go."""
        return Go("to", self.to)
