"""When something failed and no branch is named: the caller is told, then goes to a person, then to a callback."""

from campaigns.ids import key_of
from ivr.events import Exit, NodeEntered
from ivr.functions import ExpressionFailed
from ivr.line import QueueEnd, QueueOrder
from ivr.nodes.people import Announcements, Announcer
from ivr.phrases import PHRASES, Phrase
from ivr.port import CallbackRequest
from ivr.texts import Text
from ivr.values import PortTrouble
from ivr.visit import Visit

RESCUE = "rescue"
"""The node name under which the rescue stands in events."""


async def rescue(at: Visit, branch: str) -> Exit:
    """Bring the caller to a person, else promise a callback, else say so. Raises CallerGone only."""
    rule = at.flow.rescue
    at.trouble(f"no node is named for {branch!r}: the caller goes to the rescue")
    at.node = RESCUE
    at.note(NodeEntered(at.line.facts.call_id, at.flow.flow, at.version, at.now_s(), RESCUE, RESCUE))
    if rule is not None:
        await _heard(at, rule.text or PHRASES[Phrase.TO_A_PERSON])
        if await _talked(at, rule.queue, rule.longest_s):
            at.talked = True
            return Exit.TALKED
    if (rule is None or rule.callback) and await _kept(at, rule.queue if rule else ""):
        at.promised = True
        return Exit.CALLBACK if await _heard(at, PHRASES[Phrase.CALL_YOU_BACK]) else Exit.BROKEN
    return Exit.TOLD if await _heard(at, PHRASES[Phrase.SORRY]) else Exit.BROKEN


async def _heard(at: Visit, text: Text) -> bool:
    try:
        await at.say(text, barge_in=False)
    except (PortTrouble, ExpressionFailed) as error:
        at.trouble(f"the rescue could not speak: {error}")
        return False
    return True


async def _talked(at: Visit, queue: str, longest_s: float) -> bool:
    at.waiting_since_s = at.waiting_since_s or at.now_s()
    order = QueueOrder(
        queue,
        longest_s,
        announce=Announcer(at, Announcements()),
        language=at.language,
        since_s=at.waiting_since_s,
    )
    try:
        end = await at.line.wait_in_queue(order)
    except PortTrouble as error:
        at.trouble(f"queue {queue!r}: {error}")
        return False
    if end.end is QueueEnd.TALKED:
        return True
    at.trouble(f"queue {queue!r}: {end.end}")
    return False


async def _kept(at: Visit, queue: str) -> bool:
    facts = at.line.facts
    if not facts.caller:
        return False
    since_s = at.waiting_since_s or at.now_s()
    # The same promise again after a restart.
    request_id = key_of(f"{facts.call_id}:{RESCUE}:{facts.caller}")
    request = CallbackRequest(request_id, facts.call_id, facts.caller, queue, since_s, None, at.language)
    try:
        await at.durably(at.world.answers.callback(request), 10.0)
    except (PortTrouble, ExpressionFailed) as error:
        at.trouble(f"a callback could not be kept: {error}")
        return False
    return True
