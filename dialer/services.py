"""What a call flow needs from the rest of the house, in one place, so that tests and the server compose it alike."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from campaigns.attempt import Attempt
from campaigns.campaign import Campaign
from campaigns.clock import Clock
from campaigns.lead import Lead, LeadChange
from campaigns.ledger import Standing
from campaigns.outcome import Outcome
from dialer.agent_desk import AgentDesk
from dialer.events import EventSink
from dialer.link_watch import LinkWatch
from dialer.listening import Listening
from dialer.ringing import Hint, Signals
from storage.port import AttemptLog
from telephony.port import CallControl


class PromptBook(Protocol):
    """Which sounds a campaign plays, as media URIs for `CallControl.play`."""

    def safe_harbour(self, campaign: Campaign) -> tuple[str, ...]:
        """What a person hears when no agent is free in time."""
        ...

    def voicemail(self, campaign: Campaign) -> tuple[str, ...]:
        """The message left after the beep."""
        ...

    def agent_lost(self, campaign: Campaign) -> tuple[str, ...]:
        """What a customer hears when the agent's line broke and did not come back."""
        ...


class CallRecorder(Protocol):
    """Records conversations. Trouble with a recording is reported to the operator and never ends a call."""

    def begin(self, attempt: Attempt) -> None:
        """Let the exchange record from before the conversation on. Waits for nothing and tells of no trouble.

        `start` takes the recording over once the conversation stands, `discard` undoes it. Repeating does nothing.
        """
        ...

    async def start(self, attempt: Attempt) -> str:
        """Keep what was begun, or begin now; return the recording's path, or "" when it cannot be recorded.

        The recorder itself tells the operator why it cannot.
        """
        ...

    def discard(self, attempt: Attempt) -> None:
        """No conversation came of it: keep nothing of what was begun, if anything was."""
        ...

    async def finish(self, attempt: Attempt) -> None:
        """End and keep the recording."""
        ...


# What the end of an attempt does to its lead: campaigns.recycle with the rules of the campaign's jurisdiction.
Recycle = Callable[[Lead, Outcome, Campaign, float], LeadChange]


@dataclass(frozen=True, slots=True)
class Services:
    """The collaborators of every call flow of one node."""

    node: str
    control: CallControl
    link: LinkWatch
    clock: Clock
    rng: random.Random
    log: AttemptLog
    desk: AgentDesk
    listening: Listening
    prompts: PromptBook
    recorder: CallRecorder
    recycle: Recycle
    sink: EventSink
    # Agents on whom pacing must not count: waiting callers will have them (agents.queue.claimed_by_callers).
    held_for_callers: Callable[[], frozenset[str]] = frozenset
    # Where the rules on abandoned calls stand for a campaign, by its id.
    standings: Callable[[str], Iterable[Standing]] = lambda campaign_id: ()
    # What the signalling of a call that was answered now says of who did.
    hint: Callable[[Signals], Hint] = lambda signals: Hint()
