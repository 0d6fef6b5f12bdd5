"""Calls that end by what is heard before the answer."""

import contextlib
from collections.abc import Callable

from amd.verdict import CallClass, Verdict
from campaigns.clock import Clock
from dialer.ending import Ending, words_of
from dialer.line import Line
from telephony.causes import network_knows_more, outcome_of_verdict

# Only tones end the attempt: speech there may be a ringback melody with words.
_ENDINGS = frozenset({CallClass.SIT, CallClass.BUSY, CallClass.FAX})
# A special information tone without a kind says "not available" of dead numbers and full networks alike. The
# announcement after it is said once or twice before the network ends the call with a cause, which knows.
_HEARD_OUT_S = 12.0


async def ending_of(early: Verdict, line: Line, clock: Clock, giving_up: Callable[[], bool]) -> Ending | None:
    """How a call ends by what was heard, None when it goes on.

    Where the network's own end of the call says more it is waited for, a while: LineGone is raised when it comes, and
    its cause counts. A call that is answered meanwhile, or given up, ends by what was heard.
    """
    if early.call_class not in _ENDINGS:
        return None
    if network_knows_more(early):
        due_s = clock.monotonic_s() + _HEARD_OUT_S
        while not (line.answered.is_set() or giving_up()) and (left_s := due_s - clock.monotonic_s()) > 0:
            with contextlib.suppress(TimeoutError):
                await line.stir(left_s)
    return Ending(outcome_of_verdict(early), words_of(early))
