"""After a start, or after the exchange was out of reach: make attempts and reality agree before anything is dialled.

Reality is what the exchange has now. Conversations go on; people who wait in silence are told who called; calls that
only rang are taken back; attempts without a call are ended; channels and bridges without an attempt are removed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from campaigns.attempt import Attempt, AttemptState
from campaigns.ids import agent_key_of, attempt_id_of
from campaigns.outcome import Outcome
from telephony.port import ChannelInfo, ExchangeState

_ANSWERED = frozenset({AttemptState.ANSWERED, AttemptState.SCREENING, AttemptState.CONNECTING})


@dataclass(frozen=True, slots=True)
class RecoveryPlan:
    """What has to be done, decided without doing it.

    adopt: conversations that go on, with the bridge they are in. apologise: answered calls without a conversation.
    take_back: calls that ring. end: attempts without a call, with their outcome. stray_channels, stray_bridges: leaks,
    to be removed and counted.
    """

    adopt: tuple[tuple[Attempt, str], ...] = ()
    apologise: tuple[Attempt, ...] = ()
    take_back: tuple[Attempt, ...] = ()
    end: tuple[tuple[Attempt, Outcome], ...] = ()
    stray_channels: tuple[str, ...] = ()
    stray_bridges: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether attempts and reality agree already."""
        return self == RecoveryPlan()

    def words(self) -> str:
        """What will be done, for the operator."""
        return (
            f"{len(self.adopt)} conversations go on, {len(self.apologise)} answered calls get the message, "
            f"{len(self.take_back)} ringing calls are taken back, {len(self.end)} attempts without a call are ended, "
            f"{len(self.stray_channels)} channels and {len(self.stray_bridges)} bridges without an attempt are removed"
        )


def plan_recovery(
    unfinished: Iterable[Attempt],
    state: ExchangeState,
    *,
    running: frozenset[str] = frozenset(),
    agent_keys: frozenset[str] | None = None,
) -> RecoveryPlan:
    """Compare attempts that are not ENDED with what the exchange has.

    running: attempts whose flow is alive in this process; they look after themselves, and so do their channels.
    agent_keys: of the agents who are signed in; standing legs of others are strays. None: legs are not looked at.
    """
    channels = {channel.channel_id: channel for channel in state.channels}
    bridge_of = {channel_id: bridge.bridge_id for bridge in state.bridges for channel_id in bridge.channel_ids}
    left = [attempt for attempt in unfinished if attempt.attempt_id not in running]
    adopt, apologise, take_back, end = [], [], [], []
    for attempt in left:
        channel = channels.get(attempt.channel_id)
        if channel is None:
            end.append((attempt, _outcome_without_call(attempt)))
        elif _talks(attempt, bridge_of):
            adopt.append((attempt, bridge_of[attempt.channel_id]))
        elif _was_answered(attempt, channel):
            apologise.append(attempt)
        else:
            take_back.append(attempt)
    known = running | {attempt.attempt_id for attempt in left if attempt.channel_id in channels}
    adopted = {attempt.attempt_id for attempt in left}
    return RecoveryPlan(
        tuple(adopt),
        tuple(apologise),
        tuple(take_back),
        tuple(end),
        tuple(sorted(name for name in channels if _stray(name, known, adopted) or _nobodys(name, agent_keys))),
        tuple(
            sorted(
                bridge.bridge_id
                for bridge in state.bridges
                if _stray(bridge.bridge_id, known, adopted) or _nobodys(bridge.bridge_id, agent_keys)
            )
        ),
    )


def _stray(name: str, known: frozenset[str] | set[str], adopted: set[str]) -> bool:
    """Ours by its name, but no attempt answers for it; taps of attempts being recovered are leftovers too."""
    attempt_id = attempt_id_of(name)
    if attempt_id is None:
        return False
    return attempt_id not in known or (attempt_id in adopted and not name.endswith("-call"))


def _nobodys(name: str, agent_keys: frozenset[str] | None) -> bool:
    """A standing leg (or its bridge) of nobody who is signed in: its sign-out met a lost link."""
    agent_key = agent_key_of(name)
    return agent_keys is not None and agent_key is not None and agent_key not in agent_keys


def _outcome_without_call(attempt: Attempt) -> Outcome:
    if attempt.state is AttemptState.BRIDGED:
        return Outcome.BRIDGED
    return Outcome.CUSTOMER_HUNG_UP if attempt.state in _ANSWERED else Outcome.LOST


def _talks(attempt: Attempt, bridge_of: dict[str, str]) -> bool:
    # The bridge is the proof, not the row: the row of a conversation that began milliseconds ago may not be written.
    return bridge_of.get(attempt.channel_id, "").endswith("-legb")


def _was_answered(attempt: Attempt, channel: ChannelInfo) -> bool:
    return channel.state == "up" or attempt.state in _ANSWERED or attempt.state is AttemptState.BRIDGED
