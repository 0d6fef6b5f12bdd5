"""After a lost link: what happened meanwhile is never told, so it is worked out from what Asterisk holds now."""

from collections.abc import Iterable
from typing import Any

from telephony.ari.events import read_waiting
from telephony.ari.inbox import Inbox
from telephony.events import Answered, CallEvent, HungUp, Ringing
from telephony.port import BridgeInfo, ChannelInfo, ExchangeState


def missed_events(inboxes: Iterable[Inbox], state: ExchangeState | None, at_s: float) -> list[CallEvent]:
    """The events that the inboxes must have missed. state None: Asterisk restarted and holds nothing of the past."""
    alive = {} if state is None else {channel.channel_id: channel.state for channel in state.channels}
    missed: list[CallEvent] = []
    for inbox in inboxes:
        now = alive.get(inbox.channel_id)
        if now is None and inbox.attached:
            text = "the exchange restarted" if state is None else "it ended while the link was down"
            missed.append(HungUp(inbox.channel_id, at_s, text=text, lost=True))
        elif now == "up" and not inbox.answered:
            missed.append(Answered(inbox.channel_id, at_s))
        elif now == "ringing" and not inbox.rang:
            missed.append(Ringing(inbox.channel_id, at_s))
    return missed


def read_state(channels: list[dict[str, Any]], bridges: list[dict[str, Any]], at_s: float) -> ExchangeState:
    """Asterisk's lists as the port's own words. at_s: monotonic seconds."""
    return ExchangeState(
        tuple(
            ChannelInfo(raw["id"], raw["name"], raw["state"].lower(), waits=read_waiting(raw, at_s)) for raw in channels
        ),
        tuple(BridgeInfo(raw["id"], tuple(raw["channels"])) for raw in bridges),
    )
