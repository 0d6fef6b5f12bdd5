"""`timbre up` that ends as by kill -9 between the bridge of its second conversation and whatever is written of it.

`python -m tests.support.dying_server up --config ...`
"""

import os
import signal

from campaigns.outcome import Outcome
from dialer import connect
from dialer.call_flow import CallFlow
from dialer.journal import Detail
from dialer.line import Line
from server.cli import main

_LAST = 2
_talk = connect._talk
_talks = 0


async def _talk_or_die(flow: CallFlow, line: Line, agent_id: str, was_free: bool) -> tuple[Outcome, Detail]:
    global _talks
    _talks += 1
    if _talks == _LAST:
        os.kill(os.getpid(), signal.SIGKILL)
    return await _talk(flow, line, agent_id, was_free)


connect._talk = _talk_or_die

if __name__ == "__main__":
    main()
