"""Tells the log what happens: troubles as warnings, links and verdicts and ends of calls as they come."""

from collections.abc import Callable
from typing import Any

from campaigns.attempt import AttemptState
from dialer.events import AttemptMoved, DialerEvent, Doubted, LinkChanged, PersonConnected, Trouble, VerdictSaid

TOLD = (Trouble, LinkChanged, AttemptMoved, VerdictSaid, PersonConnected, Doubted)


def narrate(log: Any) -> Callable[[DialerEvent], None]:
    """A listener that writes to `log` (structlog)."""

    def take(event: DialerEvent) -> None:
        match event:
            case Trouble(where=where, words=words, attempt_id=attempt_id):
                log.warning(words, part=where, **({"attempt": attempt_id} if attempt_id else {}))
            case LinkChanged(state=state):
                log.info("link to the exchange", state=state.value)
            case AttemptMoved(attempt=attempt) if attempt.state is AttemptState.ENDED:
                log.debug("attempt ended", attempt=attempt.attempt_id, outcome=str(attempt.outcome))
            case VerdictSaid(attempt_id=attempt_id, verdict=verdict):
                log.debug("verdict", attempt=attempt_id, verdict=verdict.call_class.value, cause=verdict.cause)
            case PersonConnected(attempt_id=attempt_id, agent_id=agent_id):
                log.debug("connected", attempt=attempt_id, agent=agent_id)
            case Doubted(attempt_id=attempt_id, agent_id=agent_id, verdict=verdict):
                words = f"probably no person: {verdict.call_class.value}"
                log.info(words, attempt=attempt_id, agent=agent_id, cause=verdict.cause)
            case _:
                pass

    return take
