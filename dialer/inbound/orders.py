"""What an agent asks of the caller it talks to: the acts, their targets, and the answer."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from dialer.inbound.call import CallRefused


class TargetOf(StrEnum):
    """Whom an agent gives a caller to, or asks."""

    AGENT = "agent"
    QUEUE = "queue"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Target:
    """An agent's id, a queue's id, or an E.164 number."""

    kind: TargetOf
    name: str


class Act(StrEnum):
    """What an agent can do with the caller it talks to."""

    HOLD = "hold"  # the caller hears music
    RESUME = "resume"
    TRANSFER = "transfer"  # blind: the agent is out at once
    SURVEY = "survey"  # the agent is out, the flow goes on with the survey
    CONSULT = "consult"  # talk with the target while the caller hears music
    COMPLETE = "complete"  # the consulted one takes the caller
    CONFERENCE = "conference"  # all three talk
    BACK = "back"  # the consulted one leaves, the agent is with the caller again


@dataclass(slots=True)
class Order:
    """One act, and its answer: set when it is done, CallRefused when it cannot be."""

    act: Act
    target: Target | None = None
    done: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def carried_out(self) -> None:
        """It is done; says so once."""
        if not self.done.done():
            self.done.set_result(None)

    def refuse(self, words: str) -> None:
        """It cannot be done; says so unless it was answered."""
        if not self.done.done():
            self.done.set_exception(CallRefused(words))
